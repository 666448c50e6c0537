//! What is done with chat rooms.

use anser_protocol::ids::RoomId;
use serde::{Deserialize, Serialize};

use super::Actor;
use crate::ids::{AppNumber, UserNumber};

/// Lists of names are of at most [`RoomCommand::NAMES_MAX`]; doubles are dropped. Each command is carried out as a whole or
/// not at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum RoomCommand {
    /// The owner becomes the first member.
    Create {
        app: AppNumber,
        owner: String,
        name: String,
        description: String,
        members: Vec<String>,
        /// Kept and without effect.
        flag: i64,
    },
    /// What is absent stays. A new owner must be inside; the old one stays a member.
    Update {
        app: AppNumber,
        room: RoomId,
        owner: Option<String>,
        name: Option<String>,
        description: Option<String>,
    },
    /// True at once; its rows go by `ClearDeleted`.
    Delete {
        app: AppNumber,
        room: RoomId,
    },
    /// Removes a slice of what is left of deleted rooms; the answer says whether there is more.
    ClearDeleted {
        app: AppNumber,
    },
    /// An app server lets users in.
    Add {
        app: AppNumber,
        room: RoomId,
        members: Vec<String>,
        /// A part of a longer call, all of which was looked at before: users who came in or were deleted meanwhile are
        /// passed over.
        is_part: bool,
    },
    Remove {
        app: AppNumber,
        room: RoomId,
        members: Vec<String>,
        is_part: bool,
    },
    /// A user goes in; one who is inside already stays.
    Enter {
        app: AppNumber,
        room: RoomId,
        user: UserNumber,
    },
    Leave {
        app: AppNumber,
        room: RoomId,
        user: UserNumber,
    },
    /// The owner makes members admins, or takes that back.
    AddAdmins {
        app: AppNumber,
        by: Actor,
        room: RoomId,
        users: Vec<String>,
    },
    RemoveAdmins {
        app: AppNumber,
        by: Actor,
        room: RoomId,
        users: Vec<String>,
    },
    /// The owner or an admin puts users on the blacklist, and out of the room if they are inside.
    Block {
        app: AppNumber,
        by: Actor,
        room: RoomId,
        users: Vec<String>,
    },
    Unblock {
        app: AppNumber,
        by: Actor,
        room: RoomId,
        users: Vec<String>,
    },
    /// The owner or an admin silences members for so long, from now; an app server anybody inside.
    Silence {
        app: AppNumber,
        by: Actor,
        room: RoomId,
        users: Vec<String>,
        /// Nothing: until it is lifted.
        for_ms: Option<u64>,
    },
    /// Lifts that; of one who is not silenced it changes nothing.
    Unsilence {
        app: AppNumber,
        by: Actor,
        room: RoomId,
        users: Vec<String>,
    },
}

impl RoomCommand {
    /// Names in one command: each takes about four rows.
    pub const NAMES_MAX: usize = 250;

    pub(super) fn app(&self) -> AppNumber {
        match self {
            Self::Create { app, .. }
            | Self::Update { app, .. }
            | Self::Delete { app, .. }
            | Self::ClearDeleted { app }
            | Self::Add { app, .. }
            | Self::Remove { app, .. }
            | Self::Enter { app, .. }
            | Self::Leave { app, .. }
            | Self::AddAdmins { app, .. }
            | Self::RemoveAdmins { app, .. }
            | Self::Block { app, .. }
            | Self::Unblock { app, .. }
            | Self::Silence { app, .. }
            | Self::Unsilence { app, .. } => *app,
        }
    }
}
