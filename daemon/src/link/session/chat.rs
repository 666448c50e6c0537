//! A user's chats on one session: sending, live delivery, catch-up, history.
//!
//! What the session owes the client is a run: every delivering frame names where the one before it led. A session is
//! *live* when it stands at the end of the log; otherwise it reads the log part by part, as the client takes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use anser_protocol::DeliverView;
use anser_protocol::content::Content;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::chat::{CatchUp, ConversationPage, Conversations, Covered, Send, SendRefused, Sent};
use anser_protocol::frame::room::RoomSend;
use anser_protocol::framing;
use anser_protocol::ids::{OutboxNumber, Position, RoomId};
use anser_protocol::limits::LIST_PAGE_MAX;
use anser_protocol::names::{Chat, Name};
use anser_protocol::options::{InvalidOption, SendOptions};
use anser_protocol::planted::{Fault, is_planted};
use anser_storage::command::{Command, MarkCommand, Origin, Send as SendCommand, Target};
use anser_storage::ids::{DeviceNumber, UserNumber};
use anser_storage::outcome::{Answer as Accepted, Appended, Message, MessageBody, Route};
use anser_storage::{ConversationKind, ReceiptPage};

use super::history::WantedPage;
use super::push::is_worth_a_mark;
use super::request::Pending;
use super::room::RoomFlow;
use super::{Action, Ready, Session, Stage};
use crate::body::{self, BodyFault};
use crate::link::query::{Answer, PlannedChat, Query};

/// Conversations read at a time while catching up: with their newest records they make a frame or two.
const CHATS_PER_PART: usize = 50;
/// The newest records of each conversation, by how many conversations changed.
const NEWEST_OF_FEW: usize = 20;
const NEWEST_OF_MANY: usize = 5;
const MANY: usize = 50;
/// Chats that may wait for a repeat on one link.
pub(super) const REFUSED_CHATS_MAX: usize = 256;
/// After so many own sends the client is told that they are covered.
const OWN_SENDS_MAX: u32 = 64;
/// Bytes of one catch-up frame, roughly: well below the frame limit.
const PART_BYTES: usize = 24 * 1024;

/// The user who is logged in, and how far they have been told.
#[derive(Debug)]
pub(super) struct UserFlow {
    pub(super) number: UserNumber,
    pub(super) name: Name,
    pub(super) token_hash: [u8; 32],
    /// Whether the login is still good is not looked at yet, since it is told of what ends it.
    is_unchecked: bool,
    /// Which device this login pushed off, as the only or the last one.
    pub(super) pushed_off: Option<DeviceNumber>,
    /// Where the last delivering frame led.
    pub(super) delivered: Position,
    /// What the client says that it has stored.
    acknowledged: Position,
    /// Where the session began, and the newest record that it told.
    began_at: Position,
    told: Position,
    /// Messages for those who are connected only are told above this: the end of the first snapshot.
    pub(super) present_since: Position,
    progress: Progress,
    /// Live copies were lost after the snapshot of the catch-up under way may have been taken.
    has_missed: bool,
    /// This session's own sends since the last delivering frame, up to `own_position`: not told, yet covered.
    own_sends: u32,
    own_position: Position,
    /// For each chat the earliest send that was refused for a passing reason: later ones would overtake it.
    refused: BTreeMap<Destination, OutboxNumber>,
    /// The chat rooms that this link is in, or is going into.
    pub(super) rooms: BTreeMap<RoomId, RoomFlow>,
    /// Pages of history that are not yet asked for.
    pub(super) wanted_history: Vec<WantedPage>,
}

/// Within one of these a device's messages keep their order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Destination {
    Chat(Chat),
    Room(RoomId),
}

