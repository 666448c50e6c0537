//! Rows of media: what was uploaded, where its bytes lie, and who names it.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::command::Class;
use crate::ids::{AppNumber, UserNumber};
use crate::key::Key;
use crate::media::{MediaId, MediaKind};
use crate::row::serde_row;

/// The SHA-256 of the bytes: under this they lie beside the store.
pub type BodyHash = [u8; 32];

/// What is known of the bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaContent {
    pub body: BodyHash,
    pub bytes: u64,
    pub crc32: u32,
    /// The hash that the API shows: 28 characters.
    pub etag: String,
    /// In lower case, as an extension is written; empty for files.
    pub format: String,
    /// In pixels; 0 for what is no image.
    pub width: u32,
    pub height: u32,
}

/// A medium that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    pub kind: MediaKind,
    pub content: MediaContent,
    /// As the uploader called the file, without folders.
    pub name: String,
    pub created_ms: TimeMs,
    /// Nobody: an app server.
    pub by: Option<UserNumber>,
}
serde_row!(Media, Media);

pub(crate) fn media_key(app: AppNumber, media: MediaId) -> Key {
    Key::app(app).bytes(&media.0)
}

/// The same bytes are kept once for each app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MediaBody {
    pub bytes: u64,
    /// Media and thumbnails that have these bytes.
    pub uses: u32,
}
serde_row!(MediaBody, MediaBodies);

pub(crate) fn media_body_key(app: AppNumber, body: &BodyHash) -> Key {
    Key::app(app).bytes(body)
}

/// That the record at a position names the medium: the class of the log in which it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MediaMention(pub Class);
serde_row!(MediaMention, MediaMentions);

pub(crate) fn media_mention_key(app: AppNumber, media: MediaId, position: Position) -> Key {
    media_key(app, media).u64(position.0)
}

/// Since when nobody was seen to name the medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MediaIdle(pub TimeMs);
serde_row!(MediaIdle, MediaIdle);

/// A small picture of an image or video, made and uploaded by its sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct MediaThumb(pub MediaContent);
serde_row!(MediaThumb, MediaThumbs);

/// How much an app keeps, and how much it may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaSpace {
    /// Of all bodies, each once.
    pub bytes: u64,
    /// Media, thumbnails apart.
    pub media: u64,
    /// Nothing: what the daemon's setting says; 0: no limit.
    pub quota_bytes: Option<u64>,
}
serde_row!(MediaSpace, MediaSpaces);
