//! Chat rooms by their rules, and what a device in one must have been told: the newest messages when it goes in, everything from
//! then on in order and once, and a gap only where more came than the newest.

use std::collections::{BTreeMap, BTreeSet};

use anser_protocol::frame::chat::Record;
use anser_protocol::ids::{Position, RoomId, TimeMs};
use anser_protocol::limits::ROOM_BACKLOG_MAX;
use anser_storage::command::{Actor, RoomCommand};
use anser_storage::ids::UserNumber;
use anser_storage::outcome::{Answer, Outcome, Refusal, RoomRefusal};

use super::model::Model;
use crate::sim::witness::key_of;

#[derive(Clone, Debug, Default)]
pub struct Room {
    pub owner: UserNumber,
    pub members: BTreeSet<UserNumber>,
    pub admins: BTreeSet<UserNumber>,
    pub blocked: BTreeSet<UserNumber>,
    /// Until when; no end is the greatest number.
    pub silences: BTreeMap<UserNumber, TimeMs>,
    pub is_deleted: bool,
    pub said: BTreeMap<Position, Said>,
}

#[derive(Clone, Debug)]
pub struct Said {
    pub from: UserNumber,
    pub text: String,
}

impl Model {
    /// Follows a command about a room, and complains where it breaks a rule.
    pub(super) fn change_room(&mut self, command: &RoomCommand, outcome: &Outcome) -> Result<(), String> {
        if let (RoomCommand::Create { app, owner, members, .. }, Ok(Answer::Room(id))) = (command, &outcome.answer)
            && *app == self.app
        {
            let (owner, mut members) = (self.number(owner).unwrap_or_default(), self.numbers_of(members));
            members.insert(owner);
            self.rooms.insert(*id, Room { owner, members, ..Room::default() });
        }
        let Some((app, id)) = place(command) else { return Ok(()) };
        if app != self.app {
            return Ok(());
        }
        let now_ms = self.now_ms;
        let named = names(command).map(|names| self.numbers_of(names)).unwrap_or_default();
        let mut put_out = 0;
        let Some(room) = self.rooms.get_mut(&id) else { return Ok(()) };
        match &outcome.answer {
            Ok(_) if room.is_deleted => return Err("the room was deleted".into()),
            Err(Refusal::Room(RoomRefusal::Blocked { .. })) => {
                let is_so = match command {
                    RoomCommand::Enter { user, .. } => room.blocked.contains(user),
                    _ => !room.blocked.is_disjoint(&named),
                };
                return if is_so { Ok(()) } else { Err("nobody of them is on the blacklist".into()) };
            }
            Err(_) => return Ok(()),
            Ok(_) => {}
        }
        let has_right = |by: &Actor, admins_may: bool| match by {
            Actor::Server => true,
            Actor::User(user) => room.owner == *user || admins_may && room.admins.contains(user),
        };
        let may = match command {
            RoomCommand::AddAdmins { by, .. } | RoomCommand::RemoveAdmins { by, .. } => has_right(by, false),
            RoomCommand::Block { by, .. }
            | RoomCommand::Unblock { by, .. }
            | RoomCommand::Silence { by, .. }
            | RoomCommand::Unsilence { by, .. } => has_right(by, true),
            RoomCommand::Enter { user, .. } => room.members.contains(user) || !room.blocked.contains(user),
            RoomCommand::Add { .. } => room.blocked.is_disjoint(&named),
            RoomCommand::Leave { user, .. } => *user != room.owner,
            _ => true,
        };
        if !may {
            return Err(format!("that is not allowed in {room:?}"));
        }
        match command {
            RoomCommand::Enter { user, .. } => _ = room.members.insert(*user),
            RoomCommand::Add { .. } => room.members.extend(named),
            RoomCommand::Leave { user, .. } => {
                room.members.remove(user);
                room.admins.remove(user);
            }
            RoomCommand::Remove { .. } => {
                room.members.retain(|user| !named.contains(user));
                room.admins.retain(|user| !named.contains(user));
            }
            RoomCommand::AddAdmins { .. } => room.admins.extend(named),
            RoomCommand::RemoveAdmins { .. } => room.admins.retain(|user| !named.contains(user)),
            RoomCommand::Block { .. } => {
                put_out = room.members.intersection(&named).count() as u64;
                room.members.retain(|user| !named.contains(user));
                room.admins.retain(|user| !named.contains(user));
                room.blocked.extend(named);
            }
            RoomCommand::Unblock { .. } => room.blocked.retain(|user| !named.contains(user)),
            RoomCommand::Silence { for_ms, .. } => {
                let until_ms = for_ms.map_or(TimeMs::MAX, |for_ms| now_ms + for_ms);
                room.silences.extend(named.into_iter().map(|user| (user, until_ms)));
            }
            RoomCommand::Unsilence { .. } => room.silences.retain(|user, _| !named.contains(user)),
            RoomCommand::Delete { .. } => room.is_deleted = true,
            _ => {}
        }
        self.counts.room_put_out += put_out;
        Ok(())
    }
}

fn place(command: &RoomCommand) -> Option<(anser_storage::ids::AppNumber, RoomId)> {
    match command {
        RoomCommand::Create { .. } | RoomCommand::ClearDeleted { .. } => None,
        RoomCommand::Update { app, room, .. }
        | RoomCommand::Delete { app, room }
        | RoomCommand::Add { app, room, .. }
        | RoomCommand::Remove { app, room, .. }
        | RoomCommand::Enter { app, room, .. }
        | RoomCommand::Leave { app, room, .. }
        | RoomCommand::AddAdmins { app, room, .. }
        | RoomCommand::RemoveAdmins { app, room, .. }
        | RoomCommand::Block { app, room, .. }
        | RoomCommand::Unblock { app, room, .. }
        | RoomCommand::Silence { app, room, .. }
        | RoomCommand::Unsilence { app, room, .. } => Some((*app, *room)),
    }
}

