//! One device's session, as the server sees it: bytes, answers and deliveries in; bytes, questions and commands out.
//!
//! There is no socket, clock, thread or random source here. Feed it what happened, then do what it asks for:
//!
//! - `handle_*`: something came in. Afterwards drain [`Session::next_action`] and write [`Session::output`]. A command that
//!   cannot be submitted is answered before the next action is taken, so that no later send overtakes it.
//! - [`Session::wants_input`], [`Session::wants_deliveries`]: whether the shell may hand in more. They bound what a slow
//!   or busy peer can make the server hold.
//!
//! Order: frames are handled in the order in which they came. Sends are submitted at once and answered as the writer
//! answers; a hello, a login and a logout hold back what follows them.

mod action;
mod activity;
mod bridge;
mod chat;
mod device;
mod greet;
mod group;
mod group_order;
mod history;
mod label;
mod login;
mod media;
mod people;
mod push;
mod read;
mod request;
mod room;
mod talk;

use std::collections::VecDeque;
use std::sync::Arc;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::session::{Failed, GoAway, Unsupported};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::framing::{self, Split};
use anser_protocol::ids::TimeMs;
use anser_protocol::limits::CLIENT_FRAME_BYTES_MAX;
use anser_protocol::{Decoder, Encoder};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::{Outcome, Refusal, Route};

pub use self::action::{Action, GivenPassword, Heartbeat, Input, Logins, Missed, Recipient, Rules, Ticket};
use self::chat::UserFlow;
pub(crate) use self::chat::{record_bytes, row_bytes};
pub use self::history::WantedPage;
pub use self::media::MediaRules;
use self::push::DeviceFlow;
use self::request::Pending;
use crate::link::mailbox::Passing;
use crate::link::query::Answer;

/// Requests of one link that may be unanswered at a time.
const PENDING_MAX: usize = 64;
/// Questions that a session asks by itself: for chats, for pushes, a token to prolong, reports.
const OWN_QUESTIONS_MAX: usize = 8;
/// What a link may hold in buffers: 256 KiB out, 128 KiB in.
const HELD_BYTES_MAX: usize = (256 + 128) * 1024;
/// Above this, requests and deliveries wait until the peer has read.
const OUTPUT_HIGH: usize = 64 * 1024;
/// Below this, a catch-up goes on.
const OUTPUT_LOW: usize = 16 * 1024;

pub struct Session {
    rules: Arc<Rules>,
    encoder: Encoder,
    decoder: Decoder,
    stage: Stage,
    /// Bytes of a frame that has not arrived whole.
    input: Vec<u8>,
    output: Vec<u8>,
    output_start: usize,
    actions: VecDeque<Action>,
    pending: Vec<(Ticket, Pending)>,
    last_ticket: Ticket,
    heard_ms: TimeMs,
    /// The time as the shell told it last.
    now_ms: TimeMs,
}

/// What a session holds in memory, beside what is of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// In buffers.
    pub bytes: usize,
    /// Questions and commands without an answer.
    pub pending: usize,
    pub actions: usize,
    /// Chats that wait for a repeat.
    pub refused: usize,
}

impl Held {
    /// Is it more than a session may hold between two turns of its link, whatever its peer does?
    pub fn exceeds(&self) -> bool {
        self.bytes > HELD_BYTES_MAX
            || self.pending > PENDING_MAX + OWN_QUESTIONS_MAX
            || self.actions > PENDING_MAX + OWN_QUESTIONS_MAX
            || self.refused > chat::REFUSED_CHATS_MAX
    }
}

/// How far the link has come.
enum Stage {
    /// Nothing but a hello is understood.
    ExpectHello,
    /// The hello is being answered.
    Greeting,
    Ready(Box<Ready>),
    /// What is in the output may still be written; then the link closes.
    Ended,
}

/// A device that said hello.
struct Ready {
    app: AppNumber,
    device: DeviceFlow,
    user: Option<Box<UserFlow>>,
    /// A login or logout is being answered: later frames wait.
    is_changing_user: bool,
}

impl Session {
    pub fn new(rules: Arc<Rules>, now: TimeMs) -> Self {
        Self {
            rules,
            encoder: Encoder::default(),
            decoder: Decoder::default(),
            stage: Stage::ExpectHello,
            input: Vec::new(),
            output: Vec::new(),
            output_start: 0,
            actions: VecDeque::new(),
            pending: Vec::new(),
            last_ticket: 0,
            heard_ms: now,
            now_ms: now,
        }
    }

