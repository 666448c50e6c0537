//! The job that looks at every stored row before a user meets a damaged one.
//!
//! A pass goes over the whole store in small chunks, each with a snapshot of its own, and rests longer than it reads, so
//! that nobody notices. How far it is and what the last one found is kept in memory only: after a restart the next pass
//! begins anew.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anser_protocol::ids::TimeMs;
use anser_storage::{Damage, Finding, ScrubPlace};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::Unavailable;

/// A daemon that has just started has other things to do.
const FIRST_AFTER: Duration = Duration::from_secs(10 * 60);
/// After a pass that could not be finished.
const AGAIN_AFTER: Duration = Duration::from_secs(3600);
/// A few milliseconds of reading.
const ROWS_PER_CHUNK: usize = 1000;
/// It rests so many times as long as it read, within bounds.
const REST: u32 = 9;
const REST_MIN: Duration = Duration::from_millis(20);
const REST_MAX: Duration = Duration::from_secs(5);
/// Findings of a pass that get a line of their own in the log.
const LINES_MAX: u64 = 20;

/// What the passes of this daemon are told and tell.
#[derive(Default)]
pub struct Scrubs(Mutex<Shown>);

/// How the scrub stands, for `anserd status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Since the start.
    pub passes: u64,
    pub under_way: Option<UnderWay>,
    pub last: Option<Pass>,
}

impl Shown {
    /// Rows that the last look at them found damaged or missing, or the one under way so far if that is more.
    pub fn damaged(&self) -> u64 {
        let last = self.last.as_ref().map_or(0, |pass| pass.findings);
        last.max(self.under_way.as_ref().map_or(0, |pass| pass.findings))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnderWay {
    pub since_ms: TimeMs,
    pub rows: u64,
    pub findings: u64,
    /// Somebody waits for it: it does not rest.
    pub is_awaited: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub ended_ms: TimeMs,
    pub took_s: u64,
    pub rows: u64,
    /// Rows that are damaged or missing.
    pub findings: u64,
    /// Why it did not come to the end.
    pub failure: Option<String>,
}

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let Some(every) = context.config.storage.scrub_every else { return };
    let mut shutdown = context.shutdown.clone();
    let mut wait = every.min(FIRST_AFTER);
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(wait) => {}
        }
        let is_whole = !context.scrubs.begin() || pass(&context).await;
        wait = if is_whole { every } else { every.min(AGAIN_AFTER) };
    }
}

/// Begins a pass for somebody who waits for it, or hurries the one under way. Returns the number of passes once it is over.
pub fn begin_now(context: &Shared) -> u64 {
    if context.scrubs.begin() {
        let context = context.clone();
        tokio::spawn(async move { pass(&context).await });
    }
    context.scrubs.hurry()
}

/// The pass that was begun. Returns whether it came to the end.
async fn pass(context: &Shared) -> bool {
    let (begun, mut shutdown) = (Instant::now(), context.shutdown.clone());
    let mut place = None;
    let failure = loop {
        let chunk_begun = Instant::now();
        match chunk(context, place).await {
            Ok(None) => break None,
            Ok(next) => place = next,
            Err(error) => break Some(error.to_string()),
        }
        let rest = context.scrubs.rest_after(chunk_begun.elapsed());
        tokio::select! {
            () = shutdown.begun() => break Some("the daemon stops".to_owned()),
            () = tokio::time::sleep(rest) => {}
        }
    };
    let is_whole = failure.is_none();
    say_end(&context.scrubs.end(begun.elapsed(), failure));
    is_whole
}

async fn chunk(context: &Shared, from: Option<ScrubPlace>) -> Result<Option<ScrubPlace>, Unavailable> {
    let done = context.ledger.read(move |snapshot| snapshot.scrub(from.as_ref(), ROWS_PER_CHUNK)).await?;
    let before = context.scrubs.count(done.rows, done.findings.len() as u64);
    let lines_left = usize::try_from(LINES_MAX.saturating_sub(before)).unwrap_or_default();
    done.findings.iter().take(lines_left).for_each(say_finding);
    Ok(done.next)
}

