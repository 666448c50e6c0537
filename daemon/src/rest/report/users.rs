//! How many devices are new, online and active (their app was opened), by hour, day or month.

use std::ops::Range;

use anser_protocol::ids::TimeMs;
use anser_storage::ids::AppNumber;
use anser_storage::{Presence, Present};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use crate::clock::now_ms;
use crate::config::TimeZone;
use crate::context::{Context, Shared};
use crate::rest::access::{Caller, GroupCaller};
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::Object;
use crate::rest::path::query_value;
use crate::rest::period::{HOURS_PER_DAY, Unit};
use crate::rest::wall_clock::WallTime;

/// For how long may be asked.
struct Spans {
    days: i64,
    months: i64,
    too_many_days: &'static str,
    too_many_months: &'static str,
}

const OF_APP: Spans = Spans {
    days: 60,
    months: 2,
    too_many_days: "at most 60 days can be asked for",
    too_many_months: "at most 2 months can be asked for",
};
const OF_GROUP: Spans = Spans {
    days: 30,
    months: 1,
    too_many_days: "at most 30 days can be asked for",
    too_many_months: "at most 1 month can be asked for",
};
/// Hours that are read in one snapshot.
const SLICE_HOURS: usize = 24;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    unit: Unit,
    start: WallTime,
    duration: i64,
}

/// `GET /v3/users`
pub async fn users(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    show(&context, &[caller.app], parse(&uri, &OF_APP)?).await
}

/// `GET /v3/group/users`: the devices of all apps of the group.
pub async fn group_users(
    context: State<Shared>,
    caller: Extension<GroupCaller>,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let asked = parse(&uri, &OF_GROUP)?;
    let key = caller.key.clone();
    let apps = context.ledger.read(move |snapshot| {
        let apps = snapshot.app_group(&key)?.map(|group| group.apps).unwrap_or_default();
        let mut living = Vec::with_capacity(apps.len());
        for app in apps {
            living.extend(snapshot.app(app)?.map(|_| app));
        }
        Ok(living)
    });
    show(&context, &apps.await.map_err(|error| Family::Report.unavailable(&error))?, asked).await
}

async fn show(context: &Context, apps: &[AppNumber], asked: Asked) -> Result<Response<Body>, Fault> {
    let zone = context.config.time_zone;
    let mut items = Vec::new();
    for (name, hours) in asked.items(zone, now_ms()) {
        items.push(item(context, apps, name, hours).await?);
    }
    let body = json!({
        "time_unit": asked.unit.name(),
        "start": asked.unit.written(asked.start),
        "duration": asked.duration,
        "items": items,
    });
    Ok(json_response(StatusCode::OK, &body))
}

fn parse(uri: &Uri, spans: &Spans) -> Result<Asked, Fault> {
    let missing = |what: &'static str| move || Family::Report.invalid(what);
    let unit = query_value(uri, "time_unit").as_deref().and_then(Unit::from_name);
    let unit = unit.ok_or_else(missing("time_unit must be HOUR, DAY or MONTH"))?;
    let duration = query_value(uri, "duration").and_then(|text| text.trim().parse::<i64>().ok());
    let duration = duration.filter(|duration| *duration >= 1);
    let duration = duration.ok_or_else(missing("duration must be a whole number from 1 up"))?;
    let start = query_value(uri, "start").ok_or_else(missing("start is missing"))?;
    let start = unit.read(start.trim()).ok_or_else(|| {
        Fault::new(
            StatusCode::BAD_REQUEST,
            3004,
            "start does not match time_unit: HOUR is yyyy-MM-dd HH, DAY is yyyy-MM-dd, MONTH is yyyy-MM",
        )
    })?;
    let duration = match unit {
        Unit::Hour => duration.min(HOURS_PER_DAY),
        Unit::Day if duration > spans.days => return Err(too_long(spans.too_many_days)),
        Unit::Month if duration > spans.months => return Err(too_long(spans.too_many_months)),
        Unit::Day | Unit::Month => duration,
    };
    Ok(Asked { unit, start, duration })
}

fn too_long(message: &'static str) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, 3005, message)
}

impl Asked {
    /// Each unit with the hours since 1970 that lie in it; none that have not begun.
    fn items(&self, zone: TimeZone, now_ms: TimeMs) -> Vec<(String, Range<u32>)> {
        // Hours end with their day.
        let count = match self.unit {
            Unit::Hour => self.duration.min(HOURS_PER_DAY - self.start.hour()),
            Unit::Day | Unit::Month => self.duration,
        };
        let one = |number| {
            let begin = self.unit.after(self.start, number);
            (self.unit.written(begin), self.unit.hours(begin, zone, now_ms))
        };
        (0..count).map(one).collect()
    }
}

