//! Names and numbers of things.

use serde::{Deserialize, Serialize};

/// A place in the log. It grows but is not dense; a chat message's position is its `msg_id`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before every record.
    pub const START: Self = Self(0);
}

impl core::fmt::Display for Position {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// A group's public number: at least 10,000,000 and below 2^31 (JMessage SDKs hold it in 32 bits).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupId(pub u32);

impl GroupId {
    pub const FIRST: Self = Self(10_000_000);
}

impl core::fmt::Display for GroupId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// A chat room's public number, from the same counter as groups'.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoomId(pub u32);

impl core::fmt::Display for RoomId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}

/// Counts a device's sends; never restarted for a device.
pub type OutboxNumber = u64;
/// Milliseconds since 1970.
pub type TimeMs = u64;
