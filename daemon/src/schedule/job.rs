//! The job that sends what is due.
//!
//! It sleeps until the next due time; a change of a schedule wakes it. What a firing does to the store is one command,
//! which a repeat cannot carry out again, so that nothing here needs to be remembered across a crash.

use std::time::Duration;

use anser_protocol::ids::TimeMs;
use anser_storage::command::{Command, Fire, FireAct, ScheduleCommand};
use anser_storage::outcome::{Answer, FiringResult, Outcome, Refusal};
use anser_storage::{DueSchedule, Schedule};
use tokio::sync::oneshot;

use super::trigger;
use crate::clock::now_ms;
use crate::config::TimeZone;
use crate::context::{Context, Shared};
use crate::ledger::Unavailable;
use crate::rest::permit::count;
use crate::rest::rate::RateFamily;
use crate::rest::{Caller, submission_later};

/// A firing that comes later than this is left out.
const LATE_MS_MAX: u64 = 10 * 60 * 1000;
/// Firings that are under way at a time.
const BATCH: usize = 64;
/// A clock that was set is noticed within this time; also how long what failed waits.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What a round has left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// Firings that were dealt with.
    pub fired: usize,
    /// What is due but could not be dealt with.
    pub failed: usize,
    /// The next due time.
    pub next_ms: Option<TimeMs>,
}

