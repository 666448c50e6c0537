//! A logged-in user's chats on one link: live records, catch-up, history for holes.

use std::time::Duration;

use anser_protocol::error::ErrorCode;
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::chat::{Ack, CatchUp, Conversation, Covered, Deliver, History, HistoryPage, Record};
use anser_protocol::frame::session::Failed;
use anser_protocol::ids::Position;
use anser_protocol::limits::HISTORY_PAGE_MAX;
use anser_protocol::names::{Chat, Name};
use anser_protocol::planted::{Fault, is_planted};

use super::acks::Acks;
use super::backoff::Backoff;
use super::transaction::Then;
use super::{Answer, Event, LinkEnd, RequestId, Session};
use crate::store::{ConversationRow, Hole, Message, Release, Write};

/// No history is asked for while so many store actions are under way.
const STORING_MAX: usize = 8;
/// Pages of history that are asked for at a time, each of another chat: one after the other they would take a round trip
/// each. When so few are left that a server can still be busy with them, the next are asked for, in one go.
const FILLINGS_MAX: usize = 16;
const FILLINGS_LEFT: usize = FILLINGS_MAX / 2;

/// Where a user's chats stand on this link.
#[derive(Debug)]
pub(crate) struct Sync {
    user: Name,
    /// The position to which the unbroken run of this link's deliveries leads; the disk follows.
    run: Position,
    acks: Acks,
    fillings: Vec<Filling>,
    fill_backoff: Backoff,
    fill_after: Duration,
    is_caught_up: bool,
}

/// A history page that was asked for.
#[derive(Debug)]
struct Filling {
    request: RequestId,
    chat: Chat,
    hole: Hole,
}

impl Sync {
    pub(crate) fn new(user: Name, cursor: Position) -> Self {
        Self {
            user,
            run: cursor,
            acks: Acks::default(),
            fillings: Vec::new(),
            fill_backoff: Backoff::default(),
            fill_after: Duration::ZERO,
            is_caught_up: false,
        }
    }

    pub(crate) fn user(&self) -> &Name {
        &self.user
    }

    pub(crate) fn owes_answer(&self) -> bool {
        !self.fillings.is_empty()
    }

    pub(crate) fn deadline(&self, now: Duration) -> Option<Duration> {
        let fill = Some(self.fill_after).filter(|at| *at > now && self.fillings.len() <= FILLINGS_LEFT);
        self.acks.deadline().into_iter().chain(fill).min()
    }

    fn take_filling(&mut self, request: RequestId) -> Option<Filling> {
        let index = self.fillings.iter().position(|filling| filling.request == request)?;
        Some(self.fillings.swap_remove(index))
    }

    pub(crate) fn take_ack(&mut self, now: Duration) -> Option<Ack> {
        self.acks.take_due(now).map(|position| Ack { position })
    }
}

/// How a delivery joins on to the run so far.
enum Joint {
    Next,
    /// It was here before.
    Known,
    /// Something between is missing.
    Gap,
}

fn joint(run: Position, after: Position, to: Position) -> Joint {
    if to <= run {
        Joint::Known
    } else if after > run && !is_planted(Fault::CursorOverGap) {
        Joint::Gap
    } else {
        Joint::Next
    }
}

impl Session {
    pub(super) fn on_deliver(&mut self, deliver: Deliver) {
        let position = deliver.record.position;
        if let Some(user) = self.advance(deliver.after, position) {
            self.keep_record(&user, &deliver.chat, deliver.record);
            self.release(&user, &deliver.chat, position);
            self.move_chat_cursor(user, position, false);
        }
    }

    pub(super) fn on_covered(&mut self, covered: Covered) {
        if let Some(user) = self.advance(covered.after, covered.to) {
            self.move_chat_cursor(user, covered.to, false);
        }
    }

