//! The members of groups that were written to lately, so that a message to a group of thousands reads no member row.
//!
//! Belongs to the writer. Within a batch it runs ahead of the disk with the batch; a batch that is given up empties it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::ids::GroupId;

use crate::ids::{AppNumber, UserNumber};
use crate::rows::across::Mirror;

/// Members kept over all groups: 4 MiB of numbers. When it is full everything is dropped and read again as needed.
const MEMBERS_MAX: usize = 1_000_000;

#[derive(Default)]
pub(crate) struct MemberLists {
    lists: BTreeMap<(AppNumber, GroupId), Lists>,
    members: usize,
}

/// Of one group. The two are one list where nobody has shielded the group.
#[derive(Clone)]
pub(super) struct Lists {
    pub everybody: Arc<[UserNumber]>,
    /// Without those who have shielded it.
    pub readers: Arc<[UserNumber]>,
    /// Where else members of it are.
    pub mirror: Option<Arc<Mirror>>,
}

impl Lists {
    fn members(&self) -> usize {
        let is_one = Arc::ptr_eq(&self.everybody, &self.readers);
        self.everybody.len() + if is_one { 0 } else { self.readers.len() }
    }
}

impl MemberLists {
    pub(super) fn get(&self, app: AppNumber, group: GroupId) -> Option<Lists> {
        self.lists.get(&(app, group)).cloned()
    }

    pub(super) fn keep(&mut self, app: AppNumber, group: GroupId, lists: Lists) {
        if self.members + lists.members() > MEMBERS_MAX {
            self.clear();
        }
        self.members += lists.members();
        self.lists.insert((app, group), lists);
    }

    /// The group's members change, or one of them shields it or no more.
    pub fn forget(&mut self, app: AppNumber, group: GroupId) {
        if let Some(lists) = self.lists.remove(&(app, group)) {
            self.members -= lists.members();
        }
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
