//! What the applications of the village were told, beside what the model says they are to be told.

use std::collections::{BTreeMap, BTreeSet};

use anser_client::session::Event as Told;
use anser_client::store::Message;
use anser_protocol::error::ErrorCode;
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::room::RoomChangeKind;

use super::model::Model;
use super::rooms::Stays;
use super::speaker;
use crate::sim::course::LinkId;
use crate::sim::tally::Kind;
use crate::sim::world::World;

/// What an application of the village heard, to be looked at by the world.
#[derive(Debug)]
pub enum Heard {
    Released(Box<Message>),
    Told(Box<Told>, Option<LinkId>),
    /// It asks to go into a room.
    Asks(RoomId),
    Entered(RoomId, bool),
    Left(RoomId, bool),
    /// The process is over, or another user is to be logged in.
    Over,
    /// The application wants its user logged in.
    Wishes,
}

/// What one application of the village has seen.
#[derive(Debug, Default)]
pub struct Seen {
    /// By user and chat, in the order in which it was handed over.
    records: BTreeMap<(String, String), Vec<Position>>,
    commands: BTreeSet<String>,
    pub stays: Stays,
    /// The application asked for a login, and has not heard that it is done.
    wishes: bool,
}

impl World {
    /// Looks at what the applications of the village heard since.
    pub fn listen(&mut self) -> Result<(), String> {
        for client in self.cast.villagers.clone() {
            let Some(heard) = self.clients[client].heard.as_mut().filter(|heard| !heard.is_empty()) else { continue };
            for heard in std::mem::take(heard) {
                self.hear_of(client, heard).map_err(|what| format!("{}: {what}", self.clients[client].name()))?;
            }
        }
        for client in std::mem::take(&mut self.server.model.returned) {
            if !self.seen.get(&client).is_some_and(|seen| seen.wishes) {
                let name = self.clients[client].name();
                return Err(format!("{name} gave way to another device and logs in again by itself"));
            }
        }
        Ok(())
    }

    fn hear_of(&mut self, client: usize, heard: Heard) -> Result<(), String> {
        let end = self.server.end().unwrap_or_default();
        let seen = self.seen.entry(client).or_default();
        match heard {
            Heard::Released(message) => return self.hear_record(client, &message),
            Heard::Asks(room) => seen.stays.asks(room, end),
            Heard::Entered(room, true) => seen.stays.is_let_in(room, end),
            Heard::Entered(room, false) => seen.stays.is_refused(room),
            Heard::Left(room, true) => seen.stays.leaves(room),
            Heard::Left(_, false) => {}
            Heard::Over => seen.stays.end(),
            Heard::Wishes => seen.wishes = true,
            Heard::Told(told, link) => return self.hear_event(client, &told, link),
        }
        Ok(())
    }

    fn hear_record(&mut self, client: usize, message: &Message) -> Result<(), String> {
        let seen = self.seen.entry(client).or_default();
        let (position, content) = (message.record.position, &message.record.content);
        let place = (message.user.to_string(), format!("{:?}", message.chat));
        let before = seen.records.entry(place).or_default();
        if let Some(last) = before.last().filter(|last| **last >= position) {
            return Err(format!("{position} of {:?} is told after {last}", message.chat));
        }
        before.push(position);
        let model = &self.server.model;
        if model.is_blind || self.witness.is_lost(position.0) {
            return Ok(());
        }
        let Some(expected) = model.records.get(&position) else {
            return Err(format!("{:?} is told {message:?}, which the log does not have", message.user));
        };
        let is_reader = model
            .people
            .iter()
            .any(|(number, person)| person.name == *message.user && expected.readers.contains(number));
        if !is_reader {
            return Err(format!("{} is told {message:?}, which is for {:?}", message.user, expected.readers));
        }
        if let (Some(text), Some(expected)) = (content.as_text(), &expected.text)
            && text != expected
        {
            return Err(format!("{position} reads {text}, not {expected}"));
        }
        match &expected.only {
            Some(present) if !present.contains(&client) && expected.from != model.number(&message.user) => {
                Err(format!("{position} was for those who were connected, {present:?}"))
            }
            _ => Ok(()),
        }
    }

