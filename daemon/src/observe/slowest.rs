//! What took longest lately: a handful of requests and batches, for whoever watches.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How many are kept.
const KEPT: usize = 8;
/// How long each is.
const FOR: Duration = Duration::from_secs(60);
/// What is quicker is not worth a look.
const AT_LEAST: Duration = Duration::from_millis(5);
const TEXT_CHARS_MAX: usize = 60;

#[derive(Default)]
pub struct Slowest(Mutex<Vec<Slow>>);

struct Slow {
    what: String,
    took: Duration,
    at: Instant,
}

impl Slowest {
    pub fn note(&self, took: Duration, what: impl FnOnce() -> String) {
        if took < AT_LEAST {
            return;
        }
        let now = Instant::now();
        let mut kept = self.lock();
        kept.retain(|slow| now.duration_since(slow.at) < FOR);
        if kept.len() >= KEPT && kept.last().is_some_and(|least| least.took >= took) {
            return;
        }
        let what = what().chars().take(TEXT_CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let place = kept.partition_point(|slow| slow.took >= took);
        kept.insert(place, Slow { what, took, at: now });
        kept.truncate(KEPT);
    }

    /// Of the last minute, the slowest first.
    pub fn list(&self) -> Vec<(String, Duration)> {
        let now = Instant::now();
        let kept = self.lock();
        let recent = kept.iter().filter(|slow| now.duration_since(slow.at) < FOR);
        recent.map(|slow| (slow.what.clone(), slow.took)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Slow>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_are_kept_in_order_and_bounded() {
        let slowest = Slowest::default();
        for ms in (1..=40).chain([90, 7]) {
            slowest.note(Duration::from_millis(ms), || format!("{ms}\n{}", "x".repeat(100)));
        }
        let kept: Vec<u128> = slowest.list().iter().map(|(_, took)| took.as_millis()).collect();
        assert_eq!(kept, [90, 40, 39, 38, 37, 36, 35, 34]);
        assert!(slowest.list().iter().all(|(what, _)| what.chars().count() <= TEXT_CHARS_MAX && !what.contains('\n')));
    }
}
