//! What app servers do with users: profiles, passwords, disabling, deleting.
//!
//! A deleted user is gone with the first command: no name leads there, and no token is good without the name. What is left
//! goes in slices behind that.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::content::{GroupEventKind, NoticeKind};
use anser_protocol::ids::GroupId;

use super::{Batch, Decided};
use crate::across;
use crate::command::{Actor, PeopleCommand, Profile, ProfileChange};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{Answer, Refusal};
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversations_prefix};
use crate::rows::chunk::UserChunk;
use crate::rows::message_count::HourCounts;
use crate::rows::people::{Departed, UserClass, UserState, in_chunk, user_chunk_key};
use crate::rows::told::NotedKind;
use crate::rows::user::{Session, User, user_key, username_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Sessions that one command ends: three rows each.
const SESSIONS_MAX: usize = 300;
/// Of each kind of what a deleted user had, so much goes in one command.
const CLEARED_MAX: usize = 100;
/// Groups that a deleted user leaves in one command: of each the members are looked through.
const GROUPS_MAX: usize = 8;
/// The same for chat rooms, of which only the next owner is looked for.
const ROOMS_MAX: usize = 50;

impl Batch<'_> {
    pub(super) fn people(&mut self, command: &PeopleCommand) -> Decided<Answer> {
        match command {
            PeopleCommand::ChangeProfile { app, by, username, change } => {
                self.change_profile(*app, *by, username, change)
            }
            PeopleCommand::SetPassword { app, username, password } => {
                let (number, user) = self.named_person(*app, username)?;
                // A repeat brings the same hash.
                if user.password != *password {
                    self.put(&user_key(*app, number), &User { password: password.clone(), ..user })?;
                    self.note_event(*app, NotedKind::PasswordChanged.by(None, &[number]))?;
                }
                self.end_sessions(*app, number)
            }
            PeopleCommand::ChangePassword { app, user, checked, password, keep } => {
                self.change_password(*app, *user, (checked, password), keep)
            }
            PeopleCommand::SetDisabled { app, username, is_disabled } => {
                let (number, _) = self.named_person(*app, username)?;
                self.set_disabled(*app, number, *is_disabled)
            }
            PeopleCommand::Delete { app, usernames } => self.delete_users(*app, usernames),
            PeopleCommand::Block { app, by, username, others } => self.block(*app, *by, username, others),
            PeopleCommand::Unblock { app, by, username, others } => self.unblock(*app, *by, username, others),
            PeopleCommand::Mute { app, by, username, change } => self.mute(*app, *by, username, change),
            PeopleCommand::Shield { app, by, username, add, remove } => self.shield(*app, *by, username, (add, remove)),
            PeopleCommand::AskFriend { app, user, other, reason } => self.ask_friend(*app, *user, other, reason),
            PeopleCommand::AnswerFriend { app, user, asker, accepts, reason } => {
                self.answer_friend(*app, *user, asker, *accepts, reason)
            }
            PeopleCommand::Befriend { app, by, username, others } => self.befriend(*app, *by, username, others),
            PeopleCommand::Unfriend { app, by, username, others } => self.unfriend(*app, *by, username, others),
            PeopleCommand::NoteFriends { app, by, username, notes } => self.note_friends(*app, *by, username, notes),
            PeopleCommand::SetRegistration { app, is_open } => self.set_registration(*app, *is_open),
            PeopleCommand::RegisterSelf { app, user } => self.register_self(*app, user),
            PeopleCommand::ClearDeparted { app } => {
                self.require_app(*app)?;
                self.clear_departed(*app)
            }
        }
    }

    /// Whoever bears the name in a living app.
    pub(super) fn named_person(&self, app: AppNumber, username: &str) -> Decided<(UserNumber, User)> {
        self.require_app(app)?;
        let unknown = || Refusal::UserUnknown { username: username.into() };
        let number = find::user_number(self, app, username)?.ok_or_else(unknown)?;
        Ok((number, find::required(self, user_key(app, number))?))
    }

    /// The user whom a command is about: by an app server, or by the user, who may have been deleted since.
    pub(super) fn subject(&self, app: AppNumber, by: Actor, username: &str) -> Decided<UserNumber> {
        let (number, _) = self.named_person(app, username)?;
        match by {
            Actor::User(user) if user != number => Err(Refusal::SenderUnknown.into()),
            _ => Ok(number),
        }
    }

    fn change_profile(&mut self, app: AppNumber, by: Actor, username: &str, change: &ProfileChange) -> Decided<Answer> {
        let number = self.subject(app, by, username)?;
        if *change != ProfileChange::default() {
            let mut user: User = find::required(self, user_key(app, number))?;
            change.apply_to(&mut user.profile);
            self.note_avatar(app, &user.profile.avatar)?;
            user.changed_ms = self.now_ms();
            self.put(&user_key(app, number), &user)?;
            self.notify(app, &[number], &by.tells((NoticeKind::PROFILE_SET, 0), (NoticeKind::OWN_PROFILE, 0)))?;
            self.note_event(app, NotedKind::ProfileChanged.by(by.user(), &[number]))?;
        }
        Ok(Answer::People { users: vec![number], is_complete: true })
    }

    fn set_disabled(&mut self, app: AppNumber, user: UserNumber, is_disabled: bool) -> Decided<Answer> {
        let key = user_key(app, user);
        if find::user_state(self, app, user)?.is_some() != is_disabled {
            let kind = if is_disabled { NotedKind::UserDisabled } else { NotedKind::UserEnabled };
            self.note_event(app, kind.by(None, &[user]))?;
        }
        if is_disabled {
            self.put(&key, &UserState::Disabled)?;
            return self.end_sessions(app, user);
        }
        self.remove(Table::UserStates, &key)?;
        Ok(Answer::People { users: vec![user], is_complete: true })
    }

    fn change_password(
        &mut self,
        app: AppNumber,
        number: UserNumber,
        (checked, password): (&str, &str),
        keep: &[u8; 32],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let user = find::user(self, app, number)?.ok_or(Refusal::SenderUnknown)?;
        match find::user_state(self, app, number)? {
            None => {}
            Some(UserState::Disabled) => return Err(Refusal::UserDisabled.into()),
            Some(UserState::Deleted) => return Err(Refusal::SenderUnknown.into()),
        }
        if user.password != password {
            if user.password != checked {
                return Err(Refusal::PasswordChanged.into());
            }
            self.put(&user_key(app, number), &User { password: password.into(), ..user })?;
            self.note_event(app, NotedKind::PasswordChanged.by(Some(number), &[number]))?;
        }
        let ended = self.remove_sessions(app, number, SESSIONS_MAX, Some(keep))?;
        Ok(Answer::People { users: vec![number], is_complete: ended < SESSIONS_MAX })
    }

    fn end_sessions(&mut self, app: AppNumber, user: UserNumber) -> Decided<Answer> {
        let ended = self.remove_sessions(app, user, SESSIONS_MAX, None)?;
        Ok(Answer::People { users: vec![user], is_complete: ended < SESSIONS_MAX })
    }

    /// Returns how many there were, at most `limit`, without the one that is kept.
    fn remove_sessions(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        limit: usize,
        keep: Option<&[u8; 32]>,
    ) -> Result<usize, ReadError> {
        let mut hashes = Vec::new();
        let prefix = user_key(app, user);
        self.rows::<Session>(&prefix, |key, session| {
            if keep != Some(&session.token_hash) {
                hashes.push((key.to_vec(), session.token_hash));
            }
            Ok(if hashes.len() < limit { NEXT } else { STOP })
        })?;
        for (key, hash) in &hashes {
            self.remove_token(app, hash)?;
            self.remove_bytes(Table::Sessions, key)?;
        }
        Ok(hashes.len())
    }

    /// New users are put down in the list of their class, those of one chunk together.
    pub(super) fn list_users(
        &mut self,
        app: AppNumber,
        users: impl IntoIterator<Item = (UserClass, UserNumber)>,
    ) -> Result<(), ReadError> {
        let mut chunks = BTreeMap::<Key, Vec<UserNumber>>::new();
        for (class, user) in users {
            chunks.entry(user_chunk_key(app, class, user)).or_default().push(user);
        }
        for (key, users) in chunks {
            self.change_chunk::<UserChunk>(&key, |chunk| {
                users.iter().fold(false, |changed, user| chunk.insert(in_chunk(*user)) | changed)
            })?;
        }
        Ok(())
    }

    fn delete_users(&mut self, app: AppNumber, usernames: &[String]) -> Decided<Answer> {
        let mut users = Vec::new();
        let mut seen = BTreeSet::new();
        for username in usernames {
            let (number, user) = self.named_person(app, username)?;
            if seen.insert(number) {
                users.push((number, user));
            }
        }
        for (number, user) in &users {
            self.delete_user(app, *number, user)?;
        }
        let users: Vec<UserNumber> = users.into_iter().map(|(number, _)| number).collect();
        self.note_event(app, NotedKind::UsersDeleted.by(None, &users))?;
        Ok(Answer::People { users, is_complete: true })
    }

    /// For an erasure: the event tells of the deletion as of any other.
    pub(super) fn delete_for_good(&mut self, app: AppNumber, number: UserNumber, user: &User) -> Result<(), ReadError> {
        self.delete_user(app, number, user)?;
        self.note_event(app, NotedKind::UsersDeleted.by(None, &[number]))
    }

    fn delete_user(&mut self, app: AppNumber, number: UserNumber, user: &User) -> Result<(), ReadError> {
        let key = user_key(app, number);
        let nameplate = User { password: String::new(), profile: Profile::default(), ..user.clone() };
        self.put(&key, &nameplate)?;
        self.put(&key, &UserState::Deleted)?;
        self.put(&key, &Departed)?;
        self.part_guests(app, number)?;
        self.remove(Table::UserNames, &username_key(app, &user.username))?;
        let chunk = user_chunk_key(app, UserClass::of(user.is_admin), number);
        self.change_chunk::<UserChunk>(&chunk, |chunk| chunk.remove(in_chunk(number)))?;
        self.count_hour(app, HourCounts { gone_users: u64::from(!user.is_admin), ..HourCounts::default() });
        Ok(())
    }

    fn clear_departed(&mut self, app: AppNumber) -> Decided<Answer> {
        let Some(key) = self.keys(Table::DepartedUsers, &Key::app(app), 1)?.pop() else {
            return self.clear_dissolved(app);
        };
        let user = UserNumber(u32_at(&key, 4).unwrap_or_default());
        if self.clear_some(app, user)? {
            self.remove_bytes(Table::DepartedUsers, &key)?;
        }
        let is_more = !self.keys(Table::DepartedUsers, &Key::app(app), 1)?.is_empty()
            || !self.keys(Table::DissolvedGroups, &Key::app(app), 1)?.is_empty();
        Ok(if is_more { Answer::Continue } else { Answer::Done })
    }

    /// Returns whether nothing is left.
    fn clear_some(&mut self, app: AppNumber, user: UserNumber) -> Decided<bool> {
        if self.remove_sessions(app, user, CLEARED_MAX, None)? == CLEARED_MAX {
            return Ok(false);
        }
        for table in [Table::ChatCursors, Table::GaveWay] {
            let keys = self.keys(table, &user_key(app, user), CLEARED_MAX)?;
            for key in &keys {
                self.remove_bytes(table, key)?;
            }
            if keys.len() == CLEARED_MAX {
                return Ok(false);
            }
        }
        let groups = self.some_groups_of(app, user, GROUPS_MAX)?;
        for id in &groups {
            if let Some(home) = across::home_of_group(self, app, *id)? {
                self.part_from_mirrored((app, user), (*id, home), GroupEventKind::REMOVED)?;
            } else if let Some(group) = find::group(self, app, *id)? {
                self.part_members(app, Actor::Server, *id, group, GroupEventKind::REMOVED, vec![user])?;
            }
        }
        if groups.len() == GROUPS_MAX || self.part_from_rooms(app, user, ROOMS_MAX)? == ROOMS_MAX {
            return Ok(false);
        }
        if self.clear_relations(app, user, CLEARED_MAX)? == CLEARED_MAX {
            return Ok(false);
        }
        self.forget_guest_numbers(app, user)?;
        Ok(true)
    }

    fn some_groups_of(&self, app: AppNumber, user: UserNumber, limit: usize) -> Result<Vec<GroupId>, ReadError> {
        let mut groups = Vec::new();
        let prefix = conversations_prefix(app, user).u8(ConversationKind::Group as u8);
        self.rows::<Conversation>(&prefix, |_, conversation| {
            if let (Chat::Group(id), true) = (conversation.chat, conversation.is_open())
                && find::group(self, app, id)?.is_some()
            {
                groups.push(id);
            }
            Ok(if groups.len() < limit { NEXT } else { STOP })
        })?;
        Ok(groups)
    }
}