/// A device belongs to one app: those of several are added up.
async fn item(context: &Context, apps: &[AppNumber], time: String, hours: Range<u32>) -> Result<Value, Fault> {
    let mut item = Object::new();
    item.insert("time".to_owned(), time.into());
    for (what, name) in [(Presence::New, "new"), (Presence::Online, "online"), (Presence::Active, "active")] {
        for app in apps {
            for (platform, count) in present(context, *app, what, hours.clone()).await?.counts() {
                let block = item.entry(platform.name()).or_insert_with(|| json!({}));
                let before = block[name].as_u64().unwrap_or_default();
                block[name] = (before + count).into();
            }
        }
    }
    Ok(Value::Object(item))
}

async fn present(context: &Context, app: AppNumber, what: Presence, hours: Range<u32>) -> Result<Present, Fault> {
    let mut present = Present::default();
    for first in hours.clone().step_by(SLICE_HOURS) {
        let slice = first..hours.end.min(first + SLICE_HOURS as u32);
        let before = present;
        let read = context.ledger.read(move |snapshot| {
            let mut present = before.clone();
            snapshot.add_present(app, what, slice.clone(), &mut present)?;
            Ok(present)
        });
        present = read.await.map_err(|error| Family::Report.unavailable(&error))?;
    }
    Ok(present)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(query: &str) -> Result<Asked, u32> {
        parse(&format!("/v3/users?{query}").parse().expect("a path"), &OF_APP).map_err(|fault| fault.code)
    }

    fn items(query: &str, zone: TimeZone) -> Vec<(String, Range<u32>)> {
        parsed(query).expect("valid").items(zone, 4_000_000_000_000)
    }

    #[test]
    fn hours_end_with_their_day_and_are_at_most_24() {
        let query = "time_unit=hour&start=2014-06-10+04&duration=40";
        assert_eq!(parsed(query).map(|asked| asked.duration), Ok(24));
        let items = items(query, TimeZone::DEFAULT);
        assert_eq!(items.len(), 20);
        assert_eq!((items[0].0.as_str(), items[19].0.as_str()), ("2014-06-10 04", "2014-06-10 23"));
        // 04:00 in UTC+8 is 20:00 of the day before.
        assert_eq!(items[0].1, 389_540..389_541);
    }

    #[test]
    fn a_day_has_24_hours_wherever_it_begins() {
        for offset_minutes in [0, 480, 330, -210] {
            let days = items("time_unit=DAY&start=2014-06-10&duration=3", TimeZone::fixed(offset_minutes));
            assert!(days.iter().all(|(_, hours)| hours.len() == 24));
            assert!(days.windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
        }
    }

    #[test]
    fn days_on_which_the_clock_is_put_forward_or_back_are_shorter_and_longer() {
        for (day, lengths) in [("2024-03-30", [24, 23, 24]), ("2024-10-26", [24, 25, 24])] {
            let days = items(&format!("time_unit=DAY&start={day}&duration=3"), TimeZone::berlin());
            assert_eq!(days.iter().map(|(_, hours)| hours.len()).collect::<Vec<_>>(), lengths);
            assert!(days.windows(2).all(|pair| pair[0].1.end == pair[1].1.start));
        }
        let hours = items("time_unit=HOUR&start=2024-03-31+01&duration=3", TimeZone::berlin());
        assert_eq!(hours.iter().map(|(_, hours)| hours.len()).collect::<Vec<_>>(), [1, 0, 1], "02:00 is skipped");
    }

    #[test]
    fn months_are_as_long_as_they_are() {
        let months = items("time_unit=MONTH&start=2016-01&duration=2", TimeZone::DEFAULT);
        let lengths: Vec<_> = months.iter().map(|(name, hours)| (name.as_str(), hours.len() / 24)).collect();
        assert_eq!(lengths, [("2016-01", 31), ("2016-02", 29)]);
    }

    #[test]
    fn what_has_not_begun_has_no_hours() {
        let asked = parsed("time_unit=DAY&start=1970-01-01&duration=2").expect("valid");
        let hours: Vec<_> = asked.items(TimeZone::UTC, 3_600_000).into_iter().map(|(_, hours)| hours).collect();
        assert_eq!(hours, [0..2, 2..2]);
    }

    #[test]
    fn each_mistake_has_its_code() {
        for (query, code) in [
            ("", 3003),
            ("time_unit=WEEK&start=2014-06-10&duration=1", 3003),
            ("time_unit=DAY&duration=1", 3003),
            ("time_unit=DAY&start=2014-06-10", 3003),
            ("time_unit=DAY&start=2014-06-10&duration=0", 3003),
            ("time_unit=DAY&start=2014-06-10&duration=x", 3003),
            ("time_unit=DAY&start=2014-06&duration=1", 3004),
            ("time_unit=HOUR&start=2014-06-10&duration=1", 3004),
            ("time_unit=MONTH&start=2014-06-10&duration=1", 3004),
            ("time_unit=DAY&start=2014-06-10&duration=61", 3005),
            ("time_unit=MONTH&start=2014-06&duration=3", 3005),
        ] {
            assert_eq!(parsed(query).map(|_| ()), Err(code), "{query}");
        }
    }
}
