//! Chat rooms: what each command does, and a message to one.

use std::collections::BTreeSet;
use std::sync::Arc;

use anser_protocol::content::Content;
use anser_protocol::ids::{RoomId, TimeMs};

use super::append::Place;
use super::message_count::CountedTo;
use super::{Batch, Decided};
use crate::across;
use crate::command::{Class, RoomCommand, Send};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::outcome::{Answer, Message, MessageBody, Refusal, RoomNews, RoomRefusal, Route};
use crate::row;
use crate::rows::chunk::RoomChunk;
use crate::rows::record::{Body, RoomRecord, Sent};
use crate::rows::room::{
    RetiredRoom, Role, RoleRow, Room, RoomMemberRow, in_chunk, role_key, room_chunk_key, room_key, user_room_key,
};
use crate::rows::told::NotedKind;
use crate::table::Table;
use crate::tables::Tables;

/// Members, and then roles, that one slice of a deletion removes: a member has two rows.
const SLICE_MAX: usize = 400;

impl From<RoomRefusal> for super::Stop {
    fn from(refusal: RoomRefusal) -> Self {
        Self::Refused(Refusal::Room(refusal))
    }
}

impl Batch<'_> {
    pub(super) fn room(&mut self, command: &RoomCommand) -> Decided<Answer> {
        match command {
            RoomCommand::Create { app, owner, name, description, members, flag } => {
                let owner = self.room_user(*app, owner)?;
                let room = Room {
                    name: name.clone(),
                    description: description.clone(),
                    flag: *flag,
                    ..empty_room(owner, self.now_ms(), self.options.room_members_max)
                };
                self.create_room(*app, room, members)
            }
            RoomCommand::Update { app, room, owner, name, description } => {
                let (owner, name) = (owner.as_deref(), name.as_deref());
                self.update_room(*app, *room, owner, name, description.as_deref())
            }
            RoomCommand::Delete { app, room } => self.delete_room(*app, *room),
            RoomCommand::ClearDeleted { app } => {
                self.require_app(*app)?;
                self.clear_deleted_rooms(*app)
            }
            RoomCommand::Add { app, room, members, is_part } => self.add_to_room(*app, *room, members, *is_part),
            RoomCommand::Remove { app, room, members, is_part } => {
                self.remove_from_room(*app, *room, members, *is_part)
            }
            RoomCommand::Enter { app, room, user } => self.enter_room(*app, *room, *user),
            RoomCommand::Leave { app, room, user } => self.leave_room(*app, *room, *user),
            RoomCommand::AddAdmins { app, by, room, users } => self.add_room_admins(*app, *by, *room, users),
            RoomCommand::RemoveAdmins { app, by, room, users } => self.remove_room_admins(*app, *by, *room, users),
            RoomCommand::Block { app, by, room, users } => self.block_in_room(*app, *by, *room, users),
            RoomCommand::Unblock { app, by, room, users } => self.unblock_in_room(*app, *by, *room, users),
            RoomCommand::Silence { app, by, room, users, for_ms } => {
                self.silence_in_room(*app, *by, *room, users, *for_ms)
            }
            RoomCommand::Unsilence { app, by, room, users } => self.unsilence_in_room(*app, *by, *room, users),
        }
    }

    pub(super) fn create_room(&mut self, app: AppNumber, mut room: Room, members: &[String]) -> Decided<Answer> {
        let mut members = self.room_users(app, members)?;
        members.retain(|member| *member != room.owner);
        if members.len() + 1 > room.members_max as usize {
            return Err(RoomRefusal::Full.into());
        }
        members.insert(0, room.owner);
        let id = self.take_room();
        room.chain = self.take_chain();
        self.change_chunk::<RoomChunk>(&room_chunk_key(app, id), |chunk| chunk.insert(in_chunk(id)))?;
        self.let_in(app, id, &mut room, &members)?;
        self.put(&room_key(app, id), &room)?;
        self.note_event(app, NotedKind::RoomCreated.by(None, &members).of_room(id))?;
        self.tell_room(app, id, RoomNews::Added(members));
        Ok(Answer::Room(id))
    }

    fn update_room(
        &mut self,
        app: AppNumber,
        id: RoomId,
        owner: Option<&str>,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Decided<Answer> {
        let mut room = self.live_room(app, id)?;
        if let Some(username) = owner {
            let user = self.room_user(app, username)?;
            self.require_inside(app, id, user, username)?;
            // The owner needs no other right.
            self.remove(Table::RoomRoles, &role_key(app, id, Role::Admin, user))?;
            room.owner = user;
        }
        if let Some(name) = name {
            room.name = name.into();
        }
        if let Some(description) = description {
            room.description = description.into();
        }
        self.put(&room_key(app, id), &room)?;
        self.note_event(app, NotedKind::RoomChanged.by(None, &[]).of_room(id))?;
        Ok(Answer::Done)
    }

    /// The row stays as the nameplate of the room's messages, which go with the log.
    fn delete_room(&mut self, app: AppNumber, id: RoomId) -> Decided<Answer> {
        let room = self.live_room(app, id)?;
        self.put(&room_key(app, id), &Room { is_deleted: true, ..room })?;
        self.put(&room_key(app, id), &RetiredRoom)?;
        self.change_chunk::<RoomChunk>(&room_chunk_key(app, id), |chunk| chunk.remove(in_chunk(id)))?;
        self.note_event(app, NotedKind::RoomDeleted.by(None, &[]).of_room(id))?;
        self.tell_room(app, id, RoomNews::Deleted);
        Ok(Answer::Done)
    }

    fn clear_deleted_rooms(&mut self, app: AppNumber) -> Decided<Answer> {
        let Some(key) = self.keys(Table::RetiredRooms, &Key::app(app), 1)?.pop() else { return Ok(Answer::Done) };
        let id = RoomId(u32_at(&key, 4).unwrap_or_default());
        let members = self.keys(Table::RoomMembers, &room_key(app, id), SLICE_MAX)?;
        for key in &members {
            // A damaged row must not stand in the way; the user's row is then left behind, and leads to no room.
            let row = self.value(Table::RoomMembers, key, |value| row::decode::<RoomMemberRow>(key, value).ok())?;
            if let Some(row) = row.flatten() {
                self.remove(Table::UserRooms, &user_room_key(app, row.user, id))?;
            }
            self.remove_bytes(Table::RoomMembers, key)?;
        }
        let roles = self.keys(Table::RoomRoles, &room_key(app, id), SLICE_MAX - members.len())?;
        for key in &roles {
            self.remove_bytes(Table::RoomRoles, key)?;
        }
        if members.len() + roles.len() == SLICE_MAX {
            return Ok(Answer::Continue);
        }
        self.remove_bytes(Table::RetiredRooms, &key)?;
        let is_more = !self.keys(Table::RetiredRooms, &Key::app(app), 1)?.is_empty();
        Ok(if is_more { Answer::Continue } else { Answer::Done })
    }

    /// A message of who is inside and may speak; of an admin of the app whatever.
    pub(super) fn send_room(
        &mut self,
        send: &Send,
        sent: Option<Sent>,
        from_name: Arc<str>,
        id: RoomId,
    ) -> Decided<Place> {
        let room = self.live_room(send.app, id)?;
        let is_admin = send.origin == crate::command::Origin::Server { as_admin: true };
        if !is_admin {
            if !self.is_inside(send.app, id, send.from)? {
                return Err(RoomRefusal::SenderOutside.into());
            }
            self.require_speech(send.app, id, send.from)?;
        }
        let content = self.filtered(send.app, &send.content)?.into_owned();
        self.say_in_room(send.app, (id, &room), (send.from, from_name), sent, content)
    }

    /// The same of a member from another app, whose server sends it: a guest, and an admin of their own app at most.
    pub(super) fn send_to_room_of(&mut self, send: &Send, app_key: &str, id: RoomId) -> Decided<Place> {
        let home = across::linked_app(self, send.app, app_key)??;
        let room = self.live_room(home, id)?;
        let guest = across::guest_number(self, (send.app, send.from), home)?;
        let Some(guest) = guest else { return Err(RoomRefusal::SenderOutside.into()) };
        if !self.is_inside(home, id, guest)? {
            return Err(RoomRefusal::SenderOutside.into());
        }
        self.require_speech(home, id, guest)?;
        let content = self.filtered(send.app, &send.content)?;
        let content = self.filtered(home, &content)?.into_owned();
        let from_name = find::username(self, home, guest)?;
        self.say_in_room(home, (id, &room), (guest, from_name), None, content)
    }

    fn say_in_room(
        &mut self,
        app: AppNumber,
        (id, room): (RoomId, &Room),
        (from, from_name): (UserNumber, Arc<str>),
        sent: Option<Sent>,
        content: Content,
    ) -> Decided<Place> {
        let record = RoomRecord { from, room: id, sent, content: content.clone() };
        let place = self.append(app, Class::Room, room.chain, Body::Room(record))?;
        let is_guest = across::split_guest(&from_name).is_some();
        self.count_message(app, (!is_guest).then_some(from), CountedTo::Room, content.kind, place.position);
        let sent_by = sent.map(|sent| (sent.device, sent.outbox));
        let message = Message { seq: place.seq, body: MessageBody::Content(content), sent_by };
        let news = RoomNews::Said { from, from_name, message: Arc::new(message) };
        self.announce(app, place.position, Route::Room { room: id, news });
        Ok(place)
    }

    /// A silence that is over goes with the first message after it.
    fn require_speech(&mut self, app: AppNumber, id: RoomId, user: UserNumber) -> Decided<()> {
        let key = role_key(app, id, Role::Silenced, user);
        match self.row::<RoleRow>(&key)? {
            None => Ok(()),
            Some(row) if row.holds_at(self.now_ms()) => Err(RoomRefusal::Silenced.into()),
            Some(_) => Ok(self.remove(Table::RoomRoles, &key)?),
        }
    }

    /// Takes a position and leaves no record: who is not connected has nothing to learn from it.
    pub(super) fn tell_room(&mut self, app: AppNumber, room: RoomId, news: RoomNews) {
        let position = self.take_position();
        self.announce(app, position, Route::Room { room, news });
    }

    pub(super) fn live_room(&self, app: AppNumber, id: RoomId) -> Decided<Room> {
        self.require_app(app)?;
        find::room(self, app, id)?.ok_or_else(|| RoomRefusal::Unknown.into())
    }

    pub(super) fn is_inside(&self, app: AppNumber, id: RoomId, user: UserNumber) -> Result<bool, ReadError> {
        Ok(find::user_room(self, app, user, id)?.is_some())
    }

    pub(super) fn require_inside(&self, app: AppNumber, id: RoomId, user: UserNumber, username: &str) -> Decided<()> {
        if self.is_inside(app, id, user)? {
            return Ok(());
        }
        Err(RoomRefusal::NotInside { username: username.into() }.into())
    }

    pub(super) fn room_user(&self, app: AppNumber, username: &str) -> Decided<UserNumber> {
        self.require_app(app)?;
        let unknown = || RoomRefusal::UserUnknown { username: username.into() };
        find::user_number(self, app, username)?.ok_or_else(|| unknown().into())
    }

    /// In the order of the names, doubles left out.
    pub(super) fn room_users(&self, app: AppNumber, names: &[String]) -> Decided<Vec<UserNumber>> {
        let mut seen = BTreeSet::new();
        let mut users = Vec::with_capacity(names.len());
        for name in names {
            let user = self.room_user(app, name)?;
            if seen.insert(user) {
                users.push(user);
            }
        }
        Ok(users)
    }
}

pub(super) fn empty_room(owner: UserNumber, now_ms: TimeMs, members_max: u32) -> Room {
    Room {
        name: String::new(),
        description: String::new(),
        owner,
        chain: crate::ids::ChainNumber(0),
        created_ms: now_ms,
        members_max,
        members: 0,
        next_order: 0,
        flag: 0,
        is_deleted: false,
    }
}
