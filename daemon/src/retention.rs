//! The job that removes what has had its time: records past their days, used cids, dead tokens, old presence.
//!
//! It asks for small slices and pauses between them, so that nobody notices. What was cut does not come back, so a
//! clock that stepped is not believed for one round.

use std::time::{Duration, Instant};

use anser_protocol::ids::TimeMs;
use anser_storage::command::{Class, Command, SystemCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};

use crate::admin::days_kept;
use crate::clearing::{clear_departed, clear_rooms, clear_tags};
use crate::clock::now_ms;
use crate::config::Retention;
use crate::context::Shared;
use crate::ledger::{Ledger, Unavailable};

const ROUND_EVERY: Duration = Duration::from_secs(3600);
/// Between two slices of up to 10,000 rows.
const PAUSE: Duration = Duration::from_millis(20);
/// More than a clock drifts or is slewed in a round.
const STEP_MS: u64 = 10 * 60 * 1000;
const DAY_MS: u64 = 86_400_000;

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let mut watch = ClockWatch::start();
    let mut dormant_day = None;
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(ROUND_EVERY) => {}
        }
        if watch.has_stepped() {
            log::warn!("the clock was set, so nothing is removed in this hour; `anserd doctor` looks at what keeps it");
            continue;
        }
        if let Err(error) = round(&context.ledger, &context.config.retention, now_ms()).await {
            log::warn!("what has had its time could not be removed, it is tried again in an hour: {error}");
        }
        let today = now_ms() / DAY_MS;
        if dormant_day == Some(today) {
            continue;
        }
        match look_for_dormant(&context.ledger, context.config.push.inactive_days, now_ms()).await {
            Ok(()) => dormant_day = Some(today),
            Err(error) => log::warn!("devices that are away for long were not looked for, in an hour again: {error}"),
        }
    }
}

/// One round for all apps.
pub async fn round(ledger: &Ledger, retention: &Retention, now_ms: TimeMs) -> Result<(), Unavailable> {
    for (app, _) in ledger.read(|snapshot| snapshot.apps()).await? {
        let own = ledger.read(move |snapshot| snapshot.app_retention(app)).await?;
        for class in [Class::Chat, Class::Room, Class::Push] {
            if let Some(days) = days_kept(own.of(class), class, retention) {
                cut(ledger, app, class, now_ms.saturating_sub(u64::from(days) * DAY_MS)).await?;
            }
        }
        repeat(ledger, SystemCommand::CutPresence { app }).await?;
        clear_tags(ledger, app).await?;
        clear_departed(ledger, app).await?;
        clear_rooms(ledger, app).await?;
    }
    repeat(ledger, SystemCommand::Expire).await
}

/// Notes which devices were not seen for so many days; nobody, without a limit.
pub async fn look_for_dormant(ledger: &Ledger, days: Option<u32>, now_ms: TimeMs) -> Result<(), Unavailable> {
    for (app, _) in ledger.read(|snapshot| snapshot.apps()).await? {
        for chunk in 0..ledger.read(move |snapshot| snapshot.device_chunks(app)).await? {
            let unseen = ledger.read(move |snapshot| match days {
                Some(days) => snapshot.unseen_devices(app, chunk, days, now_ms),
                None => Ok(Some(Vec::new())),
            });
            // Who is known to be away stays so: a mark wakes who returns.
            let Some(devices) = unseen.await? else { break };
            let is_known = ledger.read(move |snapshot| snapshot.dormant_devices(app, chunk)).await? == devices;
            if !is_known {
                repeat(ledger, SystemCommand::SetDormant { app, chunk, devices, as_of_ms: now_ms }).await?;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}

async fn cut(ledger: &Ledger, app: AppNumber, class: Class, before_ms: TimeMs) -> Result<(), Unavailable> {
    let below = ledger.read(move |snapshot| snapshot.first_since(app, class, before_ms)).await?;
    repeat(ledger, SystemCommand::Cut { app, class, below }).await
}

async fn repeat(ledger: &Ledger, command: SystemCommand) -> Result<(), Unavailable> {
    loop {
        match ledger.submit(Command::System(command.clone())).await?.answer {
            Ok(Answer::Continue) => tokio::time::sleep(PAUSE).await,
            // An app may be deleted while its turn comes.
            Ok(_) | Err(Refusal::AppUnknown) => return Ok(()),
            Err(refusal) => return Err(Unavailable::Closed(format!("the store refused it: {refusal:?}"))),
        }
    }
}

/// Compares the wall clock with the one that cannot be set.
struct ClockWatch {
    wall_ms: TimeMs,
    steady: Instant,
}

impl ClockWatch {
    fn start() -> Self {
        Self { wall_ms: now_ms(), steady: Instant::now() }
    }

    /// Since the last question.
    fn has_stepped(&mut self) -> bool {
        let now = Self::start();
        let steady_ms = u64::try_from((now.steady - self.steady).as_millis()).unwrap_or(u64::MAX);
        let has_stepped = is_step(now.wall_ms, self.wall_ms.saturating_add(steady_ms));
        *self = now;
        has_stepped
    }
}

fn is_step(wall_ms: TimeMs, expected_ms: TimeMs) -> bool {
    wall_ms.abs_diff(expected_ms) > STEP_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_either_way_is_noticed_and_a_slewed_one_is_not() {
        let hour = 3_600_000;
        assert!(is_step(hour + DAY_MS, hour));
        assert!(is_step(hour, hour + DAY_MS));
        assert!(!is_step(hour + 500, hour));
    }
}