/// Runs until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        let pause = match round(&context, now_ms()).await {
            Ok(round) => pause(round, now_ms()),
            Err(error) => {
                log::warn!("what is scheduled cannot be looked up, it is tried again soon: {error}");
                Some(LOOK_AGAIN)
            }
        };
        tokio::select! {
            () = shutdown.begun() => return,
            () = context.schedules.rung() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Deals with all that is due at a moment.
pub async fn round(context: &Context, now_ms: TimeMs) -> Result<Round, Unavailable> {
    let mut round = Round::default();
    let mut after = None;
    while !context.shutdown.has_begun() {
        let found = context.ledger.read(move |snapshot| {
            let places = snapshot.due_schedules(after, BATCH)?;
            let is_due = |place: &&DueSchedule| place.due_ms <= now_ms;
            let due: Vec<_> = places.iter().take_while(is_due).map(|place| Due::read(snapshot, *place)).collect();
            Ok((due, places))
        });
        let (due, places) = found.await?;
        round.next_ms = places.get(due.len()).map(|place| place.due_ms);
        let is_last = due.len() < BATCH;
        after = places.last().copied();
        fire_all(context, due, now_ms, &mut round).await;
        if is_last {
            break;
        }
    }
    Ok(round)
}

/// What stands at a due place.
struct Due {
    place: DueSchedule,
    found: Found,
}

enum Found {
    Schedule {
        schedule: Box<Schedule>,
        app_key: String,
    },
    /// The schedule or its app has gone; the place is cleared.
    Gone,
    /// It cannot be read; the others can.
    Damaged,
}

impl Due {
    fn read(snapshot: &anser_storage::Snapshot, place: DueSchedule) -> Self {
        let schedule = snapshot.schedule_at(&place);
        let found = match schedule.and_then(|schedule| Ok((schedule, snapshot.app(place.app)?))) {
            Ok((Some(schedule), Some(app))) => Found::Schedule { schedule: Box::new(schedule), app_key: app.app_key },
            Ok(_) => Found::Gone,
            Err(error) => {
                log::error!(
                    "a scheduled push that is due cannot be read: {error}; run `anserd scrub`, and send it by hand"
                );
                Found::Damaged
            }
        };
        Self { place, found }
    }
}

/// Submits all of them before it waits for the first, so that they share a commit.
async fn fire_all(context: &Context, due: Vec<Due>, now_ms: TimeMs, round: &mut Round) {
    let mut under_way = Vec::with_capacity(due.len());
    for due in due {
        let Some(fire) = fire_of(context, due, now_ms).await else {
            round.failed += 1;
            continue;
        };
        let (answer, outcome) = oneshot::channel();
        let command = Command::Schedule(ScheduleCommand::Fire(Box::new(fire)));
        match context.ledger.submit_then(command, move |result| drop(answer.send(result))) {
            Ok(()) => under_way.push(outcome),
            Err(_) => round.failed += 1,
        }
    }
    for outcome in under_way {
        match outcome.await {
            Ok(Ok(outcome)) if is_dealt_with(&outcome) => round.fired += 1,
            _ => round.failed += 1,
        }
    }
}

fn is_dealt_with(outcome: &Outcome) -> bool {
    match &outcome.answer {
        Ok(Answer::Fired(Some(firing))) => {
            match &firing.result {
                FiringResult::Pushed { msg_id } => log::debug!(msg_id = msg_id.0; "a scheduled push was sent"),
                FiringResult::Missed { count } => {
                    log::warn!(count; "scheduled pushes were due while the daemon did not run, and are left out");
                }
                result => log::info!("a scheduled push was due and refused: {result:?}"),
            }
            true
        }
        Ok(_) | Err(Refusal::AlreadyFired | Refusal::ScheduleUnknown) => true,
        // It is read again.
        Err(Refusal::ScheduleChanged) => false,
        Err(refusal) => {
            log::error!("a scheduled push could not be fired: {refusal:?}; send it by hand, and please report this");
            false
        }
    }
}

/// What is to be done about a due time; nothing when that is not known.
async fn fire_of(context: &Context, due: Due, now_ms: TimeMs) -> Option<Fire> {
    let DueSchedule { due_ms, app, schedule } = due.place;
    let (stored, app_key) = match due.found {
        Found::Schedule { schedule, app_key } => (*schedule, app_key),
        Found::Gone => {
            return Some(Fire { app, schedule, revision: 0, due_ms, next_ms: None, act: FireAct::PassOver });
        }
        Found::Damaged => return None,
    };
    let plan = Plan::new(&stored, now_ms, context.config.time_zone);
    let act = match plan.turn {
        Turn::Send => send(context, Caller { app, app_key }, &stored.content.push).await?,
        Turn::Miss(count) => FireAct::Missed { count },
        Turn::PassOver => FireAct::PassOver,
    };
    Some(Fire { app, schedule, revision: stored.revision, due_ms, next_ms: plan.next_ms, act })
}

/// Nothing when what the push names could not be looked up: it is tried again.
async fn send(context: &Context, caller: Caller, push: &str) -> Option<FireAct> {
    let push = serde_json::from_str(push).unwrap_or_default();
    let submit = submission_later(context, &caller, &push).await;
    // A firing is one of the app's pushes in this minute.
    let app = caller.app;
    let access = context.ledger.read(move |snapshot| snapshot.access(app)).await.ok()?;
    let counted = submit.and_then(|submit| {
        let counted = count(context, app, &access, RateFamily::Push, now_ms());
        counted.map(|_| submit).map_err(|denied| denied.fault)
    });
    match counted {
        Ok(submit) => Some(FireAct::Push(Box::new(submit))),
        Err(fault) if fault.status.is_server_error() => None,
        Err(fault) => Some(FireAct::Invalid { code: fault.code, message: fault.message.into_owned() }),
    }
}

/// What time says about a schedule that is due.
#[derive(Debug, PartialEq, Eq)]
struct Plan {
    turn: Turn,
    next_ms: Option<TimeMs>,
}

#[derive(Debug, PartialEq, Eq)]
enum Turn {
    Send,
    /// So many due times are too late.
    Miss(u32),
    PassOver,
}

impl Plan {
    fn new(schedule: &Schedule, now_ms: TimeMs, zone: TimeZone) -> Self {
        let too_late_ms = now_ms.saturating_sub(LATE_MS_MAX + 1);
        let trigger = serde_json::from_str(&schedule.content.trigger).ok();
        // What was checked when it was stored still parses; if not, this was its last time.
        let (passed, next_ms) = trigger
            .and_then(|trigger| trigger::parse(&trigger).ok())
            .map_or((0, None), |trigger| trigger.pass(schedule.due_ms, too_late_ms, zone));
        let turn = match () {
            () if !schedule.content.is_enabled => Turn::PassOver,
            () if schedule.due_ms <= too_late_ms => Turn::Miss(passed + 1),
            () => Turn::Send,
        };
        Self { turn, next_ms }
    }
}

/// Until the next due time, but never so long that a clock set forward goes unnoticed. Nothing to wait for: until woken.
fn pause(round: Round, now_ms: TimeMs) -> Option<Duration> {
    if round.failed > 0 {
        return Some(LOOK_AGAIN);
    }
    round.next_ms.map(|next_ms| Duration::from_millis(next_ms.saturating_sub(now_ms)).min(LOOK_AGAIN))
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use anser_storage::command::ScheduleContent;
    use anser_storage::ids::ScheduleId;
    use serde_json::json;

    use super::*;

    const MINUTE_MS: u64 = 60_000;
    const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
    const ZONE: TimeZone = TimeZone::UTC;
    /// 2024-05-01 08:00:00
    const DUE: TimeMs = 1_714_550_400_000;

    /// Daily at eight, from the first to the tenth of May.
    fn daily(is_enabled: bool) -> Schedule {
        let trigger = json!({"periodical": {
            "start": "2024-05-01 00:00:00", "end": "2024-05-10 23:59:59", "time": "08:00:00", "time_unit": "day",
            "frequency": 1, "point": null,
        }});
        let content =
            ScheduleContent { name: String::new(), is_enabled, trigger: trigger.to_string(), push: String::new() };
        Schedule { id: ScheduleId([0; 16]), content, created_ms: 0, due_ms: DUE, is_over: false, revision: 0 }
    }

    fn plan(late_ms: u64) -> Plan {
        Plan::new(&daily(true), DUE + late_ms, ZONE)
    }

    #[test]
    fn up_to_ten_minutes_late_is_sent() {
        for late_ms in [0, 10 * MINUTE_MS] {
            assert_eq!(plan(late_ms), Plan { turn: Turn::Send, next_ms: Some(DUE + DAY_MS) });
        }
    }

    #[test]
    fn later_than_that_is_left_out() {
        let next_ms = Some(DUE + DAY_MS);
        assert_eq!(plan(10 * MINUTE_MS + 1), Plan { turn: Turn::Miss(1), next_ms });
    }

    #[test]
    fn after_days_all_that_is_too_late_is_left_out_at_once_and_the_last_may_still_be_sent() {
        let late_ms = 3 * DAY_MS + 10 * MINUTE_MS;
        assert_eq!(plan(late_ms), Plan { turn: Turn::Miss(3), next_ms: Some(DUE + 3 * DAY_MS) });
        assert_eq!(plan(late_ms + 1), Plan { turn: Turn::Miss(4), next_ms: Some(DUE + 4 * DAY_MS) });
        assert_eq!(plan(1000 * DAY_MS), Plan { turn: Turn::Miss(10), next_ms: None });
    }

    #[test]
    fn what_is_switched_off_is_passed_over_and_moves_on() {
        let passed = Plan::new(&daily(false), DUE + 2 * DAY_MS, ZONE);
        assert_eq!(passed, Plan { turn: Turn::PassOver, next_ms: Some(DUE + 2 * DAY_MS) });
    }

    #[test]
    fn the_job_sleeps_until_something_is_due_and_looks_at_the_clock_now_and_then() {
        let round = |failed, next_ms| Round { fired: 0, failed, next_ms };
        assert_eq!(pause(round(0, None), DUE), None);
        assert_eq!(pause(round(0, Some(DUE + 5)), DUE), Some(Duration::from_millis(5)));
        assert_eq!(pause(round(0, Some(DUE)), DUE + 5), Some(Duration::ZERO));
        assert_eq!(pause(round(0, Some(DUE + DAY_MS)), DUE), Some(LOOK_AGAIN));
        assert_eq!(pause(round(1, Some(DUE)), DUE), Some(LOOK_AGAIN));
    }
}
