//! Rows of what app servers upload.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::command::{FileKind, FileOwner};
use crate::ids::{AppNumber, FileNumber};
use crate::key::Key;
use crate::row::{Row, serde_row};
use crate::table::Table;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileRow {
    /// The random half of its id.
    pub salt: [u8; 8],
    pub kind: FileKind,
    pub name: String,
    pub created_ms: TimeMs,
    pub expires_ms: TimeMs,
    /// The number under which its parts lie: its own, or that of the upload that replaced its content.
    pub body: FileNumber,
    pub parts: u32,
    /// Nobody finds one that is not.
    pub is_complete: bool,
}
serde_row!(FileRow, Files);

/// A part of a file as it was uploaded; the body of the row is nothing else.
pub(crate) struct FilePart(pub Vec<u8>);

impl Row for FilePart {
    const TABLE: Table = Table::FileParts;

    fn encode_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode_body(_version: u8, body: &[u8]) -> Option<Self> {
        Some(Self(body.to_vec()))
    }
}

/// What all files of an owner begin with. No app has the number 0: developers stand there.
pub(crate) fn files_prefix(owner: &FileOwner) -> Key {
    match owner {
        FileOwner::App(app) => Key::app(*app),
        FileOwner::Developer(key) => Key::app(AppNumber(0)).text(key),
    }
}

pub(crate) fn file_key(owner: &FileOwner, file: FileNumber) -> Key {
    files_prefix(owner).u64(file.0)
}

/// Counted from 0 in each body.
pub(crate) fn file_part_key(owner: &FileOwner, body: FileNumber, part: u32) -> Key {
    file_key(owner, body).u32(part)
}
