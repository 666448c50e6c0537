//! How far the app servers of the author's apps have been told.

use anser_protocol::ids::Position;
use anser_storage::command::*;
use anser_storage::outcome::Answer;

use super::Author;

impl Author {
    pub(super) fn tell(&mut self, of: usize, next: Position) -> Option<Answer> {
        let app = self.apps[of].app;
        let command = match self.random.below(6) {
            0 | 1 => ToldCommand::Advance { app, next },
            2 | 3 => ToldCommand::AdvanceEvents { app, next },
            4 if self.random.below(4) == 0 => ToldCommand::ForgetEvents { app },
            _ => {
                let families = EventFamily::ALL.into_iter().take(self.random.below(7) as usize).collect();
                ToldCommand::FollowEvents { app, families }
            }
        };
        self.write(Command::Told(command))
    }
}