impl Destination {
    /// A room has codes of its own for what is wrong with a message.
    fn code_of(&self, code: ErrorCode) -> ErrorCode {
        match (self, code) {
            (Self::Room(_), ErrorCode::SEND_TOO_LONG) => ErrorCode::ROOM_SEND_TOO_LONG,
            (Self::Room(_), ErrorCode::SEND_MALFORMED | ErrorCode::SEND_NOT_ALLOWED) => ErrorCode::ROOM_SEND_MALFORMED,
            (Self::Chat(_) | Self::Room(_), code) => code,
        }
    }
}

#[derive(Debug)]
enum Progress {
    /// A snapshot is to be asked for.
    Behind,
    /// A question is out.
    Asking,
    /// These conversations are still to be read, newest first, up to `to`.
    Reading {
        to: Position,
        chats: Vec<PlannedChat>,
        newest: usize,
        /// From here on receipts are to be told before.
        receipts: Option<Position>,
    },
    Live,
}

/// What is left of a plan while one part of it is being read.
#[derive(Debug)]
pub(super) struct PlannedPage {
    to: Position,
    /// Asked for; the answer says how many of them it has.
    asked: Vec<PlannedChat>,
    rest: Vec<PlannedChat>,
    newest: usize,
}

impl UserFlow {
    pub(super) fn new(number: UserNumber, name: Name, token_hash: [u8; 32], cursor: Position) -> Self {
        Self {
            number,
            name,
            token_hash,
            is_unchecked: true,
            pushed_off: None,
            delivered: cursor,
            acknowledged: cursor,
            began_at: cursor,
            told: cursor,
            present_since: Position(u64::MAX),
            progress: Progress::Behind,
            has_missed: false,
            own_sends: 0,
            own_position: Position::START,
            refused: BTreeMap::new(),
            rooms: BTreeMap::new(),
            wanted_history: Vec::new(),
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.progress, Progress::Live)
    }

    pub(super) fn refused_count(&self) -> usize {
        self.refused.len()
    }

    /// Live copies were lost: read the log from where the client was told last.
    pub(super) fn fall_behind(&mut self) {
        match self.progress {
            Progress::Live => self.progress = Progress::Behind,
            Progress::Asking | Progress::Reading { .. } => self.has_missed = true,
            Progress::Behind => {}
        }
    }

    /// A delivering frame leads here.
    pub(super) fn lead_to(&mut self, to: Position) {
        self.delivered = to;
        self.told = to;
        self.own_sends = 0;
    }

    /// A catch-up is complete: it stands at the end, unless more was missed meanwhile.
    fn arrive(&mut self) {
        self.progress = if std::mem::take(&mut self.has_missed) { Progress::Behind } else { Progress::Live };
    }

    pub(super) fn cursor_mark(&self, ready: &Ready) -> Option<MarkCommand> {
        is_worth_a_mark(self.began_at, self.told, self.acknowledged).then_some(MarkCommand::ChatCursor {
            app: ready.app,
            user: self.number,
            device: ready.device.number,
            position: self.acknowledged,
        })
    }
}

impl Session {
    pub(super) fn user(&mut self) -> Option<(&mut UserFlow, &super::DeviceFlow)> {
        match &mut self.stage {
            Stage::Ready(ready) => Some((ready.user.as_deref_mut()?, &ready.device)),
            _ => None,
        }
    }

    pub(super) fn submit_send(&mut self, body: Send) {
        self.submit_send_to(body.outbox, Destination::Chat(body.chat), body.content);
    }

    pub(super) fn submit_room_send(&mut self, body: RoomSend) {
        self.submit_send_to(body.outbox, Destination::Room(body.room), body.content);
    }

