//! The members of groups that were written to lately, so that a message to a group of thousands reads no member row.
//!
//! Belongs to the writer. Within a batch it runs ahead of the disk with the batch; a batch that is given up empties it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::ids::GroupId;

use crate::ids::{AppNumber, UserNumber};

/// Members kept over all groups: 4 MiB of numbers. When it is full everything is dropped and read again as needed.
const MEMBERS_MAX: usize = 1_000_000;

#[derive(Default)]
pub(crate) struct MemberLists {
    lists: BTreeMap<(AppNumber, GroupId), Arc<[UserNumber]>>,
    members: usize,
}

impl MemberLists {
    pub fn get(&self, app: AppNumber, group: GroupId) -> Option<Arc<[UserNumber]>> {
        self.lists.get(&(app, group)).cloned()
    }

    pub fn keep(&mut self, app: AppNumber, group: GroupId, list: Arc<[UserNumber]>) {
        if self.members + list.len() > MEMBERS_MAX {
            self.clear();
        }
        self.members += list.len();
        self.lists.insert((app, group), list);
    }

    /// The group's members change.
    pub fn forget(&mut self, app: AppNumber, group: GroupId) {
        if let Some(list) = self.lists.remove(&(app, group)) {
            self.members -= list.len();
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
