//! Groups with members of several apps. A group lives in one app, where members of others are guests; each other app has a
//! mirror of it, with its own members and a copy of the chain. So sync, history, delivery and unread of a member read the
//! log of their own app only, and a message costs one record for each app, however many members are there.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::content::{Content, GroupEventKind};
use anser_protocol::extension::tag;
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::limits::EXTENSION_BYTES_MAX;

use super::append::Place;
use super::message_count::CountedTo;
use super::send::{self, Said};
use super::{Batch, Decided, Stop};
use crate::across;
use crate::command::{Actor, Class, Send};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{MemberChange, Message, MessageBody, Refusal, Route};
use crate::row;
use crate::rows::across::{Copies, Mirror, copies_key};
use crate::rows::app::{App, app_key};
use crate::rows::chat::Chat;
use crate::rows::group::{Group, group_key};
use crate::rows::record::{Body, ChangeDetail, ChangeRecord, EventRecord, Sent};
use crate::rows::standing::AnnouncementRow;
use crate::table::Table;
use crate::tables::Tables;

/// Users of one event who are made known to a mirror: each may become a guest there, which is three rows.
const USERS_TOLD_MAX: usize = 100;
/// Mirrors that one slice of an app's deletion ends: of each up to a hundred members are let go.
const ENDED_MAX: usize = 5;

/// What somebody says in a group, of which other apps get a copy.
pub(super) struct Saying<'s> {
    pub app: AppNumber,
    pub from: UserNumber,
    pub group: GroupId,
    pub content: &'s Content,
    /// Where the group lives.
    pub home: AppNumber,
}

