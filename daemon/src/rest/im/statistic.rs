//! How many users, groups and messages there were, by hour, day or month of the server's zone.
//!
//! Figures are kept by whole hours of UTC for some 60 days. In a zone that is not whole hours away from it, an hour counts
//! in the day in which it begins; so no figure is counted twice or lost, and a day ends up to half an hour late.

use std::ops::Range;

use anser_storage::ids::AppNumber;
use anser_storage::{HourCounts, HourSet, MessageKinds, ReadError, Snapshot};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::invalid;
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::path::query_value;
use crate::rest::period::{HOURS_PER_DAY, Unit};
use crate::rest::wall_clock::WallTime;

const DAYS_MAX: i64 = 60;
const MONTHS_MAX: i64 = 2;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    unit: Unit,
    start: WallTime,
    duration: i64,
}

/// One unit: its name and the hours since 1970 in it.
type Item = (String, Range<u32>);

/// `GET /v2/statistic/users`
pub async fn users(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let (app, items) = (caller.app, days(&context, &uri)?);
    let total = read(&context, move |snapshot| snapshot.user_total(app)).await?;
    let mut ahead = since(&context, app, &items).await?;
    let mut rows = Vec::with_capacity(items.len());
    for (date, hours) in items {
        let (counts, active, senders) = read(&context, move |snapshot| {
            let count = |set| snapshot.count_in_hours(app, set, hours.clone());
            let counts = snapshot.hour_counts(app, hours.clone())?;
            Ok((counts, count(HourSet::LoggedIn)?, count(HourSet::Senders)?))
        })
        .await?;
        // What came and went after this day is taken away from what there is now.
        ahead = less(ahead, counts);
        rows.push(json!({
            "date": date,
            "active_users": active,
            "total_users": (total + ahead.gone_users).saturating_sub(ahead.new_users),
            "send_msg_users": senders,
            "new_users": counts.new_users,
        }));
    }
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// `GET /v2/statistic/groups`
pub async fn groups(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let (app, items) = (caller.app, days(&context, &uri)?);
    let total = read(&context, move |snapshot| snapshot.group_total(app)).await?;
    let mut ahead = since(&context, app, &items).await?;
    let mut rows = Vec::with_capacity(items.len());
    for (date, hours) in items {
        let (counts, active) = read(&context, move |snapshot| {
            let counts = snapshot.hour_counts(app, hours.clone())?;
            Ok((counts, snapshot.count_in_hours(app, HourSet::ActiveGroups, hours.clone())?))
        })
        .await?;
        ahead = less(ahead, counts);
        rows.push(json!({
            "date": date,
            "active_group": active,
            "total_group": (total + ahead.gone_groups).saturating_sub(ahead.new_groups),
            "new_group": counts.new_groups,
        }));
    }
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// `GET /v2/statistic/messages`
pub async fn messages(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let asked = Asked::parse(&uri, &[Unit::Hour, Unit::Day, Unit::Month])?;
    let (now, zone) = (now_ms(), context.config.time_zone);
    if asked.unit == Unit::Hour && asked.start.midnight() != Unit::Day.of_ms(now, zone) {
        return Err(invalid("hours are told of the current day only"));
    }
    let (app, mut units, mut all) = (caller.app, Vec::new(), HourCounts::default());
    for (time, hours) in asked.items(&context, now) {
        let counts = read(&context, move |snapshot| snapshot.hour_counts(app, hours.clone())).await?;
        all = all.plus(counts);
        units.push(json!({
            "time": time,
            "single_send_msg": counts.single.total(),
            "group_send_msg": counts.group.total(),
        }));
    }
    let body = json!({
        "send_msg_stat": units,
        "single_msg_stat": by_kind(all.single),
        "group_msg_stat": by_kind(all.group),
    });
    Ok(json_response(StatusCode::OK, &body))
}

fn by_kind(kinds: MessageKinds) -> Value {
    json!({"txt_msg": kinds.text, "image_msg": kinds.image, "voice_msg": kinds.voice, "other_msg": kinds.other})
}

fn days(context: &Context, uri: &Uri) -> Result<Vec<Item>, Fault> {
    Ok(Asked::parse(uri, &[Unit::Day])?.items(context, now_ms()))
}

impl Asked {
    fn parse(uri: &Uri, units: &[Unit]) -> Result<Self, Fault> {
        let unit = query_value(uri, "time_unit").as_deref().and_then(Unit::from_name);
        let unit = unit.filter(|unit| units.contains(unit)).ok_or_else(|| {
            let names: Vec<&str> = units.iter().map(|unit| unit.name()).collect();
            invalid(format!("time_unit must be {}", names.join(", ")))
        })?;
        let most = match unit {
            Unit::Hour => HOURS_PER_DAY,
            Unit::Day => DAYS_MAX,
            Unit::Month => MONTHS_MAX,
        };
        let duration = query_value(uri, "duration").and_then(|text| text.trim().parse::<i64>().ok());
        let duration = duration.filter(|duration| (0..=most).contains(duration));
        let duration = duration.ok_or_else(|| invalid(format!("duration must be 0 to {most}")))?;
        let start = query_value(uri, "start").ok_or_else(|| invalid("start is missing"))?;
        let start = read_start(unit, start.trim()).ok_or_else(|| {
            invalid("start does not match time_unit: HOUR is yyyy-MM-dd HH, DAY is yyyy-MM-dd, MONTH is yyyy-MM")
        })?;
        Ok(Self { unit, start, duration })
    }

    /// None that have not begun. Hours end with their day.
    fn items(&self, context: &Context, now_ms: u64) -> Vec<Item> {
        let zone = context.config.time_zone;
        let newest = self.unit.of_ms(now_ms, zone);
        let count = match self.unit {
            Unit::Hour => self.duration.min(HOURS_PER_DAY - self.start.hour()),
            Unit::Day | Unit::Month => self.duration,
        };
        let begins = (0..count).map(|number| self.unit.after(self.start, number)).take_while(|begin| *begin <= newest);
        begins.map(|begin| (self.unit.written(begin), self.unit.hours(begin, zone, now_ms))).collect()
    }
}

/// A time of day behind a day is dropped, as one SDK sends it.
fn read_start(unit: Unit, text: &str) -> Option<WallTime> {
    match unit {
        Unit::Day => match WallTime::parse_second(text) {
            Some(_) => unit.read(text.get(..10)?),
            None => unit.read(text),
        },
        Unit::Hour | Unit::Month => unit.read(text),
    }
}

/// What happened from the first hour of these on.
async fn since(context: &Context, app: AppNumber, items: &[Item]) -> Result<HourCounts, Fault> {
    let Some((_, first)) = items.first() else { return Ok(HourCounts::default()) };
    let first = first.start;
    read(context, move |snapshot| snapshot.hour_counts_since(app, first)).await
}

fn less(mut ahead: HourCounts, counts: HourCounts) -> HourCounts {
    for (left, passed) in [
        (&mut ahead.new_users, counts.new_users),
        (&mut ahead.gone_users, counts.gone_users),
        (&mut ahead.new_groups, counts.new_groups),
        (&mut ahead.gone_groups, counts.gone_groups),
    ] {
        *left = left.saturating_sub(passed);
    }
    ahead
}

async fn read<T: Send + 'static>(
    context: &Context,
    query: impl Fn(&Snapshot) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Fault> {
    context.ledger.read(query).await.map_err(|error| Family::Im.unavailable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<Asked, u32> {
        let uri: Uri = format!("/v2/statistic/messages?{query}").parse().expect("a path");
        Asked::parse(&uri, &[Unit::Hour, Unit::Day, Unit::Month]).map_err(|fault| fault.code)
    }

    #[test]
    fn each_unit_has_its_form_and_its_most() {
        for good in [
            "time_unit=HOUR&start=2024-05-01+09&duration=24",
            "time_unit=day&start=2024-05-01&duration=60",
            "time_unit=DAY&start=2024-05-01%2009:30:00&duration=0",
            "time_unit=MONTH&start=2024-05&duration=2",
        ] {
            assert!(parsed(good).is_ok(), "{good}");
        }
        for wrong in [
            "",
            "time_unit=WEEK&start=2024-05-01&duration=1",
            "time_unit=DAY&duration=1",
            "time_unit=DAY&start=2024-05-01",
            "time_unit=DAY&start=2024-05&duration=1",
            "time_unit=DAY&start=2024-05-01&duration=61",
            "time_unit=DAY&start=2024-05-01&duration=-1",
            "time_unit=HOUR&start=2024-05-01+09&duration=25",
            "time_unit=MONTH&start=2024-05&duration=3",
        ] {
            assert_eq!(parsed(wrong).map(|_| ()), Err(899_003), "{wrong}");
        }
    }

    #[test]
    fn a_time_of_day_is_dropped() {
        let day = parsed("time_unit=DAY&start=2024-05-01+09:30:00&duration=1").expect("valid");
        assert_eq!(Some(day.start), WallTime::parse_day("2024-05-01"));
    }
}