    /// Moves the run over a delivery; the user to whom it belongs, if it is new.
    pub(super) fn advance(&mut self, after: Position, to: Position) -> Option<Name> {
        let sync = self.sync.as_mut()?;
        match joint(sync.run, after, to) {
            Joint::Known => None,
            Joint::Next => {
                sync.run = to;
                Some(sync.user.clone())
            }
            Joint::Gap => {
                log::warn!("a delivery after {after} does not join on to {}: connecting again", sync.run);
                self.end_link(LinkEnd::Gap);
                None
            }
        }
    }

    pub(super) fn on_catch_up(&mut self, page: CatchUp) {
        let Some(sync) = &mut self.sync else { return };
        if page.after != sync.run {
            log::info!("a catch-up after {} is not for the cursor {}: left out", page.after, sync.run);
            return;
        }
        let user = sync.user.clone();
        let is_first = page.is_last && !sync.is_caught_up;
        sync.is_caught_up |= page.is_last;
        // A server that was restored may stand below its client; its new positions will not.
        let to = page.to.max(sync.run);
        if page.is_last {
            sync.run = to;
        }
        for row in page.conversations {
            self.keep_row(&user, page.after, row);
        }
        if page.is_last {
            self.move_chat_cursor(user.clone(), to, true);
        }
        if is_first {
            self.transaction.then.push(Then::Emit(Event::CaughtUp { user }));
        }
    }

    fn keep_row(&mut self, user: &Name, after: Position, row: Conversation) {
        let chat = row.chat;
        let oldest = row.newest.iter().map(|record| record.position).min();
        let newest = row.newest.iter().map(|record| record.position).max();
        let before = oldest.unwrap_or(Position(row.last.0 + 1));
        let hole = row.hole.then_some(Hole { after, before });
        let holes = &mut self.users.entry(user.clone()).or_default().holes;
        if holes.handle_row(&chat, after, hole) {
            self.transaction.writes.push(Write::Holes {
                user: user.clone(),
                chat: chat.clone(),
                holes: holes.of(&chat),
            });
        }
        for record in row.newest.into_iter().rev() {
            self.keep_record(user, &chat, record);
        }
        self.keep_mark(user, chat.clone(), row.read_mark);
        let row = ConversationRow {
            chat: chat.clone(),
            name: row.name,
            windows: row.windows,
            last: row.last,
            last_seq: row.last_seq,
            read_mark: row.read_mark,
        };
        self.transaction.writes.push(Write::Conversation { user: user.clone(), row });
        if let Some(newest) = newest {
            self.release(user, &chat, newest);
        }
    }

    fn keep_record(&mut self, user: &Name, chat: &Chat, record: Record) {
        self.users.entry(user.clone()).or_default().holes.handle_record(chat, record.position);
        if record.outbox != 0 {
            self.on_own_record(&record);
        }
        self.transaction.writes.push(Write::Message(Message { user: user.clone(), chat: chat.clone(), record }));
    }

    /// Once on disk, the chat may be handed out up to `position`, unless a hole is below.
    fn release(&mut self, user: &Name, chat: &Chat, position: Position) {
        let is_held_back = self.users.get(user).is_some_and(|user| user.holes.limit(chat, position) < position);
        if !is_held_back {
            let release = Release::Messages { user: user.clone(), chat: chat.clone(), to: position };
            self.transaction.then.push(Then::Release(release));
        }
    }

    pub(super) fn move_chat_cursor(&mut self, user: Name, position: Position, at_once: bool) {
        self.transaction.writes.push(Write::ChatCursor { user: user.clone(), position });
        self.transaction.then.push(Then::ChatCursor { user, to: position, at_once });
    }

    pub(super) fn on_chat_cursor_stored(&mut self, name: Name, to: Position, at_once: bool) {
        let user = self.users.entry(name.clone()).or_default();
        user.cursor = user.cursor.max(Some(to));
        if let Some(sync) = self.sync.as_mut().filter(|sync| sync.user == name) {
            sync.acks.handle_stored(to, at_once, self.now);
        }
    }

