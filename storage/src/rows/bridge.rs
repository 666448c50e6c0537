//! Rows of the bridges to sleeping devices: push tokens, badges, and how far each app's releases were looked at.

use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::device::device_key;
use crate::rows::push::Report;

/// Where a device can be reached without a link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushToken {
    /// Which bridge it is for, in the numbers of the link.
    pub kind: u8,
    pub token: String,
}
serde_row!(PushToken, PushTokens);

/// A device has one token for notifications, and besides one each for calls, running activities and activities to start.
pub(crate) fn push_token_key(app: AppNumber, device: DeviceNumber, kind: TokenKind) -> Key {
    let key = device_key(app, device);
    if TokenKind::OF_CALLS.contains(&kind) {
        key.u8(TokenKind::APNS_CALL.0)
    } else if TokenKind::OF_ACTIVITY_STARTS.contains(&kind) {
        key.u8(TokenKind::APNS_ACTIVITY_START.0)
    } else if TokenKind::OF_ACTIVITIES.contains(&kind) {
        key.u8(TokenKind::APNS_ACTIVITY.0)
    } else {
        key
    }
}

/// What of a push is handed over, each to tokens of its own kinds and independently of the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Channel {
    /// What is shown in the place of what the link would bring.
    Notice,
    /// What rings: only Apple brings it.
    Call,
    /// What a live activity shows: only Apple brings it.
    Activity,
}

impl Channel {
    pub const ALL: [Self; 3] = [Self::Notice, Self::Call, Self::Activity];

    pub fn kinds(self) -> &'static [TokenKind] {
        match self {
            Self::Notice => &TokenKind::OF_NOTICES,
            Self::Call => &TokenKind::OF_CALLS,
            Self::Activity => &TokenKind::OF_ACTIVITIES,
        }
    }

    /// That a bridge took it.
    pub(crate) fn report(self) -> Report {
        match self {
            Self::Notice => Report::Bridged,
            Self::Call => Report::CallBridged,
            Self::Activity => Report::ActivityBridged,
        }
    }
}

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
