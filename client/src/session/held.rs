//! What a session holds in memory, and how much that may be.

use anser_protocol::limits::{FRAME_BYTES_MAX, REPORTS_PER_FRAME_MAX};

use super::{Session, State, holes, outbox, requests};
use crate::store::PUSH_IDS_KEPT;

/// Received pushes that were not reported yet: a full frame goes at once, one more may gather while it waits for the disk.
const UNREPORTED_MAX: usize = 4 * REPORTS_PER_FRAME_MAX;

/// Counts of what a session holds, beside what is of one size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Messages without an answer.
    pub outbox: usize,
    /// Requests without an answer.
    pub requests: usize,
    /// Holes of the chat that has most.
    pub holes_of_a_chat: usize,
    /// msg_ids that are remembered.
    pub push_ids: usize,
    pub unreported: usize,
    /// Bytes of a frame whose end has not come.
    pub received_bytes: usize,
    /// Bytes to be written, which the shell takes at each of its turns.
    pub unwritten_bytes: usize,
    /// Store actions that are not durable yet; the shell stops reading when they are many.
    pub storing: usize,
    /// What the shell has not taken yet.
    pub actions: usize,
}

impl Held {
    /// Is it more than a session may hold once its shell has done what it asked for, whatever the server says?
    pub fn exceeds(&self) -> bool {
        self.outbox > outbox::WAITING_MAX
            || self.requests > requests::PENDING_MAX
            || self.holes_of_a_chat > holes::HOLES_PER_CHAT_MAX
            || self.push_ids > PUSH_IDS_KEPT
            || self.unreported > UNREPORTED_MAX
            || self.received_bytes > FRAME_BYTES_MAX + 16
            || self.unwritten_bytes > 0
            || self.actions > 0
    }
}

impl Session {
    pub fn held(&self) -> Held {
        let (received_bytes, unwritten_bytes) = match &self.state {
            State::Linked(link) => link.held_bytes(),
            _ => (0, 0),
        };
        let (push_ids, unreported) = self.pushes.held();
        Held {
            outbox: self.outbox.len(),
            requests: self.requests.len(),
            holes_of_a_chat: self.users.values().map(|user| user.holes.most_of_a_chat()).max().unwrap_or_default(),
            push_ids,
            unreported,
            received_bytes,
            unwritten_bytes,
            storing: self.storing.len(),
            actions: self.actions.len(),
        }
    }
}
