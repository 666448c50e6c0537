//! The options of a push: those that this server acts on, and all of them as they are kept.

use anser_protocol::ids::Position;
use serde_json::Value;

use crate::rest::lenient::{Object, as_bool, as_int, as_object, member};

use super::findings::{Findings, Kind};
use super::shape;

const DAY_S: u32 = 86_400;
const TIME_TO_LIVE_S_MAX: i64 = 10 * 86_400;
const SLOW_MINUTES_MAX: i64 = 1440;

pub(super) struct Options {
    /// Echoed as text; "0" when the caller gave none.
    pub sendno: String,
    pub time_to_live_s: u32,
    /// 0 when the push is not a slow one.
    pub spread_s: u32,
    pub replaces: Option<Position>,
    pub only_test_devices: bool,
    /// For devices that know what to do with it.
    pub geofence: Option<Value>,
    /// Also those that nobody here knows: bridges and newer clients may.
    pub all: Object,
}

pub(super) fn parse(push: &Object, has_message: bool, findings: &mut Findings) -> Options {
    let mut options = match member(push, "options") {
        None => Object::new(),
        Some(value) => as_object(value).unwrap_or_else(|| {
            findings.invalid("options must be an object");
            Object::new()
        }),
    };
    options.retain(|key, value| !is_unset(key, value));
    shape::check(&options, "options", shape::OPTIONS, findings);
    let sendno = whole(&options, "sendno", 0, i64::MAX, findings).unwrap_or(0).to_string();
    let time_to_live_s = seconds(whole(&options, "time_to_live", 0, TIME_TO_LIVE_S_MAX, findings), 1);
    let slow_minutes = whole(&options, "big_push_duration", 1, SLOW_MINUTES_MAX, findings);
    let replaces = whole(&options, "override_msg_id", 0, i64::MAX, findings)
        .map(|id| Position(u64::try_from(id).unwrap_or_default()));
    let is_active = member(&options, "active_push").and_then(as_bool).unwrap_or(false);
    if is_active && (has_message || slow_minutes.is_some()) {
        findings.note(Kind::ActivePushConflict, "options.active_push excludes message and big_push_duration");
    }
    let all = shape::normal(&options, shape::OPTIONS);
    Options {
        sendno,
        time_to_live_s: time_to_live_s.unwrap_or(DAY_S),
        spread_s: seconds(slow_minutes, 60).unwrap_or(0),
        replaces,
        only_test_devices: all.get("test_model").and_then(Value::as_bool).unwrap_or(false),
        geofence: all.get("geofence").cloned(),
        all,
    }
}

/// What typed clients send for an option that is not set.
fn is_unset(key: &str, value: &Value) -> bool {
    match key {
        "big_push_duration" | "override_msg_id" => as_int(value) == Some(0),
        "notification_3rd_ver" => value.as_str() == Some(""),
        _ => false,
    }
}

fn seconds(number: Option<i64>, unit_s: u32) -> Option<u32> {
    u32::try_from(number?).ok().map(|number| number.saturating_mul(unit_s))
}

fn whole(options: &Object, name: &str, min: i64, max: i64, findings: &mut Findings) -> Option<i64> {
    let value = member(options, name)?;
    let number = as_int(value).filter(|number| (min..=max).contains(number));
    if number.is_none() {
        findings.invalid(match max {
            i64::MAX => format!("options.{name} must be a whole number that is not negative"),
            _ => format!("options.{name} must be a whole number from {min} to {max}"),
        });
    }
    number
}
