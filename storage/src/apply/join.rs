//! Joining public groups: applications, invitations that wait for the owner or an admin, and their answers.

use anser_protocol::content::{GroupEventKind, NoticeKind};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::limits::JOIN_REQUESTS_MAX;

use super::group_order::Scene;
use super::{Batch, Decided};
use crate::command::Actor;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u32_at;
use crate::outcome::{Answer, Rank, Refusal};
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::record::NoticeRecord;
use crate::rows::standing::JoinRow;
use crate::rows::told::NotedKind;
use crate::table::Table;
use crate::tables::Tables;

/// What those concerned are to learn of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum JoinNotice {
    /// To the owner and admins (JMessage 56). An applicant brings in nobody but themselves.
    Asked { id: Position, by: UserNumber, targets: Vec<UserNumber>, reason: String },
    /// To whoever applied or invited (57).
    Refused { id: Position, by: Option<UserNumber>, targets: Vec<UserNumber>, reason: String },
    /// To the others who could have answered (58).
    RefusedByAnother { id: Position, by: Option<UserNumber>, targets: Vec<UserNumber>, reason: String },
}

impl Batch<'_> {
    pub(super) fn apply_to_join(&mut self, scene: Scene, group: &Group, reason: &str) -> Decided<Answer> {
        let Actor::User(user) = scene.by else { return Err(Refusal::NotPermitted.into()) };
        if !group.is_public {
            return Err(Refusal::NotPublic.into());
        }
        if self.is_member(scene.app, scene.id, user)? {
            let username = find::username(self, scene.app, user)?.to_string();
            return Err(Refusal::AlreadyJoined { username }.into());
        }
        self.ask_to_join(scene, group, None, &[user], reason)
    }

    pub(super) fn invite(&mut self, scene: Scene, group: Group, names: &[String], reason: &str) -> Decided<Answer> {
        let rank = self.require_rank(scene, &group, Rank::Member)?;
        let Actor::User(inviter) = scene.by else { return self.add_members(scene.app, scene.by, scene.id, names) };
        if rank >= Rank::Admin || !group.is_public {
            return self.add_members(scene.app, scene.by, scene.id, names);
        }
        let users = self.newcomers(scene.app, scene.id, names)?;
        if users.is_empty() { Ok(Answer::Done) } else { self.ask_to_join(scene, &group, Some(inviter), &users, reason) }
    }

    /// Nobody may have been asked for before.
    fn ask_to_join(
        &mut self,
        scene: Scene,
        group: &Group,
        inviter: Option<UserNumber>,
        users: &[UserNumber],
        reason: &str,
    ) -> Decided<Answer> {
        self.check_not_banned(scene.app, scene.id, users)?;
        for user in users {
            if self.has(Table::JoinRequests, &member_key(scene.app, scene.id, *user))? {
                let username = find::username(self, scene.app, *user)?.to_string();
                return Err(Refusal::AskedAlready { username }.into());
            }
        }
        let waiting = self.keys(Table::JoinRequests, &group_key(scene.app, scene.id), JOIN_REQUESTS_MAX)?.len();
        if waiting + users.len() > JOIN_REQUESTS_MAX {
            return Err(Refusal::TooManyJoinRequests.into());
        }
        let row = JoinRow { id: self.take_position(), inviter, reason: reason.into(), at_ms: self.now_ms() };
        for user in users {
            self.put(&member_key(scene.app, scene.id, *user), &row)?;
        }
        if let Some(by) = inviter.or(users.first().copied()) {
            let notice = JoinNotice::Asked { id: row.id, by, targets: users.to_vec(), reason: reason.into() };
            let keepers = self.keepers(scene.app, scene.id, group)?;
            self.notify_join(scene.app, scene.id, &keepers, &notice)?;
            let event = NotedKind::JoinAsked.by(Some(by), users).of_group(scene.id).of_request(row.id);
            self.note_event(scene.app, event.saying(reason))?;
        }
        Ok(Answer::Asked(row.id))
    }

    pub(super) fn answer_joins(
        &mut self,
        scene: Scene,
        group: Group,
        answers: &[(Position, String)],
        is_accepted: bool,
        reason: &str,
    ) -> Decided<Answer> {
        self.require_rank(scene, &group, Rank::Admin)?;
        let (mut waiting, mut first_refusal): (Vec<(UserNumber, JoinRow)>, Option<Refusal>) = (Vec::new(), None);
        for (id, username) in answers {
            match self.waiting_request(scene, *id, username)? {
                Ok(request) if waiting.iter().any(|(user, _)| *user == request.0) => {}
                Ok(request) => waiting.push(request),
                Err(refusal) => first_refusal = first_refusal.or(Some(refusal)),
            }
        }
        if let (true, Some(refusal)) = (waiting.is_empty(), first_refusal) {
            return Err(refusal.into());
        }
        if is_accepted {
            let users: Vec<UserNumber> = waiting.iter().map(|(user, _)| *user).collect();
            return self.take_in(scene.app, scene.by, scene.id, group, users);
        }
        for (user, _) in &waiting {
            self.remove(Table::JoinRequests, &member_key(scene.app, scene.id, *user))?;
        }
        self.tell_refused(scene, &group, &waiting, reason)?;
        Ok(Answer::Done)
    }

    /// The request, or why it cannot be answered.
    fn waiting_request(
        &self,
        scene: Scene,
        id: Position,
        username: &str,
    ) -> Result<Result<(UserNumber, JoinRow), Refusal>, ReadError> {
        let Some(user) = find::user_number(self, scene.app, username)? else { return Ok(Err(Refusal::JoinUnknown)) };
        let row: Option<JoinRow> = self.row(&member_key(scene.app, scene.id, user))?;
        Ok(match row {
            Some(row) if row.id == id => Ok((user, row)),
            // What was asked at a place of the log is not waiting any more; what lies ahead was never asked.
            _ if id > Position::START && id < self.next_position() => Err(Refusal::JoinAnswered),
            _ => Err(Refusal::JoinUnknown),
        })
    }

    fn tell_refused(
        &mut self,
        scene: Scene,
        group: &Group,
        refused: &[(UserNumber, JoinRow)],
        reason: &str,
    ) -> Result<(), ReadError> {
        let by = match scene.by {
            Actor::User(user) => Some(user),
            Actor::Server => None,
        };
        let mut others = self.keepers(scene.app, scene.id, group)?;
        others.retain(|keeper| Some(*keeper) != by);
        // Whom one member invited at once were asked for together, and are told of so.
        let mut ids: Vec<(Position, UserNumber)> =
            refused.iter().map(|(user, row)| (row.id, row.inviter.unwrap_or(*user))).collect();
        ids.sort_unstable();
        ids.dedup();
        for (id, asker) in ids {
            let of_it = refused.iter().filter(|(_, row)| row.id == id);
            let (targets, reason): (Vec<_>, _) = (of_it.map(|(user, _)| *user).collect(), reason.to_owned());
            let told = JoinNotice::Refused { id, by, targets: targets.clone(), reason: reason.clone() };
            self.notify_join(scene.app, scene.id, &[asker], &told)?;
            let event = NotedKind::JoinRefused.by(by, &targets).of_group(scene.id).of_request(id);
            self.note_event(scene.app, event.saying(&reason))?;
            let told = JoinNotice::RefusedByAnother { id, by, targets, reason };
            self.notify_join(scene.app, scene.id, &others, &told)?;
        }
        Ok(())
    }

    /// The owner and the admins.
    fn keepers(&self, app: AppNumber, id: GroupId, group: &Group) -> Result<Vec<UserNumber>, ReadError> {
        let admins = self.keys(Table::GroupAdmins, &group_key(app, id), usize::MAX)?;
        let admins = admins.iter().filter_map(|key| u32_at(key, 8)).map(UserNumber);
        Ok(std::iter::once(group.owner).chain(admins).collect())
    }

    /// Brings users in and tells the group; their requests are answered with it.
    pub(super) fn take_in(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: GroupId,
        mut group: Group,
        users: Vec<UserNumber>,
    ) -> Decided<Answer> {
        self.check_not_banned(app, id, &users)?;
        super::group::check_room(&group, users.len())?;
        self.check_quotas(app, &users)?;
        let event = self.append_group_event(app, id, &group, GroupEventKind::ADDED, by, &users, None)?;
        self.open_memberships(app, id, &mut group, &users, event.place)?;
        group.changed_ms = self.now_ms();
        self.put(&group_key(app, id), &group)?;
        let change = crate::outcome::MemberChange { joined: users, left: Vec::new() };
        self.announce_group_event(app, id, &group, event, change)?;
        Ok(Answer::Done)
    }

    fn notify_join(
        &mut self,
        app: AppNumber,
        id: GroupId,
        users: &[UserNumber],
        notice: &JoinNotice,
    ) -> Result<(), ReadError> {
        let (kind, request, by, targets, reason) = match notice {
            JoinNotice::Asked { id, by, targets, reason } => {
                (NoticeKind::JOIN_REQUEST, *id, Some(*by), targets, reason)
            }
            JoinNotice::Refused { id, by, targets, reason } => (NoticeKind::JOIN_REFUSED, *id, *by, targets, reason),
            JoinNotice::RefusedByAnother { id, by, targets, reason } => {
                (NoticeKind::JOIN_DECIDED, *id, *by, targets, reason)
            }
        };
        let told = NoticeRecord::new(kind, 0, by).about(targets).of_group(id).saying(reason).of_request(request);
        self.notify(app, users, &told)
    }
}
