//! What the author does with read marks and receipts.

use anser_protocol::content::Content;
use anser_protocol::options::SendOptions;
use anser_storage::command::*;
use anser_storage::outcome::Answer;

use super::Author;

impl Author {
    pub(super) fn read(&mut self, of: usize) {
        let (app, user, device) = (self.apps[of].app, self.user(of), self.device(of));
        match self.random.below(3) {
            0 => self.ask_for_receipt(of),
            1 => {
                let marks = vec![
                    (Target::User(self.username(of)), self.some_position(of)),
                    (Target::Group(self.group(of)), self.some_position(of)),
                ];
                self.write(Command::Mark(MarkCommand::Read { app, user, device, marks }));
            }
            _ => {
                let messages = (0..20).map(|_| self.some_position(of)).collect();
                self.write(Command::Mark(MarkCommand::ReadMessages { app, user, messages }));
            }
        }
    }

    fn ask_for_receipt(&mut self, of: usize) {
        let options = SendOptions { needs_receipt: true, ..SendOptions::default() };
        let content = options.add_to(Content::text("read me"));
        let target = match self.random.one_in(2) {
            true => Target::User(self.username(of)),
            false => Target::Group(self.group(of)),
        };
        let (app, from) = (self.apps[of].app, self.user(of));
        let send = Send { app, from, origin: Origin::Server { as_admin: false }, target, content };
        if let Some(Answer::Sent { position, .. }) = self.write(Command::Send(send)) {
            self.apps[of].positions.push(position);
        }
    }
}
