//! Orders about a group: what its owner, admins and members may change of it, and the events that say so.

use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::GroupId;
use anser_protocol::limits::{GROUP_ADMINS_MAX, GROUP_MEMBERS_LEAST};

use super::{Batch, Decided};
use crate::across;
use crate::command::{Actor, GroupOrder, Order};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::outcome::{Answer, MemberChange, Rank, Refusal};
use crate::rows::chunk::GroupChunk;
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::record::ChangeDetail;
use crate::rows::standing::{AdminRow, GroupClass, group_chunk_key, in_group_chunk};
use crate::table::Table;
use crate::tables::Tables;

/// One living group and who asks about it.
#[derive(Clone, Copy)]
pub(super) struct Scene {
    pub app: AppNumber,
    pub by: Actor,
    pub id: GroupId,
}

impl Batch<'_> {
    pub(super) fn group_order(&mut self, given: &GroupOrder) -> Decided<Answer> {
        let scene = Scene { app: given.app, by: given.by, id: given.group };
        self.require_app(scene.app)?;
        let group = self.live_group(scene.app, scene.id)?;
        match &given.order {
            Order::Edit { name, description, avatar } => self.edit_group(scene, group, (name, description, avatar)),
            Order::SetPublic(is_public) => self.set_public(scene, group, *is_public),
            Order::Resize(maximum) => self.resize_group(scene, group, *maximum),
            Order::Transfer { to } => self.transfer_group(scene, group, to),
            Order::AddAdmins { names } => self.add_admins(scene, &group, names),
            Order::RemoveAdmins { names } => self.remove_admins(scene, &group, names),
            Order::Silence { names, for_ms } => self.silence(scene, &group, names, *for_ms),
            Order::LiftSilence { names } => self.lift_silence(scene, &group, names),
            Order::Ban { names } => self.ban(scene, group, names),
            Order::Unban { names } => self.unban(scene, &group, names),
            Order::SetNickname { username, nickname } => self.set_nickname(scene, &group, username, nickname),
            Order::Announce { text, as_message } => self.publish(scene, &group, text, *as_message),
            Order::DropAnnouncement { id } => self.drop_announcement(scene, &group, *id),
            Order::PinAnnouncement { id, is_pinned } => self.pin_announcement(scene, &group, *id, *is_pinned),
            Order::Apply { reason } => self.apply_to_join(scene, &group, reason),
            Order::Invite { names, reason } => self.invite(scene, group, names, reason),
            Order::AnswerJoins { answers, is_accepted, reason } => {
                self.answer_joins(scene, group, answers, *is_accepted, reason)
            }
        }
    }

    fn edit_group(
        &mut self,
        scene: Scene,
        mut group: Group,
        (name, description, avatar): (&Option<String>, &Option<String>, &Option<String>),
    ) -> Decided<Answer> {
        let may_all = self.options.members_edit_private_groups && !group.is_public;
        self.require_rank(scene, &group, if may_all { Rank::Member } else { Rank::Admin })?;
        for (text, changed) in
            [(&mut group.name, name), (&mut group.description, description), (&mut group.avatar, avatar)]
        {
            if let Some(changed) = changed {
                text.clone_from(changed);
            }
        }
        let detail =
            ChangeDetail::Info { name: name.clone(), description: description.clone(), avatar: avatar.clone() };
        self.tell_change(scene, &mut group, GroupEventKind::CHANGED, &[], detail)
    }

    fn set_public(&mut self, scene: Scene, mut group: Group, is_public: bool) -> Decided<Answer> {
        self.require_rank(scene, &group, Rank::Owner)?;
        if group.is_public == is_public {
            return Ok(Answer::Done);
        }
        group.is_public = is_public;
        self.list_group(scene.app, scene.id, GroupClass::Public, is_public)?;
        self.tell_change(scene, &mut group, GroupEventKind::TYPE, &[], ChangeDetail::Type { is_public })
    }

    fn resize_group(&mut self, scene: Scene, mut group: Group, maximum: u32) -> Decided<Answer> {
        self.require_rank(scene, &group, Rank::Owner)?;
        self.check_maximum(maximum)?;
        if maximum < group.members {
            return Err(Refusal::BadMaximum.into());
        }
        if group.members_max == maximum {
            return Ok(Answer::Done);
        }
        group.members_max = maximum;
        self.tell_change(scene, &mut group, GroupEventKind::MAXIMUM, &[], ChangeDetail::Maximum(maximum))
    }

    pub(super) fn check_maximum(&self, maximum: u32) -> Decided<()> {
        let top = self.options.group_members_top.max(self.options.group_members_max);
        if (GROUP_MEMBERS_LEAST..=top).contains(&maximum) { Ok(()) } else { Err(Refusal::BadMaximum.into()) }
    }

    fn transfer_group(&mut self, scene: Scene, mut group: Group, to: &str) -> Decided<Answer> {
        self.require_rank(scene, &group, Rank::Owner)?;
        let owner = self.member_targets(scene, &group, std::slice::from_ref(&to.to_owned()))?.remove(0).0;
        // A guest could not change the group: that it is theirs nevertheless is for an app server to say.
        if scene.by != Actor::Server && across::guest(self, scene.app, owner)?.is_some() {
            return Err(Refusal::NotPermitted.into());
        }
        if owner == group.owner {
            return Ok(Answer::Done);
        }
        group.owner = owner;
        self.clear_rank(scene.app, scene.id, owner)?;
        group.changed_ms = self.now_ms();
        self.put(&group_key(scene.app, scene.id), &group)?;
        let event = self.append_group_event(
            scene.app,
            scene.id,
            &group,
            GroupEventKind::OWNER,
            scene.by,
            &[owner],
            Some(owner),
        )?;
        self.announce_group_event(scene.app, scene.id, &group, event, MemberChange::default())?;
        Ok(Answer::Done)
    }

    /// An owner has no other rank, and nobody silences them.
    pub(super) fn clear_rank(&mut self, app: AppNumber, id: GroupId, owner: UserNumber) -> Result<(), ReadError> {
        let key = member_key(app, id, owner);
        self.remove(Table::GroupAdmins, &key)?;
        self.remove(Table::Silences, &key)
    }

    fn add_admins(&mut self, scene: Scene, group: &Group, names: &[String]) -> Decided<Answer> {
        self.require_rank(scene, group, Rank::Owner)?;
        let mut new = Vec::new();
        for (user, rank) in self.member_targets(scene, group, names)? {
            match rank {
                Rank::Owner => return Err(Refusal::NotPermitted.into()),
                Rank::Admin => {}
                // The same of an admin.
                Rank::Member if across::guest(self, scene.app, user)?.is_some() => {
                    return Err(Refusal::NotPermitted.into());
                }
                Rank::Member => new.push(user),
            }
        }
        let known = self.keys(Table::GroupAdmins, &group_key(scene.app, scene.id), usize::MAX)?.len();
        if known + new.len() > GROUP_ADMINS_MAX {
            return Err(Refusal::TooManyGroupAdmins.into());
        }
        let row = AdminRow { since_ms: self.now_ms() };
        for user in &new {
            self.put(&member_key(scene.app, scene.id, *user), &row)?;
        }
        self.tell_of(scene, group, GroupEventKind::ADMINS, &new, ChangeDetail::Set)
    }

    fn remove_admins(&mut self, scene: Scene, group: &Group, names: &[String]) -> Decided<Answer> {
        self.require_rank(scene, group, Rank::Owner)?;
        let mut former = self.member_targets(scene, group, names)?;
        former.retain(|(_, rank)| *rank == Rank::Admin);
        let former: Vec<UserNumber> = former.into_iter().map(|(user, _)| user).collect();
        for user in &former {
            self.remove(Table::GroupAdmins, &member_key(scene.app, scene.id, *user))?;
        }
        self.tell_of(scene, group, GroupEventKind::ADMINS, &former, ChangeDetail::Unset)
    }

    /// What the asker is in the group: an app server is as much as its owner.
    pub(super) fn require_rank(&self, scene: Scene, group: &Group, least: Rank) -> Decided<Rank> {
        let Actor::User(user) = scene.by else { return Ok(Rank::Owner) };
        match find::rank(self, scene.app, scene.id, group, user)? {
            None => Err(Refusal::NotAMember.into()),
            Some(rank) if rank < least => Err(Refusal::NotPermitted.into()),
            Some(rank) => Ok(rank),
        }
    }

    /// Members by name with their ranks, in the order of the names, doubles left out.
    pub(super) fn member_targets(
        &self,
        scene: Scene,
        group: &Group,
        names: &[String],
    ) -> Decided<Vec<(UserNumber, Rank)>> {
        let mut targets = Vec::with_capacity(names.len());
        for user in self.members_named(scene.app, scene.by, names)? {
            let user = user.map_err(|username| Refusal::TargetNotInGroup { username })?;
            match find::rank(self, scene.app, scene.id, group, user)? {
                Some(rank) => targets.push((user, rank)),
                None => {
                    let username = find::username(self, scene.app, user)?.to_string();
                    return Err(Refusal::TargetNotInGroup { username }.into());
                }
            }
        }
        Ok(targets)
    }

    /// Writes the changed group down and tells its members.
    pub(super) fn tell_change(
        &mut self,
        scene: Scene,
        group: &mut Group,
        kind: GroupEventKind,
        users: &[UserNumber],
        detail: ChangeDetail,
    ) -> Decided<Answer> {
        group.changed_ms = self.now_ms();
        self.put(&group_key(scene.app, scene.id), group)?;
        self.append_group_change(scene, group, kind, users, detail)?;
        Ok(Answer::Done)
    }

    /// Tells of these members; nothing when nobody is left.
    pub(super) fn tell_of(
        &mut self,
        scene: Scene,
        group: &Group,
        kind: GroupEventKind,
        users: &[UserNumber],
        detail: ChangeDetail,
    ) -> Decided<Answer> {
        if !users.is_empty() {
            self.append_group_change(scene, group, kind, users, detail)?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn list_group(
        &mut self,
        app: AppNumber,
        id: GroupId,
        class: GroupClass,
        is_in: bool,
    ) -> Result<(), ReadError> {
        let number = in_group_chunk(id);
        self.change_chunk::<GroupChunk>(&group_chunk_key(app, class, id), |chunk| {
            if is_in { chunk.insert(number) } else { chunk.remove(number) }
        })?;
        Ok(())
    }
}
