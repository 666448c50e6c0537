//! Rows of the bridges to sleeping devices: push tokens, badges, and how far each app's releases were looked at.

use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber};
use crate::key::Key;
use crate::row::serde_row;

/// Where a device can be reached without a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushToken {
    /// Which bridge it is for, in the numbers of the link.
    pub kind: u8,
    pub token: String,
}
serde_row!(PushToken, PushTokens);

/// The device whose token it is: the last one that named it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenOwner(pub DeviceNumber);
serde_row!(TokenOwner, TokenOwners);

pub(crate) fn token_owner_key(app: AppNumber, kind: u8, token: &str) -> Key {
    Key::app(app).u8(kind).bytes(token.as_bytes())
}

pub(crate) fn token_chunk_key(app: AppNumber, kind: u8, chunk: u32) -> Key {
    Key::app(app).u8(kind).u32(chunk)
}

/// What a device's icon shows, as far as the server knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Badge(pub u32);
serde_row!(Badge, Badges);

/// All releases up to here were handed to the bridges, or need not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BridgeCursor(pub Position);
serde_row!(BridgeCursor, BridgeCursors);
