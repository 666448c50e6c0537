//! Groups: making them, who is in them.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::extension::Extensions;
use crate::ids::GroupId;
use crate::limits;
use crate::wire;

/// Makes a group; the user who is logged in becomes its owner and a member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCreate {
    pub request: u32,
    pub name: String,
    pub description: String,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub members: Vec<String>,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupCreated {
    pub request: u32,
    pub group: GroupId,
    pub extensions: Extensions,
}

/// Adds or removes members. Any member may add; the owner may remove.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChange {
    pub request: u32,
    pub group: GroupId,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub members: Vec<String>,
    pub extensions: Extensions,
}

/// Names a group: to leave it, or to ask for its members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRequest {
    pub request: u32,
    pub group: GroupId,
    pub extensions: Extensions,
}

/// Asks for the groups of the user who is logged in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupList {
    pub request: u32,
    pub extensions: Extensions,
}

/// A part of the answer to [`GroupList`]; at most 500 groups in all (a user's quota).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Groups {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::GROUPS_PER_USER_MAX }, _, _>")]
    pub groups: Vec<GroupSummary>,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSummary {
    pub group: GroupId,
    pub name: String,
    pub description: String,
    pub owner: String,
}

/// A part of the answer to a request for members, in joining order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupMembers {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::NAMES_PER_CALL_MAX }, _, _>")]
    pub members: Vec<String>,
    pub owner: String,
    /// No more parts follow.
    pub is_last: bool,
    pub extensions: Extensions,
}
