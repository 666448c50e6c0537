//! Pushes to this device: their cursor, their duplicates, their reports.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use anser_protocol::extension::Extensions;
use anser_protocol::frame::push::{PushAck, PushCovered, PushDeliver, PushWithdrawn};
use anser_protocol::ids::Position;
use anser_protocol::limits::REPORTS_PER_FRAME_MAX;

use super::acks::Acks;
use super::action::Event;
use super::transaction::Then;
use super::{LinkEnd, RequestId, Session};
use crate::store::{PUSH_IDS_KEPT, Push, Release, Write};

#[derive(Debug, Default)]
pub(crate) struct Pushes {
    /// On disk.
    cursor: Option<Position>,
    /// Where this link's deliveries lead; nothing before the first when no cursor was told.
    run: Option<Position>,
    /// The last msg_ids, oldest first, and the same for looking up.
    ids: VecDeque<Position>,
    known: BTreeSet<Position>,
    acks: Acks,
    unreported: Vec<Position>,
    /// The application wants none.
    is_stopped: bool,
    /// What was asked of this link when they were resumed. Pushes before the answer are from before.
    resuming: Option<RequestId>,
}

impl Pushes {
    pub(crate) fn load(cursor: Option<Position>, ids: Vec<Position>, is_stopped: bool) -> Self {
        let known = ids.iter().copied().collect();
        Self { cursor, run: cursor, known, ids: ids.into(), is_stopped, ..Self::default() }
    }

    /// Remembered msg_ids, and those that were not reported.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.known.len(), self.unreported.len())
    }

    pub(crate) fn cursor(&self) -> Option<Position> {
        self.cursor
    }

    /// The next link begins at what is on disk by then.
    pub(crate) fn handle_unlinked(&mut self) {
        self.run = None;
        self.resuming = None;
        self.acks = Acks::default();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// Answers whether that is new.
    pub(crate) fn stop(&mut self) -> bool {
        self.resuming = None;
        !std::mem::replace(&mut self.is_stopped, true)
    }

    /// Answers whether that is new.
    pub(crate) fn resume(&mut self) -> bool {
        std::mem::replace(&mut self.is_stopped, false)
    }

    /// The run begins anew at what is on disk, behind the answer to this request.
    pub(crate) fn expect_resumed(&mut self, request: RequestId) -> Option<Position> {
        self.run = self.cursor;
        self.resuming = Some(request);
        self.cursor
    }

    pub(crate) fn is_resuming(&self) -> bool {
        self.resuming.is_some()
    }

    /// Was that the answer to the resuming?
    pub(crate) fn handle_done(&mut self, request: RequestId) -> bool {
        self.resuming.take_if(|resuming| *resuming == request).is_some()
    }

    /// Nothing of a push counts now.
    fn is_deaf(&self) -> bool {
        self.is_stopped || self.is_resuming()
    }

    /// Another device has other pushes.
    pub(crate) fn handle_new_device(&mut self) {
        self.cursor = None;
        self.unreported.clear();
    }

    /// A push is on disk, or the cursor, or both.
    pub(crate) fn handle_stored(&mut self, to: Option<Position>, received: Option<Position>, now: Duration) {
        self.cursor = self.cursor.max(to);
        self.unreported.extend(received);
        let is_frame_full = self.unreported.len() >= REPORTS_PER_FRAME_MAX;
        self.acks.handle_stored(self.cursor.unwrap_or_default(), is_frame_full, now);
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.acks.deadline()
    }

    pub(crate) fn take_ack(&mut self, now: Duration) -> Option<PushAck> {
        let position = self.acks.take_due(now)?;
        let rest = self.unreported.split_off(self.unreported.len().min(REPORTS_PER_FRAME_MAX));
        let received = std::mem::replace(&mut self.unreported, rest);
        if !self.unreported.is_empty() {
            self.acks.handle_stored(position, true, Duration::ZERO);
        }
        Some(PushAck { position, received, extensions: Extensions::default() })
    }

    fn take_id(&mut self, msg_id: Position) -> bool {
        if !self.known.insert(msg_id) {
            return false;
        }
        self.ids.push_back(msg_id);
        if self.ids.len() > PUSH_IDS_KEPT
            && let Some(oldest) = self.ids.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl Session {
    pub(super) fn on_push(&mut self, push: PushDeliver) {
        if self.pushes.is_deaf() {
            return;
        }
        let (position, msg_id) = (push.position, push.msg_id);
        // A push without a lifetime stands outside the run: only devices that are connected get it, and it is never
        // waited for.
        let is_outside = push.after == position;
        if !is_outside && !self.advance_pushes(push.after, position) {
            return;
        }
        let is_new = self.pushes.take_id(msg_id);
        if is_new {
            let replaces = push.replaces();
            let push = Push { position, msg_id, at_ms: push.at_ms, content: push.content, replaces };
            self.transaction.writes.push(Write::Push(push));
            self.transaction.then.push(Then::Release(Release::Pushes));
        }
        let received = is_new.then_some(msg_id);
        if !is_outside {
            self.move_push_cursor(position, received);
        } else if is_new {
            self.transaction.then.push(Then::Push { cursor: None, received });
        }
    }

    pub(super) fn on_push_covered(&mut self, covered: PushCovered) {
        if !self.pushes.is_deaf() && self.advance_pushes(covered.after, covered.to) {
            self.move_push_cursor(covered.to, None);
        }
    }

    /// Waits its turn behind what the store is still writing down, so that the push itself is handed out first.
    pub(super) fn on_push_withdrawn(&mut self, withdrawn: &PushWithdrawn) {
        if !self.pushes.is_deaf() && self.pushes.known.contains(&withdrawn.msg_id) {
            let event = Event::PushWithdrawn { msg_id: withdrawn.msg_id };
            self.transaction.then.push(Then::Emit(event));
        }
    }

    fn advance_pushes(&mut self, after: Position, to: Position) -> bool {
        // The hello named the cursor if there is one; else the server says where it began.
        let run = self.pushes.run.or(self.pushes.cursor).unwrap_or(after);
        if to <= run {
            return false;
        }
        if after > run {
            log::warn!("a push after {after} does not join on to {run}: connecting again");
            self.end_link(LinkEnd::Gap);
            return false;
        }
        self.pushes.run = Some(to);
        true
    }

    fn move_push_cursor(&mut self, to: Position, received: Option<Position>) {
        self.transaction.writes.push(Write::PushCursor(Some(to)));
        self.transaction.then.push(Then::Push { cursor: Some(to), received });
    }
}
