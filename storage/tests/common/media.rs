//! Media of the tests: their bytes are nowhere.

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::Extensions;
use anser_protocol::ids::Position;
use anser_storage::MediaContent;
use anser_storage::command::*;
use anser_storage::ids::UserNumber;
use anser_storage::media::{MediaId, MediaKind, MediaName};

use super::{World, sent};

/// A thousand bytes that are different for each number.
pub fn content(number: u8) -> MediaContent {
    MediaContent {
        body: [number; 32],
        bytes: 1000,
        crc32: number.into(),
        etag: format!("etag {number}"),
        format: "png".into(),
        width: 20,
        height: 10,
    }
}

impl World {
    pub fn add_media(&self, id: u8, body: u8, by: Option<UserNumber>) -> Command {
        let media = NewMedia {
            id: MediaId([id; 16]),
            kind: MediaKind::Image,
            content: content(body),
            name: "x.png".into(),
            by,
        };
        Command::Media(MediaCommand::Add { app: self.app, media: Box::new(media), quota_bytes: 0 })
    }

    /// A message that names the medium.
    pub fn share(&mut self, from: UserNumber, to: &str, id: u8) -> Position {
        let target = Target::User(to.into());
        let origin = Origin::Server { as_admin: false };
        let send = Send { app: self.app, from, origin, target, content: image(id) };
        sent(self.answer(Command::Send(send))).0
    }
}

/// The content of a message that names the medium.
pub fn image(id: u8) -> Content {
    let body = format!(r#"{{"media_id":"{}"}}"#, name(id));
    Content { kind: ContentKind::IMAGE, body: body.into_bytes(), extensions: Extensions::default() }
}

pub fn name(id: u8) -> MediaName {
    MediaName { kind: MediaKind::Image, id: MediaId([id; 16]) }
}
