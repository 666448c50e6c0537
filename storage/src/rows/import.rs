//! Rows of what an app brought along: which ids groups and rooms had before, and devices that have not been seen here.

use anser_protocol::ids::{GroupId, RoomId, TimeMs};
use serde::{Deserialize, Serialize};

use crate::command::FormerId;
use crate::ids::AppNumber;
use crate::key::Key;
use crate::row::serde_row;

/// From the id that a group had to the one that it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerGroup(pub GroupId);
serde_row!(FormerGroup, FormerGroups);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerRoom(pub RoomId);
serde_row!(FormerRoom, FormerRooms);

pub(crate) fn former_key(app: AppNumber, had: &FormerId) -> Key {
    Key::app(app).text(&had.app_key).u64(had.id)
}

/// A device of another push service, as that knew it; empty means unset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingDevice {
    pub registration_id: String,
    pub alias: String,
    pub mobile: String,
    pub tags: Vec<String>,
}

/// The same under the app and that registration id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waiting {
    pub alias: String,
    pub mobile: String,
    pub tags: Vec<String>,
    pub until_ms: TimeMs,
}
serde_row!(Waiting, WaitingDevices);

/// When the wait is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitOver;
serde_row!(WaitOver, WaitsOver);

/// In order of time.
pub(crate) fn wait_over_key(until_ms: TimeMs, app: AppNumber, registration_id: &str) -> Key {
    Key::empty().u64(until_ms).u32(app.0).bytes(registration_id.as_bytes())
}
