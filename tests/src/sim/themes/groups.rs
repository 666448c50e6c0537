//! Groups by their rules: ranks, silence, the blacklist, shields, who may bring whom in and put whom out.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::content::{GroupEvent, GroupEventKind};
use anser_protocol::ids::{GroupId, Position, TimeMs};
use anser_storage::command::{Actor, Command, GroupCommand, GroupOrder, Order, PeopleCommand};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, MemberChange, Message, MessageBody, Outcome, Rank, Refusal};

use super::model::Model;

#[derive(Clone, Debug, Default)]
pub struct Group {
    pub owner: UserNumber,
    pub members: BTreeSet<UserNumber>,
    pub admins: BTreeSet<UserNumber>,
    /// Until when; no end is the greatest number.
    pub silences: BTreeMap<UserNumber, TimeMs>,
    pub bans: BTreeSet<UserNumber>,
    pub shields: BTreeSet<UserNumber>,
    pub is_public: bool,
    pub is_dissolved: bool,
    /// Who is to come in: the request, and who invited.
    pub joins: BTreeMap<UserNumber, (Position, Option<UserNumber>)>,
}

impl Group {
    pub fn rank(&self, user: UserNumber) -> Option<Rank> {
        if !self.members.contains(&user) || self.is_dissolved {
            None
        } else if self.owner == user {
            Some(Rank::Owner)
        } else if self.admins.contains(&user) {
            Some(Rank::Admin)
        } else {
            Some(Rank::Member)
        }
    }

    fn rank_of(&self, by: Actor) -> Option<Rank> {
        match by {
            Actor::Server => Some(Rank::Owner),
            Actor::User(user) => self.rank(user),
        }
    }

    /// The owner and the admins.
    pub fn keepers(&self) -> BTreeSet<UserNumber> {
        std::iter::once(self.owner).chain(self.admins.iter().copied()).collect()
    }
}

/// Users who come and go.
type Moves = (BTreeSet<UserNumber>, BTreeSet<UserNumber>);

impl Model {
    /// Nobody does more than their rank allows, and whoever is told no lacks it.
    pub(super) fn check_group_change(&self, command: &Command, outcome: &Outcome) -> Result<(), String> {
        let Some((id, by, least)) = self.asked(command) else { return Ok(()) };
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        let rank = group.rank_of(by);
        let may = rank >= least && !group.is_dissolved;
        match &outcome.answer {
            Ok(_) if !may => Err(format!("{by:?} is {rank:?} in group {id}, which takes {least:?}")),
            Err(Refusal::NotAMember) if rank.is_some() => Err(format!("{by:?} is {rank:?} there")),
            Err(Refusal::NotTheOwner) if rank == Some(Rank::Owner) => Err(format!("{by:?} is the owner")),
            Err(Refusal::GroupUnknown) if !group.is_dissolved => Err("the group is there".into()),
            Ok(_) => self.check_targets(group, rank, command),
            Err(_) => Ok(()),
        }
    }

    /// The group, who asks, and what they must be in it.
    fn asked(&self, command: &Command) -> Option<(GroupId, Actor, Option<Rank>)> {
        match command {
            Command::Group(GroupCommand::Add { app, by, group, .. }) if *app == self.app => {
                let is_public = self.groups.get(group)?.is_public;
                Some((*group, *by, Some(if is_public { Rank::Admin } else { Rank::Member })))
            }
            Command::Group(GroupCommand::Remove { app, by, group, .. }) if *app == self.app => {
                Some((*group, *by, Some(Rank::Admin)))
            }
            Command::Group(GroupCommand::Leave { app, user, group }) if *app == self.app => {
                Some((*group, Actor::User(*user), Some(Rank::Member)))
            }
            Command::Group(GroupCommand::Dissolve { app, by, group }) if *app == self.app => {
                Some((*group, *by, Some(Rank::Owner)))
            }
            Command::GroupOrder(GroupOrder { app, by, group, order }) if *app == self.app => {
                let least = match order {
                    Order::SetPublic(_)
                    | Order::Resize(_)
                    | Order::Transfer { .. }
                    | Order::AddAdmins { .. }
                    | Order::RemoveAdmins { .. } => Some(Rank::Owner),
                    Order::Silence { .. }
                    | Order::LiftSilence { .. }
                    | Order::Ban { .. }
                    | Order::Unban { .. }
                    | Order::Announce { .. }
                    | Order::DropAnnouncement { .. }
                    | Order::PinAnnouncement { .. }
                    | Order::AnswerJoins { .. } => Some(Rank::Admin),
                    Order::Edit { .. } | Order::SetNickname { .. } | Order::Invite { .. } => Some(Rank::Member),
                    Order::Apply { .. } => None,
                };
                Some((*group, *by, least))
            }
            _ => None,
        }
    }