fn say_finding(finding: &Finding) {
    let (table, key) = (finding.table.name(), HEXLOWER.encode(&finding.key));
    let what = match finding.damage {
        Damage::Broken => "a stored row is damaged",
        Damage::Missing => "a stored row is missing",
        Damage::Count => "a table has lost rows",
    };
    log::error!(table, key = key.as_str(); "{what}; restore a backup, or save what is whole with `anserd rescue`");
}

fn say_end(pass: &Pass) {
    let Pass { rows, findings, took_s, .. } = *pass;
    match &pass.failure {
        Some(failure) => {
            log::warn!(rows, findings; "the scrub did not come to its end, it begins again in an hour: {failure}")
        }
        None if findings > LINES_MAX => {
            log::error!(rows, findings, took_s; "the scrub found more damage than the {LINES_MAX} rows named above; restore a backup onto another disk");
        }
        None => log::info!(rows, findings, took_s; "the scrub has looked at everything"),
    }
}

impl Scrubs {
    pub fn shown(&self) -> Shown {
        self.lock().clone()
    }

    /// One pass at a time: `false` while another one is under way.
    fn begin(&self) -> bool {
        let mut shown = self.lock();
        if shown.under_way.is_some() {
            return false;
        }
        shown.under_way = Some(UnderWay { since_ms: now_ms(), ..UnderWay::default() });
        true
    }

    fn hurry(&self) -> u64 {
        let mut shown = self.lock();
        match &mut shown.under_way {
            Some(under_way) => {
                under_way.is_awaited = true;
                shown.passes + 1
            }
            // Over already.
            None => shown.passes,
        }
    }

    fn rest_after(&self, read: Duration) -> Duration {
        match &self.lock().under_way {
            Some(under_way) if under_way.is_awaited => Duration::ZERO,
            _ => (read * REST).clamp(REST_MIN, REST_MAX),
        }
    }

    /// Returns how many findings there were before.
    fn count(&self, rows: u64, findings: u64) -> u64 {
        let mut shown = self.lock();
        let Some(under_way) = &mut shown.under_way else { return 0 };
        under_way.rows += rows;
        let before = under_way.findings;
        under_way.findings += findings;
        before
    }

    fn end(&self, took: Duration, failure: Option<String>) -> Pass {
        let mut shown = self.lock();
        let UnderWay { rows, findings, .. } = shown.under_way.take().unwrap_or_default();
        let pass = Pass { ended_ms: now_ms(), took_s: took.as_secs(), rows, findings, failure };
        shown.passes += 1;
        shown.last = Some(pass.clone());
        pass
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_rests_unless_somebody_waits_for_it() {
        let scrubs = Scrubs::default();
        assert!(scrubs.begin() && !scrubs.begin(), "one at a time");
        assert_eq!(scrubs.rest_after(Duration::ZERO), REST_MIN);
        assert_eq!(scrubs.rest_after(Duration::from_millis(10)), Duration::from_millis(90));
        assert_eq!(scrubs.rest_after(Duration::from_secs(100)), REST_MAX);

        assert_eq!(scrubs.hurry(), 1);
        assert_eq!(scrubs.rest_after(Duration::from_secs(100)), Duration::ZERO);
    }

    #[test]
    fn what_a_pass_found_is_shown_while_it_runs_and_afterwards() {
        let scrubs = Scrubs::default();
        scrubs.begin();
        assert_eq!((scrubs.count(1000, 3), scrubs.count(500, 1)), (0, 3));
        let under_way = scrubs.shown().under_way.expect("it runs");
        assert_eq!((under_way.rows, under_way.findings), (1500, 4));

        scrubs.end(Duration::from_secs(7), None);
        let shown = scrubs.shown();
        let last = shown.last.expect("it has run");
        assert_eq!((shown.passes, shown.under_way), (1, None));
        assert_eq!((last.rows, last.findings, last.took_s, last.failure), (1500, 4, 7, None));
    }
}
