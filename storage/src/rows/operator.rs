//! Rows of operators, their sessions, and the offer to make the first.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::command::{Deed, OperatorAccount};
use crate::key::Key;
use crate::row::serde_row;

/// Its key is the operator's name as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    /// A position that was taken when the account was made: a new account of the same name is another operator.
    pub number: u64,
    pub account: OperatorAccount,
    pub created_ms: TimeMs,
    pub password_set_ms: TimeMs,
}
serde_row!(Operator, Operators);

/// Found by the hash of its token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorSession {
    pub name: String,
    pub operator: u64,
    pub since_ms: TimeMs,
    pub expires_ms: TimeMs,
}
serde_row!(OperatorSession, OperatorSessions);

/// What an operator did, or tried. Its key is its number: one more than that of the entry before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at_ms: TimeMs,
    pub deed: Deed,
}
serde_row!(AuditEntry, Audit);

pub(crate) fn audit_key(number: u64) -> Key {
    Key::empty().u64(number)
}

/// Who had the console send a push; pushes without a row came through the REST API or by themselves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushOrigin {
    pub operator: String,
    /// The push object as it was sent, so that it can be sent again; empty where it is too long to be kept.
    pub object: String,
}
serde_row!(PushOrigin, PushOrigins);

/// The offer to make the first owner. It stays when it is over, so that no later start makes another by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUpOffer {
    pub token_hash: [u8; 32],
    pub expires_ms: TimeMs,
}
serde_row!(SetUpOffer, SetUp);

impl SetUpOffer {
    pub(crate) fn key() -> Key {
        Key::empty().bytes(b"offer")
    }
}

pub(crate) fn session_key(token_hash: &[u8; 32]) -> Key {
    Key::empty().bytes(token_hash)
}
