//! Who may do what in a chat room: its admins, its blacklist, those who may not speak.

use std::sync::Arc;

use anser_protocol::ids::RoomId;
use anser_protocol::limits::{ROOM_ADMINS_MAX, ROOM_BLOCKED_MAX};
use anser_protocol::room::RoomEventKind;

use super::{Batch, Decided};
use crate::command::Actor;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::outcome::{Answer, RoomEvent, RoomNews, RoomRefusal};
use crate::rows::room::{Role, RoleRow, Room, role_key, room_key};
use crate::rows::told::NotedKind;
use crate::table::Table;
use crate::tables::Tables;

/// A user whom a command names.
struct Named {
    user: UserNumber,
    username: String,
}

impl Batch<'_> {
    pub(super) fn add_room_admins(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: RoomId,
        names: &[String],
    ) -> Decided<Answer> {
        let room = self.live_room(app, id)?;
        self.require_room_right(app, (id, &room), by, false)?;
        let users = self.named_in_room(app, names)?;
        for Named { user, username } in &users {
            let username = username.clone();
            if *user == room.owner {
                return Err(RoomRefusal::IsOwner { username }.into());
            }
            if self.is_in_role(app, id, Role::Admin, *user)? {
                return Err(RoomRefusal::AlreadyAdmin { username }.into());
            }
            self.require_inside(app, id, *user, &username)?;
        }
        if self.count_in_role(app, id, Role::Admin, ROOM_ADMINS_MAX)? + users.len() > ROOM_ADMINS_MAX {
            return Err(RoomRefusal::TooManyAdmins.into());
        }
        self.put_roles(app, id, Role::Admin, &users, None)?;
        self.tell_roles(app, id, RoomEventKind::ADMINS_ADDED, by, users)
    }

    pub(super) fn remove_room_admins(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: RoomId,
        names: &[String],
    ) -> Decided<Answer> {
        let room = self.live_room(app, id)?;
        self.require_room_right(app, (id, &room), by, false)?;
        let users = self.named_in_room(app, names)?;
        for Named { user, username } in &users {
            if !self.is_in_role(app, id, Role::Admin, *user)? {
                return Err(RoomRefusal::NotAdmin { username: username.clone() }.into());
            }
        }
        self.remove_roles(app, id, Role::Admin, &users)?;
        self.tell_roles(app, id, RoomEventKind::ADMINS_REMOVED, by, users)
    }

    pub(super) fn block_in_room(&mut self, app: AppNumber, by: Actor, id: RoomId, names: &[String]) -> Decided<Answer> {
        let mut room = self.live_room(app, id)?;
        self.require_room_right(app, (id, &room), by, true)?;
        let users = self.named_in_room(app, names)?;
        for Named { user, username } in &users {
            self.require_plain(app, (id, &room), *user, username)?;
            if self.is_in_role(app, id, Role::Blocked, *user)? {
                return Err(RoomRefusal::AlreadyBlocked { username: username.clone() }.into());
            }
        }
        if self.count_in_role(app, id, Role::Blocked, ROOM_BLOCKED_MAX)? + users.len() > ROOM_BLOCKED_MAX {
            return Err(RoomRefusal::TooManyBlocked.into());
        }
        self.put_roles(app, id, Role::Blocked, &users, None)?;
        let mut inside = Vec::new();
        for Named { user, .. } in &users {
            if self.is_inside(app, id, *user)? {
                inside.push(*user);
            }
        }
        self.let_out(app, id, &mut room, &inside)?;
        self.put(&room_key(app, id), &room)?;
        let answer = self.tell_roles(app, id, RoomEventKind::BLOCKED, by, users)?;
        if !inside.is_empty() {
            self.note_event(app, NotedKind::RoomLeft.by(by.user(), &inside).of_room(id))?;
            self.tell_room(app, id, RoomNews::Blocked(inside));
        }
        Ok(answer)
    }

    pub(super) fn unblock_in_room(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: RoomId,
        names: &[String],
    ) -> Decided<Answer> {
        let room = self.live_room(app, id)?;
        self.require_room_right(app, (id, &room), by, true)?;
        let users = self.named_in_room(app, names)?;
        for Named { user, username } in &users {
            if !self.is_in_role(app, id, Role::Blocked, *user)? {
                return Err(RoomRefusal::NotBlocked { username: username.clone() }.into());
            }
        }
        self.remove_roles(app, id, Role::Blocked, &users)?;
        self.tell_roles(app, id, RoomEventKind::UNBLOCKED, by, users)
    }

    pub(super) fn silence_in_room(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: RoomId,
        names: &[String],
        for_ms: Option<u64>,
    ) -> Decided<Answer> {
        let users = self.members_to_silence(app, by, id, names)?;
        let until_ms = for_ms.map(|for_ms| self.now_ms().saturating_add(for_ms));
        self.put_roles(app, id, Role::Silenced, &users, until_ms)?;
        self.tell_roles(app, id, RoomEventKind::SILENCED, by, users)
    }

    pub(super) fn unsilence_in_room(
        &mut self,
        app: AppNumber,
        by: Actor,
        id: RoomId,
        names: &[String],
    ) -> Decided<Answer> {
        let users = self.members_to_silence(app, by, id, names)?;
        self.remove_roles(app, id, Role::Silenced, &users)?;
        self.tell_roles(app, id, RoomEventKind::UNSILENCED, by, users)
    }

    /// An app server decides over everybody inside, others over plain members.
    fn members_to_silence(&self, app: AppNumber, by: Actor, id: RoomId, names: &[String]) -> Decided<Vec<Named>> {
        let room = self.live_room(app, id)?;
        self.require_room_right(app, (id, &room), by, true)?;
        let users = self.named_in_room(app, names)?;
        for Named { user, username } in &users {
            self.require_inside(app, id, *user, username)?;
            if by != Actor::Server {
                self.require_plain(app, (id, &room), *user, username)?;
            }
        }
        Ok(users)
    }

    fn require_plain(
        &self,
        app: AppNumber,
        (id, room): (RoomId, &Room),
        user: UserNumber,
        username: &str,
    ) -> Decided<()> {
        if user == room.owner {
            return Err(RoomRefusal::IsOwner { username: username.into() }.into());
        }
        if self.is_in_role(app, id, Role::Admin, user)? {
            return Err(RoomRefusal::IsAdmin { username: username.into() }.into());
        }
        Ok(())
    }

    fn is_in_role(&self, app: AppNumber, id: RoomId, role: Role, user: UserNumber) -> Result<bool, ReadError> {
        self.has(Table::RoomRoles, &role_key(app, id, role, user))
    }

    /// In the order of the names, doubles left out.
    fn named_in_room(&self, app: AppNumber, names: &[String]) -> Decided<Vec<Named>> {
        if names.is_empty() {
            return Err(RoomRefusal::NobodyNamed.into());
        }
        let users = self.room_users(app, names)?;
        let named = |user| Ok(Named { user, username: find::username(self, app, user)?.to_string() });
        users.into_iter().map(named).collect()
    }

    fn put_roles(
        &mut self,
        app: AppNumber,
        id: RoomId,
        role: Role,
        users: &[Named],
        until_ms: Option<u64>,
    ) -> Result<(), ReadError> {
        let row = RoleRow { since_ms: self.now_ms(), until_ms };
        users.iter().try_for_each(|named| self.put(&role_key(app, id, role, named.user), &row))
    }

    fn remove_roles(&mut self, app: AppNumber, id: RoomId, role: Role, users: &[Named]) -> Result<(), ReadError> {
        users.iter().try_for_each(|named| self.remove(Table::RoomRoles, &role_key(app, id, role, named.user)))
    }

    fn tell_roles(
        &mut self,
        app: AppNumber,
        id: RoomId,
        kind: RoomEventKind,
        by: Actor,
        users: Vec<Named>,
    ) -> Decided<Answer> {
        let numbers: Vec<UserNumber> = users.iter().map(|named| named.user).collect();
        self.note_event(app, NotedKind::RoomRoles(kind).by(by.user(), &numbers).of_room(id))?;
        let by = match by {
            Actor::Server => String::new(),
            Actor::User(user) => find::username(self, app, user)?.to_string(),
        };
        let users = users.into_iter().map(|named| named.username).collect();
        self.tell_room(app, id, RoomNews::Event(Arc::new(RoomEvent { kind, by, users })));
        Ok(Answer::Done)
    }
}
