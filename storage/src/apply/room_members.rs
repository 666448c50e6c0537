//! Who goes into chat rooms and out of them.

use anser_protocol::ids::RoomId;

use super::{Batch, Decided};
use crate::across;
use crate::command::Actor;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u32_at;
use crate::outcome::{Answer, RoomNews, RoomRefusal};
use crate::room_moves;
use crate::rows::room::{
    Role, Room, RoomMemberRow, UserRoom, role_key, roles_prefix, room_key, room_member_key, user_room_key,
    user_rooms_prefix,
};
use crate::rows::told::NotedKind;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

impl Batch<'_> {
    pub(super) fn add_to_room(
        &mut self,
        app: AppNumber,
        id: RoomId,
        names: &[String],
        is_part: bool,
    ) -> Decided<Answer> {
        let mut room = self.live_room(app, id)?;
        self.settle_guests(app, names)?;
        let users = room_moves::joiners(self, (app, id), &room, names, is_part)??;
        if users.is_empty() {
            return Ok(Answer::Done);
        }
        self.let_in(app, id, &mut room, &users)?;
        self.put(&room_key(app, id), &room)?;
        self.note_event(app, NotedKind::RoomEntered.by(None, &users).of_room(id))?;
        self.tell_room(app, id, RoomNews::Added(users));
        Ok(Answer::Done)
    }

    /// Those of linked apps among these become guests of this one.
    fn settle_guests(&mut self, app: AppNumber, names: &[String]) -> Decided<()> {
        let guests = names.iter().filter(|name| across::split_guest(name).is_some());
        let guests = guests.map(|name| self.other(app, name)).collect::<Decided<Vec<_>>>()?;
        self.settle_all(app, &guests)?;
        Ok(())
    }

    pub(super) fn remove_from_room(
        &mut self,
        app: AppNumber,
        id: RoomId,
        names: &[String],
        is_part: bool,
    ) -> Decided<Answer> {
        let mut room = self.live_room(app, id)?;
        let users = room_moves::leavers(self, (app, id), &room, names, is_part)??;
        if users.is_empty() {
            return Ok(Answer::Done);
        }
        self.let_out(app, id, &mut room, &users)?;
        self.put(&room_key(app, id), &room)?;
        self.note_event(app, NotedKind::RoomLeft.by(None, &users).of_room(id))?;
        self.tell_room(app, id, RoomNews::Left(users));
        Ok(Answer::Done)
    }

    pub(super) fn enter_room(&mut self, app: AppNumber, id: RoomId, user: UserNumber) -> Decided<Answer> {
        let mut room = self.live_room(app, id)?;
        if self.is_inside(app, id, user)? {
            return Ok(Answer::Done);
        }
        if find::user_state(self, app, user)?.is_some() {
            return Err(crate::outcome::Refusal::SenderUnknown.into());
        }
        if self.has(Table::RoomRoles, &role_key(app, id, Role::Blocked, user))? {
            let username = find::username(self, app, user)?.to_string();
            return Err(RoomRefusal::Blocked { username }.into());
        }
        if room.members >= room.members_max {
            return Err(RoomRefusal::Full.into());
        }
        self.let_in(app, id, &mut room, &[user])?;
        self.put(&room_key(app, id), &room)?;
        self.note_event(app, NotedKind::RoomEntered.by(Some(user), &[user]).of_room(id))?;
        Ok(Answer::Done)
    }

    pub(super) fn leave_room(&mut self, app: AppNumber, id: RoomId, user: UserNumber) -> Decided<Answer> {
        let mut room = self.live_room(app, id)?;
        let username = find::username(self, app, user)?;
        self.require_inside(app, id, user, &username)?;
        if room.owner == user {
            return Err(RoomRefusal::OwnerStays.into());
        }
        self.let_out(app, id, &mut room, &[user])?;
        self.put(&room_key(app, id), &room)?;
        self.note_event(app, NotedKind::RoomLeft.by(Some(user), &[user]).of_room(id))?;
        self.tell_room(app, id, RoomNews::Left(vec![user]));
        Ok(Answer::Done)
    }

    /// The caller writes the room's row.
    pub(super) fn let_in(
        &mut self,
        app: AppNumber,
        id: RoomId,
        room: &mut Room,
        users: &[UserNumber],
    ) -> Result<(), ReadError> {
        for user in users {
            let order = room.next_order;
            room.next_order += 1;
            room.members += 1;
            let row = RoomMemberRow { user: *user, joined_ms: self.now_ms() };
            self.put(&room_member_key(app, id, order), &row)?;
            self.put(&user_room_key(app, *user, id), &UserRoom { order })?;
        }
        Ok(())
    }

    /// An admin who goes is none any more; a silence waits for whoever comes back. The caller writes the room's row.
    pub(super) fn let_out(
        &mut self,
        app: AppNumber,
        id: RoomId,
        room: &mut Room,
        users: &[UserNumber],
    ) -> Result<(), ReadError> {
        for user in users {
            let Some(UserRoom { order }) = find::user_room(self, app, *user, id)? else { continue };
            room.members = room.members.saturating_sub(1);
            self.remove(Table::RoomMembers, &room_member_key(app, id, order))?;
            self.remove(Table::UserRooms, &user_room_key(app, *user, id))?;
            self.remove(Table::RoomRoles, &role_key(app, id, Role::Admin, *user))?;
        }
        Ok(())
    }

    /// A deleted user goes out of a slice of their rooms; returns of how many. A room passes to an admin, else to who has
    /// been inside longest; where nobody is left it stays, empty, for its app server.
    pub(super) fn part_from_rooms(&mut self, app: AppNumber, user: UserNumber, limit: usize) -> Decided<usize> {
        let keys = self.keys(Table::UserRooms, &user_rooms_prefix(app, user), limit)?;
        for key in &keys {
            let id = RoomId(u32_at(key, 8).unwrap_or_default());
            let Some(mut room) = find::room(self, app, id)? else {
                // Its members go with the deleted room; this row must not lead to it any more.
                self.remove_bytes(Table::UserRooms, key)?;
                continue;
            };
            self.let_out(app, id, &mut room, &[user])?;
            if room.owner == user
                && let Some(heir) = self.heir_of_room(app, id)?
            {
                room.owner = heir;
                self.remove(Table::RoomRoles, &role_key(app, id, Role::Admin, heir))?;
            }
            self.put(&room_key(app, id), &room)?;
            self.note_event(app, NotedKind::RoomLeft.by(None, &[user]).of_room(id))?;
            self.tell_room(app, id, RoomNews::Left(vec![user]));
        }
        Ok(keys.len())
    }

    fn heir_of_room(&self, app: AppNumber, id: RoomId) -> Result<Option<UserNumber>, ReadError> {
        let prefix = roles_prefix(app, id, Role::Admin);
        let admin = self.keys(Table::RoomRoles, &prefix, 1)?.pop();
        if let Some(admin) = admin.and_then(|key| u32_at(&key, prefix.as_bytes().len())) {
            return Ok(Some(UserNumber(admin)));
        }
        let mut oldest = None;
        self.rows::<RoomMemberRow>(&room_key(app, id), |_, row| {
            oldest = Some(row.user);
            Ok(STOP)
        })?;
        Ok(oldest)
    }

    /// May who asks decide for others? The owner may, and an admin where that is enough.
    pub(super) fn require_room_right(
        &self,
        app: AppNumber,
        (id, room): (RoomId, &Room),
        by: Actor,
        admins_may: bool,
    ) -> Decided<()> {
        let Actor::User(user) = by else { return Ok(()) };
        let is_admin = admins_may && self.has(Table::RoomRoles, &role_key(app, id, Role::Admin, user))?;
        if user == room.owner || is_admin { Ok(()) } else { Err(RoomRefusal::NoRight.into()) }
    }

    /// How many users are in a role, up to `limit`.
    pub(super) fn count_in_role(&self, app: AppNumber, id: RoomId, role: Role, limit: usize) -> Decided<usize> {
        let mut count = 0;
        let prefix = roles_prefix(app, id, role);
        self.rows::<crate::rows::room::RoleRow>(&prefix, |_, _| {
            count += 1;
            Ok(if count < limit { NEXT } else { STOP })
        })?;
        Ok(count)
    }
}