    /// Bytes of a stream; what cannot be handled yet is kept.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: TimeMs) {
        self.heard_ms = now;
        if self.input.is_empty() {
            let taken = self.handle_frames_of(bytes);
            self.input.extend_from_slice(&bytes[taken..]);
        } else {
            self.input.extend_from_slice(bytes);
            self.go_on();
        }
    }

    /// One frame that came as a message of its own (WebSocket).
    pub fn handle_message(&mut self, frame: &[u8], now: TimeMs) {
        self.heard_ms = now;
        if frame.len() > CLIENT_FRAME_BYTES_MAX {
            return self.end(ErrorCode::TOO_LONG, "");
        }
        if self.input.is_empty() && self.wants_frame(frame) {
            return self.handle_frame_bytes(frame);
        }
        let kept = framing::append::<()>(&mut self.input, |input| {
            input.extend_from_slice(frame);
            Ok(())
        });
        debug_assert!(kept.is_ok(), "copying cannot fail");
    }

    /// Handles frames that had to wait.
    fn go_on(&mut self) {
        if self.input.is_empty() || self.is_busy() {
            return;
        }
        let input = std::mem::take(&mut self.input);
        let taken = self.handle_frames_of(&input);
        if taken < input.len() {
            self.input.extend_from_slice(&input[taken..]);
        }
    }

    fn handle_frames_of(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while !self.is_busy() {
            match framing::split(&bytes[taken..], CLIENT_FRAME_BYTES_MAX) {
                Ok(Split::Frame(frame, length)) if self.wants_frame(frame) => {
                    taken += length;
                    self.handle_frame_bytes(frame);
                }
                Ok(Split::Frame(..) | Split::Incomplete(_)) => break,
                Err(framing::FrameTooLong) => self.end(ErrorCode::TOO_LONG, ""),
            }
        }
        if self.is_ended() { bytes.len() } else { taken }
    }

    fn handle_frame_bytes(&mut self, frame: &[u8]) {
        match self.decoder.client(frame) {
            Ok(frame) => self.handle_frame(frame),
            Err(anser_protocol::Malformed) => self.end(ErrorCode::MALFORMED, ""),
        }
    }

    fn handle_frame(&mut self, frame: ClientFrame) {
        if let ClientFrame::Unknown(frame_type) = frame {
            return self.send(&ServerFrame::Unsupported(Unsupported { frame_type }));
        }
        match (&self.stage, frame) {
            (Stage::ExpectHello, ClientFrame::Hello(hello)) => self.greet(hello),
            (Stage::ExpectHello, _) => self.end(ErrorCode::HELLO_FIRST, ""),
            (Stage::Ready(_), frame) => self.handle_request(frame),
            (Stage::Greeting | Stage::Ended, _) => {}
        }
    }

    /// What the shell was asked to find out, or what others have to say.
    pub fn handle_input(&mut self, input: Input, now: TimeMs) {
        self.now_ms = now;
        match input {
            Input::Outcome(ticket, outcome) => self.handle_outcome(ticket, outcome),
            Input::Answer(ticket, answer) => self.handle_answer(ticket, answer, now),
            Input::PasswordChecked { ticket, found } => self.password_checked(ticket, found, now),
            Input::OnlineFound { ticket, online } => self.online_found(ticket, &online),
            Input::CommandPassed { ticket, links } => self.command_passed(ticket, links),
            Input::PasswordHashed { ticket, hash } => self.password_hashed(ticket, hash),
            Input::Replaced => self.go_away(ErrorCode::REPLACED, 0),
            Input::Draining { retry_after_ms } => self.go_away(ErrorCode::SHUTTING_DOWN, retry_after_ms),
            Input::Kicked { reason } => self.kicked(&reason),
            Input::AppDeleted => self.end(ErrorCode::APP_KEY, ""),
            Input::UserEnded { user, code } => self.user_ended(user, code),
            Input::Missed(missed) => self.missed(missed),
        }
        self.go_on();
    }

    /// A record for this session, in position order. Only while [`Session::wants_deliveries`].
    pub fn handle_delivery(&mut self, recipient: Recipient, appended: &anser_storage::outcome::Appended) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        match (&appended.route, recipient) {
            (Route::Devices { push, .. } | Route::Broadcast { push, .. }, Recipient::Device) => {
                let push = Arc::clone(push);
                self.deliver_push(appended.position, appended.at_ms, &push);
            }
            (Route::Withdrawn { push, .. }, Recipient::Device) => self.tell_withdrawn(*push),
            (Route::Single { .. } | Route::Group { .. } | Route::Notice { .. }, Recipient::User(number))
                if ready.user.as_ref().is_some_and(|user| user.number == number) =>
            {
                self.deliver_message(appended);
            }
            (Route::Read { .. } | Route::Receipts { .. }, Recipient::User(number))
                if ready.user.as_ref().is_some_and(|user| user.number == number) =>
            {
                self.deliver_reads(appended);
            }
            (Route::Room { room, news }, Recipient::Room | Recipient::User(_)) => {
                self.deliver_room_news(*room, news, appended, recipient);
            }
            _ => {}
        }
    }

    /// For the user of this session. Only while [`Session::wants_deliveries`].
    pub fn handle_passing(&mut self, user: UserNumber, passing: &Passing) {
        match passing {
            Passing::Command(came) => self.tell_command(user, came),
            Passing::ProfileChanged(changed) => self.tell_profile(user, changed),
        }
    }

    /// Ends the session when it was silent for too long. The shell calls this now and then, and before it hands in anything
    /// that may have waited.
    pub fn handle_time(&mut self, now: TimeMs) {
        self.now_ms = now;
        if now >= self.deadline() && !self.is_ended() {
            self.end(ErrorCode::TIMED_OUT, "");
        }
    }

    /// When [`Session::handle_time`] has something to do, unless the peer is heard before.
    pub fn deadline(&self) -> TimeMs {
        let patience_ms = match self.stage {
            Stage::Ready(_) => self.rules.silence_ms_max(),
            _ => self.rules.hello_ms_max,
        };
        self.heard_ms.saturating_add(patience_ms)
    }

    pub fn next_action(&mut self) -> Option<Action> {
        if self.actions.is_empty() {
            self.ask_wanted_history();
        }
        let action = self.actions.pop_front();
        if self.actions.is_empty() {
            self.actions = VecDeque::new();
        }
        action
    }

    /// Bytes to be written, oldest first: frames with their lengths.
    pub fn output(&self) -> &[u8] {
        &self.output[self.output_start..]
    }

    pub fn output_written(&mut self, bytes: usize) {
        self.output_start += bytes;
        if self.output_start >= self.output.len() {
            // An idle link keeps no buffer.
            self.output = Vec::new();
            self.output_start = 0;
        }
        if self.output().len() < OUTPUT_LOW {
            self.continue_catch_up();
            self.go_on();
        }
    }

    /// May the shell read more from the peer?
    pub fn wants_input(&self) -> bool {
        self.input.len() < CLIENT_FRAME_BYTES_MAX + 16 && (self.wants_frames() || self.input.is_empty())
    }

    fn wants_frames(&self) -> bool {
        !self.is_busy() && !self.owes_long_answer()
    }

    /// While a long answer is owed, more requests for history may join those that wait for it.
    fn wants_frame(&self, frame: &[u8]) -> bool {
        let may_join = || ClientFrame::is_history(frame) && self.wanted_history() < history::TOGETHER_MAX;
        !self.is_busy() && (!self.owes_long_answer() || may_join())
    }

    /// Must every frame wait?
    fn is_busy(&self) -> bool {
        let is_waiting = match &self.stage {
            Stage::ExpectHello => false,
            Stage::Ready(ready) => ready.is_changing_user,
            Stage::Greeting | Stage::Ended => true,
        };
        is_waiting || self.pending.len() >= PENDING_MAX || self.output().len() >= OUTPUT_HIGH
    }

    /// Long answers are asked for one at a time, or they would fill the output however slowly the peer reads.
    fn owes_long_answer(&self) -> bool {
        self.is_long_answer_pending() || self.wanted_history() > 0
    }

    fn is_long_answer_pending(&self) -> bool {
        self.pending.iter().any(|(_, pending)| pending.has_long_answer())
    }

    /// Does the session stand at the end of the log and has room? Otherwise deliveries wait in the mailbox or are missed.
    pub fn wants_deliveries(&self) -> bool {
        match &self.stage {
            Stage::Ready(ready) => {
                ready.device.is_live()
                    && ready.user.as_ref().is_none_or(|user| user.is_live())
                    && !ready.is_changing_user
                    && self.output().len() < OUTPUT_HIGH
            }
            _ => false,
        }
    }

    /// Has the session said its last word? Then close once the output is written.
    pub fn is_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended)
    }

    /// What the session holds in memory; see [`Held::exceeds`].
    pub fn held(&self) -> Held {
        let user = match &self.stage {
            Stage::Ready(ready) => ready.user.as_ref(),
            _ => None,
        };
        Held {
            bytes: self.input.capacity() + self.output.capacity(),
            pending: self.pending.len(),
            actions: self.actions.len(),
            refused: user.map_or(0, |user| user.refused_count()),
        }
    }

    fn send(&mut self, frame: &ServerFrame) {
        let encoder = &mut self.encoder;
        if framing::append(&mut self.output, |out| encoder.server(frame, out)).is_err() {
            // Frames are cut to size where they are made; this is a fault of ours, and the peer's tables are now off.
            log::error!("a frame for a link is too long, the link is closed; this is a bug, please report it");
            self.stage = Stage::Ended;
        }
    }

    fn fail(&mut self, request: u32, code: ErrorCode, message: &str) {
        let message = if message.is_empty() { code.text() } else { message };
        self.send(&ServerFrame::Failed(Failed {
            request,
            code,
            message: message.into(),
            extensions: Extensions::default(),
        }));
    }

    /// Says why and ends the link.
    fn end(&mut self, code: ErrorCode, message: &str) {
        if self.is_ended() {
            return;
        }
        self.fail(0, code, message);
        self.stop();
    }

    fn go_away(&mut self, code: ErrorCode, retry_after_ms: u32) {
        self.go_away_because(code, retry_after_ms, code.text());
    }

    /// The operator's own words, if there are any, beside the code.
    fn kicked(&mut self, reason: &str) {
        let code = ErrorCode::ENDED_BY_OPERATOR;
        self.go_away_because(code, 0, if reason.is_empty() { code.text() } else { reason });
    }

    fn go_away_because(&mut self, code: ErrorCode, retry_after_ms: u32, message: &str) {
        if self.is_ended() {
            return;
        }
        let message = message.into();
        self.send(&ServerFrame::GoAway(GoAway { code, retry_after_ms, message, extensions: Extensions::default() }));
        self.stop();
    }

    fn stop(&mut self) {
        if let Stage::Ready(ready) = std::mem::replace(&mut self.stage, Stage::Ended) {
            self.save_cursors(&ready);
        }
        self.pending = Vec::new();
        self.input = Vec::new();
    }

    /// The link is gone: what is worth keeping is asked for by actions.
    pub fn handle_closed(&mut self) {
        self.stop();
    }

    fn save_cursors(&mut self, ready: &Ready) {
        let marks = [ready.device.cursor_mark(ready.app), ready.user.as_ref().and_then(|user| user.cursor_mark(ready))];
        for mark in marks.into_iter().flatten() {
            self.actions.push_back(Action::Mark(mark));
        }
    }

    fn ask(&mut self, pending: Pending) -> Ticket {
        self.last_ticket = self.last_ticket.wrapping_add(1);
        self.pending.push((self.last_ticket, pending));
        self.last_ticket
    }

    fn take_pending(&mut self, ticket: Ticket) -> Option<Pending> {
        let index = self.pending.iter().position(|(known, _)| *known == ticket)?;
        let (_, pending) = self.pending.swap_remove(index);
        if self.pending.is_empty() {
            self.pending = Vec::new();
        }
        Some(pending)
    }

    fn missed(&mut self, missed: Missed) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        if missed.pushes {
            ready.device.fall_behind();
        }
        if missed.chats
            && let Some(user) = &mut ready.user
        {
            user.fall_behind();
        }
        if missed.rooms
            && let Some(user) = &mut ready.user
        {
            user.rooms.values_mut().for_each(|room| room.fall_behind());
        }
        self.continue_catch_up();
    }

    /// Asks for the next part of what this session has to catch up with, if there is room for it.
    fn continue_catch_up(&mut self) {
        if self.output().len() < OUTPUT_LOW {
            self.continue_pushes();
            self.continue_chats();
            self.continue_rooms();
        }
    }

    fn handle_outcome(&mut self, ticket: Ticket, outcome: Result<Outcome, ErrorCode>) {
        let Some(pending) = self.take_pending(ticket) else { return };
        if let Ok(Outcome { answer: Err(Refusal::AppUnknown), .. }) = outcome {
            return self.end(ErrorCode::APP_KEY, "");
        }
        self.finish_command(pending, outcome);
    }

    fn handle_answer(&mut self, ticket: Ticket, answer: Result<Answer, ErrorCode>, now: TimeMs) {
        let Some(pending) = self.take_pending(ticket) else { return };
        if let Ok(Answer::AppGone) = answer {
            return self.end(ErrorCode::APP_KEY, "");
        }
        self.finish_query(pending, answer, now);
    }
}

#[cfg(test)]
mod tests;
