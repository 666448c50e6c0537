//! What is done with a group beyond making it and with whom: its information, its ranks, silence, announcements, joining.

use anser_protocol::ids::{GroupId, Position};
use serde::{Deserialize, Serialize};

use super::Actor;
use crate::ids::AppNumber;

/// An order about one group. What the group and the asker's rank do not allow is refused; each is carried out as a whole
/// or not at all, and what is so already stays without an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupOrder {
    pub app: AppNumber,
    pub by: Actor,
    pub group: GroupId,
    pub order: Order,
}

/// Lists of names hold at most 500; doubles are dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// By the owner and admins, in a private group by everybody where the settings say so. Absent texts stay.
    Edit { name: Option<String>, description: Option<String>, avatar: Option<String> },
    /// By the owner.
    SetPublic(bool),
    /// By the owner: how many members the group may have; not fewer than it has, at least 3.
    Resize(u32),
    /// By the owner, to a member.
    Transfer { to: String },
    /// By the owner, of members; at most 15 in all.
    AddAdmins { names: Vec<String> },
    /// By the owner.
    RemoveAdmins { names: Vec<String> },
    /// By the owner, and by admins on plain members. 5 minutes to a year; nothing lasts until it is lifted. A repeat begins
    /// anew.
    Silence { names: Vec<String>, for_ms: Option<u64> },
    /// By whoever may silence them.
    LiftSilence { names: Vec<String> },
    /// By the owner and admins: members among them are removed, and none of them comes back. At most 100 in all.
    Ban { names: Vec<String> },
    /// By the owner and admins.
    Unban { names: Vec<String> },
    /// By the member, and by the owner and admins for plain members; empty takes it away.
    SetNickname { username: String, nickname: String },
    /// By the owner and admins: at most 1 KiB. Of 100 the oldest that is not pinned drops out. `as_message`: also as a
    /// message of the publisher's.
    Announce { text: String, as_message: bool },
    /// By the owner and admins.
    DropAnnouncement { id: Position },
    /// By the owner and admins.
    PinAnnouncement { id: Position, is_pinned: bool },
    /// By somebody who is no member of a public group.
    Apply { reason: String },
    /// By a member: at once, or, by a plain member of a public group, once the owner or an admin agrees.
    Invite { names: Vec<String>, reason: String },
    /// By the owner and admins: each answer names a request and whom it would bring in. The first answer wins; requests
    /// that were answered before are left out, and when all were the order is refused.
    AnswerJoins { answers: Vec<(Position, String)>, is_accepted: bool, reason: String },
}
