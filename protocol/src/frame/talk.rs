//! What people do with messages besides sending them: taking one back, and passing on a word that nobody keeps.

use alloc::string::String;
use serde::{Deserialize, Serialize};

use crate::content::Platform;
use crate::extension::Extensions;
use crate::ids::{GroupId, Position};

/// Takes a message of one's own back, in a single chat or a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retract {
    pub request: u32,
    pub message: Position,
    pub extensions: Extensions,
}

/// To whom a transparent command goes: an open enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandTarget(pub u8);

impl CommandTarget {
    pub const USER: Self = Self(1);
    /// All other members who are connected.
    pub const GROUP: Self = Self(2);
    /// The other devices on which the same user is logged in.
    pub const OWN_DEVICES: Self = Self(3);
}

/// A transparent command: a text for whoever is connected now. It is never stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SendCommand {
    pub request: u32,
    pub target: CommandTarget,
    /// The user's, if it is for a user; else empty.
    pub username: String,
    /// If it is for a group; else 0.
    pub group: GroupId,
    /// For own devices: only those of this platform; [`Platform::OTHER`] means all.
    pub platform: Platform,
    /// At most [`COMMAND_BYTES_MAX`](crate::limits::COMMAND_BYTES_MAX).
    pub text: String,
    pub extensions: Extensions,
}

/// A transparent command that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandCame {
    pub target: CommandTarget,
    /// Who sent it.
    pub from: String,
    /// Through which group; else 0.
    pub group: GroupId,
    /// Of the device that sent it.
    pub platform: Platform,
    pub text: String,
    pub extensions: Extensions,
}