    /// Whom an order is about stands below who gives it; who is banned does not come in.
    fn check_targets(&self, group: &Group, rank: Option<Rank>, command: &Command) -> Result<(), String> {
        let Command::GroupOrder(GroupOrder { by, order, .. }) = command else { return Ok(()) };
        match order {
            Order::Silence { names, .. } | Order::LiftSilence { names } | Order::Ban { names } => {
                let above = |user: &UserNumber| group.rank(*user).is_some_and(|target| Some(target) >= rank);
                match self.numbers_of(names).into_iter().find(above) {
                    Some(target) => Err(format!("{target:?} is no less than {by:?}")),
                    None => Ok(()),
                }
            }
            Order::Apply { .. } => {
                let Actor::User(user) = by else { return Err("an app server applies".into()) };
                let may = group.is_public && !group.members.contains(user) && !group.bans.contains(user);
                if may { Ok(()) } else { Err(format!("{user:?} may not apply there")) }
            }
            _ => Ok(()),
        }
    }

    /// A message goes to the members who do not shield the group, everything else to all, and also to those who go.
    pub(super) fn check_readers(
        &self,
        id: GroupId,
        message: &Message,
        told: &[UserNumber],
        change: &MemberChange,
    ) -> Result<(), String> {
        let none = Group::default();
        let group = self.groups.get(&id).unwrap_or(&none);
        let told: BTreeSet<UserNumber> = told.iter().copied().collect();
        let mut expected = group.members.clone();
        expected.extend(&change.joined);
        let agrees = match &message.body {
            MessageBody::Content(_) => {
                expected.retain(|user| !group.shields.contains(user));
                told == expected
            }
            MessageBody::Amendment(_) => told.is_subset(&expected),
            _ => told == expected,
        };
        if agrees { Ok(()) } else { Err(format!("{expected:?} of group {id} are to be told, not {told:?}")) }
    }

    /// Who a command brings in and puts out, where that follows from the command alone.
    fn moves(&self, command: &Command, id: GroupId) -> Option<Moves> {
        let none = BTreeSet::new;
        let group = self.groups.get(&id)?;
        match command {
            Command::Group(GroupCommand::Add { members, .. }) => Some((self.numbers_of(members), none())),
            Command::Group(GroupCommand::Remove { members, .. }) => Some((none(), self.numbers_of(members))),
            Command::Group(GroupCommand::Leave { user, .. }) => Some((none(), [*user].into())),
            Command::Group(GroupCommand::Dissolve { .. }) => Some((none(), group.members.clone())),
            Command::GroupOrder(GroupOrder { order: Order::Ban { names }, .. }) => {
                let named = self.numbers_of(names);
                let out = named.intersection(&group.members).filter(|user| !group.bans.contains(user));
                Some((none(), out.copied().collect()))
            }
            Command::GroupOrder(GroupOrder {
                order: Order::AnswerJoins { answers, is_accepted: true, .. }, ..
            }) => {
                let waits = |(id, name): &(Position, String)| {
                    let user = self.number(name)?;
                    group.joins.get(&user).is_some_and(|(request, _)| request == id).then_some(user)
                };
                Some((answers.iter().filter_map(waits).collect(), none()))
            }
            _ => None,
        }
    }

