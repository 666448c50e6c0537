//! A disk that fails: how long the writer then refuses everything, and what the log says about it.
//!
//! One line when it begins, one when it is over, and at most one a minute in between, however many commands are refused.
//! It is over when the disk has taken everything for a while: a full disk still takes what fits into the file's gaps.

use std::time::{Duration, Instant};

use super::WriterOptions;
use crate::error::StoreError;

const SAID_EVERY: Duration = Duration::from_secs(60);
/// Longer than the longest rest, so that several batches have gone well.
const WELL_FOR: Duration = Duration::from_secs(10);

pub(super) struct Trouble {
    delay_min: Duration,
    delay_max: Duration,
    current: Option<Current>,
}

struct Current {
    error: StoreError,
    failures: u64,
    began: Instant,
    said: Instant,
    failed: Instant,
    delay: Duration,
}

impl Trouble {
    pub fn new(options: &WriterOptions) -> Self {
        Self { delay_min: options.reopen_delay_min, delay_max: options.reopen_delay_max, current: None }
    }

    /// The disk failed. Returns what is to be said about it, if anything.
    pub fn fail(&mut self, error: StoreError, now: Instant) -> Option<String> {
        let Some(current) = &mut self.current else {
            let line = format!(
                "{error}; changes are refused until it can be written, what is stored is still served; look at the disk with `df` and `dmesg`"
            );
            let delay = self.delay_min;
            self.current = Some(Current { error, failures: 1, began: now, said: now, failed: now, delay });
            return Some(line);
        };
        current.error = error;
        current.failures += 1;
        current.failed = now;
        current.delay = (current.delay * 2).min(self.delay_max);
        if now.duration_since(current.said) < SAID_EVERY {
            return None;
        }
        current.said = now;
        let (error, failures) = (&current.error, current.failures);
        let minutes = now.duration_since(current.began).as_secs() / 60;
        Some(format!("{error}; changes have been refused for {minutes} min, {failures} attempts failed"))
    }

    /// A batch is on disk. Returns what is to be said about it, if anything.
    pub fn succeed(&mut self, now: Instant) -> Option<String> {
        let well = self.current.take_if(|current| now.duration_since(current.failed) >= WELL_FOR)?;
        let seconds = well.failed.duration_since(well.began).as_secs();
        Some(format!("the disk takes everything again; it failed {} times within {seconds} s", well.failures))
    }

    /// How much longer nothing may be tried; nothing when the next batch may.
    pub fn rest(&self, now: Instant) -> Option<Duration> {
        let current = self.current.as_ref()?;
        let rest = (current.failed + current.delay).saturating_duration_since(now);
        (!rest.is_zero()).then_some(rest)
    }

    /// What those are told who come meanwhile.
    pub fn refusal(&self) -> StoreError {
        self.current.as_ref().map_or(StoreError::Closed, |current| current.error.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trouble() -> Trouble {
        Trouble::new(&WriterOptions::default())
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn the_rest_doubles_up_to_its_limit_and_begins_anew_when_the_disk_has_been_well() {
        let (mut trouble, mut now) = (trouble(), Instant::now());
        let mut rests = Vec::new();
        for _ in 0..8 {
            trouble.fail(StoreError::Full, now);
            let rest = trouble.rest(now).expect("it rests");
            rests.push(rest.as_millis());
            now += rest;
            assert_eq!(trouble.rest(now), None, "the next batch is the probe");
        }
        assert_eq!(rests, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);

        trouble.succeed(now + WELL_FOR);
        trouble.fail(StoreError::Full, now + WELL_FOR);
        assert_eq!(trouble.rest(now + WELL_FOR), Some(ms(100)));
    }

    #[test]
    fn an_outage_is_said_when_it_begins_once_a_minute_and_when_it_is_over() {
        let (mut trouble, began) = (trouble(), Instant::now());
        let mut said = Vec::new();
        // Three minutes of probes, of which some go well.
        for second in (0..=180).step_by(5) {
            let now = began + Duration::from_secs(second);
            let line = if second % 15 == 5 { trouble.succeed(now) } else { trouble.fail(StoreError::Full, now) };
            said.extend(line.map(|line| (second, line)));
        }
        said.extend(trouble.succeed(began + Duration::from_secs(185)).map(|line| (185, line)));
        said.extend(trouble.succeed(began + Duration::from_secs(190)).map(|line| (190, line)));
        said.extend(trouble.succeed(began + Duration::from_secs(191)).map(|line| (191, line)));

        let seconds: Vec<u64> = said.iter().map(|(second, _)| *second).collect();
        assert_eq!(seconds, [0, 60, 120, 180, 190], "{said:?}");
        assert!(said[0].1.contains("the disk is full") && said[2].1.contains("for 2 min"), "{said:?}");
        assert!(said[4].1.contains("again"), "{said:?}");
    }
}
