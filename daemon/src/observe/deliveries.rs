//! When pushes reached their devices: the last of them, in memory.
//!
//! The store keeps that a device received a push, as one bit, but not when. Times are remembered here since the start, in
//! two places that cannot push each other out: of pushes to few devices, and of whatever was delivered last. So a push to
//! a single phone can still be looked up after one to ten thousand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::ids::{AppNumber, DeviceNumber};

/// Deliveries, of one push to one device each, that each place remembers: about 2 MiB.
pub const DELIVERIES_MAX: usize = 10_000;
/// A push to at most so many devices is one to few.
pub const FEW_DEVICES: u64 = 10;
/// Pushes whose acceptance is remembered.
const ACCEPTED_MAX: usize = 10_000;

/// How far a push came on one device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Written to its link.
    Sent,
    Received,
    Shown,
    Clicked,
    Bridged,
}

/// When, for each step that was taken; the first time counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    pub sent_ms: Option<TimeMs>,
    pub received_ms: Option<TimeMs>,
    pub shown_ms: Option<TimeMs>,
    pub clicked_ms: Option<TimeMs>,
    pub bridged_ms: Option<TimeMs>,
}

impl Times {
    fn note(&mut self, step: Step, at_ms: TimeMs) {
        let place = match step {
            Step::Sent => &mut self.sent_ms,
            Step::Received => &mut self.received_ms,
            Step::Shown => &mut self.shown_ms,
            Step::Clicked => &mut self.clicked_ms,
            Step::Bridged => &mut self.bridged_ms,
        };
        place.get_or_insert(at_ms);
    }
}

/// Why times are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The push was for few devices.
    Few,
    /// It is among the last deliveries.
    Last,
}

/// When a push was accepted, and for how many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub at_ms: TimeMs,
    /// The answer was given: it was on disk.
    pub stored_ms: TimeMs,
    pub targets: u64,
}

type Push = (AppNumber, Position);
type Delivery = (AppNumber, Position, DeviceNumber);

#[derive(Default)]
pub struct Deliveries(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    accepted: Newest<Push, Accepted>,
    few: Newest<Delivery, Times>,
    last: Newest<Delivery, Times>,
}

impl Deliveries {
    pub fn accepted(&self, app: AppNumber, push: Position, targets: u64, at_ms: TimeMs, stored_ms: TimeMs) {
        self.lock().accepted.insert((app, push), Accepted { at_ms, stored_ms, targets }, ACCEPTED_MAX);
    }

    pub fn note(&self, app: AppNumber, push: Position, device: DeviceNumber, step: Step, at_ms: TimeMs) {
        let mut remembered = self.lock();
        let is_to_few = remembered.accepted.get(&(app, push)).is_some_and(|push| push.targets <= FEW_DEVICES);
        let Remembered { few, last, .. } = &mut *remembered;
        let place = if is_to_few { few } else { last };
        place.entry((app, push, device), DELIVERIES_MAX).note(step, at_ms);
    }

    pub fn of_push(&self, app: AppNumber, push: Position) -> Option<Accepted> {
        self.lock().accepted.get(&(app, push)).copied()
    }

    pub fn of_device(&self, app: AppNumber, push: Position, device: DeviceNumber) -> Option<(Times, Kept)> {
        let remembered = self.lock();
        let key = (app, push, device);
        let few = remembered.few.get(&key).map(|times| (*times, Kept::Few));
        few.or_else(|| remembered.last.get(&key).map(|times| (*times, Kept::Last)))
    }

    /// Of a push to few: all its deliveries.
    pub fn of_few(&self, app: AppNumber, push: Position) -> Vec<(DeviceNumber, Times)> {
        let all = (app, push, DeviceNumber(0))..=(app, push, DeviceNumber(u32::MAX));
        self.lock().few.values.range(all).map(|((_, _, device), times)| (*device, *times)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A map that forgets what came first.
struct Newest<K, V> {
    values: BTreeMap<K, V>,
    order: VecDeque<K>,
}

impl<K, V> Default for Newest<K, V> {
    fn default() -> Self {
        Self { values: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<K: Ord + Copy, V> Newest<K, V> {
    fn get(&self, key: &K) -> Option<&V> {
        self.values.get(key)
    }

    fn insert(&mut self, key: K, value: V, max: usize) {
        if self.values.insert(key, value).is_none() {
            self.remember(key, max);
        }
    }

    fn entry(&mut self, key: K, max: usize) -> &mut V
    where
        V: Default,
    {
        if !self.values.contains_key(&key) {
            self.remember(key, max);
        }
        self.values.entry(key).or_default()
    }

    fn remember(&mut self, key: K, max: usize) {
        if self.order.len() >= max
            && let Some(oldest) = self.order.pop_front()
        {
            self.values.remove(&oldest);
        }
        self.order.push_back(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: AppNumber = AppNumber(1);

    #[test]
    fn the_first_time_of_each_step_is_remembered_and_where_it_is_known_from() {
        let deliveries = Deliveries::default();
        deliveries.accepted(APP, Position(5), 1, 100, 102);
        deliveries.note(APP, Position(5), DeviceNumber(7), Step::Sent, 103);
        deliveries.note(APP, Position(5), DeviceNumber(7), Step::Received, 110);
        deliveries.note(APP, Position(5), DeviceNumber(7), Step::Received, 200);
        let times = Times { sent_ms: Some(103), received_ms: Some(110), ..Times::default() };
        assert_eq!(deliveries.of_device(APP, Position(5), DeviceNumber(7)), Some((times, Kept::Few)));
        assert_eq!(deliveries.of_few(APP, Position(5)), [(DeviceNumber(7), times)]);
        assert_eq!(deliveries.of_device(AppNumber(2), Position(5), DeviceNumber(7)), None, "apps are walls");

        deliveries.note(APP, Position(6), DeviceNumber(7), Step::Sent, 300);
        assert_eq!(deliveries.of_device(APP, Position(6), DeviceNumber(7)).map(|(_, kept)| kept), Some(Kept::Last));
    }

    #[test]
    fn a_push_to_many_pushes_out_no_push_to_few_and_the_last_deliveries_stay() {
        let deliveries = Deliveries::default();
        deliveries.accepted(APP, Position(1), 1, 0, 0);
        deliveries.note(APP, Position(1), DeviceNumber(1), Step::Sent, 1);
        let count = DELIVERIES_MAX as u32 + 5;
        deliveries.accepted(APP, Position(2), u64::from(count), 0, 0);
        (0..count).for_each(|device| deliveries.note(APP, Position(2), DeviceNumber(device), Step::Sent, 2));
        assert!(deliveries.of_device(APP, Position(1), DeviceNumber(1)).is_some());
        assert!(deliveries.of_device(APP, Position(2), DeviceNumber(4)).is_none(), "the oldest are forgotten");
        assert!(deliveries.of_device(APP, Position(2), DeviceNumber(5)).is_some());
        assert_eq!(deliveries.lock().last.values.len(), DELIVERIES_MAX);
        assert_eq!(deliveries.lock().last.order.len(), DELIVERIES_MAX);
    }
}
