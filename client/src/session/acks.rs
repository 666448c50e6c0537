//! Acknowledgements of one cursor, a few deliveries at a time.

use std::time::Duration;

use anser_protocol::ids::Position;

/// A delivery is acknowledged at the latest so long after it was stored, or together with so many others.
const LATEST: Duration = Duration::from_millis(200);
const DELIVERIES: u32 = 32;

#[derive(Debug, Default)]
pub(crate) struct Acks {
    position: Option<Position>,
    deliveries: u32,
    due: Option<Duration>,
}

impl Acks {
    /// The cursor stands at `position` on disk.
    pub(crate) fn handle_stored(&mut self, position: Position, at_once: bool, now: Duration) {
        self.position = self.position.max(Some(position));
        self.deliveries += 1;
        let due = if at_once || self.deliveries >= DELIVERIES { now } else { now + LATEST };
        self.due = Some(self.due.map_or(due, |earlier| earlier.min(due)));
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.due
    }

    /// What to acknowledge now.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Position> {
        self.due.filter(|due| *due <= now)?;
        std::mem::take(self).position
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::from_secs(1000);

    #[test]
    fn deliveries_are_acknowledged_together_after_a_fifth_of_a_second() {
        let mut acks = Acks::default();
        acks.handle_stored(Position(5), false, T0);
        acks.handle_stored(Position(7), false, T0 + LATEST / 2);
        assert_eq!(acks.take_due(T0 + LATEST / 2), None);
        assert_eq!(acks.take_due(T0 + LATEST), Some(Position(7)));
        assert_eq!(acks.take_due(T0 + LATEST * 2), None);
    }

    #[test]
    fn the_thirty_second_delivery_does_not_wait() {
        let mut acks = Acks::default();
        for position in 1..=32 {
            assert_eq!(acks.take_due(T0), None);
            acks.handle_stored(Position(position), false, T0);
        }
        assert_eq!(acks.take_due(T0), Some(Position(32)));
    }
}