    /// Asks for the next pages of history that holes wait for.
    pub(super) fn ask_for_history(&mut self) {
        let Some(sync) = &mut self.sync else { return };
        let is_busy = sync.fillings.len() > FILLINGS_LEFT || self.storing.len() >= STORING_MAX;
        if is_busy || self.now < sync.fill_after {
            return;
        }
        let Some(user) = self.users.get(&sync.user) else { return };
        let is_free = |chat: &Chat| sync.fillings.iter().all(|filling| filling.chat != *chat);
        let next = user.holes.next_to_fill(sync.run, FILLINGS_MAX - sync.fillings.len(), is_free);
        let mut asked = Vec::with_capacity(next.len());
        for (chat, hole) in next {
            let request = self.requests.take_id();
            let Hole { before, after } = hole;
            asked.push(History { request, chat: chat.clone(), before, after, limit: HISTORY_PAGE_MAX });
            sync.fillings.push(Filling { request, chat, hole });
        }
        for history in asked {
            self.transmit(&ClientFrame::History(history));
        }
    }

    pub(super) fn on_history_page(&mut self, page: HistoryPage) {
        let Some(sync) = &mut self.sync else { return };
        let Some(filling) = sync.take_filling(page.request) else {
            let answer = Answer::History { records: page.records, is_complete: page.is_complete };
            return self.on_answer(page.request, answer);
        };
        let (user, Filling { chat, hole, .. }) = (sync.user.clone(), filling);
        let is_known = self.users.get(&user).is_some_and(|user| user.holes.contains(&chat, hole));
        if !is_known {
            return;
        }
        let is_inside = |record: &Record| hole.after < record.position && record.position < hole.before;
        let records: Vec<Record> = page.records.into_iter().filter(is_inside).collect();
        if records.is_empty() && !page.is_complete {
            // Nothing was learned: asking again at once would go round in a circle.
            return self.put_off_history();
        }
        sync.fill_backoff.reset();
        let oldest = records.iter().map(|record| record.position).min();
        for record in records.into_iter().rev() {
            self.keep_record(&user, &chat, record);
        }
        self.shrink_hole(user, chat, hole, oldest.filter(|_| !page.is_complete));
    }

    /// The hole ends at `oldest` now, or is closed; what it held back may go.
    fn shrink_hole(&mut self, user: Name, chat: Chat, hole: Hole, oldest: Option<Position>) {
        let holes = &mut self.users.entry(user.clone()).or_default().holes;
        let Some(to) = holes.handle_page(&chat, hole, oldest) else { return };
        let write = Write::Holes { user: user.clone(), chat: chat.clone(), holes: holes.of(&chat) };
        self.transaction.writes.push(write);
        self.transaction.then.push(Then::Release(Release::Messages { user, chat, to }));
    }

    fn put_off_history(&mut self) {
        if let Some(sync) = &mut self.sync {
            sync.fill_after = self.now + sync.fill_backoff.next_wait(&mut self.random);
        }
    }

    /// Was it a page for a hole that failed?
    pub(super) fn on_history_failed(&mut self, failed: &Failed) -> bool {
        let Some(sync) = &mut self.sync else { return false };
        let Some(filling) = sync.take_filling(failed.request) else { return false };
        let user = sync.user.clone();
        if is_out_of_reach(failed.code) {
            log::warn!("the server gives out no more of {:?}: {}", filling.chat, failed.code.text());
            self.shrink_hole(user, filling.chat, filling.hole, None);
        } else {
            self.put_off_history();
        }
        true
    }
}

/// This user may never read the chat again: waiting would hold back what did arrive for ever.
fn is_out_of_reach(code: ErrorCode) -> bool {
    [ErrorCode::NOT_A_MEMBER, ErrorCode::GROUP_UNKNOWN, ErrorCode::NO_SUCH_USER, ErrorCode::USER_UNKNOWN]
        .contains(&code)
}
