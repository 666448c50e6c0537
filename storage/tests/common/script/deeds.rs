//! What operators do with the console.

use anser_storage::command::*;

use super::Author;

impl Author {
    /// An operator's deeds, of which some are pushes.
    pub(super) fn note(&mut self, of: usize) {
        let app = self.apps[of].app;
        let deed = Deed { operator: "ann".into(), action: "rest".into(), status: 200, ..Deed::default() };
        let command = match self.apps[of].pushes.last().copied() {
            Some(push) => OperatorCommand::NotePush { deed, app, push, object: "{}".into() },
            None => OperatorCommand::Note(deed),
        };
        self.write(Command::Operator(command));
    }
}

/// Under one cid of each group, so that most are repeats.
pub(super) fn group_push(key: String) -> AccountCommand {
    AccountCommand::PushToAppGroup { key, lives_s: 60, cid: Some("cid".to_owned()), only_repeats: false }
}
