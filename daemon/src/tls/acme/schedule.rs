//! When a certificate is asked for: at two thirds of the life of the one that is there, and after failures ever later, so
//! that an authority never sees more than a few orders a day. Time is passed in.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

const HOUR_MS: u64 = 3_600_000;
/// After a failure, doubled with each.
const PAUSE_MS: u64 = HOUR_MS;
const PAUSE_MS_MAX: u64 = 24 * HOUR_MS;
/// After a success, also when other names are wanted then.
const BETWEEN_MS: u64 = 24 * HOUR_MS;

/// What became of the last orders; kept on disk, so that restarts do not begin anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempts {
    pub last_ms: TimeMs,
    /// One after the other.
    pub failures: u32,
}

/// The certificate that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    pub begin_ms: TimeMs,
    pub end_ms: TimeMs,
    /// Does it bear all names that are wanted?
    pub has_names: bool,
}

impl Attempts {
    pub fn failed(self, now_ms: TimeMs) -> Self {
        Self { last_ms: now_ms, failures: self.failures.saturating_add(1) }
    }

    pub fn succeeded(now_ms: TimeMs) -> Self {
        Self { last_ms: now_ms, failures: 0 }
    }

    /// When the next order is due.
    pub fn next_ms(self, now_ms: TimeMs, life: Option<Life>) -> TimeMs {
        let wanted_ms = match life {
            Some(life) if life.has_names => life.renewal_ms(),
            // None, or one for other names.
            _ => now_ms,
        };
        // A clock that was set back must not hold it up for long.
        let last_ms = self.last_ms.min(now_ms);
        let earliest_ms = match (self.last_ms, self.failures) {
            (0, 0) => 0,
            (_, 0) => last_ms.saturating_add(BETWEEN_MS),
            (_, failures) => last_ms.saturating_add(pause_ms(failures)),
        };
        wanted_ms.max(earliest_ms)
    }
}

impl Life {
    pub fn renewal_ms(self) -> TimeMs {
        self.begin_ms + self.end_ms.saturating_sub(self.begin_ms) / 3 * 2
    }
}

fn pause_ms(failures: u32) -> u64 {
    PAUSE_MS.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(PAUSE_MS_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY_MS: u64 = 24 * HOUR_MS;
    const NOW: TimeMs = 1_800_000_000_000;

    fn life(days: u64) -> Life {
        Life { begin_ms: NOW, end_ms: NOW + days * DAY_MS, has_names: true }
    }

    #[test]
    fn the_first_is_due_at_once_and_the_next_at_two_thirds_of_its_life() {
        assert_eq!(Attempts::default().next_ms(NOW, None), NOW);
        assert_eq!(Attempts::succeeded(NOW).next_ms(NOW, Some(life(90))), NOW + 60 * DAY_MS);
        assert_eq!(Attempts::succeeded(NOW).next_ms(NOW, Some(life(6))), NOW + 4 * DAY_MS);
    }

    #[test]
    fn after_failures_it_is_tried_ever_later_up_to_a_day() {
        let (mut attempts, mut now, mut hours) = (Attempts::default(), NOW, Vec::new());
        for _ in 0..8 {
            attempts = attempts.failed(now);
            let next = attempts.next_ms(now, None);
            hours.push((next - now) / HOUR_MS);
            now = next;
        }
        assert_eq!(hours, [1, 2, 4, 8, 16, 24, 24, 24]);
    }

    #[test]
    fn other_names_are_asked_for_a_day_after_the_last_order_at_the_earliest() {
        let other = Life { has_names: false, ..life(90) };
        assert_eq!(Attempts::succeeded(NOW - DAY_MS).next_ms(NOW, Some(other)), NOW);
        assert_eq!(Attempts::succeeded(NOW - 1).next_ms(NOW, Some(other)), NOW - 1 + BETWEEN_MS);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_hold_it_up_for_ever() {
        let from_the_future = Attempts { last_ms: NOW + 1000 * DAY_MS, failures: 3 };
        assert!(from_the_future.next_ms(NOW, None) <= NOW + PAUSE_MS_MAX);
    }

    proptest! {
        #[test]
        fn whatever_fails_no_day_has_more_than_five_orders(fails in prop::collection::vec(any::<bool>(), 1..40)) {
            let (mut attempts, mut now, mut orders) = (Attempts::default(), NOW, Vec::new());
            for fail in fails {
                // A daemon that starts again and again asks at each start.
                now = attempts.next_ms(now, None).max(now);
                orders.push(now);
                attempts = if fail { attempts.failed(now) } else { Attempts::succeeded(now) };
            }
            for first in &orders {
                let in_a_day = orders.iter().filter(|at| (*first..*first + DAY_MS).contains(at)).count();
                prop_assert!(in_a_day <= 5, "{in_a_day}");
            }
        }
    }
}