fn names(command: &RoomCommand) -> Option<&[String]> {
    match command {
        RoomCommand::Add { members, .. } | RoomCommand::Remove { members, .. } => Some(members),
        RoomCommand::AddAdmins { users, .. }
        | RoomCommand::RemoveAdmins { users, .. }
        | RoomCommand::Block { users, .. }
        | RoomCommand::Unblock { users, .. }
        | RoomCommand::Silence { users, .. }
        | RoomCommand::Unsilence { users, .. } => Some(users),
        _ => None,
    }
}

/// A device's time in one room.
#[derive(Clone, Debug)]
pub struct Stay {
    /// Up to here the application was told.
    last: Option<Position>,
    /// The server's last position when the application asked to go in.
    asked_at: Position,
    /// That is not answered yet.
    is_asked: bool,
    /// The application was told that it is in.
    pub is_open: bool,
}

/// The rooms in which one device is, as its application was told.
#[derive(Clone, Debug, Default)]
pub struct Stays(BTreeMap<RoomId, Stay>);

impl Stays {
    pub fn asks(&mut self, room: RoomId, asked_at: Position) {
        let stay = self.0.entry(room).or_insert(Stay { last: None, asked_at, is_asked: true, is_open: false });
        stay.is_asked = true;
    }

    pub fn enters(&mut self, room: RoomId, now: Position) {
        let stay = Stay { last: None, asked_at: now, is_asked: false, is_open: true };
        self.0.entry(room).or_insert(stay).is_open = true;
    }

    pub fn is_let_in(&mut self, room: RoomId, now: Position) {
        self.enters(room, now);
        self.0.entry(room).and_modify(|stay| stay.is_asked = false);
    }

    /// The answer was no, or never came.
    pub fn is_refused(&mut self, room: RoomId) {
        self.0.entry(room).and_modify(|stay| stay.is_asked = false);
        if self.0.get(&room).is_some_and(|stay| !stay.is_open) {
            self.0.remove(&room);
        }
    }

    pub fn leaves(&mut self, room: RoomId) {
        // It may have asked to go in again before it heard of that.
        self.0.retain(|known, stay| *known != room || stay.is_asked);
        self.0.entry(room).and_modify(|stay| (stay.last, stay.is_open) = (None, false));
    }

    /// The process, or the login, is over.
    pub fn end(&mut self) {
        self.0.clear();
    }

    pub fn is_in(&self, room: RoomId) -> bool {
        self.0.contains_key(&room)
    }

    /// Checks what the application of `client` was told.
    pub fn tell(
        &mut self,
        model: &Model,
        client: &str,
        room: RoomId,
        records: &[Record],
        is_lost: impl Fn(Position) -> bool,
    ) -> Result<(), String> {
        let Some(stay) = self.0.get_mut(&room) else { return Err(format!("it is told of room {room}, but not in it")) };
        let none = Room::default();
        let said = &model.rooms.get(&room).unwrap_or(&none).said;
        for record in records {
            let position = record.position;
            if stay.last.is_some_and(|last| position <= last) {
                return Err(format!("{position} comes after {:?} in room {room}", stay.last));
            }
            match said.get(&position) {
                Some(of) if record.content.as_text() == Some(of.text.as_str()) => {}
                Some(of) => return Err(format!("{of:?} at {position} of room {room} reads {record:?}")),
                None if is_lost(position) || model.is_blind => {}
                None => return Err(format!("nobody said {position} in room {room}")),
            }
            let newest_before = said.range(position..).take(ROOM_BACKLOG_MAX).count();
            if stay.last.is_none() && said.range(position..=stay.asked_at.max(position)).count() > ROOM_BACKLOG_MAX {
                return Err(format!("going into room {room} brings more than the newest: from {position} on"));
            }
            let from = stay.last.map_or(Position::START, |last| Position(last.0 + 1));
            let is_missing = |(_, of): &(&Position, &Said)| key_of(&of.text).split('#').next() != Some(client);
            let missing: Vec<_> = said.range(from..position).filter(is_missing).map(|(missing, _)| *missing).collect();
            if !missing.is_empty() && newest_before < ROOM_BACKLOG_MAX && !model.is_blind {
                return Err(format!("before {position} of room {room} it was not told {missing:?}"));
            }
            stay.last = Some(position);
        }
        Ok(())
    }

    /// What the device should have been told and was not, once everything has drained.
    pub fn missing(&self, model: &Model, client: &str, user: UserNumber) -> Option<String> {
        self.0.iter().filter(|(_, stay)| stay.is_open).find_map(|(id, stay)| {
            let room = model.rooms.get(id).filter(|room| !room.is_deleted && room.members.contains(&user))?;
            let others = |of: &Said| key_of(&of.text).split('#').next() != Some(client);
            let newest = room.said.iter().rev().find(|(_, of)| others(of)).map(|(position, _)| *position)?;
            let is_told = stay.last.is_some_and(|last| last >= newest);
            (!is_told).then(|| format!("{client} in room {id} was told up to {:?}, and not {newest}", stay.last))
        })
    }
}