    fn hear_event(&mut self, client: usize, told: &Told, link: Option<LinkId>) -> Result<(), String> {
        let name = self.clients[client].place.name.clone();
        let end = self.server.end().unwrap_or_default();
        let seen = self.seen.entry(client).or_default();
        match told {
            Told::RoomMessages { room, records } => {
                self.course.count(Kind::RoomHeard);
                let witness = &self.witness;
                return seen.stays.tell(&self.server.model, &name, *room, records, |lost| witness.is_lost(lost.0));
            }
            Told::RoomChanged { room, kind } if *kind == RoomChangeKind::ADDED => seen.stays.enters(*room, end),
            Told::RoomChanged { room, .. } => {
                self.course.count(Kind::RoomPutOut);
                seen.stays.leaves(*room);
            }
            Told::RoomEvent { room, .. } if !seen.stays.is_in(*room) => {
                return Err(format!("it is told what happens in room {room}, but not in it"));
            }
            Told::ProfileChanged { username, .. } => {
                self.course.count(Kind::ProfileTold);
                if **username == *name {
                    return Err("it is told of its own user's profile as of somebody else's".to_owned());
                }
            }
            Told::CommandCame { text, .. } => {
                self.course.count(Kind::CommandCame);
                if !seen.commands.insert(text.clone()) {
                    return Err(format!("the command {text} comes twice"));
                }
                let is_for = self.server.passed.get(text).zip(link).is_some_and(|(links, link)| links.contains(&link));
                if !is_for || speaker(text) == name {
                    return Err(format!("the command {text} is not for it"));
                }
            }
            Told::LoggedIn { .. } => seen.wishes = false,
            Told::LoginFailed { code, .. } => {
                seen.stays.end();
                match *code {
                    ErrorCode::LOGGED_IN_ELSEWHERE => self.course.count(Kind::GaveWay),
                    ErrorCode::USER_DISABLED => self.course.count(Kind::FoundDisabled),
                    ErrorCode::USER_UNKNOWN | ErrorCode::PASSWORD_WRONG => {}
                    _ => return Err(format!("it cannot log in: {}", code.text())),
                }
            }
            Told::LoginNeeded { .. } | Told::LoggedOut { .. } => seen.stays.end(),
            _ => {}
        }
        Ok(())
    }

    /// At the end: every application that is logged in was told all that is for its user.
    pub fn compare_with_the_model(&self) -> Result<(), String> {
        let model = &self.server.model;
        if model.is_blind {
            return Ok(());
        }
        for client in &self.cast.villagers {
            let client = &self.clients[*client];
            if client.is_logged_out() {
                continue;
            }
            let Some(number) = model.number(&client.user) else { continue };
            let nothing = Seen::default();
            let seen = self.seen.get(&client.index).unwrap_or(&nothing);
            let heard = seen.records.iter().filter(|((user, _), _)| *user == client.user);
            let heard: BTreeSet<Position> = heard.flat_map(|(_, positions)| positions.iter().copied()).collect();
            let is_for = |expected: &super::model::Expected| expected.readers.contains(&number);
            for (position, expected) in model.records.iter().filter(|(_, expected)| is_for(expected)) {
                // What a device sent itself is not told to it, and what was only for those who were there may have gone by.
                let is_own = expected.text.as_ref().is_some_and(|text| speaker(text) == client.place.name);
                if !is_own && expected.only.is_none() && !heard.contains(position) {
                    let name = client.name();
                    return Err(format!("{name} was not told {position} for {}: {expected:?}", client.user));
                }
            }
            if let Some(missing) = seen.stays.missing(model, &client.place.name, number) {
                return Err(missing);
            }
        }
        Ok(())
    }

    /// Nobody stays logged in for long who may not be.
    pub fn expect_barred_users_gone(&self) -> Result<(), String> {
        let now = self.course.now;
        let is_long = |barred: crate::sim::course::Time| now > barred + 10 * crate::sim::course::SECOND;
        let model: &Model = &self.server.model;
        let barred = |(_, person): &(_, &super::model::Person)| person.barred_at.is_some_and(is_long);
        for (number, person) in model.people.iter().filter(barred).filter(|_| !model.is_blind) {
            if !self.server.clients_of(*number).is_empty() {
                return Err(format!("{} is barred and still logged in", person.name));
            }
        }
        Ok(())
    }

    /// Takes the model's counts over.
    pub fn count_village(&mut self) {
        let counts = self.server.model.counts;
        let kinds = [
            (counts.notices, Kind::NoticeMade),
            (counts.silenced, Kind::Silenced),
            (counts.voices_back, Kind::SilenceOver),
            (counts.blocked, Kind::Blocked),
            (counts.words, Kind::WordRefused),
            (counts.retracted, Kind::Retracted),
            (counts.too_late, Kind::RetractedTooLate),
            (counts.joins_answered, Kind::JoinAnswered),
            (counts.shields, Kind::Shielded),
            (counts.dissolved, Kind::Dissolved),
            (counts.ended_by_kind, Kind::KindFull),
            (counts.disabled, Kind::Disabled),
            (counts.deleted, Kind::Deleted),
            (counts.live_only, Kind::LiveOnly),
            (counts.room_messages, Kind::RoomSaid),
            (counts.room_silenced, Kind::RoomSilenced),
        ];
        for (times, kind) in kinds {
            self.course.tally.add(kind, times);
        }
    }
}
