//! Memberships: the member rows, the windows that they open and close, and the events that say so.

use std::collections::BTreeSet;
use std::sync::Arc;

use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::GroupId;
use anser_protocol::limits::GROUPS_PER_USER_MAX;
use anser_protocol::planted::{Fault, is_planted};

use super::append::Place;
use super::group_order::Scene;
use super::member_lists::Lists;
use super::{Batch, Decided};
use crate::across;
use crate::command::{Actor, Class};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u32_at;
use crate::outcome::{MemberChange, Message, MessageBody, Refusal, Route};
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversation_key, conversations_prefix};
use crate::rows::group::{Group, MemberRow, group_key, member_key};
use crate::rows::record::{Body, ChangeDetail, ChangeRecord, EventRecord};
use crate::rows::relation::{Tie, shield_key, tie_key};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// An event that was appended and is still to be announced.
pub(super) struct AppendedEvent {
    pub place: Place,
    event: EventRecord,
}

impl AppendedEvent {
    pub fn at(place: Place, event: EventRecord) -> Self {
        Self { place, event }
    }
}

impl Batch<'_> {
    #[expect(clippy::too_many_arguments, reason = "the parts of an event")]
    pub(super) fn append_group_event(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &Group,
        kind: GroupEventKind,
        by: Actor,
        users: &[UserNumber],
        new_owner: Option<UserNumber>,
    ) -> Result<AppendedEvent, ReadError> {
        let by = match by {
            Actor::Server => None,
            Actor::User(user) => Some(user),
        };
        let event = EventRecord { to: Chat::Group(id), kind, by, users: users.to_vec(), new_owner };
        let place = self.append(app, Class::Chat, group.chain, Body::Event(event.clone()))?;
        Ok(AppendedEvent { place, event })
    }

    /// Tells the members of a change that has more to say.
    pub(super) fn append_group_change(
        &mut self,
        scene: Scene,
        group: &Group,
        kind: GroupEventKind,
        users: &[UserNumber],
        detail: ChangeDetail,
    ) -> Result<(), ReadError> {
        let Scene { app, id, by } = scene;
        let by = match by {
            Actor::Server => None,
            Actor::User(user) => Some(user),
        };
        let event = EventRecord { to: Chat::Group(id), kind, by, users: users.to_vec(), new_owner: None };
        let change = ChangeRecord { event, detail };
        let body = MessageBody::Change(Box::new(find::group_change(self, app, &change)?));
        let place = self.append(app, Class::Chat, group.chain, Body::Change(change.clone()))?;
        let message = Arc::new(Message { seq: place.seq, body, sent_by: None });
        let (chain, members) = (group.chain, self.members_of(app, id)?);
        let (from, from_name, moves) = (None, "".into(), MemberChange::default());
        let route = Route::Group { chain, group: id, from_name, from, message, members, change: moves };
        self.announce(app, place.position, route);
        self.mirror_change(app, id, group, &change)
    }

    pub(super) fn announce_group_event(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &Group,
        appended: AppendedEvent,
        change: MemberChange,
    ) -> Result<(), ReadError> {
        let body = MessageBody::Event(find::group_event(self, app, &appended.event)?);
        let message = Arc::new(Message { seq: appended.place.seq, body, sent_by: None });
        // Those who leave with this record still get it.
        let members = match change.left.as_slice() {
            [] => self.members_of(app, id)?,
            left => {
                let mut everybody = self.members_of(app, id)?.to_vec();
                everybody.extend_from_slice(left);
                everybody.sort_unstable();
                everybody.into()
            }
        };
        let (chain, from, from_name) = (group.chain, None, "".into());
        let moves = change.clone();
        let route = Route::Group { chain, group: id, from_name, from, message, members, change };
        self.announce(app, appended.place.position, route);
        self.mirror_event(app, id, group, &appended.event, &moves)
    }

    /// From the event on, which the joiners see.
    pub(super) fn open_memberships(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &mut Group,
        users: &[UserNumber],
        event: Place,
    ) -> Result<(), ReadError> {
        self.members.borrow_mut().forget(app, id);
        let first_seq = if is_planted(Fault::WindowTooEarly) { event.seq.max(2) - 1 } else { event.seq };
        for user in users {
            let member = MemberRow { order: group.next_order, joined_ms: self.now_ms() };
            group.next_order += 1;
            group.members += 1;
            self.put(&member_key(app, id, *user), &member)?;
            self.remove(Table::JoinRequests, &member_key(app, id, *user))?;
            let key = conversation_key(app, *user, ConversationKind::Group, group.chain);
            let row = match self.row::<Conversation>(&key)? {
                Some(mut row) => {
                    row.open(first_seq, event.position);
                    row
                }
                None => Conversation::new(Chat::Group(id), first_seq, event.position),
            };
            self.put(&key, &row)?;
        }
        Ok(())
    }

    /// Up to the event, which the leavers still get.
    pub(super) fn close_memberships(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &mut Group,
        users: &[UserNumber],
        event: Place,
    ) -> Result<(), ReadError> {
        self.members.borrow_mut().forget(app, id);
        for user in users {
            let member = member_key(app, id, *user);
            for table in [Table::Members, Table::GroupAdmins, Table::Silences, Table::Nicknames] {
                self.remove(table, &member)?;
            }
            self.remove(Table::Shields, &shield_key(app, id, *user))?;
            self.remove(Table::Ties, &tie_key(app, *user, Tie::MutesGroup, id.0))?;
            group.members = group.members.saturating_sub(1);
            let key = conversation_key(app, *user, ConversationKind::Group, group.chain);
            if let Some(mut row) = self.row::<Conversation>(&key)? {
                row.close(event.seq, event.position);
                self.put(&key, &row)?;
            }
        }
        Ok(())
    }

    /// In order of their numbers; shared with the messages before and after.
    pub(super) fn members_of(&self, app: AppNumber, id: GroupId) -> Result<Arc<[UserNumber]>, ReadError> {
        Ok(self.members_lists(app, id)?.everybody)
    }

    /// The same, and those among them who get messages and not only events.
    pub(super) fn members_lists(&self, app: AppNumber, id: GroupId) -> Result<Lists, ReadError> {
        if let Some(lists) = self.members.borrow().get(app, id) {
            return Ok(lists);
        }
        // What a dissolved group still has are rows, not members.
        let numbers = if find::group(self, app, id)?.is_some() { self.member_numbers(app, id)? } else { Vec::new() };
        let everybody: Arc<[UserNumber]> = numbers.into();
        let shields = self.keys(Table::Shields, &group_key(app, id), usize::MAX)?;
        let readers = if shields.is_empty() {
            everybody.clone()
        } else {
            let shielded: BTreeSet<UserNumber> =
                shields.iter().filter_map(|key| u32_at(key, 8)).map(UserNumber).collect();
            everybody.iter().copied().filter(|member| !shielded.contains(member)).collect()
        };
        let mirror = across::mirror(self, app, id)?.map(Arc::new);
        let lists = Lists { everybody, readers, mirror };
        self.members.borrow_mut().keep(app, id, lists.clone());
        Ok(lists)
    }

    /// In order of their numbers.
    pub(super) fn member_numbers(&self, app: AppNumber, id: GroupId) -> Result<Vec<UserNumber>, ReadError> {
        let keys = self.keys(Table::Members, &group_key(app, id), usize::MAX)?;
        Ok(keys.iter().filter_map(|key| u32_at(key, 8)).map(UserNumber).collect())
    }

    /// To whom the group passes: admins first, then as they joined.
    pub(super) fn heir(
        &self,
        app: AppNumber,
        id: GroupId,
        leaving: &[UserNumber],
    ) -> Result<Option<UserNumber>, ReadError> {
        let mut oldest: Option<(u64, UserNumber)> = None;
        for key in self.keys(Table::GroupAdmins, &group_key(app, id), usize::MAX)? {
            let Some(user) = u32_at(&key, 8).map(UserNumber).filter(|user| !leaving.contains(user)) else { continue };
            let Some(member) = self.row::<MemberRow>(&member_key(app, id, user))? else { continue };
            if oldest.is_none_or(|(order, _)| member.order < order) {
                oldest = Some((member.order, user));
            }
        }
        match oldest {
            Some((_, admin)) => Ok(Some(admin)),
            None => self.oldest_other_member(app, id, leaving),
        }
    }

    fn oldest_other_member(
        &self,
        app: AppNumber,
        id: GroupId,
        leaving: &[UserNumber],
    ) -> Result<Option<UserNumber>, ReadError> {
        // A guest owns a group only where nobody else is left: they could not change it.
        let has_guests = across::mirror(self, app, id)?.is_some();
        let mut oldest: Option<(bool, u64, UserNumber)> = None;
        self.rows::<MemberRow>(&group_key(app, id), |key, member| {
            let Some(user) = u32_at(key, 8).map(UserNumber).filter(|user| !leaving.contains(user)) else {
                return Ok(NEXT);
            };
            let is_guest = has_guests && across::guest(self, app, user)?.is_some();
            if oldest.is_none_or(|(guest, order, _)| (is_guest, member.order) < (guest, order)) {
                oldest = Some((is_guest, member.order, user));
            }
            Ok(NEXT)
        })?;
        Ok(oldest.map(|(_, _, user)| user))
    }

    /// May all of them be in one more group?
    pub(super) fn check_quotas(&self, app: AppNumber, users: &[UserNumber]) -> Decided<()> {
        for user in users {
            let at_home = across::guest(self, app, *user)?.map_or((app, *user), |guest| (guest.home, guest.user));
            if self.is_at_group_quota(at_home.0, at_home.1)? {
                let username = find::username(self, app, *user)?.to_string();
                return Err(Refusal::GroupQuotaFull { username }.into());
            }
        }
        Ok(())
    }

    /// Conversations with groups that were left count only in the second look, which few users ever need.
    fn is_at_group_quota(&self, app: AppNumber, user: UserNumber) -> Result<bool, ReadError> {
        let prefix = conversations_prefix(app, user).u8(ConversationKind::Group as u8);
        if self.keys(Table::Conversations, &prefix, GROUPS_PER_USER_MAX)?.len() < GROUPS_PER_USER_MAX {
            return Ok(false);
        }
        let mut open = 0;
        self.rows::<Conversation>(&prefix, |_, row| {
            if let (Chat::Group(id), true) = (row.chat, row.is_open()) {
                open += usize::from(find::group(self, app, id)?.is_some());
            }
            Ok(NEXT)
        })?;
        Ok(open >= GROUPS_PER_USER_MAX)
    }
}
