//! What the author does with media and words.

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::Extensions;
use anser_storage::command::*;
use anser_storage::media::{MediaId, MediaKind, MediaName};
use anser_storage::outcome::Answer;

use super::Author;
use crate::common::media::content;
use crate::common::talk::word_command;

/// So that the same ones are met again and again.
const MEDIA: u64 = 6;
const QUOTA_BYTES: u64 = 3000;

impl Author {
    pub(super) fn change_words(&mut self, of: usize) {
        let command = word_command(self.apps[of].app, &mut self.random);
        self.write(command);
    }

    pub(super) fn handle_media(&mut self, of: usize) {
        let (app, by) = (self.apps[of].app, self.user(of));
        let id = MediaId([self.random.below(MEDIA) as u8; 16]);
        let body = content(self.random.below(MEDIA) as u8);
        let command = match self.random.below(10) {
            0..=3 => {
                let by = self.random.one_in(2).then_some(by);
                let media = NewMedia { id, kind: MediaKind::Image, content: body, name: "x.png".into(), by };
                MediaCommand::Add { app, media: Box::new(media), quota_bytes: QUOTA_BYTES }
            }
            4 => MediaCommand::AddThumb { app, media: id, by, thumb: Box::new(body), quota_bytes: QUOTA_BYTES },
            5 => MediaCommand::SetQuota { app, bytes: self.random.one_in(2).then_some(2000) },
            6 | 7 => self.sweep(of),
            8 => return self.show_media(of, id),
            _ => return self.share_media(of, id),
        };
        self.write(Command::Media(command));
    }

    fn sweep(&mut self, of: usize) -> MediaCommand {
        let media = (0..MEDIA).map(|number| MediaId([number as u8; 16]));
        let (named, unnamed) = media.partition(|_| self.random.one_in(4));
        MediaCommand::Sweep { app: self.apps[of].app, named, unnamed, idle_ms: self.random.below(86_400_000) }
    }

    fn show_media(&mut self, of: usize, id: MediaId) {
        let avatar = MediaName { kind: MediaKind::Image, id }.to_string();
        let (app, username) = (self.apps[of].app, self.username(of));
        let change = ProfileChange { avatar: Some(avatar), ..ProfileChange::default() };
        self.write(Command::People(PeopleCommand::ChangeProfile {
            app,
            by: Actor::Server,
            username,
            change: Box::new(change),
        }));
    }

    fn share_media(&mut self, of: usize, id: MediaId) {
        let body = format!(r#"{{"media_id":"{}"}}"#, MediaName { kind: MediaKind::Image, id });
        let content = Content { kind: ContentKind::IMAGE, body: body.into_bytes(), extensions: Extensions::default() };
        let (app, from, target) = (self.apps[of].app, self.user(of), Target::User(self.username(of)));
        let send = Send { app, from, origin: Origin::Server { as_admin: false }, target, content };
        if let Some(Answer::Sent { position, .. }) = self.write(Command::Send(send)) {
            self.apps[of].positions.push(position);
        }
    }
}
