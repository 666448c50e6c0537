//! What a user has read of a chat, and what counts as unread in it.
//!
//! A store counts what it holds: messages above the mark that others wrote, each by its weight. What a hole leaves out is
//! counted when it has come, and what was let go (see [`Retention`](super::Retention)) no more.

use anser_protocol::content::Content;
use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::limits::UNREAD_MAX;
use serde::{Deserialize, Serialize};

/// How far a chat was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    pub(super) read: Position,
    /// The server has it up to here.
    known: Position,
    by_hand: Option<ByHand>,
}

/// The application said how much is unread, which is for this device alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct ByHand {
    count: u32,
    /// What came later counts besides.
    above: Position,
}

impl Mark {
    pub(super) fn move_to(&mut self, position: Position) {
        if position > self.read {
            self.read = position;
            self.by_hand = None;
        }
    }

    pub(super) fn know(&mut self, position: Position) {
        self.move_to(position);
        self.known = self.known.max(position);
    }

    pub(super) fn set_by_hand(&mut self, count: u32, newest: Position) {
        self.by_hand = Some(ByHand { count, above: newest });
    }

    /// What was counted by hand is deleted.
    pub(super) fn forget_by_hand(&mut self) {
        self.by_hand = None;
    }

    /// What the server is still to be told.
    pub(super) fn pending(&self) -> Option<Position> {
        (self.read > self.known).then_some(self.read)
    }

    /// Messages above this count.
    pub(super) fn counted_above(&self) -> Position {
        self.by_hand.map_or(self.read, |by_hand| by_hand.above.max(self.read))
    }

    pub(super) fn count(&self) -> Count {
        Count(self.by_hand.map_or(0, |by_hand| by_hand.count).min(UNREAD_MAX))
    }
}

/// Unread messages of a chat while they are being counted.
pub(super) struct Count(u32);

impl Count {
    pub(super) fn add(&mut self, user: &str, from: &str, content: &Content) {
        if !from.is_empty() && from != user {
            self.0 = (self.0 + content.unread_weight()).min(UNREAD_MAX);
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.0 >= UNREAD_MAX
    }

    pub(super) fn total(&self) -> u32 {
        self.0
    }
}

/// How many have not read a message of the user's own that asked for receipts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptCount {
    pub unread: u32,
    /// When that number last changed.
    pub at_ms: TimeMs,
}

impl ReceiptCount {
    /// Numbers only fall, whatever order they come in.
    pub(super) fn meet(known: Option<Self>, told: Self) -> Self {
        known.filter(|known| known.unread <= told.unread).unwrap_or(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_never_goes_back_and_waits_until_the_server_has_it() {
        let mut mark = Mark::default();
        mark.move_to(Position(7));
        mark.move_to(Position(5));
        assert_eq!((mark.read, mark.pending()), (Position(7), Some(Position(7))));
        mark.know(Position(5));
        assert_eq!(mark.pending(), Some(Position(7)));
        mark.know(Position(9));
        assert_eq!((mark.read, mark.pending()), (Position(9), None), "another device has read on");
    }

    #[test]
    fn a_number_set_by_hand_holds_until_the_mark_moves() {
        let mut mark = Mark::default();
        mark.set_by_hand(3, Position(10));
        let mut count = mark.count();
        count.add("bob", "alice", &Content::text("hi"));
        assert_eq!((count.total(), mark.counted_above(), mark.pending()), (4, Position(10), None));
        mark.know(Position(11));
        assert_eq!((mark.count().total(), mark.counted_above()), (0, Position(11)));
    }

    #[test]
    fn own_messages_and_what_the_server_tells_count_as_nothing() {
        let mut count = Mark::default().count();
        for from in ["bob", "", "alice"] {
            count.add("bob", from, &Content::text("hi"));
        }
        count.add("bob", "alice", &Content::retracted());
        assert_eq!(count.total(), 1);
    }

    #[test]
    fn of_two_numbers_of_readers_the_smaller_holds() {
        let of = |unread| ReceiptCount { unread, at_ms: 5 };
        assert_eq!(ReceiptCount::meet(None, of(3)), of(3));
        assert_eq!(ReceiptCount::meet(Some(of(2)), of(3)), of(2));
        assert_eq!(ReceiptCount::meet(Some(of(2)), of(1)), of(1));
    }
}
