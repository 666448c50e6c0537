//! What an app brings along from the service that it was with before.

use anser_protocol::ids::{GroupId, RoomId, TimeMs};
use serde::{Deserialize, Serialize};

use super::{FriendNote, ProfileChange};
use crate::ids::AppNumber;
use crate::rows::import::WaitingDevice;

/// The same again changes nothing more, so that whoever was stopped in the middle may begin anew anywhere. What cannot be
/// taken in is left out, and the answer names it; nobody is told of anything but of groups and rooms that they are in now.
/// Lists hold at most [`ImportCommand::NAMES_MAX`] names together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ImportCommand {
    /// What belongs to a user who is here already: members of the profile, friends with notes, the blacklist.
    Person {
        app: AppNumber,
        username: String,
        profile: Box<ProfileChange>,
        friends: Vec<FriendNote>,
        blocked: Vec<String>,
    },
    /// A group gets an id of ours; which one is kept under the app key and the id that it had. Where the owner is not here,
    /// the first member who is takes their place.
    Group {
        app: AppNumber,
        had: FormerId,
        group: Box<ImportedGroup>,
        members: Vec<String>,
    },
    /// More members of it; those who are in it stay.
    GroupMembers {
        app: AppNumber,
        group: GroupId,
        members: Vec<String>,
    },
    /// The same for a chat room.
    Room {
        app: AppNumber,
        had: FormerId,
        room: Box<ImportedRoom>,
        members: Vec<String>,
    },
    RoomMembers {
        app: AppNumber,
        room: RoomId,
        members: Vec<String>,
        silenced: Vec<String>,
    },
    /// Devices of another push service, at most [`ImportCommand::DEVICES_MAX`]: what is known of each is kept under the
    /// registration id that it had there, until it says so itself or `until_ms` is over. No audience counts it before.
    Devices {
        app: AppNumber,
        devices: Vec<WaitingDevice>,
        until_ms: TimeMs,
    },
}

/// What something was called in the app that it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerId {
    pub app_key: String,
    pub id: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedGroup {
    pub owner: String,
    pub name: String,
    pub description: String,
    pub avatar: String,
    pub is_public: bool,
    /// No more than the settings allow, and no fewer than there are.
    pub members_max: Option<u32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedRoom {
    pub owner: String,
    pub name: String,
    pub description: String,
}

impl ImportCommand {
    /// Names in one command: each takes about four rows.
    pub const NAMES_MAX: usize = 200;
    /// Devices in one command: two rows each.
    pub const DEVICES_MAX: usize = 100;

    pub(super) fn app(&self) -> AppNumber {
        match self {
            Self::Person { app, .. }
            | Self::Group { app, .. }
            | Self::GroupMembers { app, .. }
            | Self::Room { app, .. }
            | Self::RoomMembers { app, .. }
            | Self::Devices { app, .. } => *app,
        }
    }
}
