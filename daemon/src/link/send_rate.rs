//! How fast users send from devices: so many messages in a minute, over all of a user's links.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use anser_protocol::ids::TimeMs;
use anser_storage::ids::{AppNumber, UserNumber};

const MINUTE_MS: TimeMs = 60_000;

/// A user's minute begins with the first message that no earlier minute counts.
#[derive(Debug, Default)]
pub struct SendRates {
    /// 0: any number.
    per_minute: AtomicU32,
    counted: Mutex<Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    minutes: BTreeMap<(AppNumber, UserNumber), Minute>,
    /// When minutes that are over were dropped last.
    swept_ms: TimeMs,
}

#[derive(Debug)]
struct Minute {
    since_ms: TimeMs,
    messages: u32,
}

impl Minute {
    /// A clock that was set back ends it, too.
    fn is_over(&self, now: TimeMs) -> bool {
        now < self.since_ms || now - self.since_ms >= MINUTE_MS
    }
}

impl SendRates {
    pub fn new(per_minute: Option<u32>) -> Self {
        Self { per_minute: AtomicU32::new(per_minute.unwrap_or(0)), counted: Mutex::default() }
    }

    /// Holds for the minutes that run, too. Nothing: any number.
    pub fn set(&self, per_minute: Option<u32>) {
        self.per_minute.store(per_minute.unwrap_or(0), Ordering::Relaxed);
    }

    /// May the user send one more now? Then it is counted.
    pub fn admits(&self, app: AppNumber, user: UserNumber, now: TimeMs) -> bool {
        let most = match self.per_minute.load(Ordering::Relaxed) {
            0 => return true,
            most => most,
        };
        // A panic between two steps here would leave at most a count that is one too low.
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if now.abs_diff(counted.swept_ms) >= MINUTE_MS {
            counted.minutes.retain(|_, minute| !minute.is_over(now));
            counted.swept_ms = now;
        }
        let minute = counted.minutes.entry((app, user)).or_insert(Minute { since_ms: now, messages: 0 });
        if minute.is_over(now) {
            *minute = Minute { since_ms: now, messages: 0 };
        }
        let is_admitted = minute.messages < most;
        minute.messages += u32::from(is_admitted);
        is_admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: AppNumber = AppNumber(1);
    const ALICE: UserNumber = UserNumber(1);

    #[test]
    fn a_user_sends_so_many_in_a_minute_and_others_are_not_held_up_by_it() {
        let rates = SendRates::new(Some(2));
        let admitted: Vec<bool> =
            [0, 59_999, 59_999, 60_000, 60_000, 60_001].map(|now| rates.admits(APP, ALICE, 1_000_000 + now)).to_vec();
        assert_eq!(admitted, [true, true, false, true, true, false]);
        assert!(rates.admits(APP, UserNumber(2), 1_060_001) && rates.admits(AppNumber(2), ALICE, 1_060_001));
        assert!(rates.admits(APP, ALICE, 5), "the clock was set back");
    }

    #[test]
    fn without_a_limit_nothing_is_counted() {
        let rates = SendRates::new(None);
        assert!((0..1000).all(|_| rates.admits(APP, ALICE, 0)));
        assert!(rates.counted.lock().expect("whole").minutes.is_empty());
    }

    #[test]
    fn minutes_that_are_over_take_no_room() {
        let rates = SendRates::new(Some(2));
        for user in 0..1000 {
            assert!(rates.admits(APP, UserNumber(user), 60_000));
        }
        assert!(rates.admits(APP, ALICE, 120_000));
        assert_eq!(rates.counted.lock().expect("whole").minutes.len(), 1);
    }
}
