//! Chat rooms on one session: going in and out, what is told there, questions and changes.
//!
//! A room moves no cursor of the user. A session that goes in registers first and reads the newest messages second; while it
//! reads it skips what comes live, and reads again until nothing was skipped. So it is told of each message once, and after
//! a gap of the newest only.

use std::sync::Arc;

use anser_protocol::RoomDeliverView;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::room::{
    MyRooms, RoomChange, RoomChanged, RoomEnter, RoomEvent, RoomInfo, RoomList, RoomMembers, RoomRecords, RoomRequest,
    RoomSilence, RoomUsers, Rooms,
};
use anser_protocol::framing;
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::limits::{
    LIST_PAGE_MAX, ROOM_SILENCE_MS_MAX, ROOM_SILENCE_MS_MIN, ROOMS_PER_FRAME_MAX, ROOMS_PER_LINK_MAX,
};
use anser_protocol::planted::{Fault, is_planted};
use anser_protocol::room::{RoomChangeKind, RoomRole};
use anser_storage::command::{Actor, Command, RoomCommand};
use anser_storage::outcome::{Answer as Accepted, Appended, MessageBody, RoomNews};

use super::group::parts;
use super::request::Pending;
use super::{Action, Recipient, Session, Stage};
use crate::link::query::{self, Answer, Query, RoomAnswer, RoomQuery};
use crate::link::refusal::AskedOfRoom;

/// Names in one frame of news: that many of the longest stay below the frame limit.
const NAMES_PER_PART: usize = 200;

/// How far the link has been told of one room.
#[derive(Debug)]
pub(super) struct RoomFlow {
    /// Up to here.
    delivered: Position,
    progress: Progress,
    /// Something came while the newest messages were being read.
    has_skipped: bool,
    /// Who waits to hear that the link is in.
    entering: Option<u32>,
}

#[derive(Debug, PartialEq, Eq)]
enum Progress {
    /// The store decides whether the user may go in.
    Knocking,
    /// The newest messages are to be asked for; or these, the rest of them.
    Behind(Option<Vec<Position>>),
    Asking,
    Live,
}

impl RoomFlow {
    pub(super) fn fall_behind(&mut self) {
        match self.progress {
            Progress::Live => self.progress = Progress::Behind(None),
            Progress::Asking | Progress::Behind(Some(_)) => self.has_skipped = true,
            Progress::Knocking | Progress::Behind(None) => {}
        }
    }
}