impl Batch<'_> {
    /// A message from an app in which the group is mirrored: the group's own app decides.
    pub(super) fn send_to_mirrored(
        &mut self,
        send: &Send,
        sent: Option<Sent>,
        from_name: Arc<str>,
        (id, home): (GroupId, AppNumber),
    ) -> Decided<Place> {
        let Some(mirror) = find::group(self, send.app, id)? else { return Err(Refusal::GroupUnknown.into()) };
        let guest = self.guest_member((send.app, send.from), id, home)?;
        if !across::are_linked(self, send.app, home)? {
            return Err(Refusal::AppsNotLinked.into());
        }
        self.require_voice(home, id, guest)?;
        let content = self.filtered(home, &send.content)?;
        let content = self.filtered(send.app, &content)?.into_owned();
        let (to, counted_to) = (Chat::Group(id), CountedTo::Mirror);
        let said = Said { from: send.from, sent, to, counted_to, is_copy: false };
        let place = self.append_message(send.app, said, mirror.chain, &content)?;
        let (news, members) = (send::message(place, sent, &content), self.members_lists(send.app, id)?.readers);
        self.announce_said(send.app, (id, mirror.chain), (send.from, from_name), place.position, news, members);
        let mut apps = vec![home];
        if let Some(Mirror::In(mirrors)) = across::mirror(self, home, id)? {
            apps.extend(mirrors.into_iter().filter(|app| *app != send.app));
        }
        let saying = Saying { app: send.app, from: send.from, group: id, content: &content, home };
        self.copy_to(place.position, &saying, &apps)?;
        Ok(place)
    }

    /// The number that a member has where the group lives.
    fn guest_member(&self, (app, user): (AppNumber, UserNumber), id: GroupId, home: AppNumber) -> Decided<UserNumber> {
        let guest = across::guest_number(self, (app, user), home)?;
        let Some(guest) = guest else { return Err(Refusal::NotAMember.into()) };
        let is_one = self.is_member(app, id, user)? && self.is_member(home, id, guest)?;
        if is_one { Ok(guest) } else { Err(Refusal::NotAMember.into()) }
    }

    /// The same message in other apps, right behind it.
    pub(super) fn copy_to(&mut self, message: Position, saying: &Saying<'_>, apps: &[AppNumber]) -> Decided<()> {
        let mut copied = Vec::with_capacity(apps.len());
        for app in apps {
            // Where apps are not linked any more the wall is whole again.
            if *app != saying.home && !across::are_linked(self, saying.home, *app)? {
                continue;
            }
            let Some(group) = find::group(self, *app, saying.group)? else { continue };
            let content = self.told_in(saying.content, saying.app, *app)?;
            let content = match self.filtered(*app, &content) {
                Ok(content) => content.into_owned(),
                // The app's own words keep it out of this app alone.
                Err(Stop::Refused(_)) => continue,
                Err(failed) => return Err(failed),
            };
            let from = self.seen_from(saying.app, saying.from, *app)?;
            let counted_to = if *app == saying.home { CountedTo::Group(saying.group) } else { CountedTo::Mirror };
            let said = Said { from, sent: None, to: Chat::Group(saying.group), counted_to, is_copy: true };
            let place = self.append_message(*app, said, group.chain, &content)?;
            let from = (from, find::username(self, *app, from)?);
            let (news, members) =
                (send::message(place, None, &content), self.members_lists(*app, saying.group)?.readers);
            self.announce_said(*app, (saying.group, group.chain), from, place.position, news, members);
            copied.push(*app);
        }
        if !copied.is_empty() {
            self.put(&copies_key(saying.app, message), &Copies(copied))?;
        }
        Ok(())
    }

    pub(super) fn announce_said(
        &mut self,
        app: AppNumber,
        (group, chain): (GroupId, ChainNumber),
        (from, from_name): (UserNumber, Arc<str>),
        position: Position,
        message: Message,
        members: Arc<[UserNumber]>,
    ) {
        let (from, message, change) = (Some(from), Arc::new(message), MemberChange::default());
        self.announce(app, position, Route::Group { chain, group, from_name, from, message, members, change });
    }

    /// Whom the message mentions has another name in another app.
    fn told_in(&self, content: &Content, from: AppNumber, to: AppNumber) -> Result<Content, ReadError> {
        let mut told = content.clone();
        let Some(mentions) = told.extensions.0.iter_mut().find(|entry| entry.tag == tag::MENTIONS) else {
            return Ok(told);
        };
        let (from, to): (App, App) = (find::required(self, app_key(from))?, find::required(self, app_key(to))?);
        let names = std::str::from_utf8(&mentions.value).unwrap_or_default().split('\n');
        let names: Vec<String> = names
            .map(|name| match across::split_guest(name) {
                Some((username, key)) if key == to.app_key => username.to_owned(),
                Some(_) => name.to_owned(),
                None => across::guest_name(name, &from.app_key),
            })
            .collect();
        mentions.value = names.join("\n").into_bytes();
        // Longer names may be too many for what a message may carry.
        told.extensions.0.retain(|entry| entry.tag != tag::MENTIONS || entry.value.len() <= EXTENSION_BYTES_MAX);
        Ok(told)
    }

    /// Carries an event of a group into its mirrors, where it opens and closes what it opens and closes here. A mirror is
    /// made with the first member of its app and ends with the last.
    pub(super) fn mirror_event(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &Group,
        event: &EventRecord,
        change: &MemberChange,
    ) -> Result<(), ReadError> {
        let known = match across::mirror(self, app, id)? {
            Some(Mirror::Of(_)) => return Ok(()),
            Some(Mirror::In(apps)) => apps,
            None => Vec::new(),
        };
        let joined = self.by_home(app, &change.joined)?;
        let mut apps = known.clone();
        apps.extend(joined.keys().filter(|joined| !known.contains(joined)));
        if apps.is_empty() {
            return Ok(());
        }
        let left = self.by_home(app, &change.left)?;
        let mut kept = Vec::with_capacity(apps.len());
        for there in apps {
            let none = Vec::new();
            let moves = [&joined, &left].map(|of| of.get(&there).unwrap_or(&none).as_slice());
            if find::app(self, there)?.is_none() {
                continue;
            }
            // Where apps are not linked any more, only who goes is still told so.
            let is_end = group.is_dissolved || !moves[1].is_empty();
            let is_told = is_end || across::are_linked(self, app, there)?;
            if !is_told || self.tell_mirror((app, there), id, group, event, moves)? {
                kept.push(there);
            }
        }
        if kept != known {
            self.put(&group_key(app, id), &Mirror::In(kept))?;
            self.members.borrow_mut().forget(app, id);
        }
        Ok(())
    }

    /// Returns whether the mirror still has members.
    fn tell_mirror(
        &mut self,
        (home, there): (AppNumber, AppNumber),
        id: GroupId,
        group: &Group,
        event: &EventRecord,
        [joined, left]: [&[UserNumber]; 2],
    ) -> Result<bool, ReadError> {
        let key = group_key(there, id);
        let known = find::group_nameplate(self, there, id)?;
        let owner = self.seen_from(home, group.owner, there)?;
        let mut mirror = match known {
            Some(known) => {
                Group { chain: known.chain, members: known.members, next_order: known.next_order, ..group.clone() }
            }
            None => {
                self.put(&key, &Mirror::Of(home))?;
                Group { chain: self.take_chain(), members: 0, next_order: 0, ..group.clone() }
            }
        };
        (mirror.owner, mirror.is_dissolved) = (owner, false);
        let event = self.event_in(home, event, there)?;
        let place = self.append(there, Class::Chat, mirror.chain, Body::Event(event.clone()))?;
        self.open_memberships(there, id, &mut mirror, joined, place)?;
        let is_over = group.is_dissolved;
        if !is_over {
            self.close_memberships(there, id, &mut mirror, left, place)?;
        }
        let has_members = !is_over && mirror.members > 0;
        let told = MemberChange { joined: joined.to_vec(), left: left.to_vec() };
        if has_members {
            self.put(&key, &mirror)?;
        } else {
            self.end_group(there, id, &mut mirror, place)?;
        }
        self.announce_event_in(there, id, &mirror, event, place, told)?;
        Ok(has_members)
    }

    fn announce_event_in(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &Group,
        event: EventRecord,
        place: Place,
        change: MemberChange,
    ) -> Result<(), ReadError> {
        let appended = super::membership::AppendedEvent::at(place, event);
        self.announce_group_event(app, id, group, appended, change)
    }

    /// The same for a change that has more to say, and moves nobody.
    pub(super) fn mirror_change(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &Group,
        change: &ChangeRecord,
    ) -> Result<(), ReadError> {
        let Some(Mirror::In(apps)) = across::mirror(self, app, id)? else { return Ok(()) };
        for there in apps {
            if !across::are_linked(self, app, there)? {
                continue;
            }
            let Some(known) = find::group(self, there, id)? else { continue };
            let owner = self.seen_from(app, group.owner, there)?;
            let (chain, members, next_order) = (known.chain, known.members, known.next_order);
            self.put(&group_key(there, id), &Group { chain, members, next_order, owner, ..group.clone() })?;
            let event = self.event_in(app, &change.event, there)?;
            let detail = match change.detail.clone() {
                ChangeDetail::Announcement { id, row } => {
                    let by = row.by.map(|user| self.seen_from(app, user, there)).transpose()?;
                    ChangeDetail::Announcement { id, row: AnnouncementRow { by, ..row } }
                }
                other => other,
            };
            let record = ChangeRecord { event, detail };
            let body = MessageBody::Change(Box::new(find::group_change(self, there, &record)?));
            let place = self.append(there, Class::Chat, chain, Body::Change(record))?;
            let message = Arc::new(Message { seq: place.seq, body, sent_by: None });
            let (members, change) = (self.members_of(there, id)?, MemberChange::default());
            let (from, from_name) = (None, "".into());
            let route = Route::Group { chain, group: id, from_name, from, message, members, change };
            self.announce(there, place.position, route);
        }
        Ok(())
    }

    /// The same event with the numbers that its users have there.
    fn event_in(&mut self, app: AppNumber, event: &EventRecord, there: AppNumber) -> Result<EventRecord, ReadError> {
        let mut users = Vec::with_capacity(event.users.len().min(USERS_TOLD_MAX));
        for user in event.users.iter().take(USERS_TOLD_MAX) {
            users.push(self.seen_from(app, *user, there)?);
        }
        let by = event.by.map(|user| self.seen_from(app, user, there)).transpose()?;
        let new_owner = event.new_owner.map(|user| self.seen_from(app, user, there)).transpose()?;
        Ok(EventRecord { to: event.to, kind: event.kind, by, users, new_owner })
    }

    /// The guests among these, by their apps and with their numbers there.
    fn by_home(&self, app: AppNumber, users: &[UserNumber]) -> Result<BTreeMap<AppNumber, Vec<UserNumber>>, ReadError> {
        let mut guests = BTreeMap::<_, Vec<_>>::new();
        for user in users {
            if let Some(guest) = across::guest(self, app, *user)? {
                guests.entry(guest.home).or_default().push(guest.user);
            }
        }
        Ok(guests)
    }

    /// A member of a mirrored group goes: where the group lives, they are let go as a guest.
    pub(super) fn part_from_mirrored(
        &mut self,
        (app, user): (AppNumber, UserNumber),
        (id, home): (GroupId, AppNumber),
        kind: GroupEventKind,
    ) -> Decided<()> {
        match (across::guest_number(self, (app, user), home)?, find::group(self, home, id)?) {
            (Some(guest), Some(group)) if self.is_member(home, id, guest)? => {
                let by = if kind == GroupEventKind::LEFT { Actor::User(guest) } else { Actor::Server };
                self.part_members(home, by, id, group, kind, vec![guest])
            }
            // The group is going; this member need not wait.
            _ => match find::group(self, app, id)? {
                Some(mirror) => self.part_members(app, Actor::Server, id, mirror, kind, vec![user]),
                None => Ok(()),
            },
        }
    }

    /// An app is deleted: mirrors of its groups end, and its own are nobody's any more. Returns how many went.
    pub(super) fn part_app_mirrors(&mut self, app: AppNumber) -> Result<usize, ReadError> {
        let keys = self.keys(Table::Mirrors, &Key::app(app), ENDED_MAX)?;
        for key in &keys {
            let id = GroupId(u32_at(key, 4).unwrap_or_default());
            let row = self.value(Table::Mirrors, key, |value| row::decode::<Mirror>(key, value).ok())?.flatten();
            match row {
                Some(Mirror::In(apps)) => {
                    for there in apps {
                        self.end_mirror(there, id)?;
                    }
                }
                Some(Mirror::Of(home)) => {
                    if let Some(Mirror::In(mut apps)) = across::mirror(self, home, id)? {
                        apps.retain(|other| *other != app);
                        self.put(&group_key(home, id), &Mirror::In(apps))?;
                        self.members.borrow_mut().forget(home, id);
                    }
                }
                None => {}
            }
            self.remove_bytes(Table::Mirrors, key)?;
        }
        Ok(keys.len())
    }

    fn end_mirror(&mut self, app: AppNumber, id: GroupId) -> Result<(), ReadError> {
        if find::app(self, app)?.is_none() {
            return Ok(());
        }
        let Some(mut mirror) = find::group(self, app, id)? else { return Ok(()) };
        let left = self.member_numbers(app, id)?;
        let (to, kind) = (Chat::Group(id), GroupEventKind::DISSOLVED);
        let event = EventRecord { to, kind, by: None, users: Vec::new(), new_owner: None };
        let place = self.append(app, Class::Chat, mirror.chain, Body::Event(event.clone()))?;
        self.end_group(app, id, &mut mirror, place)?;
        self.announce_event_in(app, id, &mirror, event, place, MemberChange { joined: Vec::new(), left })
    }
}