    /// Follows what a record of the group says of its members.
    pub(super) fn move_members(
        &mut self,
        command: &Command,
        id: GroupId,
        event: Option<&GroupEvent>,
        change: &MemberChange,
    ) -> Result<(), String> {
        let moved: Moves = (change.joined.iter().copied().collect(), change.left.iter().copied().collect());
        let moves_anybody = !moved.0.is_empty() || !moved.1.is_empty();
        if let Some(expected) = self.moves(command, id).filter(|_| moves_anybody)
            && moved != expected
        {
            return Err(format!("{expected:?} are to come and go in group {id}, not {moved:?}"));
        }
        let is_clearing = matches!(command, Command::People(PeopleCommand::ClearDeparted { .. }));
        if is_clearing && moved.1.iter().any(|user| !self.people.get(user).is_some_and(|person| person.is_deleted)) {
            return Err(format!("{moved:?} go from group {id}, of whom not all were deleted"));
        }
        let new_owner = event.filter(|event| !event.new_owner.is_empty());
        let new_owner = new_owner.and_then(|event| self.number(&event.new_owner));
        let group = self.groups.entry(id).or_default();
        if let Some(banned) = moved.0.iter().find(|user| group.bans.contains(user)) {
            return Err(format!("{banned:?} is on the blacklist of group {id} and comes in"));
        }
        for user in &moved.0 {
            group.members.insert(*user);
            group.joins.remove(user);
        }
        for user in &moved.1 {
            group.members.remove(user);
            group.admins.remove(user);
            group.silences.remove(user);
            group.shields.remove(user);
        }
        if let Some(owner) = new_owner {
            group.owner = owner;
            group.admins.remove(&owner);
            group.silences.remove(&owner);
        }
        if event.is_some_and(|event| event.kind == GroupEventKind::DISSOLVED)
            || moves_anybody && group.members.is_empty()
        {
            group.is_dissolved = true;
            group.joins.clear();
            self.counts.dissolved += 1;
        }
        Ok(())
    }

    /// What a command that was carried out changes besides members.
    pub(super) fn change_standing(&mut self, command: &Command, answer: &Answer) {
        if let (Command::Group(GroupCommand::Create { app, owner, is_public, .. }), Answer::Group(id)) =
            (command, answer)
            && *app == self.app
        {
            let owner = self.number(owner).unwrap_or_default();
            let group = self.groups.entry(*id).or_default();
            (group.owner, group.is_public) = (owner, *is_public);
        }
        let Command::GroupOrder(GroupOrder { app, by, group: id, order }) = command else { return };
        if *app != self.app {
            return;
        }
        let now_ms = self.now_ms;
        let names = match order {
            Order::AddAdmins { names }
            | Order::RemoveAdmins { names }
            | Order::Silence { names, .. }
            | Order::LiftSilence { names }
            | Order::Ban { names }
            | Order::Unban { names }
            | Order::Invite { names, .. } => self.numbers_of(names),
            Order::AnswerJoins { answers, .. } => answers.iter().filter_map(|(_, name)| self.number(name)).collect(),
            _ => BTreeSet::new(),
        };
        self.counts.joins_answered += u64::from(matches!(order, Order::AnswerJoins { .. }));
        let group = self.groups.entry(*id).or_default();
        match order {
            Order::SetPublic(is_public) => group.is_public = *is_public,
            Order::AddAdmins { .. } => group.admins.extend(names),
            Order::RemoveAdmins { .. } => group.admins.retain(|admin| !names.contains(admin)),
            Order::Silence { for_ms, .. } => {
                let until_ms = for_ms.map_or(TimeMs::MAX, |for_ms| now_ms + for_ms);
                group.silences.extend(names.into_iter().map(|user| (user, until_ms)));
            }
            Order::LiftSilence { .. } => group.silences.retain(|user, _| !names.contains(user)),
            Order::Ban { .. } => {
                group.joins.retain(|user, _| !names.contains(user));
                group.bans.extend(names);
            }
            Order::Unban { .. } => group.bans.retain(|user| !names.contains(user)),
            Order::Apply { .. } => {
                if let (Answer::Asked(request), Actor::User(user)) = (answer, by) {
                    group.joins.insert(*user, (*request, None));
                }
            }
            Order::Invite { .. } => {
                if let (Answer::Asked(request), Actor::User(inviter)) = (answer, by) {
                    group.joins.extend(names.into_iter().map(|user| (user, (*request, Some(*inviter)))));
                }
            }
            Order::AnswerJoins { answers, is_accepted: false, .. } => {
                let asked: BTreeSet<Position> = answers.iter().map(|(request, _)| *request).collect();
                group.joins.retain(|user, (request, _)| !(names.contains(user) && asked.contains(request)));
            }
            _ => {}
        }
    }
}
