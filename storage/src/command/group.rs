//! What is done with groups.

use anser_protocol::ids::GroupId;
use serde::{Deserialize, Serialize};

use super::Actor;
use crate::ids::{AppNumber, UserNumber};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GroupCommand {
    /// The owner becomes a member; the owner and doubles in `members` are dropped. Unknown names refuse the whole.
    Create {
        app: AppNumber,
        by: Actor,
        owner: String,
        name: String,
        description: String,
        avatar: String,
        is_public: bool,
        /// At least 3, and no more than the settings allow; nothing takes the default of the settings.
        members_max: Option<u32>,
        members: Vec<String>,
    },
    /// Refused as a whole when one is unknown or a member already. A user who adds must be a member. Doubles are dropped.
    Add {
        app: AppNumber,
        by: Actor,
        group: GroupId,
        members: Vec<String>,
    },
    /// Refused as a whole when one is unknown or no member; doubles are dropped. A user who removes must be the owner. The
    /// removed owner passes the group on to the oldest member.
    Remove {
        app: AppNumber,
        by: Actor,
        group: GroupId,
        members: Vec<String>,
    },
    Leave {
        app: AppNumber,
        user: UserNumber,
        group: GroupId,
    },
    Dissolve {
        app: AppNumber,
        by: Actor,
        group: GroupId,
    },
}

impl GroupCommand {
    pub(super) fn app(&self) -> AppNumber {
        match self {
            Self::Create { app, .. }
            | Self::Add { app, .. }
            | Self::Remove { app, .. }
            | Self::Leave { app, .. }
            | Self::Dissolve { app, .. } => *app,
        }
    }
}