    fn submit_send_to(&mut self, outbox: OutboxNumber, to: Destination, content: Content) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = &mut ready.user else {
            return self.refuse_send(outbox, ErrorCode::NOT_LOGGED_IN, "");
        };
        if let Err((code, message)) = check_content(&to, &content) {
            return self.refuse_send(outbox, to.code_of(code), message);
        }
        let target = match &to {
            Destination::Chat(Chat::User(name)) => Target::User(name.to_string()),
            Destination::Chat(Chat::Group(group)) => Target::Group(*group),
            Destination::Chat(Chat::Notices) => return self.refuse_send(outbox, ErrorCode::SEND_NOT_ALLOWED, ""),
            Destination::Room(room) => Target::Room(*room),
        };
        if user.refused.get(&to).is_some_and(|earlier| *earlier < outbox) {
            return self.refuse_send(outbox, ErrorCode::SEND_OUT_OF_ORDER, "");
        }
        user.refused.remove(&to);
        let command = Command::Send(SendCommand {
            app: ready.app,
            from: user.number,
            origin: Origin::Device { device: ready.device.number, outbox },
            target,
            content,
        });
        let user = user.number;
        self.submit(Pending::Send { user, outbox, to }, command);
    }

    pub(super) fn send_finished(
        &mut self,
        by: UserNumber,
        outbox: OutboxNumber,
        to: Destination,
        accepted: Result<Accepted, (ErrorCode, String)>,
    ) {
        match accepted {
            Ok(Accepted::Sent { position, at_ms, .. }) => {
                self.send(&ServerFrame::Sent(Sent { outbox, position, at_ms }));
            }
            Ok(_) => self.refuse_send(outbox, ErrorCode::SEND_FAILED, ""),
            Err((code, message)) => {
                self.refuse_send(outbox, code, &message);
                if code.is_passing() {
                    self.hold_back_sends(by, to, outbox);
                }
            }
        }
    }

    /// Until a send that was refused for a passing reason is repeated, later ones to its chat would overtake it, also
    /// those that the shell has not taken yet.
    fn hold_back_sends(&mut self, by: UserNumber, to: Destination, outbox: OutboxNumber) {
        if is_planted(Fault::NothingHeldBack) {
            return;
        }
        let mut held_back = Vec::new();
        for (ticket, pending) in &self.pending {
            let is_queued = |action: &Action| matches!(action, Action::Submit(queued, _) if queued == ticket);
            match pending {
                Pending::Send { user, outbox, to: of }
                    if (*user, of) == (by, &to) && self.actions.iter().any(is_queued) =>
                {
                    held_back.push((*outbox, *ticket));
                }
                _ => {}
            }
        }
        held_back.sort_unstable();
        for (later, ticket) in held_back {
            self.actions.retain(|action| !matches!(action, Action::Submit(queued, _) if *queued == ticket));
            self.take_pending(ticket);
            self.refuse_send(later, ErrorCode::SEND_OUT_OF_ORDER, "");
        }
        // After a login all that is unanswered comes again, in order.
        let Some((user, _)) = self.user().filter(|(user, _)| user.number == by) else { return };
        if user.refused.len() >= REFUSED_CHATS_MAX && !user.refused.contains_key(&to) {
            // On the next link all that is unanswered comes again, in order.
            return self.end(ErrorCode::BUSY, "too many chats wait for a repeat");
        }
        let earliest = user.refused.entry(to).or_insert(outbox);
        *earliest = outbox.min(*earliest);
    }

    fn refuse_send(&mut self, outbox: OutboxNumber, code: ErrorCode, message: &str) {
        let message = if message.is_empty() { code.text() } else { message }.to_owned();
        self.send(&ServerFrame::SendRefused(SendRefused { outbox, code, message, extensions: Extensions::default() }));
    }

    pub(super) fn acknowledge_chats(&mut self, position: Position) {
        if let Some((user, _)) = self.user()
            && position <= user.delivered.max(user.own_position)
        {
            user.acknowledged = user.acknowledged.max(position);
        }
    }

    /// A live record of one of the user's chats.
    pub(super) fn deliver_message(&mut self, appended: &Appended) {
        let Some((user, device)) = self.user() else { return };
        if appended.position <= user.delivered && !is_planted(Fault::NoSnapshotSkip) {
            return;
        }
        let (chat, from, from_name, message) = match &appended.route {
            Route::Single { from, from_name, to_name, message, .. } => {
                let peer = if *from == user.number { to_name } else { from_name };
                (Chat::User(Arc::clone(peer)), Some(*from), Arc::clone(from_name), message)
            }
            Route::Group { group, from, from_name, message, .. } => {
                (Chat::Group(*group), *from, Arc::clone(from_name), message)
            }
            Route::Notice { message, .. } if device.takes_notices => (Chat::Notices, None, "".into(), message),
            Route::Notice { .. }
            | Route::Devices { .. }
            | Route::Broadcast { .. }
            | Route::Withdrawn { .. }
            | Route::Read { .. }
            | Route::Receipts { .. }
            | Route::Room { .. } => return,
        };
        // What another user of this device sent before, this one does not have.
        let is_own = from == Some(user.number);
        if is_own && message.sent_by.is_some_and(|(sender, _)| sender == device.number) {
            return self.pass_over(appended.position);
        }
        // Nobody sends these; the server tells them.
        let is_told = matches!(message.body, MessageBody::Amendment(_) | MessageBody::Change(_));
        let from_name = if is_told { "".into() } else { from_name };
        let after = user.delivered;
        user.lead_to(appended.position);
        self.encode_delivery(after, &chat, &from_name, appended, message);
    }

    fn encode_delivery(&mut self, after: Position, chat: &Chat, from: &Name, appended: &Appended, message: &Message) {
        let event;
        let (kind, body, extensions) = match &message.body {
            MessageBody::Content(content) => (content.kind, content.body.as_slice(), &content.extensions),
            MessageBody::Amendment(amendment) => {
                event = crate::link::query::amendment_content(amendment);
                (event.kind, event.body.as_slice(), &event.extensions)
            }
            MessageBody::Change(change) => {
                event = crate::link::query::change_content(change);
                (event.kind, event.body.as_slice(), &event.extensions)
            }
            MessageBody::Event(group_event) => {
                event = crate::link::query::event_content(group_event);
                (event.kind, event.body.as_slice(), &event.extensions)
            }
            MessageBody::Notice(notice) => {
                event = crate::link::query::notice_content(notice);
                (event.kind, event.body.as_slice(), &event.extensions)
            }
        };
        let view = DeliverView {
            after,
            chat,
            position: appended.position,
            at_ms: appended.at_ms,
            from,
            kind,
            body,
            extensions,
        };
        let encoder = &mut self.encoder;
        if framing::append(&mut self.output, |out| encoder.deliver(view, out)).is_err() {
            log::error!(
                "a record at position {} is too long for a frame, the link is closed; this is a bug, please report it",
                appended.position
            );
            self.stage = Stage::Ended;
        }
    }

    /// This comes from the device itself: it is not told, yet covered.
    pub(super) fn pass_over(&mut self, position: Position) {
        let Some((user, _)) = self.user() else { return };
        user.own_sends += 1;
        user.own_position = position;
        if user.own_sends >= OWN_SENDS_MAX {
            self.cover_own_sends();
        }
    }

    /// Lets the client's cursor pass over its own sends, so that it need not fetch them after a reconnect.
    pub(super) fn cover_own_sends(&mut self) {
        let Some((user, _)) = self.user() else { return };
        if user.own_sends == 0 || !user.is_live() {
            return;
        }
        let (after, to) = (user.delivered, user.own_position);
        user.own_sends = 0;
        user.delivered = to;
        self.send(&ServerFrame::Covered(Covered { after, to }));
    }

    /// Asks for the next part of the log, if this session is behind and no question is out.
    pub(super) fn continue_chats(&mut self) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = &mut ready.user else { return };
        match std::mem::replace(&mut user.progress, Progress::Asking) {
            Progress::Behind => {
                let token_hash = std::mem::take(&mut user.is_unchecked).then_some(user.token_hash);
                let (app, since) = (ready.app, user.delivered);
                let with_receipts = ready.device.takes_reads;
                let query = Query::PlanCatchUp { app, user: user.number, token_hash, since, with_receipts };
                self.query(Pending::PlanCatchUp, query);
            }
            Progress::Reading { to, chats, newest, receipts: Some(since) } => {
                let query = Query::Receipts { app: ready.app, user: user.number, since };
                let page = PlannedPage { to, asked: Vec::new(), rest: chats, newest };
                self.query(Pending::Receipts(page), query);
            }
            Progress::Reading { to, mut chats, newest, receipts: None } => {
                let rest = chats.split_off(chats.len().min(CHATS_PER_PART));
                let query = Query::CatchUp {
                    app: ready.app,
                    user: user.number,
                    device: ready.device.number,
                    present_since: user.present_since,
                    chats: chats.clone(),
                    since: user.delivered,
                    to,
                    newest,
                };
                self.query(Pending::CatchUp(PlannedPage { to, asked: chats, rest, newest }), query);
            }
            waiting @ (Progress::Asking | Progress::Live) => user.progress = waiting,
        }
    }

    pub(super) fn catch_up_planned(&mut self, answer: Result<Answer, ErrorCode>) {
        let Some((user, device)) = self.user() else { return };
        let takes_notices = device.takes_notices;
        let (to, mut chats, receipts) = match answer {
            Ok(Answer::Plan { to, chats, receipts }) => (to, chats, receipts),
            Ok(Answer::UserGone(code)) => return self.go_away(code, 0),
            Ok(_) => return self.end(ErrorCode::INTERNAL, ""),
            Err(code) => return self.end(code, "the log could not be read"),
        };
        // An older client would not know what it is told.
        chats.retain(|chat| takes_notices || chat.kind != ConversationKind::Notices);
        user.present_since = user.present_since.min(to);
        // A client may stand ahead of a store that was restored; it never goes back.
        let to = to.max(user.delivered);
        let newest = if chats.len() > MANY { NEWEST_OF_MANY } else { NEWEST_OF_FEW };
        self.receipts_told(PlannedPage { to, asked: Vec::new(), rest: chats, newest }, &receipts);
    }

    pub(super) fn receipts_read(&mut self, page: PlannedPage, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Receipts(receipts)) => self.receipts_told(page, &receipts),
            Ok(_) => self.end(ErrorCode::INTERNAL, ""),
            Err(code) => self.end(code, "the log could not be read"),
        }
    }

    /// Then more of them, or the conversations.
    fn receipts_told(&mut self, page: PlannedPage, receipts: &ReceiptPage) {
        self.tell_receipts(&receipts.receipts);
        let Some((user, _)) = self.user() else { return };
        let PlannedPage { to, rest: chats, newest, .. } = page;
        if chats.is_empty() && receipts.next.is_none() {
            let after = user.delivered;
            return self.finish_catch_up(after, to, Vec::new());
        }
        user.progress = Progress::Reading { to, chats, newest, receipts: receipts.next };
        self.continue_catch_up();
    }

    pub(super) fn catch_up_read(&mut self, page: PlannedPage, answer: Result<Answer, ErrorCode>) {
        let Some((user, _)) = self.user() else { return };
        let (rows, read) = match answer {
            Ok(Answer::CatchUp { rows, read }) => (rows, read),
            Ok(_) => return self.end(ErrorCode::INTERNAL, ""),
            Err(code) => return self.end(code, "the log could not be read"),
        };
        let after = user.delivered;
        if !rows.is_empty() {
            user.told = page.to;
        }
        let mut chats = page.asked;
        chats.drain(..read.min(chats.len()));
        chats.extend(page.rest);
        if chats.is_empty() {
            return self.finish_catch_up(after, page.to, rows);
        }
        user.progress = Progress::Reading { to: page.to, chats, newest: page.newest, receipts: None };
        self.send_catch_up(after, page.to, false, rows);
        self.continue_catch_up();
    }

    fn finish_catch_up(&mut self, after: Position, to: Position, rows: Vec<anser_protocol::frame::chat::Conversation>) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let Some(user) = &mut ready.user else { return };
        user.delivered = to;
        user.own_sends = 0;
        user.arrive();
        if is_planted(Fault::SnapshotBeforeRegister) {
            self.actions.push_back(Action::AttachUser { app: ready.app, user: user.number });
        }
        self.send_catch_up(after, to, true, rows);
        self.continue_catch_up();
    }

    fn send_catch_up(
        &mut self,
        after: Position,
        to: Position,
        is_last: bool,
        rows: Vec<anser_protocol::frame::chat::Conversation>,
    ) {
        let mut parts = split_rows(rows).into_iter().peekable();
        while let Some(conversations) = parts.next() {
            let is_last = is_last && parts.peek().is_none();
            let extensions = Extensions::default();
            self.send(&ServerFrame::CatchUp(CatchUp { after, to, is_last, conversations, extensions }));
        }
    }

    pub(super) fn ask_conversations(&mut self, body: Conversations) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = Query::Conversations {
            app: ready.app,
            user: user.number,
            device: ready.device.number,
            before: body.before,
            limit: body.limit.clamp(1, LIST_PAGE_MAX) as usize,
        };
        self.query(Pending::Conversations(body.request), query);
    }

    pub(super) fn conversations_read(&mut self, request: u32, answer: Result<Answer, ErrorCode>) {
        match answer {
            Ok(Answer::Conversations { rows, is_complete }) => {
                // One frame: a client that asks for more than fits gets fewer, and asks on from the last.
                let mut parts = split_rows(rows).into_iter();
                let conversations = parts.next().unwrap_or_default();
                let is_complete = is_complete && parts.next().is_none();
                let extensions = Extensions::default();
                let page = ConversationPage { request, conversations, is_complete, extensions };
                self.send(&ServerFrame::ConversationPage(page));
            }
            Ok(_) => self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => self.fail(request, code, ""),
        }
    }
}

