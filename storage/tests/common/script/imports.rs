//! What an app of the script brings along.

use anser_protocol::content::Platform;
use anser_storage::WaitingDevice;
use anser_storage::command::*;

use super::Author;

impl Author {
    pub(super) fn import(&mut self, of: usize) {
        let app = self.apps[of].app;
        let (username, other) = (self.username(of), self.username(of));
        let had = FormerId { app_key: "elsewhere".into(), id: self.random.below(3) };
        let members = vec![other.clone(), username.clone()];
        let registration_id = format!("former{}", self.random.below(4));
        let command = match self.random.below(6) {
            0 => {
                let note = FriendNote { username: other.clone(), note_name: Some("pal".into()), others: None };
                let nickname = Some(self.count.to_string());
                let profile = Box::new(ProfileChange { nickname, ..ProfileChange::default() });
                let (friends, blocked) = (vec![note], vec![other]);
                Command::Import(ImportCommand::Person { app, username, profile, friends, blocked })
            }
            1 => {
                let group = Box::new(ImportedGroup { owner: username, name: "g".into(), ..ImportedGroup::default() });
                Command::Import(ImportCommand::Group { app, had, group, members })
            }
            2 => {
                let room = Box::new(ImportedRoom { owner: username, name: "r".into(), ..ImportedRoom::default() });
                Command::Import(ImportCommand::Room { app, had, room, members })
            }
            3 | 4 => {
                let tags = vec!["t1".to_owned(), self.count.to_string()];
                let device = WaitingDevice { registration_id, alias: "al".into(), mobile: "1".into(), tags };
                let until_ms = self.now_ms + self.random.below(60 * 3_600_000);
                Command::Import(ImportCommand::Devices { app, devices: vec![device], until_ms })
            }
            _ => {
                let known = &mut self.apps[of];
                let own = format!("rid{}", known.devices);
                known.devices += 1;
                known.outbox.push(0);
                let (secret_hash, platform) = ([2; 32], Platform::IOS);
                let adopt = DeviceCommand::Adopt {
                    app,
                    former_id: registration_id,
                    registration_id: own.clone(),
                    secret_hash,
                    platform,
                };
                // Where the same device asks again, no new one is made, and the script knows one too many.
                if !matches!(
                    self.write(Command::Device(adopt)),
                    Some(anser_storage::outcome::Answer::Device { is_new: true, .. })
                ) {
                    let register =
                        DeviceCommand::Register { app, registration_id: own, secret_hash: [1; 32], platform };
                    self.write(Command::Device(register));
                }
                return;
            }
        };
        self.write(command);
    }
}
