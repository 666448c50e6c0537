//! What the user has read: marks and messages, told to the server until it has them, and what it tells of other devices and of
//! readers.
//!
//! What is read within a moment goes together, one frame at a time. It stands in the store until the server has answered, so
//! that neither a lost link nor a killed process forgets it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::read::{MarksMoved, ReadChat, ReadMark, ReadMarks, ReadMessages, Receipts};
use anser_protocol::frame::session::Failed;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::Position;
use anser_protocol::limits::{MARKS_PER_FRAME_MAX, MESSAGE_COUNT_MAX, POSITION_MAX};
use anser_protocol::names::{Chat, Name};

use super::backoff::Backoff;
use super::random::Random;
use super::transaction::Then;
use super::{Answer, Event, RequestError, RequestId, Session, State};
use crate::store::{ReceiptCount, StoredUser, Write};

/// What is read within this time is told together.
const GATHERED: Duration = Duration::from_millis(200);
/// Messages that were read and wait for a link.
const MESSAGES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(crate) struct Reads {
    users: BTreeMap<Name, Untold>,
    in_flight: Option<InFlight>,
    /// Nothing is told before this.
    after: Duration,
    backoff: Backoff,
}

/// What the server does not know yet of one user.
#[derive(Debug, Default)]
struct Untold {
    marks: BTreeMap<Chat, Position>,
    messages: BTreeSet<Position>,
}

/// A frame that is not answered yet.
#[derive(Debug)]
struct InFlight {
    request: RequestId,
    user: Name,
    marks: Vec<(Chat, Position)>,
    messages: Vec<Position>,
}

impl Untold {
    fn is_empty(&self) -> bool {
        self.marks.is_empty() && self.messages.is_empty()
    }
}

impl Reads {
    pub(crate) fn load(&mut self, user: &Name, stored: &StoredUser) {
        let untold = Untold { marks: stored.marks.clone(), messages: stored.reads.iter().copied().collect() };
        if !untold.is_empty() {
            self.users.insert(user.clone(), untold);
        }
    }

    pub(crate) fn owes_answer(&self) -> bool {
        self.in_flight.is_some()
    }

    pub(crate) fn deadline(&self, user: &Name, now: Duration) -> Option<Duration> {
        let waits = self.in_flight.is_none() && self.after > now && self.users.contains_key(user);
        waits.then_some(self.after)
    }

    pub(crate) fn handle_unlinked(&mut self) {
        self.in_flight = None;
    }

    fn untold(&mut self, user: &Name, now: Duration) -> &mut Untold {
        if !self.users.contains_key(user) {
            self.after = self.after.max(now + GATHERED);
        }
        self.users.entry(user.clone()).or_default()
    }

    /// The next frame, marks before messages.
    fn begin(&mut self, request: RequestId, user: &Name) -> Option<ClientFrame> {
        let untold = self.users.get(user)?;
        let marks: Vec<_> =
            untold.marks.iter().take(MARKS_PER_FRAME_MAX).map(|(chat, at)| (chat.clone(), *at)).collect();
        let messages: Vec<_> = match marks.is_empty() {
            true => untold.messages.iter().take(MARKS_PER_FRAME_MAX).copied().collect(),
            false => Vec::new(),
        };
        let extensions = Extensions::default();
        let frame = if marks.is_empty() {
            ClientFrame::ReadMessages(ReadMessages { request, messages: messages.clone(), extensions })
        } else {
            let mark =
                |(chat, position): &(Chat, Position)| Some(ReadMark { chat: ReadChat::of(chat)?, position: *position });
            ClientFrame::ReadMarks(ReadMarks { request, marks: marks.iter().filter_map(mark).collect(), extensions })
        };
        self.in_flight = Some(InFlight { request, user: user.clone(), marks, messages });
        Some(frame)
    }

    /// The server has it, or will never take it.
    fn complete(&mut self, request: RequestId) -> Option<InFlight> {
        let told = self.in_flight.take_if(|told| told.request == request)?;
        for (chat, position) in &told.marks {
            self.know_mark(&told.user, chat, *position);
        }
        if let Some(untold) = self.users.get_mut(&told.user) {
            untold.messages.retain(|message| !told.messages.contains(message));
        }
        self.forget_told(&told.user);
        self.backoff.reset();
        Some(told)
    }

    /// The server's mark stands here, whoever moved it.
    fn know_mark(&mut self, user: &Name, chat: &Chat, position: Position) {
        if let Some(untold) = self.users.get_mut(user)
            && untold.marks.get(chat).is_some_and(|wanted| *wanted <= position)
        {
            untold.marks.remove(chat);
        }
    }

    fn forget_told(&mut self, user: &Name) {
        if self.users.get(user).is_some_and(Untold::is_empty) {
            self.users.remove(user);
        }
    }

    fn put_off(&mut self, request: RequestId, random: &mut Random, now: Duration) -> bool {
        let is_it = self.in_flight.take_if(|told| told.request == request).is_some();
        if is_it {
            self.after = now + self.backoff.next_wait(random);
        }
        is_it
    }
}

impl Session {
    /// The user has read the chat up to this position, which only moves forward. The user's other devices and the server are
    /// told as soon as there is a link.
    pub fn mark_read(&mut self, chat: Chat, position: Position, now: Duration) -> Result<(), RequestError> {
        self.now = now;
        let user = self.user().cloned().ok_or(RequestError::NotLoggedIn)?;
        if chat == Chat::Notices || position > Position(POSITION_MAX) {
            return Err(RequestError::Invalid("only single chats and groups have read marks"));
        }
        let wanted = self.reads.untold(&user, now).marks.entry(chat.clone()).or_default();
        *wanted = position.max(*wanted);
        self.transaction.writes.push(Write::ReadMark { user, chat, position });
        self.drive();
        Ok(())
    }

