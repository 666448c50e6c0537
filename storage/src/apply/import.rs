//! What an app brings along from the service that it was with before: people, groups, rooms, and devices that wait until
//! they are seen here.
//!
//! Each command can be repeated. Whatever stands in its way concerns one name, which is left out and told.

use std::collections::BTreeSet;

use anser_protocol::ids::{GroupId, RoomId, TimeMs};
use anser_protocol::limits::TAGS_PER_DEVICE_MAX;

use super::group::empty_group;
use super::room::empty_room;
use super::{Batch, Decided, Stop};
use crate::command::{
    Actor, DeviceChange, FormerId, FriendNote, ImportCommand, ImportedGroup, ImportedRoom, ProfileChange,
};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::outcome::{Answer, Refusal, RoomRefusal};
use crate::rows::device::DeviceRow;
use crate::rows::group::{Group, member_key};
use crate::rows::import::{FormerGroup, FormerRoom, WaitOver, Waiting, WaitingDevice, former_key, wait_over_key};
use crate::rows::relation::{FriendRow, Tie, friend_key};
use crate::rows::room::{Role, RoleRow, Room, role_key};
use crate::rows::user::{User, user_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

type LeftOut = Vec<(String, Refusal)>;

impl Batch<'_> {
    pub(super) fn import(&mut self, command: &ImportCommand) -> Decided<Answer> {
        match command {
            ImportCommand::Person { app, username, profile, friends, blocked } => {
                let (user, row) = self.named_person(*app, username)?;
                self.import_profile(*app, user, row, profile)?;
                let mut left_out = self.import_friends(*app, (user, username), friends)?;
                left_out.extend(self.import_blacklist(*app, (user, username), blocked)?);
                Ok(Answer::Imported { number: user.0, left_out })
            }
            ImportCommand::Group { app, had, group, members } => self.import_group(*app, had, group, members),
            ImportCommand::GroupMembers { app, group, members } => {
                self.require_app(*app)?;
                let left_out = self.import_members(*app, *group, members)?;
                Ok(Answer::Imported { number: group.0, left_out })
            }
            ImportCommand::Room { app, had, room, members } => self.import_room(*app, had, room, members),
            ImportCommand::RoomMembers { app, room, members, silenced } => {
                self.require_app(*app)?;
                let left_out = self.import_room_members(*app, *room, members, silenced)?;
                Ok(Answer::Imported { number: room.0, left_out })
            }
            ImportCommand::Devices { app, devices, until_ms } => self.import_devices(*app, devices, *until_ms),
        }
    }

    /// Nobody is told: it was so before.
    fn import_profile(
        &mut self,
        app: AppNumber,
        number: UserNumber,
        mut user: User,
        change: &ProfileChange,
    ) -> Result<(), ReadError> {
        let before = user.profile.clone();
        change.apply_to(&mut user.profile);
        if user.profile != before {
            self.note_avatar(app, &user.profile.avatar)?;
            self.put(&user_key(app, number), &user)?;
        }
        Ok(())
    }

    fn import_friends(
        &mut self,
        app: AppNumber,
        (user, username): (UserNumber, &str),
        friends: &[FriendNote],
    ) -> Decided<LeftOut> {
        let mut left_out = Vec::new();
        for note in friends {
            taken(self.import_friend(app, (user, username), note), &note.username, &mut left_out)?;
        }
        Ok(left_out)
    }

    fn import_friend(
        &mut self,
        app: AppNumber,
        (user, username): (UserNumber, &str),
        note: &FriendNote,
    ) -> Decided<()> {
        let (friend, _) = self.named_person(app, &note.username)?;
        if friend == user {
            return Err(Refusal::OneSelf.into());
        }
        if !self.has(Table::Friends, &friend_key(app, user, friend))? {
            self.check_friends(app, user, username, 1)?;
            self.check_friends(app, friend, &note.username, 1)?;
            self.make_friends(app, user, friend)?;
        }
        if note.note_name.is_some() || note.others.is_some() {
            let key = friend_key(app, user, friend);
            let mut row: FriendRow = find::required(self, key.clone())?;
            row.take(note);
            self.put(&key, &row)?;
        }
        Ok(())
    }

    fn import_blacklist(
        &mut self,
        app: AppNumber,
        (user, username): (UserNumber, &str),
        blocked: &[String],
    ) -> Decided<LeftOut> {
        let mut left_out = Vec::new();
        for name in blocked {
            let blockable = taken(self.blockable(app, (user, username), name), name, &mut left_out)?;
            if let Some(other) = blockable.flatten() {
                self.tie(app, user, Tie::Blocks, other.0)?;
            }
        }
        Ok(left_out)
    }

    /// Nothing for one who is blocked already.
    fn blockable(
        &self,
        app: AppNumber,
        (user, username): (UserNumber, &str),
        name: &str,
    ) -> Decided<Option<UserNumber>> {
        let (other, row) = self.named_person(app, name)?;
        if other == user {
            return Err(Refusal::OneSelf.into());
        }
        if row.is_admin {
            return Err(Refusal::AdminProtected { username: name.into() }.into());
        }
        if find::is_tied(self, app, user, Tie::Blocks, other.0)? {
            return Ok(None);
        }
        self.check_ties(app, user, username, (Tie::Blocks, crate::outcome::Relation::Blocked), 1)?;
        Ok(Some(other))
    }

    fn import_group(
        &mut self,
        app: AppNumber,
        had: &FormerId,
        group: &ImportedGroup,
        members: &[String],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let key = former_key(app, had);
        if let Some(FormerGroup(id)) = self.row(&key)?
            && find::group(self, app, id)?.is_some()
        {
            let left_out = self.import_members(app, id, members)?;
            return Ok(Answer::Imported { number: id.0, left_out });
        }
        let top = self.options.group_members_top.max(self.options.group_members_max);
        let (mut here, mut left_out) = (Vec::new(), Vec::new());
        let owner = Some(&group.owner).filter(|owner| !owner.is_empty());
        for name in distinct(owner.into_iter().chain(members)) {
            match taken(self.may_found(app, name), name, &mut left_out)? {
                Some(_) if here.len() >= top as usize => left_out.push((name.clone(), Refusal::GroupFull)),
                user => here.extend(user),
            }
        }
        let Some((owner, others)) = here.split_first() else {
            return Err(Refusal::UserUnknown { username: group.owner.clone() }.into());
        };
        let least = u32::try_from(here.len()).unwrap_or(u32::MAX).max(anser_protocol::limits::GROUP_MEMBERS_LEAST);
        let members_max = group.members_max.unwrap_or(self.options.group_members_max).min(top).max(least);
        self.note_avatar(app, &group.avatar)?;
        let new = Group {
            name: group.name.clone(),
            description: group.description.clone(),
            avatar: group.avatar.clone(),
            is_public: group.is_public,
            ..empty_group(*owner, self.now_ms(), members_max)
        };
        let Answer::Group(id) = self.create_group(app, Actor::Server, new, others)? else {
            return Err(Refusal::Internal.into());
        };
        self.put(&key, &FormerGroup(id))?;
        Ok(Answer::Imported { number: id.0, left_out })
    }

    fn may_found(&self, app: AppNumber, name: &str) -> Decided<UserNumber> {
        let (user, _) = self.named_person(app, name)?;
        self.check_quotas(app, &[user])?;
        Ok(user)
    }

    fn import_members(&mut self, app: AppNumber, id: GroupId, names: &[String]) -> Decided<LeftOut> {
        let group = self.live_group(app, id)?;
        let room = group.members_max.saturating_sub(group.members) as usize;
        let (mut here, mut left_out) = (Vec::new(), Vec::new());
        for name in distinct(names) {
            match taken(self.may_join(app, id, name), name, &mut left_out)?.flatten() {
                Some(_) if here.len() >= room => left_out.push((name.clone(), Refusal::GroupFull)),
                user => here.extend(user),
            }
        }
        if !here.is_empty() {
            self.take_in(app, Actor::Server, id, group, here)?;
        }
        Ok(left_out)
    }

    /// Nothing for one who is a member already.
    fn may_join(&self, app: AppNumber, id: GroupId, name: &str) -> Decided<Option<UserNumber>> {
        let (user, _) = self.named_person(app, name)?;
        if self.has(Table::Members, &member_key(app, id, user))? {
            return Ok(None);
        }
        self.check_not_banned(app, id, &[user])?;
        self.check_quotas(app, &[user])?;
        Ok(Some(user))
    }

    fn import_room(
        &mut self,
        app: AppNumber,
        had: &FormerId,
        room: &ImportedRoom,
        members: &[String],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let key = former_key(app, had);
        let known = self.row::<FormerRoom>(&key)?.map(|FormerRoom(id)| id);
        if let Some(id) = known
            && find::room(self, app, id)?.is_some()
        {
            let left_out = self.import_room_members(app, id, members, &[])?;
            return Ok(Answer::Imported { number: id.0, left_out });
        }
        let founders = distinct(std::iter::once(&room.owner).chain(members));
        let mut left_out = Vec::new();
        let mut owner = None;
        for name in founders {
            match find::user_number(self, app, name)? {
                Some(user) => {
                    owner = Some((user, name));
                    break;
                }
                None => left_out.push((name.clone(), unknown(name))),
            }
        }
        let Some((owner, named)) = owner else { return Err(unknown(&room.owner).into()) };
        let new = Room {
            name: room.name.clone(),
            description: room.description.clone(),
            ..empty_room(owner, self.now_ms(), self.options.room_members_max)
        };
        let Answer::Room(id) = self.create_room(app, new, &[])? else { return Err(Refusal::Internal.into()) };
        self.put(&key, &FormerRoom(id))?;
        let others: Vec<String> = members.iter().filter(|name| *name != named).cloned().collect();
        let more = self.import_room_members(app, id, &others, &[])?;
        left_out.extend(more.into_iter().filter(|(name, _)| *name != room.owner));
        Ok(Answer::Imported { number: id.0, left_out })
    }

    fn import_room_members(
        &mut self,
        app: AppNumber,
        id: RoomId,
        members: &[String],
        silenced: &[String],
    ) -> Decided<LeftOut> {
        let mut room = self.live_room(app, id)?;
        let (mut here, mut left_out) = (Vec::new(), Vec::new());
        for name in distinct(members) {
            match find::user_number(self, app, name)? {
                None => left_out.push((name.clone(), unknown(name))),
                Some(user) if self.is_inside(app, id, user)? => {}
                Some(_) if room.members as usize + here.len() >= room.members_max as usize => {
                    left_out.push((name.clone(), Refusal::Room(RoomRefusal::Full)));
                }
                Some(user) => here.push(user),
            }
        }
        if !here.is_empty() {
            self.let_in(app, id, &mut room, &here)?;
            self.put(&crate::rows::room::room_key(app, id), &room)?;
            self.tell_room(app, id, crate::outcome::RoomNews::Added(here));
        }
        for name in distinct(silenced) {
            let Some(user) = find::user_number(self, app, name)? else { continue };
            let key = role_key(app, id, Role::Silenced, user);
            if self.is_inside(app, id, user)? && !self.has(Table::RoomRoles, &key)? {
                self.put(&key, &RoleRow { since_ms: self.now_ms(), until_ms: None })?;
            }
        }
        Ok(left_out)
    }

    fn import_devices(&mut self, app: AppNumber, devices: &[WaitingDevice], until_ms: TimeMs) -> Decided<Answer> {
        self.require_app(app)?;
        let mut left_out = Vec::new();
        for device in devices {
            let id = &device.registration_id;
            if find::device_number(self, app, id)?.is_some() {
                left_out.push((id.clone(), Refusal::RegistrationIdTaken));
                continue;
            }
            self.forget_waiting(app, id)?;
            let WaitingDevice { alias, mobile, tags, .. } = device.clone();
            let key = crate::rows::device::registration_id_key(app, id);
            self.put(&key, &Waiting { alias, mobile, tags, until_ms })?;
            self.put(&wait_over_key(until_ms, app, id), &WaitOver)?;
        }
        Ok(Answer::Imported { number: 0, left_out })
    }

    /// What waits under the id, which then waits no more.
    fn forget_waiting(&mut self, app: AppNumber, id: &str) -> Result<Option<Waiting>, ReadError> {
        let key = crate::rows::device::registration_id_key(app, id);
        let Some(waiting) = self.row::<Waiting>(&key)? else { return Ok(None) };
        self.remove(Table::WaitingDevices, &key)?;
        self.remove(Table::WaitsOver, &wait_over_key(waiting.until_ms, app, id))?;
        Ok(Some(waiting))
    }

    /// Nothing when the device is registered as any other.
    pub(super) fn adopt(
        &mut self,
        app: AppNumber,
        former_id: &str,
        secret_hash: &[u8; 32],
        platform: anser_protocol::content::Platform,
    ) -> Decided<Option<DeviceNumber>> {
        if let Some(device) = find::device_number(self, app, former_id)? {
            let row: DeviceRow = find::required(self, crate::rows::device::device_key(app, device))?;
            // Its answer was lost, and it asks again.
            return Ok((row.secret_hash == *secret_hash).then_some(device));
        }
        let waiting = self.forget_waiting(app, former_id)?;
        let Some(waiting) = waiting.filter(|waiting| waiting.until_ms > self.now_ms()) else { return Ok(None) };
        let Answer::Device { device, .. } = self.register_device(app, former_id, secret_hash, platform)? else {
            return Err(Refusal::Internal.into());
        };
        let tags: BTreeSet<&String> = waiting.tags.iter().take(TAGS_PER_DEVICE_MAX).collect();
        let mut change = DeviceChange {
            add_tags: tags.into_iter().cloned().collect(),
            alias: Some(waiting.alias).filter(|alias| !alias.is_empty()),
            mobile: Some(waiting.mobile).filter(|mobile| !mobile.is_empty()),
            ..DeviceChange::default()
        };
        let row: DeviceRow = find::required(self, crate::rows::device::device_key(app, device))?;
        if matches!(self.check_alias(app, &row, change.alias.as_deref()), Err(Stop::Refused(_))) {
            // Ten others have it by now. The rest is the device's nevertheless.
            change.alias = None;
        }
        self.update_device(app, device, row, &change)?;
        Ok(Some(device))
    }

    /// Removes waits that are over; returns how many, at most `limit`.
    pub(super) fn expire_waits(&mut self, limit: usize) -> Result<usize, ReadError> {
        let now_ms = self.now_ms();
        let mut over = Vec::new();
        self.rows::<WaitOver>(&crate::key::Key::empty(), |key, _| {
            let is_over = crate::key::u64_at(key, 0).is_some_and(|until_ms| until_ms <= now_ms);
            if !is_over || over.len() == limit {
                return Ok(STOP);
            }
            over.push(key.to_vec());
            Ok(NEXT)
        })?;
        for key in &over {
            self.remove_bytes(Table::WaitsOver, key)?;
            self.remove_bytes(Table::WaitingDevices, key.get(8..).unwrap_or_default())?;
        }
        Ok(over.len())
    }
}

/// What was tried; a refusal concerns this name alone, and is told.
fn taken<T>(tried: Decided<T>, name: &str, left_out: &mut LeftOut) -> Decided<Option<T>> {
    match tried {
        Ok(done) => Ok(Some(done)),
        Err(Stop::Refused(why)) => {
            left_out.push((name.to_owned(), why));
            Ok(None)
        }
        Err(failed) => Err(failed),
    }
}

fn distinct<'n>(names: impl IntoIterator<Item = &'n String>) -> Vec<&'n String> {
    let mut seen = BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(*name)).collect()
}

fn unknown(username: &str) -> Refusal {
    Refusal::UserUnknown { username: username.into() }
}
