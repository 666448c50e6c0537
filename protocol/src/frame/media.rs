//! Files that users share: where to put one, where to get one. The bytes travel over HTTPS.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::Extensions;
use crate::ids::TimeMs;
use crate::wire;

/// An open enumeration of what a file is uploaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MediaKind(pub u8);

impl MediaKind {
    /// A JPEG, PNG, GIF or BMP.
    pub const IMAGE: Self = Self(1);
    /// Anything, also a video.
    pub const FILE: Self = Self(2);
    pub const VOICE: Self = Self(3);
}

/// Asks where to put a file of the user who is logged in. The same file again gets the same place, with what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaUpload {
    pub request: u32,
    pub kind: MediaKind,
    /// Its length.
    pub bytes: u64,
    /// Of its content: 32 bytes.
    #[serde(with = "wire::bytes")]
    pub sha256: Vec<u8>,
    /// At most 250 bytes; a path before it is cut off.
    pub name: String,
    /// The `media_id` of an own upload of which this is a small picture; else empty.
    pub thumb_of: String,
    pub extensions: Extensions,
}

/// Where the file may be put.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaTicket {
    pub request: u32,
    /// An address, or its path on the server that the link leads to.
    pub url: String,
    /// Later the client asks again.
    pub expires_ms: TimeMs,
    pub extensions: Extensions,
}

/// Asks where to get what a message or a profile names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaAddress {
    pub request: u32,
    pub media_id: String,
    pub extensions: Extensions,
}

/// Where it is had, and how to know that it came whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLocation {
    pub request: u32,
    /// An address, or its path on the server that the link leads to; with `&thumb=1` behind it the small picture, if there
    /// is one, else the medium itself.
    pub url: String,
    /// Later the client asks again.
    pub expires_ms: TimeMs,
    pub bytes: u64,
    pub crc32: u32,
    /// The Qiniu etag of the content.
    pub hash: String,
    /// Of the small picture; 0: there is none.
    pub thumb_bytes: u64,
    pub thumb_crc32: u32,
    pub extensions: Extensions,
}
