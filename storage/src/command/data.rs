//! What the operator owes to users and to the law: their data erased, and how long what is kept.

use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use super::Class;
use crate::ids::{AppNumber, UserNumber};
use crate::media::MediaId;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum DataCommand {
    /// The user is deleted, unless that was done before; what they said and uploaded goes by the commands below. Again
    /// while that goes on: nothing happens.
    BeginErasure { app: AppNumber, user: UserNumber },
    /// Records that a snapshot found to be the user's, in order: what they say goes. `next` is where the walk goes on; if
    /// these are too many for one command, it stops earlier, which the row of the erasure tells.
    EraseRecords { app: AppNumber, user: UserNumber, class: Class, records: Vec<Position>, next: Position },
    /// The walk over one class has come to its end.
    EraseNextClass { app: AppNumber, user: UserNumber, done: Class },
    /// Media that a snapshot found to be the user's, at most 100: they go, but for those that others' messages name, or that
    /// are `shown` as avatars. These lose their uploader and their name.
    EraseMedia { app: AppNumber, user: UserNumber, media: Vec<MediaId>, shown: Vec<MediaId> },
    /// Nothing is left to do: the nameplate loses its name.
    EndErasure { app: AppNumber, user: UserNumber },
    /// How long the records of a class are kept in an app; nothing takes the daemon's setting.
    SetRetention { app: AppNumber, class: Class, keep: Option<Keep> },
}

/// How long something is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keep {
    Days(u32),
    Forever,
}

impl DataCommand {
    pub fn app(&self) -> AppNumber {
        match self {
            Self::BeginErasure { app, .. }
            | Self::EraseRecords { app, .. }
            | Self::EraseNextClass { app, .. }
            | Self::EraseMedia { app, .. }
            | Self::EndErasure { app, .. }
            | Self::SetRetention { app, .. } => *app,
        }
    }
}
