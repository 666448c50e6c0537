//! What the clients of a bench have in common: counts, times, and the sign to begin.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

/// Buckets of one doubling: a value is known to about three in a hundred.
const STEPS: usize = 32;
const DOUBLINGS: usize = 40;

/// Times in nanoseconds, in buckets that grow with the value.
pub struct Histogram(Vec<AtomicU64>);

impl Default for Histogram {
    fn default() -> Self {
        Self((0..STEPS * DOUBLINGS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Histogram {
    pub fn add(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0[Self::bucket(nanos)].fetch_add(1, Ordering::Relaxed);
    }

    fn bucket(nanos: u64) -> usize {
        let doubling = (nanos / STEPS as u64).checked_ilog2().map_or(0, |log| log as usize + 1);
        let step = if doubling == 0 { nanos } else { (nanos >> (doubling - 1)) - STEPS as u64 };
        (doubling * STEPS + step as usize).min(STEPS * DOUBLINGS - 1)
    }

    /// The lower end of a bucket.
    fn value(bucket: usize) -> u64 {
        let (doubling, step) = (bucket / STEPS, (bucket % STEPS) as u64);
        if doubling == 0 { step } else { (STEPS as u64 + step) << (doubling - 1) }
    }

    fn quantile_ms(&self, share: f64) -> f64 {
        let counts: Vec<u64> = self.0.iter().map(|count| count.load(Ordering::Relaxed)).collect();
        let wanted = (counts.iter().sum::<u64>() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in counts.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                return (Self::value(bucket) as f64 / 1e6 * 1000.0).round() / 1000.0;
            }
        }
        0.0
    }

    pub fn report(&self) -> Value {
        json!({"p50": self.quantile_ms(0.5), "p99": self.quantile_ms(0.99), "max": self.quantile_ms(1.0)})
    }
}

#[derive(Default)]
pub struct Tally {
    ready: AtomicUsize,
    left: AtomicU64,
    pub lost_links: AtomicU64,
    pub offered: AtomicU64,
    pub answered: AtomicU64,
    pub refused: AtomicU64,
    pub received: AtomicU64,
    pub answer_times: Histogram,
    pub delivery_times: Histogram,
    trouble: Mutex<Option<String>>,
    pushes: Mutex<BTreeMap<u64, PushSeen>>,
    first_received: Mutex<Option<(Instant, Instant)>>,
    changed: Notify,
}

/// Who has a push so far.
#[derive(Clone, Copy)]
pub struct PushSeen {
    pub first: Instant,
    pub last: Instant,
    pub devices: u64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Tally {
    pub fn ready(&self) -> usize {
        self.ready.load(Ordering::Relaxed)
    }

    pub fn add_ready(&self) {
        self.ready.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// Clients that were told to leave and have closed their links.
    pub fn left(&self) -> u64 {
        self.left.load(Ordering::Relaxed)
    }

    pub fn add_left(&self) {
        self.left.fetch_add(1, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// What keeps a client from its work.
    pub fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub fn set_trouble(&self, trouble: String) {
        lock(&self.trouble).get_or_insert(trouble);
        self.changed.notify_waiters();
    }

    pub fn add_received(&self, at: Instant) {
        self.received.fetch_add(1, Ordering::Relaxed);
        let mut span = lock(&self.first_received);
        span.get_or_insert((at, at)).1 = at;
        drop(span);
        self.changed.notify_waiters();
    }

    /// Between the first and the last message received.
    pub fn receiving_time(&self) -> Duration {
        lock(&self.first_received).map_or(Duration::ZERO, |(first, last)| last - first)
    }

    pub fn add_push(&self, msg_id: u64, at: Instant) {
        let mut pushes = lock(&self.pushes);
        let seen = pushes.entry(msg_id).or_insert(PushSeen { first: at, last: at, devices: 0 });
        seen.last = at;
        seen.devices += 1;
        drop(pushes);
        self.changed.notify_waiters();
    }

    pub fn pushes(&self) -> BTreeMap<u64, PushSeen> {
        lock(&self.pushes).clone()
    }

    pub fn add_answered(&self, time: Duration) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        self.answer_times.add(time);
        self.changed.notify_waiters();
    }

    pub async fn wait_until(&self, is_so: impl Fn(&Self) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if is_so(self) {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_a_bucket_that_begins_just_below_it() {
        for nanos in [0, 1, 31, 32, 33, 1000, 1_000_000, 123_456_789, 60_000_000_000] {
            let value = Histogram::value(Histogram::bucket(nanos));
            assert!(value <= nanos && nanos - value <= nanos / 31, "{nanos} became {value}");
        }
    }

    #[test]
    fn quantiles_are_told_in_milliseconds() {
        let histogram = Histogram::default();
        (1..=100).for_each(|millis| histogram.add(Duration::from_millis(millis)));
        let report = histogram.report();
        assert!((48.0..=50.0).contains(&report["p50"].as_f64().expect("a number")), "{report}");
        assert!((96.0..=99.0).contains(&report["p99"].as_f64().expect("a number")), "{report}");
    }
}
