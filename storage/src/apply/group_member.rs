//! Members of a group one by one: silence, the blacklist, nicknames.

use anser_protocol::content::GroupEventKind;
use anser_protocol::ids::GroupId;
use anser_protocol::limits::{GROUP_BANS_MAX, SILENCE_MS_MAX, SILENCE_MS_MIN};
use anser_protocol::planted::{Fault, is_planted};

use super::group_order::Scene;
use super::{Batch, Decided};
use crate::command::Actor;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u32_at;
use crate::outcome::{Answer, Rank, Refusal};
use crate::rows::group::{Group, group_key, member_key};
use crate::rows::record::ChangeDetail;
use crate::rows::standing::{BanRow, NicknameRow, SilenceRow};
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn silence(
        &mut self,
        scene: Scene,
        group: &Group,
        names: &[String],
        for_ms: Option<u64>,
    ) -> Decided<Answer> {
        if for_ms.is_some_and(|time| !(SILENCE_MS_MIN..=SILENCE_MS_MAX).contains(&time)) {
            return Err(Refusal::SilenceTime.into());
        }
        let targets = self.quietened(scene, group, names)?;
        let since_ms = self.now_ms();
        let until_ms = for_ms.map(|time| since_ms + time);
        let row = SilenceRow { since_ms, until_ms: until_ms.unwrap_or(SilenceRow::UNTIL_LIFTED) };
        let mut silenced = Vec::with_capacity(targets.len());
        for user in targets {
            let key = member_key(scene.app, scene.id, user);
            // A time begins anew; without one there is nothing to begin.
            let is_so = self.row::<SilenceRow>(&key)?.is_some_and(|known| known.until_ms == row.until_ms);
            if !is_so {
                self.put(&key, &row)?;
                silenced.push(user);
            }
        }
        self.tell_of(scene, group, GroupEventKind::SILENCE, &silenced, ChangeDetail::Silenced { until_ms })
    }

    pub(super) fn lift_silence(&mut self, scene: Scene, group: &Group, names: &[String]) -> Decided<Answer> {
        let mut freed = Vec::new();
        for user in self.quietened(scene, group, names)? {
            let key = member_key(scene.app, scene.id, user);
            let Some(row) = self.row::<SilenceRow>(&key)? else { continue };
            self.remove(Table::Silences, &key)?;
            if row.holds_at(self.now_ms()) {
                freed.push(user);
            }
        }
        self.tell_of(scene, group, GroupEventKind::SILENCE, &freed, ChangeDetail::Unset)
    }

    /// Whom the asker may silence: the owner everybody else, an admin plain members.
    fn quietened(&self, scene: Scene, group: &Group, names: &[String]) -> Decided<Vec<UserNumber>> {
        let rank = self.require_rank(scene, group, Rank::Admin)?;
        let targets = self.member_targets(scene, group, names)?;
        if targets.iter().any(|(_, target)| *target >= rank) {
            return Err(Refusal::NotPermitted.into());
        }
        Ok(targets.into_iter().map(|(user, _)| user).collect())
    }

    /// May the member send? A silence ends by itself.
    pub(super) fn require_voice(&mut self, app: AppNumber, id: GroupId, user: UserNumber) -> Decided<()> {
        let key = member_key(app, id, user);
        match self.row::<SilenceRow>(&key)? {
            Some(row) if row.holds_at(self.now_ms()) || is_planted(Fault::SilenceForever) => {
                Err(Refusal::Silenced.into())
            }
            Some(_) => Ok(self.remove(Table::Silences, &key)?),
            None => Ok(()),
        }
    }

    pub(super) fn ban(&mut self, scene: Scene, group: Group, names: &[String]) -> Decided<Answer> {
        let rank = self.require_rank(scene, &group, Rank::Admin)?;
        let (mut banned, mut members) = (Vec::new(), Vec::new());
        for user in self.members_named(scene.app, scene.by, names)? {
            let user = user.map_err(|username| Refusal::UserUnknown { username })?;
            let target = find::rank(self, scene.app, scene.id, &group, user)?;
            if target.is_some_and(|target| target >= rank) {
                return Err(Refusal::NotPermitted.into());
            }
            if !self.has(Table::GroupBans, &member_key(scene.app, scene.id, user))? {
                banned.push(user);
                members.extend(target.map(|_| user));
            }
        }
        if self.count_bans(scene.app, scene.id)? + banned.len() > GROUP_BANS_MAX {
            return Err(Refusal::BansFull.into());
        }
        let row = BanRow { since_ms: self.now_ms() };
        for user in &banned {
            let key = member_key(scene.app, scene.id, *user);
            self.put(&key, &row)?;
            self.remove(Table::JoinRequests, &key)?;
        }
        // Told while they are members, so that they learn of it.
        self.tell_of(scene, &group, GroupEventKind::BANNED, &banned, ChangeDetail::Set)?;
        if !members.is_empty() {
            self.part_members(scene.app, scene.by, scene.id, group, GroupEventKind::REMOVED, members)?;
        }
        Ok(Answer::Done)
    }

    /// Those who were deleted make room.
    fn count_bans(&mut self, app: AppNumber, id: GroupId) -> Decided<usize> {
        let mut count = 0;
        for key in self.keys(Table::GroupBans, &group_key(app, id), usize::MAX)? {
            let user = UserNumber(u32_at(&key, 8).unwrap_or_default());
            if find::is_deleted(self, app, user)? {
                self.remove_bytes(Table::GroupBans, &key)?;
            } else {
                count += 1;
            }
        }
        Ok(count)
    }

    pub(super) fn unban(&mut self, scene: Scene, group: &Group, names: &[String]) -> Decided<Answer> {
        self.require_rank(scene, group, Rank::Admin)?;
        let mut kept = Vec::new();
        for user in self.members_named(scene.app, scene.by, names)? {
            let user = user.map_err(|username| Refusal::UserUnknown { username })?;
            let key = member_key(scene.app, scene.id, user);
            if self.has(Table::GroupBans, &key)? {
                self.remove(Table::GroupBans, &key)?;
                kept.push(user);
            }
        }
        self.tell_of(scene, group, GroupEventKind::UNBANNED, &kept, ChangeDetail::Unset)
    }

    pub(super) fn check_not_banned(&self, app: AppNumber, id: GroupId, users: &[UserNumber]) -> Decided<()> {
        for user in users {
            if self.has(Table::GroupBans, &member_key(app, id, *user))? {
                let username = find::username(self, app, *user)?.to_string();
                return Err(Refusal::Banned { username }.into());
            }
        }
        Ok(())
    }

    pub(super) fn set_nickname(
        &mut self,
        scene: Scene,
        group: &Group,
        username: &str,
        nickname: &str,
    ) -> Decided<Answer> {
        let rank = self.require_rank(scene, group, Rank::Member)?;
        let (user, target) = self.member_targets(scene, group, &[username.to_owned()])?.remove(0);
        let is_own = matches!(scene.by, Actor::User(by) if by == user);
        let is_allowed = is_own || scene.by == Actor::Server || (rank >= Rank::Admin && target == Rank::Member);
        if !is_allowed {
            return Err(Refusal::NotPermitted.into());
        }
        let key = member_key(scene.app, scene.id, user);
        let old = self.row::<NicknameRow>(&key)?.map(|row| row.0).unwrap_or_default();
        if old == nickname {
            return Ok(Answer::Done);
        }
        match nickname {
            "" => self.remove(Table::Nicknames, &key)?,
            _ => self.put(&key, &NicknameRow(nickname.into()))?,
        }
        let detail = ChangeDetail::Nickname { old, new: nickname.into() };
        self.tell_of(scene, group, GroupEventKind::NICKNAME, &[user], detail)
    }
}
