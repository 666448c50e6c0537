//! Rows of those who may call besides apps: groups of apps, and developers with their apps.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::AppNumber;
use crate::key::Key;
use crate::row::serde_row;

/// Its key is the group's key as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppGroup {
    pub name: String,
    pub secret: String,
    pub created_ms: TimeMs,
    /// In the order in which they were added; some may be deleted meanwhile.
    pub apps: Vec<AppNumber>,
}
serde_row!(AppGroup, AppGroups);

/// Its key is the developer's key as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Developer {
    pub name: String,
    pub secret: String,
    pub created_ms: TimeMs,
}
serde_row!(Developer, Developers);

/// Which developer made an app, and what for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeveloperApp {
    pub developer: String,
    pub android_package: String,
}
serde_row!(DeveloperApp, DeveloperApps);

/// What became of a push to an app group. Its key is the group push's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupPush {
    /// The group's key.
    pub group: String,
    pub expires_ms: TimeMs,
    /// The apps that accepted it, each with its own push.
    pub pushes: Vec<(AppNumber, Position)>,
}
serde_row!(GroupPush, GroupPushes);

/// What a push to an app group that named a cid has become: for a repeat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupCid {
    pub push: Position,
    /// Those that were in the group: one that joined since gets nothing of a repeat.
    pub apps: Vec<AppNumber>,
    pub expires_ms: TimeMs,
}
serde_row!(GroupCid, GroupCids);

/// `group` is the group's key.
pub(crate) fn group_cid_key(group: &str, cid: &str) -> Key {
    Key::empty().text(group).bytes(cid.as_bytes())
}

pub(crate) fn group_push_key(push: Position) -> Key {
    Key::empty().u64(push.0)
}
