//! Those who run the daemon through its console: accounts, their sessions, and the link that makes the first.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::AppNumber;

/// Passwords come as hashes, tokens as SHA-256: both were made and checked outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperatorCommand {
    Add {
        name: String,
        account: OperatorAccount,
    },
    /// Ends the operator's sessions.
    ResetPassword {
        name: String,
        password: String,
    },
    /// With the operator's sessions. The last owner stays as long as there are others.
    Remove {
        name: String,
    },
    /// Keeps a session after the password was verified outside. Refused when the password changed meanwhile (`password` is
    /// what was verified).
    LogIn {
        name: String,
        password: String,
        token_hash: [u8; 32],
        expires_ms: TimeMs,
    },
    /// Forgets a session; forgetting an unknown one is no error.
    LogOut {
        token_hash: [u8; 32],
    },
    /// Whoever brings the token of this hash in time becomes the first owner; takes the place of an earlier offer. Refused
    /// when there is an operator.
    OfferSetUp {
        token_hash: [u8; 32],
        expires_ms: TimeMs,
    },
    /// Makes the first owner, once.
    SetUp {
        token_hash: [u8; 32],
        name: String,
        password: String,
    },
    /// A session is used and goes on until then. One that is over stays so.
    Extend {
        token_hash: [u8; 32],
        expires_ms: TimeMs,
    },
    /// Gives another role and other apps, and ends the operator's sessions. The last owner stays one as long as there are
    /// others.
    Change {
        name: String,
        role: OperatorRole,
        apps: Vec<AppNumber>,
    },
    /// Writes into the audit log. What is older than a year, or stands before the newest 100,000, goes bit by bit.
    Note(Deed),
    /// The same for a push that an operator had the console send.
    NotePush {
        deed: Deed,
        app: AppNumber,
        push: Position,
        /// As it was sent, or empty.
        object: String,
    },
}

/// What somebody did with the console, or tried to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// Empty where nobody was logged in.
    pub operator: String,
    /// From where.
    pub address: String,
    pub action: String,
    /// Key of the app that it was about; empty where it was about none.
    pub app_key: String,
    /// What it was done to: no secret, and nothing that users say.
    pub target: String,
    /// How it was answered, as in HTTP.
    pub status: u16,
}

/// What an operator is and may do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorAccount {
    pub role: OperatorRole,
    /// The apps of an app admin or a sender, and those that a reader is confined to; nothing for an owner.
    pub apps: Vec<AppNumber>,
    pub password: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum OperatorRole {
    Owner,
    AppAdmin,
    Sender,
    ReadOnly,
}

impl OperatorRole {
    pub const ALL: [Self; 4] = [Self::Owner, Self::AppAdmin, Self::Sender, Self::ReadOnly];

    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::AppAdmin => "app-admin",
            Self::Sender => "sender",
            Self::ReadOnly => "read-only",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}