    /// The user has read these messages, which asked for receipts: their senders are told.
    pub fn mark_messages_read(&mut self, messages: Vec<Position>, now: Duration) -> Result<(), RequestError> {
        self.now = now;
        let user = self.user().cloned().ok_or(RequestError::NotLoggedIn)?;
        let untold = self.reads.untold(&user, now);
        if untold.messages.len() + messages.len() > MESSAGES_MAX {
            self.reads.forget_told(&user);
            return Err(RequestError::TooMany);
        }
        untold.messages.extend(&messages);
        self.reads.forget_told(&user);
        self.transaction.writes.push(Write::MessagesRead { user, messages });
        self.drive();
        Ok(())
    }

    /// So many messages of the chat count as unread on this device, until it is read further; what comes counts besides.
    pub fn set_unread(&mut self, chat: Chat, count: u32, now: Duration) -> Result<(), RequestError> {
        self.now = now;
        let user = self.user().cloned().ok_or(RequestError::NotLoggedIn)?;
        if count > MESSAGE_COUNT_MAX {
            return Err(RequestError::Invalid("at most 1000 messages count as unread"));
        }
        self.transaction.writes.push(Write::UnreadByHand { user, chat, count });
        self.drive();
        Ok(())
    }

    pub(super) fn tell_reads(&mut self) {
        let State::Linked(link) = &self.state else { return };
        let Some(sync) = &self.sync else { return };
        // What follows a logout is nobody's.
        let must_wait = self.reads.owes_answer() || self.requests.is_logging_out();
        if !link.takes_reads || must_wait || self.now < self.reads.after {
            return;
        }
        let user = sync.user().clone();
        if self.reads.users.contains_key(&user) {
            let request = self.requests.take_id();
            if let Some(frame) = self.reads.begin(request, &user) {
                self.transmit(&frame);
            }
        }
    }

    /// Was it the answer to what was told?
    pub(super) fn on_reads_known(&mut self, request: RequestId) -> bool {
        let Some(told) = self.reads.complete(request) else { return false };
        let InFlight { user, marks, messages, .. } = told;
        for (chat, position) in marks {
            self.transaction.writes.push(Write::MarkKnown { user: user.clone(), chat, position });
        }
        if !messages.is_empty() {
            self.transaction.writes.push(Write::ReadsKnown { user, messages });
        }
        true
    }

    /// For a passing reason it is told again; what the server refuses for good is given up.
    pub(super) fn on_reads_failed(&mut self, failed: &Failed) -> bool {
        if failed.code.is_passing() || failed.code == ErrorCode::NOT_LOGGED_IN {
            return self.reads.put_off(failed.request, &mut self.random, self.now);
        }
        let is_it = self.on_reads_known(failed.request);
        if is_it {
            log::warn!("the server does not take what was read: {}", failed.code.text());
        }
        is_it
    }

    pub(super) fn on_read_frame(&mut self, frame: ServerFrame) {
        match frame {
            ServerFrame::MarksMoved(moved) => self.on_marks_moved(moved),
            ServerFrame::Receipts(receipts) => self.on_receipts(receipts),
            ServerFrame::Readers(part) => {
                self.on_part(part.request, Answer::Readers { read: part.read, unread: part.unread }, part.is_last);
            }
            ServerFrame::UnreadCounts(counted) => {
                let (counts, total, total_loud) = (counted.counts, counted.total, counted.total_loud);
                self.on_answer(counted.request, Answer::Unread { counts, total, total_loud });
            }
            _ => {}
        }
    }

    fn on_marks_moved(&mut self, moved: MarksMoved) {
        let Some(user) = self.advance(moved.after, moved.to) else { return };
        for mark in moved.marks {
            if let Some(chat) = mark.chat.chat() {
                self.keep_mark(&user, chat, mark.position);
            }
        }
        self.move_chat_cursor(user, moved.to, false);
    }

    /// The server says how far the user has read the chat.
    pub(super) fn keep_mark(&mut self, user: &Name, chat: Chat, position: Position) {
        if position == Position::START {
            return;
        }
        self.reads.know_mark(user, &chat, position);
        self.reads.forget_told(user);
        let (user, told) = (user.clone(), chat.clone());
        self.transaction.writes.push(Write::MarkKnown { user: user.clone(), chat, position });
        self.transaction.then.push(Then::Emit(Event::ReadMarked { user, chat: told, position }));
    }

    fn on_receipts(&mut self, receipts: Receipts) {
        let is_of_catch_up = receipts.to == receipts.after;
        let user = match is_of_catch_up {
            true => self.sync.as_ref().map(|sync| sync.user().clone()),
            false => self.advance(receipts.after, receipts.to),
        };
        let Some(user) = user else { return };
        for receipt in receipts.receipts {
            let Some(chat) = receipt.chat.chat() else { continue };
            let (message, unread, at_ms) = (receipt.message, receipt.unread, receipt.at_ms);
            let count = ReceiptCount { unread, at_ms };
            let (user, told) = (user.clone(), chat.clone());
            self.transaction.writes.push(Write::Receipt { user: user.clone(), chat, message, count });
            let event = Event::ReceiptChanged { user, chat: told, message, unread, at_ms };
            self.transaction.then.push(Then::Emit(event));
        }
        if !is_of_catch_up {
            self.move_chat_cursor(user, receipts.to, false);
        }
    }
}
