//! What is to become durable together, and what may happen only after that.

use anser_protocol::ids::{OutboxNumber, Position};
use anser_protocol::names::Name;

use super::action::Event;
use crate::store::{LocalId, Release, Write};

/// Changes gathered while one input is handled; they become one store action.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    pub(crate) writes: Vec<Write>,
    pub(crate) then: Vec<Then>,
}

/// What waits for the disk.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Emit(Event),
    Release(Release),
    /// The chat cursor stands here.
    ChatCursor {
        user: Name,
        to: Position,
        /// The server is to know it at once, not with the next few.
        at_once: bool,
    },
    /// The push cursor stands here, if it moved; this push was new.
    Push {
        cursor: Option<Position>,
        received: Option<Position>,
    },
    /// The outbox entry may be sent.
    Outbox {
        local: LocalId,
        number: Option<OutboxNumber>,
    },
}

impl Transaction {
    /// Cursors and the identity are what a hello and a login tell the server: those wait for the disk.
    pub(crate) fn is_awaited_by_hello(&self) -> bool {
        self.writes
            .iter()
            .any(|write| matches!(write, Write::Identity(_) | Write::ChatCursor { .. } | Write::PushCursor(_)))
    }

    /// Takes the cursor writes out, for the planted fault that stores them first.
    pub(crate) fn split_off_cursors(&mut self) -> Self {
        let is_cursor = |write: &Write| matches!(write, Write::ChatCursor { .. } | Write::PushCursor(_));
        let (cursors, others) = std::mem::take(&mut self.writes).into_iter().partition(is_cursor);
        self.writes = others;
        Self { writes: cursors, then: Vec::new() }
    }
}