impl Session {
    pub(super) fn enter_room(&mut self, body: RoomEnter) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = &mut ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let RoomEnter { request, room, after, is_again, .. } = body;
        if user.rooms.contains_key(&room) {
            return self.fail(request, ErrorCode::ROOM_ALREADY_IN, "");
        }
        if user.rooms.len() >= ROOMS_PER_LINK_MAX {
            return self.fail(request, ErrorCode::TOO_MANY, "a link may be in 64 rooms");
        }
        let (app, number) = (ready.app, user.number);
        let progress = if is_again { Progress::Behind(None) } else { Progress::Knocking };
        let flow = RoomFlow { delivered: after, progress, has_skipped: false, entering: Some(request) };
        user.rooms.insert(room, flow);
        if is_again {
            self.actions.push_back(Action::EnterRoom { app, room });
        } else {
            let command = Command::Room(RoomCommand::Enter { app, room, user: number });
            self.submit(Pending::EnterRoom { request, room }, command);
        }
    }

    pub(super) fn room_entered(&mut self, request: u32, room: RoomId, accepted: Result<Accepted, (ErrorCode, String)>) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let app = ready.app;
        let Some(user) = &mut ready.user else { return };
        match (accepted, user.rooms.get_mut(&room)) {
            (Ok(_), Some(flow)) => {
                flow.progress = Progress::Behind(None);
                self.actions.push_back(Action::EnterRoom { app, room });
                self.continue_catch_up();
            }
            // It was left again before that was known, and whoever waited was told.
            (Ok(_), None) => {}
            (Err((code, message)), _) => {
                user.rooms.remove(&room);
                self.fail(request, code, &message);
            }
        }
    }

    pub(super) fn leave_room(&mut self, body: RoomRequest) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let command = RoomCommand::Leave { app: ready.app, room: body.room, user: user.number };
        self.submit(Pending::LeaveRoom { request: body.request, room: body.room }, Command::Room(command));
    }

    pub(super) fn room_left(&mut self, request: u32, room: RoomId, accepted: Result<Accepted, (ErrorCode, String)>) {
        match accepted {
            Ok(_) => {
                self.forget_room(room);
                self.done(request);
            }
            Err((code, message)) => {
                if matches!(code, ErrorCode::ROOM_NOT_IN | ErrorCode::ROOM_LEAVE_UNKNOWN) {
                    self.forget_room(room);
                }
                self.fail(request, code, &message);
            }
        }
    }

    /// The link is in the room no more. Returns whether it was.
    fn forget_room(&mut self, room: RoomId) -> Option<RoomFlow> {
        let Stage::Ready(ready) = &mut self.stage else { return None };
        let app = ready.app;
        let flow = ready.user.as_mut()?.rooms.remove(&room)?;
        self.actions.push_back(Action::LeaveRoom { app, room });
        if let Some(request) = flow.entering {
            self.fail(request, ErrorCode::ROOM_NOT_IN, "");
        }
        Some(flow)
    }

    /// Asks for the newest messages of each room where this link is behind.
    pub(super) fn continue_rooms(&mut self) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let (app, device) = (ready.app, ready.device.number);
        let Some(user) = &mut ready.user else { return };
        // One at a time: each may fill a frame.
        if user.rooms.values().any(|flow| flow.progress == Progress::Asking) {
            return;
        }
        let reader = (user.number, device);
        let Some((room, flow)) = user.rooms.iter_mut().find(|(_, flow)| matches!(flow.progress, Progress::Behind(_)))
        else {
            return;
        };
        let Progress::Behind(places) = std::mem::replace(&mut flow.progress, Progress::Asking) else { return };
        if places.is_none() {
            flow.has_skipped = false;
        }
        let (room, after) = (*room, flow.delivered);
        let asked = RoomQuery::Latest { room, reader, after, places };
        self.query(Pending::RoomRecords(room), Query::Room { app, asked });
    }

    pub(super) fn room_read(&mut self, room: RoomId, answer: Result<Answer, ErrorCode>) {
        let Some((user, _)) = self.user() else { return };
        let Some(flow) = user.rooms.get_mut(&room) else { return self.continue_catch_up() };
        let (records, rest, to) = match answer {
            Ok(Answer::Room(RoomAnswer::Latest { records, rest, to })) => (records, rest, to),
            Ok(Answer::Room(reason)) => return self.turn_out(room, matches!(reason, RoomAnswer::Unknown)),
            Ok(_) => return self.end(ErrorCode::INTERNAL, ""),
            Err(code) => return self.end(code, "the log could not be read"),
        };
        flow.delivered = flow.delivered.max(to);
        flow.progress = match rest.is_empty() {
            false => Progress::Behind(Some(rest)),
            true if flow.has_skipped => Progress::Behind(None),
            true => Progress::Live,
        };
        if let Some(request) = flow.entering.take() {
            self.done(request);
        }
        if !records.is_empty() {
            self.send(&ServerFrame::RoomRecords(RoomRecords { room, records, extensions: Extensions::default() }));
        }
        self.continue_catch_up();
    }

    /// What was read says that the user is not in the room.
    fn turn_out(&mut self, room: RoomId, is_gone: bool) {
        let Some(flow) = self.user().and_then(|(user, _)| user.rooms.get_mut(&room)) else { return };
        match flow.entering.take() {
            Some(request) => {
                self.forget_room(room);
                self.fail(request, if is_gone { ErrorCode::ROOM_UNKNOWN } else { ErrorCode::ROOM_NOT_IN }, "");
            }
            None => {
                self.forget_room(room);
                self.tell_room_changed(room, if is_gone { RoomChangeKind::DELETED } else { RoomChangeKind::LEFT });
            }
        }
        self.continue_catch_up();
    }

    pub(super) fn deliver_room_news(
        &mut self,
        room: RoomId,
        news: &RoomNews,
        appended: &Appended,
        recipient: Recipient,
    ) {
        let Some((user, device)) = self.user() else { return };
        if matches!(recipient, Recipient::User(number) if number != user.number) {
            return;
        }
        let own_device = (user.number, device.number);
        match news {
            RoomNews::Added(_) => self.tell_room_changed(room, RoomChangeKind::ADDED),
            RoomNews::Left(_) | RoomNews::Blocked(_) | RoomNews::Deleted => {
                let kind = match news {
                    RoomNews::Deleted => RoomChangeKind::DELETED,
                    RoomNews::Blocked(_) => RoomChangeKind::BLOCKED,
                    _ => RoomChangeKind::LEFT,
                };
                // From before the link came in (again): what it reads then says whether the user is a member.
                let is_old = user.rooms.get(&room).is_none_or(|flow| {
                    flow.delivered >= appended.position || matches!(flow.progress, Progress::Knocking)
                });
                let is_asked_for =
                    |pending: &Pending| matches!(pending, Pending::LeaveRoom { room: left, .. } if *left == room);
                if is_old {
                    return;
                }
                let is_asked_for = self.pending.iter().any(|(_, pending)| is_asked_for(pending));
                if self.forget_room(room).is_some() && !is_asked_for {
                    self.tell_room_changed(room, kind);
                }
            }
            RoomNews::Said { from, from_name, message } => {
                let Some(flow) = user.rooms.get_mut(&room) else { return };
                if appended.position <= flow.delivered {
                    return;
                }
                if flow.progress != Progress::Live {
                    flow.has_skipped = !is_planted(Fault::RoomGap);
                    return;
                }
                flow.delivered = appended.position;
                let is_own = message.sent_by.is_some_and(|(device, _)| (*from, device) == own_device);
                let MessageBody::Content(content) = &message.body else { return };
                if !is_own {
                    let (position, at_ms, from) = (appended.position, appended.at_ms, from_name);
                    self.send_room_message(RoomDeliverView { room, position, at_ms, from, content });
                }
            }
            RoomNews::Event(event) => {
                if user.rooms.contains_key(&room) {
                    let event = Arc::clone(event);
                    self.tell_room_event(room, &event, appended.at_ms);
                }
            }
        }
    }

    fn send_room_message(&mut self, view: RoomDeliverView<'_>) {
        let encoder = &mut self.encoder;
        if framing::append(&mut self.output, |out| encoder.room_deliver(view, out)).is_err() {
            log::error!(
                "a record at position {} is too long for a frame, the link is closed; this is a bug, please report it",
                view.position
            );
            self.stage = Stage::Ended;
        }
    }

    fn tell_room_event(&mut self, room: RoomId, event: &anser_storage::outcome::RoomEvent, at_ms: u64) {
        for (users, is_last) in parts(event.users.clone(), NAMES_PER_PART) {
            self.send(&ServerFrame::RoomEvent(RoomEvent {
                room,
                kind: event.kind,
                at_ms,
                by: event.by.clone(),
                users,
                is_partial: !is_last,
                extensions: Extensions::default(),
            }));
        }
    }

    fn tell_room_changed(&mut self, room: RoomId, kind: RoomChangeKind) {
        self.send(&ServerFrame::RoomChanged(RoomChanged { room, kind, extensions: Extensions::default() }));
    }

    pub(super) fn ask_rooms_of_app(&mut self, body: RoomList) {
        let count = body.count.clamp(1, LIST_PAGE_MAX) as usize;
        self.ask_list(body.request, |_| query::RoomList::OfApp { start: body.start.into(), count });
    }

    pub(super) fn ask_own_rooms(&mut self, body: MyRooms) {
        self.ask_list(body.request, query::RoomList::OfUser);
    }

    pub(super) fn ask_rooms(&mut self, body: RoomInfo) {
        self.ask_list(body.request, |_| query::RoomList::Named(body.rooms));
    }

    fn ask_list(&mut self, request: u32, list: impl FnOnce(anser_storage::ids::UserNumber) -> query::RoomList) {
        self.ask_of_rooms(Pending::Rooms(request), request, |user| RoomQuery::List(list(user)));
    }

    pub(super) fn ask_room_users(&mut self, body: RoomMembers) {
        let RoomMembers { request, room, role, start, count, .. } = body;
        let (start, count) = (start.into(), count.clamp(1, LIST_PAGE_MAX) as usize);
        self.ask_of_rooms(Pending::RoomUsers(request), request, |user| RoomQuery::Users {
            room,
            user,
            role,
            start,
            count,
        });
    }

    pub(super) fn ask_room_silence(&mut self, body: RoomSilence) {
        let RoomSilence { request, room, username, .. } = body;
        self.ask_of_rooms(Pending::RoomUsers(request), request, |user| RoomQuery::Silence { room, user, username });
    }

    fn ask_of_rooms(
        &mut self,
        pending: Pending,
        request: u32,
        query: impl FnOnce(anser_storage::ids::UserNumber) -> RoomQuery,
    ) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = Query::Room { app: ready.app, asked: query(user.number) };
        self.query(pending, query);
    }

    pub(super) fn rooms_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        let (total, rooms) = match answer {
            Ok(Answer::Room(RoomAnswer::List { total, rooms })) => (total, rooms),
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        for (rooms, is_last) in parts(rooms, ROOMS_PER_FRAME_MAX) {
            let extensions = Extensions::default();
            self.send(&ServerFrame::Rooms(Rooms { request, total, rooms, is_last, extensions }));
        }
    }

    pub(super) fn room_users_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Room(RoomAnswer::Users { total, users })) => {
                for (users, is_last) in parts(users, NAMES_PER_PART) {
                    let extensions = Extensions::default();
                    self.send(&ServerFrame::RoomUsers(RoomUsers { request, total, users, is_last, extensions }));
                }
            }
            Ok(Answer::Room(RoomAnswer::Unknown)) => self.fail(request, ErrorCode::ROOM_UNKNOWN, ""),
            Ok(Answer::Room(RoomAnswer::Outside)) => self.fail(request, ErrorCode::ROOM_NOT_IN, ""),
            Ok(Answer::Room(RoomAnswer::UserUnknown)) => self.fail(request, ErrorCode::NO_SUCH_USER, ""),
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => self.fail(request, code, ""),
        }
    }

    pub(super) fn change_room(&mut self, body: RoomChange) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let RoomChange { request, room, role, is_given, users, for_ms, .. } = body;
        let (app, by) = (ready.app, Actor::User(user.number));
        // Each of them takes rows of its own.
        if role != RoomRole::SILENCED && users.len() > RoomCommand::NAMES_MAX {
            return self.fail(request, ErrorCode::INVALID, "250 users may be named");
        }
        let (asked, command) = match (role, is_given) {
            (RoomRole::ADMIN, true) => (AskedOfRoom::AddAdmins, RoomCommand::AddAdmins { app, by, room, users }),
            (RoomRole::ADMIN, false) => (AskedOfRoom::RemoveAdmins, RoomCommand::RemoveAdmins { app, by, room, users }),
            (RoomRole::BLOCKED, true) => (AskedOfRoom::Blacklist, RoomCommand::Block { app, by, room, users }),
            (RoomRole::BLOCKED, false) => (AskedOfRoom::Blacklist, RoomCommand::Unblock { app, by, room, users }),
            (RoomRole::SILENCED, true) => {
                if !(ROOM_SILENCE_MS_MIN..=ROOM_SILENCE_MS_MAX).contains(&for_ms) {
                    return self.fail(request, ErrorCode::INVALID, "a silence lasts five minutes to a year");
                }
                let for_ms = Some(for_ms);
                (AskedOfRoom::Silence, RoomCommand::Silence { app, by, room, users, for_ms })
            }
            (RoomRole::SILENCED, false) => (AskedOfRoom::Silence, RoomCommand::Unsilence { app, by, room, users }),
            _ => return self.fail(request, ErrorCode::INVALID, "there is no such role"),
        };
        self.submit(Pending::ChangeRoom(request, asked), Command::Room(command));
    }
}