/// Cuts rows into parts that fit into a frame each; always at least one part.
fn split_rows(
    rows: Vec<anser_protocol::frame::chat::Conversation>,
) -> Vec<Vec<anser_protocol::frame::chat::Conversation>> {
    let mut parts = vec![Vec::new()];
    let mut bytes = 0;
    for row in rows {
        let size = row_bytes(&row);
        if bytes + size > PART_BYTES && bytes > 0 {
            parts.push(Vec::new());
            bytes = 0;
        }
        bytes += size;
        if let Some(part) = parts.last_mut() {
            part.push(row);
        }
    }
    parts
}

/// At least what a row takes on the wire.
pub(crate) fn row_bytes(row: &anser_protocol::frame::chat::Conversation) -> usize {
    let records: usize = row.newest.iter().map(record_bytes).sum();
    64 + row.name.len() + 2 * 10 * row.windows.len() + records + anser_protocol::limits::GUEST_NAME_BYTES_MAX
}

/// At least what a record takes on the wire.
pub(crate) fn record_bytes(record: &anser_protocol::frame::chat::Record) -> usize {
    let extensions: usize = record.content.extensions.0.iter().map(|entry| entry.value.len() + 8).sum();
    48 + record.from.len() + record.content.body.len() + extensions
}

/// Devices are not trusted: what they send is looked at as what app servers send.
fn check_content(to: &Destination, content: &Content) -> Result<(), (ErrorCode, &'static str)> {
    body::check(content).map_err(|fault| match fault {
        BodyFault::Kind => (ErrorCode::SEND_NOT_ALLOWED, ""),
        BodyFault::TooLong => (ErrorCode::SEND_TOO_LONG, ""),
        BodyFault::Malformed(what) => (ErrorCode::SEND_MALFORMED, what),
    })?;
    let in_group = matches!(to, Destination::Chat(Chat::Group(_)));
    SendOptions::check(content, in_group).map_err(|InvalidOption(what)| (ErrorCode::SEND_MALFORMED, what))
}
