//! The end of a group. It is true at once; what a large group leaves goes in slices behind it.

use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::GroupId;

use super::append::Place;
use super::{Batch, Decided};
use crate::across;
use crate::command::Actor;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{Answer, MemberChange};
use crate::rows::group::{Group, group_key};
use crate::rows::message_count::HourCounts;
use crate::rows::standing::{DissolvedRow, GroupClass};
use crate::table::Table;
use crate::tables::Tables;

/// Members that one command lets go: of each about eight rows are touched.
const MEMBERS_MAX: usize = 100;
/// Other rows that one command removes.
const ROWS_MAX: usize = 300;
/// What lies in a group besides its members.
const LEFT_TABLES: [Table; 3] = [Table::GroupBans, Table::Announcements, Table::JoinRequests];

impl Batch<'_> {
    pub(super) fn dissolve_group(&mut self, app: AppNumber, by: Actor, id: GroupId) -> Decided<Answer> {
        let mut group = self.live_group(app, id)?;
        super::group::require_owner(&group, by)?;
        let members = self.member_numbers(app, id)?;
        let event = self.append_group_event(app, id, &group, GroupEventKind::DISSOLVED, by, &[], None)?;
        group.changed_ms = self.now_ms();
        self.end_group(app, id, &mut group, event.place)?;
        self.announce_group_event(app, id, &group, event, MemberChange { joined: Vec::new(), left: members })?;
        Ok(Answer::Done)
    }

    /// From here on nobody finds it; its nameplate stays. `event` is its last one.
    pub(super) fn end_group(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &mut Group,
        event: Place,
    ) -> Result<(), ReadError> {
        group.is_dissolved = true;
        group.members = 0;
        self.put(&group_key(app, id), group)?;
        self.members.borrow_mut().forget(app, id);
        // A mirror stands in no list and is in no count.
        if across::home_of_group(self, app, id)?.is_none() {
            self.count_hour(app, HourCounts { gone_groups: 1, ..HourCounts::default() });
            self.list_group(app, id, GroupClass::Any, false)?;
            self.list_group(app, id, GroupClass::Public, false)?;
        }
        if !self.clear_group(app, id, group, event)? {
            self.put(&group_key(app, id), &DissolvedRow { last_seq: event.seq, last: event.position })?;
        }
        Ok(())
    }

    /// A slice of what dissolved groups have left.
    pub(super) fn clear_dissolved(&mut self, app: AppNumber) -> Decided<Answer> {
        let Some(key) = self.keys(Table::DissolvedGroups, &Key::app(app), 1)?.pop() else { return Ok(Answer::Done) };
        let id = GroupId(u32_at(&key, 4).unwrap_or_default());
        let row: DissolvedRow = find::required(self, group_key(app, id))?;
        let mut group: Group = find::required(self, group_key(app, id))?;
        let event = Place { position: row.last, seq: row.last_seq };
        if self.clear_group(app, id, &mut group, event)? {
            self.remove_bytes(Table::DissolvedGroups, &key)?;
        }
        let is_more = !self.keys(Table::DissolvedGroups, &Key::app(app), 1)?.is_empty();
        Ok(if is_more { Answer::Continue } else { Answer::Done })
    }

    /// Returns whether nothing is left.
    fn clear_group(&mut self, app: AppNumber, id: GroupId, group: &mut Group, event: Place) -> Result<bool, ReadError> {
        let keys = self.keys(Table::Members, &group_key(app, id), MEMBERS_MAX)?;
        let members: Vec<UserNumber> = keys.iter().filter_map(|key| u32_at(key, 8)).map(UserNumber).collect();
        self.close_memberships(app, id, group, &members, event)?;
        if members.len() == MEMBERS_MAX {
            return Ok(false);
        }
        let mut left = ROWS_MAX;
        for table in LEFT_TABLES {
            let keys = self.keys(table, &group_key(app, id), left)?;
            for key in &keys {
                self.remove_bytes(table, key)?;
            }
            left -= keys.len();
            if left == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
