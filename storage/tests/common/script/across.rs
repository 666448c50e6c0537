//! What the author does between apps.

use anser_protocol::content::Content;
use anser_storage::command::*;
use anser_storage::outcome::Answer;

use super::Author;

const KEY: &str = "key of the neighbours";

impl Author {
    pub(super) fn reach_across(&mut self, of: usize) {
        let there = self.random.below(self.apps.len() as u64) as usize;
        let (app, other) = (self.apps[of].app, format!("{}/{}", self.username(there), self.key(there)));
        let username = self.username(of);
        let (by, others) = (Actor::Server, vec![other.clone()]);
        let command = match self.random.below(16) {
            0..=2 => return self.link(of),
            3 | 4 => Command::People(PeopleCommand::Befriend { app, by, username, others }),
            5 => Command::People(PeopleCommand::Unfriend { app, by, username, others }),
            6 => Command::People(PeopleCommand::Block { app, by, username, others }),
            7 | 8 => Command::Group(GroupCommand::Add { app, by, group: self.group(of), members: others }),
            9 => Command::Group(GroupCommand::Remove { app, by, group: self.group(of), members: others }),
            10 => {
                let order = Order::Silence { names: others, for_ms: None };
                Command::GroupOrder(GroupOrder { app, by, group: self.group(of), order })
            }
            11 => Command::Group(GroupCommand::Leave { app, user: self.user(of), group: self.group(there) }),
            // A member of another app's group says something there.
            12 | 13 => {
                let group = self.group(there);
                return self.say(of, Target::Group(group));
            }
            _ => return self.say(of, Target::User(other)),
        };
        self.write(command);
    }

    /// As the apps of the beginning are called; others are met by their plain names only.
    fn key(&self, of: usize) -> &'static str {
        ["key of one", "key of two"].get(of).copied().unwrap_or("key of nobody")
    }

    fn link(&mut self, of: usize) {
        let (key, name, secret) = (KEY.to_owned(), "neighbours".to_owned(), "secret".to_owned());
        self.write(Command::Account(AccountCommand::CreateAppGroup { key: key.clone(), name, secret }));
        let app = self.apps[of].app;
        let command = match self.random.below(8) {
            0 => AccountCommand::RemoveFromAppGroup { key, app },
            _ => AccountCommand::AddToAppGroup { key, app },
        };
        self.write(Command::Account(command));
    }

    fn say(&mut self, of: usize, target: Target) {
        let (device, app, from) = (self.device(of), self.apps[of].app, self.user(of));
        let outbox = &mut self.apps[of].outbox[device.0 as usize];
        *outbox += u64::from(self.random.below(8) > 0);
        let origin = Origin::Device { device, outbox: *outbox };
        let content = Content::text("over the wall");
        if let Some(Answer::Sent { position, .. }) =
            self.write(Command::Send(Send { app, from, origin, target, content }))
        {
            self.apps[of].positions.push(position);
        }
    }
}
