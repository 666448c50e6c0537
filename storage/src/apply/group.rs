//! Groups: who may change them, and what each change does. Every change appends an event to the group's chain; whoever
//! comes sees the chain from that event on, and whoever goes sees it up to there.

use std::collections::BTreeSet;

use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::{GroupId, TimeMs};

use super::{Batch, Decided};
use crate::command::{Actor, GroupCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::outcome::{Answer, MemberChange, Refusal};
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::message_count::HourCounts;
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn group(&mut self, command: &GroupCommand) -> Decided<Answer> {
        let (GroupCommand::Create { app, .. }
        | GroupCommand::Add { app, .. }
        | GroupCommand::Remove { app, .. }
        | GroupCommand::Leave { app, .. }
        | GroupCommand::Dissolve { app, .. }) = command;
        self.require_app(*app)?;
        match command {
            GroupCommand::Create { app, by, owner, name, description, avatar, is_public, members } => {
                let (owner, members) = self.founders(*app, *by, owner, members)?;
                self.note_avatar(*app, avatar)?;
                let (now_ms, members_max) = (self.now_ms(), self.options.group_members_max);
                let group = Group {
                    name: name.clone(),
                    description: description.clone(),
                    avatar: avatar.clone(),
                    is_public: *is_public,
                    ..empty_group(owner, now_ms, members_max)
                };
                self.create_group(*app, *by, group, &members)
            }
            GroupCommand::Add { app, by, group, members } => self.add_members(*app, *by, *group, members),
            GroupCommand::Remove { app, by, group, members } => self.remove_members(*app, *by, *group, members),
            GroupCommand::Leave { app, user, group } => self.leave_group(*app, *user, *group),
            GroupCommand::Dissolve { app, by, group } => self.dissolve_group(*app, *by, *group),
        }
    }

    /// The owner, and the others without the owner and without doubles.
    fn founders(
        &self,
        app: AppNumber,
        by: Actor,
        owner: &str,
        names: &[String],
    ) -> Decided<(UserNumber, Vec<UserNumber>)> {
        let owner = self.named_user(app, owner)?;
        if matches!(by, Actor::User(user) if user != owner) {
            return Err(Refusal::NotTheOwner.into());
        }
        let mut members = self.named_users(app, names)?;
        members.retain(|member| *member != owner);
        Ok((owner, members))
    }

    fn create_group(&mut self, app: AppNumber, by: Actor, mut group: Group, members: &[UserNumber]) -> Decided<Answer> {
        let everybody: Vec<UserNumber> = std::iter::once(group.owner).chain(members.iter().copied()).collect();
        check_room(&group, everybody.len())?;
        self.check_quotas(app, &everybody)?;
        let id = self.take_group();
        self.count_hour(app, HourCounts { new_groups: 1, ..HourCounts::default() });
        group.chain = self.take_chain();
        let event = self.append_group_event(app, id, &group, GroupEventKind::CREATED, by, members, None)?;
        self.open_memberships(app, id, &mut group, &everybody, event.place)?;
        self.put(&group_key(app, id), &group)?;
        self.announce_group_event(app, id, &group, event, MemberChange { joined: everybody, left: Vec::new() })?;
        Ok(Answer::Group(id))
    }

    fn add_members(&mut self, app: AppNumber, by: Actor, id: GroupId, names: &[String]) -> Decided<Answer> {
        let mut group = self.live_group(app, id)?;
        if let Actor::User(user) = by {
            self.require_member(app, id, user)?;
        }
        let members = self.named_users(app, names)?;
        for member in &members {
            if self.is_member(app, id, *member)? {
                let username = find::username(self, app, *member)?.to_string();
                return Err(Refusal::AlreadyAMember { username }.into());
            }
        }
        if members.is_empty() {
            return Ok(Answer::Done);
        }
        check_room(&group, members.len())?;
        self.check_quotas(app, &members)?;
        let event = self.append_group_event(app, id, &group, GroupEventKind::ADDED, by, &members, None)?;
        self.open_memberships(app, id, &mut group, &members, event.place)?;
        group.changed_ms = self.now_ms();
        self.put(&group_key(app, id), &group)?;
        self.announce_group_event(app, id, &group, event, MemberChange { joined: members, left: Vec::new() })?;
        Ok(Answer::Done)
    }

    fn remove_members(&mut self, app: AppNumber, by: Actor, id: GroupId, names: &[String]) -> Decided<Answer> {
        let group = self.live_group(app, id)?;
        require_owner(&group, by)?;
        let members = self.named_users(app, names)?;
        for member in &members {
            if !self.is_member(app, id, *member)? {
                let username = find::username(self, app, *member)?.to_string();
                return Err(Refusal::MemberUnknown { username }.into());
            }
        }
        if !members.is_empty() {
            self.part_members(app, by, id, group, GroupEventKind::REMOVED, members)?;
        }
        Ok(Answer::Done)
    }

    fn leave_group(&mut self, app: AppNumber, user: UserNumber, id: GroupId) -> Decided<Answer> {
        let group = self.live_group(app, id)?;
        self.require_member(app, id, user)?;
        self.part_members(app, Actor::User(user), id, group, GroupEventKind::LEFT, vec![user])?;
        Ok(Answer::Done)
    }

    /// Members go, by themselves or not. An owner among them passes the group on to the oldest member that stays; a group
    /// without members is dissolved.
    pub(super) fn part_members(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: GroupId,
        mut group: Group,
        kind: GroupEventKind,
        leaving: Vec<UserNumber>,
    ) -> Decided<()> {
        let new_owner =
            if leaving.contains(&group.owner) { self.oldest_other_member(app, id, &leaving)? } else { None };
        let event = self.append_group_event(app, id, &group, kind, by, &leaving, new_owner)?;
        self.close_memberships(app, id, &mut group, &leaving, event.place)?;
        group.owner = new_owner.unwrap_or(group.owner);
        group.is_dissolved = group.members == 0;
        self.count_hour(app, HourCounts { gone_groups: group.is_dissolved.into(), ..HourCounts::default() });
        group.changed_ms = self.now_ms();
        self.put(&group_key(app, id), &group)?;
        self.announce_group_event(app, id, &group, event, MemberChange { joined: Vec::new(), left: leaving })?;
        Ok(())
    }

    fn dissolve_group(&mut self, app: AppNumber, by: Actor, id: GroupId) -> Decided<Answer> {
        let mut group = self.live_group(app, id)?;
        require_owner(&group, by)?;
        let members = self.member_numbers(app, id)?;
        let event = self.append_group_event(app, id, &group, GroupEventKind::DISSOLVED, by, &[], None)?;
        self.close_memberships(app, id, &mut group, &members, event.place)?;
        group.is_dissolved = true;
        self.count_hour(app, HourCounts { gone_groups: 1, ..HourCounts::default() });
        group.changed_ms = self.now_ms();
        self.put(&group_key(app, id), &group)?;
        self.announce_group_event(app, id, &group, event, MemberChange { joined: Vec::new(), left: members })?;
        Ok(Answer::Done)
    }

    fn live_group(&self, app: AppNumber, id: GroupId) -> Decided<Group> {
        find::group(self, app, id)?.ok_or_else(|| Refusal::GroupUnknown.into())
    }

    fn require_member(&self, app: AppNumber, id: GroupId, user: UserNumber) -> Decided<()> {
        if self.is_member(app, id, user)? { Ok(()) } else { Err(Refusal::NotAMember.into()) }
    }

    pub(super) fn is_member(&self, app: AppNumber, id: GroupId, user: UserNumber) -> Result<bool, ReadError> {
        self.has(Table::Members, &member_key(app, id, user))
    }

    fn named_user(&self, app: AppNumber, name: &str) -> Decided<UserNumber> {
        let unknown = || Refusal::MemberUnknown { username: name.into() };
        find::user_number(self, app, name)?.ok_or_else(|| unknown().into())
    }

    /// In the order of the names, doubles left out.
    fn named_users(&self, app: AppNumber, names: &[String]) -> Decided<Vec<UserNumber>> {
        let mut seen = BTreeSet::new();
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            let user = self.named_user(app, name)?;
            if seen.insert(user) {
                users.push(user);
            }
        }
        Ok(users)
    }
}

fn empty_group(owner: UserNumber, now_ms: TimeMs, members_max: u32) -> Group {
    Group {
        name: String::new(),
        description: String::new(),
        avatar: String::new(),
        is_public: false,
        owner,
        chain: crate::ids::ChainNumber(0),
        created_ms: now_ms,
        changed_ms: now_ms,
        members_max,
        members: 0,
        next_order: 0,
        is_dissolved: false,
    }
}

fn check_room(group: &Group, more: usize) -> Decided<()> {
    let room = group.members_max.saturating_sub(group.members) as usize;
    if more <= room { Ok(()) } else { Err(Refusal::GroupFull.into()) }
}

fn require_owner(group: &Group, by: Actor) -> Decided<()> {
    match by {
        Actor::User(user) if user != group.owner => Err(Refusal::NotTheOwner.into()),
        _ => Ok(()),
    }
}
