//! What users are to each other and to their groups: blocked, muted, shielded, friends. Each command is carried out as a
//! whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::content::NoticeKind;
use anser_protocol::ids::{GroupId, Position};

use super::across::Other;
use super::{Batch, Decided};
use crate::across;
use crate::command::{Actor, FriendNote, MuteChange, NewUser};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{Answer, Refusal, Relation};
use crate::rows::app::app_key;
use crate::rows::chat::{Conversation, ConversationKind, WindowKind, conversation_key};
use crate::rows::group::Group;
use crate::rows::record::NoticeRecord;
use crate::rows::relation::{
    FriendRow, Registration, Shielded, Tie, Tied, friend_key, shield_key, tie_key, ties_prefix,
};
use crate::rows::told::NotedKind;
use crate::rows::user::user_key;
use crate::table::Table;
use crate::tables::Tables;

/// Users whom one user has blocked, and whom they have muted.
const TIES_MAX: usize = 1_000;
const FRIENDS_MAX: usize = 2_000;

impl Batch<'_> {
    pub(super) fn block(&mut self, app: AppNumber, by: Actor, username: &str, others: &[String]) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        let mut blocked = Vec::with_capacity(others.len());
        for name in others {
            let other = self.other(app, name)?;
            if other.number == Some(user) {
                return Err(Refusal::OneSelf.into());
            }
            if other.is_admin {
                return Err(Refusal::AdminProtected { username: name.clone() }.into());
            }
            if other.is_tied_to(self, app, user, Tie::Blocks)? {
                return Err(Refusal::AlreadySo { relation: Relation::Blocked, name: name.clone() }.into());
            }
            blocked.push(other);
        }
        self.check_ties(app, user, username, (Tie::Blocks, Relation::Blocked), blocked.len())?;
        let blocked = self.settle_all(app, &blocked)?;
        for other in &blocked {
            self.tie(app, user, Tie::Blocks, other.0)?;
        }
        let told = by.tells((NoticeKind::BLACKLIST_SET, 1), (NoticeKind::OWN_BLACKLIST, 1));
        self.notify(app, &[user], &told.about(&blocked))?;
        Ok(about(user))
    }

    pub(super) fn unblock(&mut self, app: AppNumber, by: Actor, username: &str, others: &[String]) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        let blocked = self.tied_users(app, user, (Tie::Blocks, Relation::Blocked), others)?;
        for other in &blocked {
            self.untie(app, user, Tie::Blocks, other.0)?;
        }
        let told = by.tells((NoticeKind::BLACKLIST_SET, 2), (NoticeKind::OWN_BLACKLIST, 2));
        self.notify(app, &[user], &told.about(&blocked))?;
        Ok(about(user))
    }

    pub(super) fn mute(&mut self, app: AppNumber, by: Actor, username: &str, change: &MuteChange) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        let mut muted = Vec::with_capacity(change.add_users.len());
        for name in &change.add_users {
            let other = self.other(app, name)?;
            if other.number == Some(user) {
                return Err(Refusal::OneSelf.into());
            }
            if other.is_tied_to(self, app, user, Tie::MutesUser)? {
                return Err(Refusal::AlreadySo { relation: Relation::MutedUser, name: name.clone() }.into());
            }
            muted.push(other);
        }
        let unmuted = self.tied_users(app, user, (Tie::MutesUser, Relation::MutedUser), &change.remove_users)?;
        self.check_ties(app, user, username, (Tie::MutesUser, Relation::MutedUser), muted.len())?;
        self.check_homes(app, by, change)?;
        self.check_groups(app, user, Relation::MutedGroup, &change.add_groups, &change.remove_groups)?;
        let mutes_all = find::is_tied(self, app, user, Tie::MutesEverything, 0)?;
        if mutes_all && change.everything == Some(true) {
            return Err(Refusal::AlreadySo { relation: Relation::MutedEverything, name: String::new() }.into());
        }
        if !mutes_all && change.everything == Some(false) && change.off_needs_on {
            return Err(Refusal::NotSo { relation: Relation::MutedEverything, name: String::new() }.into());
        }
        let muted = self.settle_all(app, &muted)?;
        for other in &muted {
            self.tie(app, user, Tie::MutesUser, other.0)?;
        }
        for other in &unmuted {
            self.untie(app, user, Tie::MutesUser, other.0)?;
        }
        for group in &change.add_groups {
            self.tie(app, user, Tie::MutesGroup, group.0)?;
        }
        for group in &change.remove_groups {
            self.untie(app, user, Tie::MutesGroup, group.0)?;
        }
        match change.everything {
            Some(true) => self.tie(app, user, Tie::MutesEverything, 0)?,
            Some(false) => self.untie(app, user, Tie::MutesEverything, 0)?,
            None => {}
        }
        self.tell_mutes(app, by, user, (&muted, &unmuted), change)?;
        Ok(about(user))
    }

    /// App servers say of which app a group is.
    fn check_homes(&self, app: AppNumber, by: Actor, change: &MuteChange) -> Decided<()> {
        for (group, app_key) in &change.groups_of {
            let home = across::linked_app(self, app, app_key)??;
            if across::home_of_group(self, app, *group)? != Some(home) {
                return Err(Refusal::GroupUnknown.into());
            }
        }
        let groups = change.add_groups.iter().chain(&change.remove_groups);
        let unsaid = groups.filter(|group| !change.groups_of.iter().any(|(said, _)| said == *group));
        self.check_own_groups(app, by, unsaid)
    }

    /// A group of another app is known here to its members only, and not to the app's server.
    fn check_own_groups<'g>(
        &self,
        app: AppNumber,
        by: Actor,
        groups: impl Iterator<Item = &'g GroupId>,
    ) -> Decided<()> {
        for group in groups.filter(|_| by == Actor::Server) {
            if across::home_of_group(self, app, *group)?.is_some() {
                return Err(Refusal::GroupUnknown.into());
            }
        }
        Ok(())
    }

    /// One notice for each part of the change.
    fn tell_mutes(
        &mut self,
        app: AppNumber,
        by: Actor,
        user: UserNumber,
        (muted, unmuted): (&[UserNumber], &[UserNumber]),
        change: &MuteChange,
    ) -> Result<(), ReadError> {
        let told = |detail| by.tells((NoticeKind::MUTES_SET, detail), (NoticeKind::OWN_MUTES, detail));
        for (detail, users) in [(31, muted), (32, unmuted)] {
            if !users.is_empty() {
                self.notify(app, &[user], &told(detail).about(users))?;
            }
        }
        for (detail, groups) in [(33, &change.add_groups), (34, &change.remove_groups)] {
            for group in groups {
                self.notify(app, &[user], &told(detail).of_group(*group))?;
            }
        }
        match change.everything {
            Some(true) => self.notify(app, &[user], &told(35)),
            Some(false) => self.notify(app, &[user], &told(36)),
            None => Ok(()),
        }
    }

    pub(super) fn shield(
        &mut self,
        app: AppNumber,
        by: Actor,
        username: &str,
        (add, remove): (&[GroupId], &[GroupId]),
    ) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        self.check_own_groups(app, by, add.iter().chain(remove))?;
        self.check_groups(app, user, Relation::Shielded, add, remove)?;
        let kinds = [(add, WindowKind::EventsOnly, 1), (remove, WindowKind::All, 2)];
        for (groups, kind, detail) in kinds {
            for id in groups {
                if let Some(group) = find::group(self, app, *id)? {
                    self.turn_window(app, user, *id, &group, kind)?;
                    let told = by.tells((NoticeKind::SHIELDS_SET, detail), (NoticeKind::OWN_SHIELDS, detail));
                    self.notify(app, &[user], &told.of_group(*id))?;
                }
            }
        }
        Ok(about(user))
    }

    fn turn_window(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        id: GroupId,
        group: &Group,
        kind: WindowKind,
    ) -> Result<(), ReadError> {
        self.members.borrow_mut().forget(app, id);
        let shield = shield_key(app, id, user);
        match kind {
            WindowKind::EventsOnly => self.put(&shield, &Shielded)?,
            WindowKind::All => self.remove(Table::Shields, &shield)?,
        }
        let key = conversation_key(app, user, ConversationKind::Group, group.chain);
        if let Some(mut row) = self.row::<Conversation>(&key)? {
            let head = self.head(group.chain)?.unwrap_or_default();
            // A place of its own: nobody who stands there or behind has been told of it.
            let changed: Position = self.take_position();
            row.turn(kind, head.seq, head.last, changed);
            self.put(&key, &row)?;
        }
        Ok(())
    }

    /// The user is in all of these groups, those to be added are not muted (or shielded), and the others are.
    fn check_groups(
        &self,
        app: AppNumber,
        user: UserNumber,
        relation: Relation,
        add: &[GroupId],
        remove: &[GroupId],
    ) -> Decided<()> {
        let mut becomes = BTreeMap::new();
        let all = add.iter().map(|group| (group, false)).chain(remove.iter().map(|group| (group, true)));
        for (group, must_be_so) in all {
            if find::group(self, app, *group)?.is_none() {
                return Err(Refusal::GroupUnknown.into());
            }
            if !self.is_member(app, *group, user)? {
                return Err(Refusal::NotAMember.into());
            }
            let stands = match relation {
                Relation::Shielded => self.has(Table::Shields, &shield_key(app, *group, user))?,
                _ => find::is_tied(self, app, user, Tie::MutesGroup, group.0)?,
            };
            // A second mention finds what the first one will have done.
            let is_so = becomes.insert(*group, !must_be_so).unwrap_or(stands);
            match (is_so, must_be_so) {
                (true, false) => return Err(Refusal::AlreadySo { relation, name: group.0.to_string() }.into()),
                (false, true) => return Err(Refusal::NotSo { relation, name: group.0.to_string() }.into()),
                _ => {}
            }
        }
        Ok(())
    }

    pub(super) fn befriend(&mut self, app: AppNumber, by: Actor, username: &str, others: &[String]) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        let mut friends = Vec::with_capacity(others.len());
        for name in others {
            let other = self.other(app, name)?;
            self.check_strangers(app, user, &other)?;
            friends.push(other);
        }
        self.check_friends(app, user, username, friends.len())?;
        let friends = self.settle_all(app, &friends)?;
        for other in &friends {
            self.make_friends(app, user, *other)?;
        }
        let told = NoticeRecord::new(NoticeKind::FRIENDS_CHANGED, 5, None);
        self.notify(app, &[user], &told.clone().about(&friends))?;
        self.note_event(app, NotedKind::FriendsMade.by(None, &[&[user], &friends[..]].concat()))?;
        self.notify_others(app, user, &friends, &told)?;
        Ok(Answer::People { users: std::iter::once(user).chain(friends).collect(), is_complete: true })
    }

    pub(super) fn unfriend(&mut self, app: AppNumber, by: Actor, username: &str, others: &[String]) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        let mut friends = Vec::with_capacity(others.len());
        for name in others {
            friends.push(self.friend(app, user, name)?.0);
        }
        for other in &friends {
            let here = (app, user, *other);
            for (app, user, other) in std::iter::once(here).chain(self.other_side(app, user, *other)?) {
                self.remove(Table::Friends, &friend_key(app, user, other))?;
                self.remove(Table::Friends, &friend_key(app, other, user))?;
            }
        }
        let by_server = (NoticeKind::FRIEND_REMOVED, 0);
        self.notify(app, &[user], &by.tells(by_server, (NoticeKind::OWN_FRIENDS, 6)).about(&friends))?;
        let parted = match by {
            Actor::User(_) => friends.clone(),
            Actor::Server => [&[user], &friends[..]].concat(),
        };
        self.note_event(app, NotedKind::FriendsParted.by(by.user(), &parted))?;
        self.notify_others(app, user, &friends, &by.tells(by_server, by_server))?;
        Ok(Answer::People { users: std::iter::once(user).chain(friends).collect(), is_complete: true })
    }

    pub(super) fn note_friends(
        &mut self,
        app: AppNumber,
        by: Actor,
        username: &str,
        notes: &[FriendNote],
    ) -> Decided<Answer> {
        let user = self.subject(app, by, username)?;
        for note in notes {
            self.friend(app, user, &note.username)?;
        }
        let mut noted = BTreeSet::new();
        for note in notes {
            // Read again: a friend may stand in the list twice.
            let (friend, mut row) = self.friend(app, user, &note.username)?;
            row.take(note);
            self.put(&friend_key(app, user, friend), &row)?;
            noted.insert(friend);
        }
        let noted: Vec<UserNumber> = noted.into_iter().collect();
        let told = by.tells((NoticeKind::FRIENDS_CHANGED, 7), (NoticeKind::OWN_FRIENDS, 7));
        self.notify(app, &[user], &told.about(&noted))?;
        Ok(about(user))
    }

    pub(super) fn ask_friend(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        other: &str,
        reason: &str,
    ) -> Decided<Answer> {
        let asked = self.other(app, other)?;
        if asked.number == Some(user) {
            return Err(Refusal::OneSelf.into());
        }
        self.check_no_friends(app, user, &asked)?;
        let is_asked = asked.is_tied_to(self, app, user, Tie::Asks)?;
        if !is_asked {
            let username = find::username(self, app, user)?;
            self.check_ties(app, user, &username, (Tie::Asks, Relation::FriendRequest), 1)?;
            if let Some((home, at_home)) = asked.at_home(app) {
                self.check_ties(home, at_home, other, (Tie::AskedBy, Relation::FriendRequest), 1)?;
            }
        }
        let asked = self.settle(app, &asked)?;
        let here = (app, user, asked);
        for (app, user, asked) in std::iter::once(here).chain(self.other_side(app, user, asked)?) {
            self.tie(app, user, Tie::Asks, asked.0)?;
        }
        self.note_event(app, NotedKind::FriendAsked.by(Some(user), &[asked]).saying(reason))?;
        let told = NoticeRecord::new(NoticeKind::FRIEND_REQUEST, 1, None).saying(reason);
        self.notify_asked(app, user, asked, told)?;
        Ok(about(user))
    }

    pub(super) fn answer_friend(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        asker: &str,
        accepts: bool,
        reason: &str,
    ) -> Decided<Answer> {
        let asked_by = self.other(app, asker)?;
        let Some(other) = asked_by.number else {
            return Err(Refusal::NotSo { relation: Relation::FriendRequest, name: asker.into() }.into());
        };
        if !find::is_tied(self, app, user, Tie::AskedBy, other.0)? {
            return Err(Refusal::NotSo { relation: Relation::FriendRequest, name: asker.into() }.into());
        }
        if accepts && !self.has(Table::Friends, &friend_key(app, user, other))? {
            let username = find::username(self, app, user)?;
            self.check_friends(app, user, &username, 1)?;
            if let Some((home, at_home)) = asked_by.at_home(app) {
                self.check_friends(home, at_home, asker, 1)?;
            }
            self.make_friends(app, user, other)?;
            let own = NoticeRecord::new(NoticeKind::OWN_FRIENDS, 5, Some(user));
            self.notify(app, &[user], &own.about(&[other]))?;
        }
        let here = (app, user, other);
        for (app, user, other) in std::iter::once(here).chain(self.other_side(app, user, other)?) {
            self.untie(app, user, Tie::AskedBy, other.0)?;
        }
        let detail = if accepts { 2 } else { 3 };
        let kind = if accepts { NotedKind::FriendAccepted } else { NotedKind::FriendRefused };
        self.note_event(app, kind.by(Some(user), &[other]).saying(reason))?;
        let told = NoticeRecord::new(NoticeKind::FRIEND_REQUEST, detail, None).saying(reason);
        self.notify_asked(app, user, other, told)?;
        Ok(about(user))
    }

    /// Requests between the two are done with.
    pub(super) fn make_friends(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        other: UserNumber,
    ) -> Result<(), ReadError> {
        let row = FriendRow { since_ms: self.now_ms(), ..FriendRow::default() };
        let here = (app, user, other);
        for (app, user, other) in std::iter::once(here).chain(self.other_side(app, user, other)?) {
            self.put(&friend_key(app, user, other), &row)?;
            self.put(&friend_key(app, other, user), &row)?;
            self.untie(app, user, Tie::Asks, other.0)?;
            self.untie(app, user, Tie::AskedBy, other.0)?;
        }
        Ok(())
    }

    /// Tells others of what `user` has to do with them, each in their own app.
    fn notify_others(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        others: &[UserNumber],
        told: &NoticeRecord,
    ) -> Result<(), ReadError> {
        self.notify(app, others, &told.clone().about(&[user]))?;
        for other in others {
            if let Some((home, guest, at_home)) = self.other_side(app, user, *other)? {
                // What the user did is not by a user of that app's own number.
                let by = told.by.map(|_| guest);
                self.notify(home, &[at_home], &NoticeRecord { by, ..told.clone() }.about(&[guest]))?;
            }
        }
        Ok(())
    }

    /// The same, of what `user` asks or answers.
    fn notify_asked(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        other: UserNumber,
        told: NoticeRecord,
    ) -> Result<(), ReadError> {
        match self.other_side(app, user, other)? {
            Some((home, guest, at_home)) => self.notify(home, &[at_home], &NoticeRecord { by: Some(guest), ..told }),
            None => self.notify(app, &[other], &NoticeRecord { by: Some(user), ..told }),
        }
    }

    /// They are two, and not friends yet, and the other may have one more.
    fn check_strangers(&self, app: AppNumber, user: UserNumber, other: &Other) -> Decided<()> {
        if other.number == Some(user) {
            return Err(Refusal::OneSelf.into());
        }
        self.check_no_friends(app, user, other)?;
        match other.at_home(app) {
            Some((home, at_home)) => self.check_friends(home, at_home, &other.name, 1),
            None => Ok(()),
        }
    }

    fn check_no_friends(&self, app: AppNumber, user: UserNumber, other: &Other) -> Decided<()> {
        let Some(number) = other.number else { return Ok(()) };
        if self.has(Table::Friends, &friend_key(app, user, number))? {
            return Err(Refusal::AlreadySo { relation: Relation::Friend, name: other.name.clone() }.into());
        }
        Ok(())
    }

    fn friend(&self, app: AppNumber, user: UserNumber, name: &str) -> Decided<(UserNumber, FriendRow)> {
        let none = || Refusal::NotSo { relation: Relation::Friend, name: name.into() };
        let friend = self.other(app, name)?.number.ok_or_else(none)?;
        let row: Option<FriendRow> = self.row(&friend_key(app, user, friend))?;
        Ok((friend, row.ok_or_else(none)?))
    }

    pub(super) fn check_friends(&self, app: AppNumber, user: UserNumber, name: &str, more: usize) -> Decided<()> {
        let known = self.keys(Table::Friends, &user_key(app, user), FRIENDS_MAX)?.len();
        if known + more <= FRIENDS_MAX {
            return Ok(());
        }
        Err(Refusal::TooManyRelations { relation: Relation::Friend, username: name.into() }.into())
    }

    pub(super) fn set_registration(&mut self, app: AppNumber, is_open: bool) -> Decided<Answer> {
        self.require_app(app)?;
        self.put(&app_key(app), &Registration { is_open })?;
        Ok(Answer::Done)
    }

    pub(super) fn register_self(&mut self, app: AppNumber, user: &NewUser) -> Decided<Answer> {
        if find::is_registration_open(self, app)? {
            self.register_users(app, std::slice::from_ref(user))
        } else {
            Err(Refusal::RegistrationClosed.into())
        }
    }

    pub(super) fn tie(&mut self, app: AppNumber, user: UserNumber, tie: Tie, other: u32) -> Result<(), ReadError> {
        self.put(&tie_key(app, user, tie, other), &Tied)?;
        match tie.mirror() {
            Some(mirror) => self.put(&tie_key(app, UserNumber(other), mirror, user.0), &Tied),
            None => Ok(()),
        }
    }

    fn untie(&mut self, app: AppNumber, user: UserNumber, tie: Tie, other: u32) -> Result<(), ReadError> {
        self.remove(Table::Ties, &tie_key(app, user, tie, other))?;
        match tie.mirror() {
            Some(mirror) => self.remove(Table::Ties, &tie_key(app, UserNumber(other), mirror, user.0)),
            None => Ok(()),
        }
    }

    /// The users of these names, who are all tied so.
    fn tied_users(
        &self,
        app: AppNumber,
        user: UserNumber,
        (tie, relation): (Tie, Relation),
        names: &[String],
    ) -> Decided<Vec<UserNumber>> {
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            let other = self.other(app, name)?;
            match other.number {
                Some(number) if find::is_tied(self, app, user, tie, number.0)? => users.push(number),
                _ => return Err(Refusal::NotSo { relation, name: name.clone() }.into()),
            }
        }
        Ok(users)
    }

    pub(super) fn check_ties(
        &self,
        app: AppNumber,
        user: UserNumber,
        username: &str,
        (tie, relation): (Tie, Relation),
        more: usize,
    ) -> Decided<()> {
        let known = self.keys(Table::Ties, &ties_prefix(app, user, tie), TIES_MAX)?.len();
        if known + more <= TIES_MAX {
            return Ok(());
        }
        Err(Refusal::TooManyRelations { relation, username: username.into() }.into())
    }

    /// A part of what a deleted user had to do with others; returns how many rows that were. Groups were left before.
    pub(super) fn clear_relations(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        limit: usize,
    ) -> Result<usize, ReadError> {
        let prefix: Key = user_key(app, user);
        let ties = self.keys(Table::Ties, &prefix, limit)?;
        for key in &ties {
            self.remove_bytes(Table::Ties, key)?;
            let tie = key.get(8).copied().and_then(Tie::by_number);
            if let (Some(mirror), Some(other)) = (tie.and_then(Tie::mirror), u32_at(key, 9)) {
                self.remove(Table::Ties, &tie_key(app, UserNumber(other), mirror, user.0))?;
            }
        }
        let friends = self.keys(Table::Friends, &prefix, limit - ties.len())?;
        for key in &friends {
            self.remove_bytes(Table::Friends, key)?;
            if let Some(friend) = u32_at(key, 8).map(UserNumber) {
                self.remove(Table::Friends, &friend_key(app, friend, user))?;
            }
        }
        Ok(ties.len() + friends.len())
    }
}

fn about(user: UserNumber) -> Answer {
    Answer::People { users: vec![user], is_complete: true }
}
