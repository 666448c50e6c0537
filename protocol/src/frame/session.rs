//! Bodies of the link itself: hello, login, registration of users, heartbeats' bounds, errors, go-away.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::content::Platform;
use crate::error::ErrorCode;
use crate::extension::Extensions;
use crate::ids::{OutboxNumber, Position, TimeMs};
use crate::wire;

/// A device introduces itself. The first frame of every link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    pub version_min: u8,
    pub version_max: u8,
    /// Bits of what this client can do beyond the version; see [`capability`].
    pub capabilities: u64,
    pub app_key: String,
    /// Empty: this device asks to be registered.
    pub registration_id: String,
    /// Sixteen random bytes that the device keeps: its password.
    pub secret: [u8; 16],
    /// For a registration: sixteen random bytes that the device keeps until it is answered, so that asking again finds
    /// the same device. Empty otherwise.
    #[serde(with = "wire::bytes")]
    pub nonce: Vec<u8>,
    pub platform: Platform,
    /// The release up to which this device has stored every push; nothing when it keeps no store.
    pub push_cursor: Option<Position>,
    pub extensions: Extensions,
}

/// What one side can do beyond the version.
pub mod capability {
    /// It knows the chat of notices; without this, nothing of it is told.
    pub const NOTICES: u64 = 1;
    /// It knows read marks and receipts; without this, it is told of none.
    pub const READS: u64 = 2;
    /// It knows that others change what they tell of themselves; without this, it is not told.
    pub const PROFILES: u64 = 4;
}

/// The server's answer to a hello.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The highest version that both speak.
    pub version: u8,
    pub capabilities: u64,
    /// To be kept; a device that asked to be registered learns it here.
    pub registration_id: String,
    /// The highest outbox number that the server has from this device; the next send must be above it.
    pub outbox_head: OutboxNumber,
    pub server_time_ms: TimeMs,
    /// The client sends something at least this often; the server drops a link silent for two and a half times as long.
    pub heartbeat_s: u16,
    pub heartbeat_min_s: u16,
    pub heartbeat_max_s: u16,
    pub extensions: Extensions,
}

/// How a user proves who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialKind(pub u8);

impl CredentialKind {
    pub const PASSWORD: Self = Self(1);
    /// The MD5 of the password in lower-case hexadecimal digits.
    pub const PASSWORD_MD5: Self = Self(2);
    /// A session token that an earlier login answered.
    pub const TOKEN: Self = Self(3);
    /// A short-lived token that the app's own server signed for this user: a JWT (RFC 7519) in its compact form, HS256 with
    /// the app's master secret.
    pub const SIGNED: Self = Self(4);
}

/// A user logs in on this device. Another user who was logged in is logged out first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub request: u32,
    pub username: String,
    pub credential_kind: CredentialKind,
    #[serde(with = "wire::bytes")]
    pub credential: Vec<u8>,
    /// Up to where this device has stored the user's chats; nothing on a new device.
    pub cursor: Option<Position>,
    pub extensions: Extensions,
}

/// The login succeeded; what the user missed follows by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedIn {
    pub request: u32,
    /// From this frame on, "myself" in a user reference is this user.
    pub username: String,
    /// Logs in again without the password; empty when a token was used, which then stays good.
    #[serde(with = "wire::bytes")]
    pub token: Vec<u8>,
    pub extensions: Extensions,
}

/// Ends the user's session on this device and its token. The device stays connected and gets its pushes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logout {
    pub request: u32,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisterUser {
    pub request: u32,
    pub username: String,
    pub password: String,
    pub extensions: Extensions,
}

/// A request succeeded and has nothing else to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    pub request: u32,
    pub extensions: Extensions,
}

/// A request failed, or (request 0) the link cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    pub request: u32,
    pub code: ErrorCode,
    /// For a developer; may name the value at fault.
    pub message: String,
    pub extensions: Extensions,
}

/// The server closes this link soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoAway {
    pub code: ErrorCode,
    /// Come back after so long, plus a random part of the same length.
    pub retry_after_ms: u32,
    pub message: String,
    pub extensions: Extensions,
}

/// The receiver does not know this frame type; the sender should do without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    pub frame_type: u64,
}

/// Asks for what others may see of a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserInfo {
    pub request: u32,
    pub username: String,
    pub extensions: Extensions,
}

/// A user's profile; empty texts are unset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserProfile {
    pub request: u32,
    pub username: String,
    pub nickname: String,
    pub avatar: String,
    pub birthday: String,
    pub signature: String,
    pub region: String,
    pub address: String,
    /// 0 unknown, 1 male, 2 female.
    pub gender: u8,
    /// JSON object, or empty.
    pub extras: String,
    pub extensions: Extensions,
}
