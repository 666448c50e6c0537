//! Rows about the store itself.

use anser_protocol::ids::{GroupId, Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, ChainNumber};
use crate::key::Key;
use crate::row::serde_row;

/// The version of all tables together. A program opens no store of a newer one.
pub const FORMAT_VERSION: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Format {
    pub version: u32,
}
serde_row!(Format, Meta);

impl Format {
    pub fn key() -> Key {
        Key::empty().bytes(b"format")
    }
}

/// What is handed out next. Written with every batch that took something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    pub position: Position,
    pub chain: ChainNumber,
    pub app: AppNumber,
    pub group: GroupId,
    /// The latest stamp: time never runs backwards.
    pub at_ms: TimeMs,
}
serde_row!(Counters, Meta);

impl Counters {
    pub fn key() -> Key {
        Key::empty().bytes(b"counters")
    }

    /// Of a store in which nothing has happened yet.
    pub fn first() -> Self {
        Self { position: Position(1), chain: ChainNumber(1), app: AppNumber(1), group: GroupId::FIRST, at_ms: 0 }
    }
}

/// Heads of all records below `replay_from` are in their table: recovery reads the log from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checkpoint {
    pub replay_from: Position,
}
serde_row!(Checkpoint, Meta);

impl Checkpoint {
    pub fn key() -> Key {
        Key::empty().bytes(b"checkpoint")
    }
}
