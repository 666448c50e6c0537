//! Rows of users and their logins.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::command::Profile;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct User {
    pub username: String,
    pub password: String,
    pub is_admin: bool,
    pub profile: Profile,
    pub created_ms: TimeMs,
    pub changed_ms: TimeMs,
}
serde_row!(User, Users);

pub(crate) fn user_key(app: AppNumber, user: UserNumber) -> Key {
    Key::app(app).u32(user.0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ByUsername(pub UserNumber);
serde_row!(ByUsername, UserNames);

pub(crate) fn username_key(app: AppNumber, username: &str) -> Key {
    Key::app(app).bytes(username.as_bytes())
}

/// A session token, found by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    pub user: UserNumber,
    pub device: DeviceNumber,
    pub expires_ms: TimeMs,
}
serde_row!(Token, Tokens);

pub(crate) fn token_key(app: AppNumber, hash: &[u8; 32]) -> Key {
    Key::app(app).bytes(hash)
}

/// The one valid token of a user on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub token_hash: [u8; 32],
}
serde_row!(Session, Sessions);

/// The user was logged out on this device because another of its kind came: it is not to come back by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GaveWay;
serde_row!(GaveWay, GaveWay);

/// How far a user's device has stored its chats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ChatCursor(pub Position);
serde_row!(ChatCursor, ChatCursors);

/// Of a session, of a chat cursor, and of a device that gave way.
pub(crate) fn session_key(app: AppNumber, user: UserNumber, device: DeviceNumber) -> Key {
    Key::app(app).u32(user.0).u32(device.0)
}
