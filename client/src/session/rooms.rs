//! The chat rooms that the user is in on this device.
//!
//! Nothing of a room is stored. What is kept here, while the process lives: up to where the application was told, so that
//! after a new link the room's newest messages bring nothing twice; and which places this device's own messages have, which
//! the application knows already.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::chat::Record;
use anser_protocol::frame::room::{RoomChanged, RoomDeliver, RoomEnter, RoomEvent, RoomRecords};
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::limits::{ROOM_BACKLOG_MAX, ROOMS_PER_LINK_MAX};
use anser_protocol::room::RoomChangeKind;

use super::action::{Event, RequestId};
use super::{Request, Session};

/// After a passing refusal.
const AGAIN_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
pub(crate) struct Rooms {
    inside: BTreeMap<RoomId, Inside>,
}

#[derive(Debug)]
struct Inside {
    place: Place,
    /// The application was told of what stands up to here.
    told: Position,
    own: VecDeque<Position>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The link is to go in, from then on.
    Outside(Duration),
    Entering(RequestId),
    Inside,
}

impl Rooms {
    fn enter(&mut self, room: RoomId, place: Place) {
        let inside = || Inside { place, told: Position::START, own: VecDeque::new() };
        self.inside.entry(room).or_insert_with(inside).place = place;
    }

    /// The link or the login is over. Whoever was inside goes in again.
    pub(crate) fn handle_unlinked(&mut self) {
        self.inside.values_mut().for_each(|inside| inside.place = Place::Outside(Duration::ZERO));
    }

    /// The user is another one, or nobody.
    pub(crate) fn clear(&mut self) {
        self.inside.clear();
    }

    pub(crate) fn owes_answers(&self) -> bool {
        self.inside.values().any(|inside| matches!(inside.place, Place::Entering(_)))
    }

    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        let waits = self.inside.values().filter_map(|inside| match inside.place {
            Place::Outside(from) if from > now => Some(from),
            _ => None,
        });
        waits.min()
    }

    pub(crate) fn len(&self) -> usize {
        self.inside.len()
    }

    fn next_to_enter(&self, now: Duration) -> Option<RoomId> {
        let is_due = |inside: &Inside| matches!(inside.place, Place::Outside(from) if from <= now);
        self.inside.iter().find(|(_, inside)| is_due(inside)).map(|(room, _)| *room)
    }

    fn entered_by(&mut self, request: RequestId) -> Option<(RoomId, &mut Inside)> {
        let mut rooms = self.inside.iter_mut();
        rooms.find(|(_, inside)| inside.place == Place::Entering(request)).map(|(room, inside)| (*room, inside))
    }

    /// Those that the application was not told of, in their order.
    fn take_new(&mut self, room: RoomId, records: Vec<Record>) -> Vec<Record> {
        let Some(inside) = self.inside.get_mut(&room) else { return Vec::new() };
        let mut new = Vec::with_capacity(records.len());
        for record in records {
            if record.position > inside.told {
                inside.told = record.position;
                if !inside.own.contains(&record.position) {
                    new.push(record);
                }
            }
        }
        new
    }

    /// A message of this device has its place.
    pub(crate) fn note_own(&mut self, room: RoomId, position: Position) {
        if let Some(inside) = self.inside.get_mut(&room) {
            inside.own.push_back(position);
            if inside.own.len() > ROOM_BACKLOG_MAX {
                inside.own.pop_front();
            }
        }
    }
}

impl Session {
    /// The rooms in which this device is, or is going into again.
    pub fn rooms(&self) -> Vec<RoomId> {
        self.rooms.inside.keys().copied().collect()
    }

    /// On a new link: into the rooms that the user was in on the last one.
    pub(super) fn enter_rooms_again(&mut self) {
        if self.sync.is_none() || self.requests.is_logging_out() {
            return;
        }
        while let Some(room) = self.rooms.next_to_enter(self.now) {
            let request = self.requests.take_id();
            let Some(inside) = self.rooms.inside.get_mut(&room) else { return };
            inside.place = Place::Entering(request);
            let after = inside.told;
            let extensions = Extensions::default();
            self.transmit(&ClientFrame::RoomEnter(RoomEnter { request, room, after, is_again: true, extensions }));
        }
    }

    /// Was it the answer to that?
    pub(super) fn on_room_entered_again(&mut self, request: RequestId) -> bool {
        match self.rooms.entered_by(request) {
            Some((_, inside)) => {
                inside.place = Place::Inside;
                true
            }
            None => false,
        }
    }

    pub(super) fn on_room_not_entered(&mut self, request: RequestId, code: ErrorCode) -> bool {
        let again_at = self.now + AGAIN_AFTER;
        let Some((room, inside)) = self.rooms.entered_by(request) else { return false };
        if code.is_passing() {
            inside.place = Place::Outside(again_at);
        } else if code == ErrorCode::ROOM_ALREADY_IN {
            // The application asked at the same time.
            inside.place = Place::Inside;
        } else {
            let kind = if code == ErrorCode::ROOM_UNKNOWN { RoomChangeKind::DELETED } else { RoomChangeKind::LEFT };
            self.leave_room(room, Some(kind));
        }
        true
    }

    /// What a request of the application changes here, before the application is answered.
    pub(super) fn on_room_request_done(&mut self, request: &Request) {
        match request {
            Request::RoomEnter { room } => self.rooms.enter(*room, Place::Inside),
            Request::RoomLeave { room } => self.leave_room(*room, None),
            _ => {}
        }
    }

    fn leave_room(&mut self, room: RoomId, told: Option<RoomChangeKind>) {
        let was_inside = self.rooms.inside.remove(&room).is_some();
        if let Some(kind) = told.filter(|_| was_inside) {
            self.tell(Event::RoomChanged { room, kind });
        }
    }

    pub(super) fn on_room_deliver(&mut self, deliver: RoomDeliver) {
        self.tell_room_messages(deliver.room, vec![deliver.record]);
    }

    pub(super) fn on_room_records(&mut self, records: RoomRecords) {
        self.tell_room_messages(records.room, records.records);
    }

    fn tell_room_messages(&mut self, room: RoomId, records: Vec<Record>) {
        let records = self.rooms.take_new(room, records);
        if !records.is_empty() {
            self.tell(Event::RoomMessages { room, records });
        }
    }

    pub(super) fn on_room_event(&mut self, event: RoomEvent) {
        let RoomEvent { room, kind, at_ms, by, users, .. } = event;
        self.tell(Event::RoomEvent { room, kind, at_ms, by, users });
    }

    /// Whoever was let in by an app server is in: the link goes in as well.
    pub(super) fn on_room_changed(&mut self, changed: &RoomChanged) {
        let RoomChanged { room, kind, .. } = *changed;
        if kind != RoomChangeKind::ADDED {
            return self.leave_room(room, Some(kind));
        }
        self.tell(Event::RoomChanged { room, kind });
        if !self.rooms.inside.contains_key(&room) && self.rooms.len() < ROOMS_PER_LINK_MAX {
            self.rooms.enter(room, Place::Outside(Duration::ZERO));
        }
    }

    /// Nothing of it is stored, but it keeps its order behind what is.
    fn tell(&mut self, event: Event) {
        self.transaction.then.push(super::Then::Emit(event));
    }
}
