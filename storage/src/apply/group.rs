//! Groups: who may change them, and what each change does. Every change appends an event to the group's chain; whoever
//! comes sees the chain from that event on, and whoever goes sees it up to there.

use std::collections::BTreeSet;

use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::{GroupId, TimeMs};

use super::across::Other;
use super::group_order::Scene;
use super::{Batch, Decided};
use crate::across;
use crate::command::{Actor, GroupCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::outcome::{Answer, MemberChange, Rank, Refusal};
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::message_count::HourCounts;
use crate::rows::standing::GroupClass;
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
            GroupCommand::Create { app, by, owner, name, description, avatar, is_public, members_max, members } => {
                let (owner, members) = self.founders(*app, *by, owner, members)?;
                self.note_avatar(*app, avatar)?;
                if let Some(maximum) = members_max {
                    self.check_maximum(*maximum)?;
                }
                let members_max = members_max.unwrap_or(self.options.group_members_max);
                let now_ms = self.now_ms();
                let group = Group {
                    name: name.clone(),
                    description: description.clone(),
                    avatar: avatar.clone(),
                    is_public: *is_public,
                    ..empty_group(owner, now_ms, members_max)
                };
                self.create_group(*app, *by, group, &members)
            }
            GroupCommand::Add { app, by, group, members } => {
                let row = self.live_group(*app, *group)?;
                self.invite(Scene { app: *app, by: *by, id: *group }, row, members, "")
            }
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

    pub(super) fn create_group(
        &mut self,
        app: AppNumber,
        by: Actor,
        mut group: Group,
        members: &[UserNumber],
    ) -> Decided<Answer> {
        let everybody: Vec<UserNumber> = std::iter::once(group.owner).chain(members.iter().copied()).collect();
        check_room(&group, everybody.len())?;
        self.check_quotas(app, &everybody)?;
        let id = self.take_group();
        self.count_hour(app, HourCounts { new_groups: 1, ..HourCounts::default() });
        group.chain = self.take_chain();
        let event = self.append_group_event(app, id, &group, GroupEventKind::CREATED, by, members, None)?;
        self.open_memberships(app, id, &mut group, &everybody, event.place)?;
        self.put(&group_key(app, id), &group)?;
        self.list_group(app, id, GroupClass::Any, true)?;
        if group.is_public {
            self.list_group(app, id, GroupClass::Public, true)?;
        }
        self.announce_group_event(app, id, &group, event, MemberChange { joined: everybody, left: Vec::new() })?;
        Ok(Answer::Group(id))
    }

    /// By app servers, by the owner and admins, and by members of private groups at once.
    pub(super) fn add_members(&mut self, app: AppNumber, by: Actor, id: GroupId, names: &[String]) -> Decided<Answer> {
        let group = self.live_group(app, id)?;
        let members = match by {
            Actor::Server => self.newcomers_of_any_app(app, id, &group, names)?,
            Actor::User(_) => self.newcomers(app, id, names)?,
        };
        if members.is_empty() { Ok(Answer::Done) } else { self.take_in(app, by, id, group, members) }
    }

    /// Users of these names; refused when one is a member.
    pub(super) fn newcomers(&self, app: AppNumber, id: GroupId, names: &[String]) -> Decided<Vec<UserNumber>> {
        let users = self.named_users(app, names)?;
        for user in &users {
            if self.is_member(app, id, *user)? {
                let username = find::username(self, app, *user)?.to_string();
                return Err(Refusal::AlreadyAMember { username }.into());
            }
        }
        Ok(users)
    }

    /// The same, where some may be of linked apps.
    fn newcomers_of_any_app(
        &mut self,
        app: AppNumber,
        id: GroupId,
        group: &Group,
        names: &[String],
    ) -> Decided<Vec<UserNumber>> {
        let others = names.iter().map(|name| self.other(app, name)).collect::<Decided<Vec<Other>>>()?;
        for other in &others {
            if let Some(number) = other.number
                && self.is_member(app, id, number)?
            {
                return Err(Refusal::AlreadyAMember { username: other.name.clone() }.into());
            }
        }
        let distinct: BTreeSet<&str> = others.iter().map(|other| other.name.as_str()).collect();
        check_room(group, distinct.len())?;
        let mut seen = BTreeSet::new();
        let mut users = self.settle_all(app, &others)?;
        users.retain(|user| seen.insert(*user));
        Ok(users)
    }

    fn remove_members(&mut self, app: AppNumber, by: Actor, id: GroupId, names: &[String]) -> Decided<Answer> {
        let group = self.live_group(app, id)?;
        let rank = self.remover_rank(app, by, id, &group)?;
        let named = self.members_named(app, by, names)?.into_iter();
        let unknown = |username| Refusal::MemberUnknown { username };
        let members: Vec<UserNumber> = named.map(|member| member.map_err(unknown)).collect::<Result<_, _>>()?;
        for member in &members {
            let username = || find::username(self, app, *member).map(|name| name.to_string());
            match find::rank(self, app, id, &group, *member)? {
                None => return Err(Refusal::MemberUnknown { username: username()? }.into()),
                Some(target) if rank == Rank::Admin && target >= rank => {
                    return Err(Refusal::Protected { username: username()? }.into());
                }
                Some(_) => {}
            }
        }
        if !members.is_empty() {
            self.part_members(app, by, id, group, GroupEventKind::REMOVED, members)?;
        }
        Ok(Answer::Done)
    }

    /// Who may be members by these names, in their order, doubles left out; of a linked app's user who is no guest here the
    /// name.
    pub(super) fn members_named(
        &self,
        app: AppNumber,
        by: Actor,
        names: &[String],
    ) -> Decided<Vec<Result<UserNumber, String>>> {
        let mut seen = BTreeSet::new();
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            let user = match across::number(self, app, name)? {
                Some(user) if !seen.insert(user) => continue,
                Some(user) => Ok(user),
                None if by == Actor::Server => self.other(app, name).map(|other| Err(other.name))?,
                None => return Err(Refusal::UserUnknown { username: name.clone() }.into()),
            };
            users.push(user);
        }
        Ok(users)
    }

    /// An app server may as much as the owner.
    fn remover_rank(&self, app: AppNumber, by: Actor, id: GroupId, group: &Group) -> Decided<Rank> {
        let Actor::User(user) = by else { return Ok(Rank::Owner) };
        let rank = find::rank(self, app, id, group, user)?;
        rank.filter(|rank| *rank >= Rank::Admin).ok_or_else(|| Refusal::NotTheOwner.into())
    }

    fn leave_group(&mut self, app: AppNumber, user: UserNumber, id: GroupId) -> Decided<Answer> {
        if let Some(home) = across::home_of_group(self, app, id)?
            && find::group(self, app, id)?.is_some()
        {
            self.require_member(app, id, user)?;
            self.part_from_mirrored((app, user), (id, home), GroupEventKind::LEFT)?;
            return Ok(Answer::Done);
        }
        let group = self.live_group(app, id)?;
        self.require_member(app, id, user)?;
        self.part_members(app, Actor::User(user), id, group, GroupEventKind::LEFT, vec![user])?;
        Ok(Answer::Done)
    }

    /// Members go, by themselves or not. An owner among them passes the group on to the oldest admin that stays, else to
    /// the oldest member; a group without members is dissolved.
    pub(super) fn part_members(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: GroupId,
        mut group: Group,
        kind: GroupEventKind,
        leaving: Vec<UserNumber>,
    ) -> Decided<()> {
        let new_owner = if leaving.contains(&group.owner) { self.heir(app, id, &leaving)? } else { None };
        let event = self.append_group_event(app, id, &group, kind, by, &leaving, new_owner)?;
        self.close_memberships(app, id, &mut group, &leaving, event.place)?;
        if let Some(owner) = new_owner {
            group.owner = owner;
            self.clear_rank(app, id, owner)?;
        }
        group.changed_ms = self.now_ms();
        if group.members == 0 {
            self.end_group(app, id, &mut group, event.place)?;
        } else {
            self.put(&group_key(app, id), &group)?;
        }
        self.announce_group_event(app, id, &group, event, MemberChange { joined: Vec::new(), left: leaving })?;
        Ok(())
    }

    /// One that lives in the app.
    pub(super) fn live_group(&self, app: AppNumber, id: GroupId) -> Decided<Group> {
        if across::home_of_group(self, app, id)?.is_some() {
            return Err(Refusal::GroupUnknown.into());
        }
        find::group(self, app, id)?.ok_or_else(|| Refusal::GroupUnknown.into())
    }

    fn require_member(&self, app: AppNumber, id: GroupId, user: UserNumber) -> Decided<()> {
        if self.is_member(app, id, user)? { Ok(()) } else { Err(Refusal::NotAMember.into()) }
    }

    pub(super) fn is_member(&self, app: AppNumber, id: GroupId, user: UserNumber) -> Result<bool, ReadError> {
        self.has(Table::Members, &member_key(app, id, user))
    }

    fn named_user(&self, app: AppNumber, name: &str) -> Decided<UserNumber> {
        let unknown = || Refusal::UserUnknown { username: name.into() };
        find::user_number(self, app, name)?.ok_or_else(|| unknown().into())
    }

    /// In the order of the names, doubles left out.
    pub(super) fn named_users(&self, app: AppNumber, names: &[String]) -> Decided<Vec<UserNumber>> {
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

pub(super) fn empty_group(owner: UserNumber, now_ms: TimeMs, members_max: u32) -> Group {
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

pub(super) fn check_room(group: &Group, more: usize) -> Decided<()> {
    let room = group.members_max.saturating_sub(group.members) as usize;
    if more <= room { Ok(()) } else { Err(Refusal::GroupFull.into()) }
}

pub(super) fn require_owner(group: &Group, by: Actor) -> Decided<()> {
    match by {
        Actor::User(user) if user != group.owner => Err(Refusal::NotTheOwner.into()),
        _ => Ok(()),
    }
}
