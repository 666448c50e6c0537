//! The options of a push. What this server acts on is returned; the rest is checked and accepted.

use serde_json::Value;

use crate::rest::lenient::{Object, as_bool, as_int, as_object, member};

use super::findings::{Findings, Kind};

const DAY_S: u32 = 86_400;
const TIME_TO_LIVE_S_MAX: i64 = 10 * 86_400;

pub(super) struct Options {
    /// Echoed as text; "0" when the caller gave none.
    pub sendno: String,
    pub time_to_live_s: u32,
}

pub(super) fn parse(push: &Object, has_message: bool, findings: &mut Findings) -> Options {
    let options = match member(push, "options") {
        None => Object::new(),
        Some(value) => as_object(value).unwrap_or_else(|| {
            findings.invalid("options must be an object");
            Object::new()
        }),
    };
    let sendno = whole(&options, "sendno", 0, i64::MAX, findings).unwrap_or(0).to_string();
    let time_to_live_s = whole(&options, "time_to_live", 0, TIME_TO_LIVE_S_MAX, findings)
        .and_then(|seconds| u32::try_from(seconds).ok())
        .unwrap_or(DAY_S);
    let slow = whole(&options, "big_push_duration", 1, 1440, findings);
    if let Some(id) = member(&options, "override_msg_id") {
        // An override that cannot be carried out must not become a second notification.
        findings.invalid(format!("options.override_msg_id {id} names no push that can be replaced"));
    }
    for name in ["apns_production", "active_push", "test_model", "test_message"] {
        if member(&options, name).is_some_and(|value| as_bool(value).is_none()) {
            findings.invalid(format!("options.{name} must be true or false"));
        }
    }
    check_texts(&options, findings);
    let is_active = member(&options, "active_push").and_then(as_bool).unwrap_or(false);
    if is_active && (has_message || slow.is_some()) {
        findings.note(Kind::ActivePushConflict, "options.active_push excludes message and big_push_duration");
    }
    Options { sendno, time_to_live_s }
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

fn check_texts(options: &Object, findings: &mut Findings) {
    let collapse_id = member(options, "apns_collapse_id");
    if collapse_id.is_some_and(|value| value.as_str().is_none_or(|text| text.len() > 64)) {
        findings.invalid("options.apns_collapse_id must be a text of at most 64 bytes");
    }
    if member(options, "third_party_channel").is_some_and(|value| as_object(value).is_none()) {
        findings.invalid("options.third_party_channel must be an object");
    }
    if member(options, "classification").is_some_and(|value| as_int(value).is_none()) {
        findings.invalid("options.classification must be 0 or 1");
    }
    if member(options, "target_event").is_some_and(|value| !matches!(value, Value::Array(_) | Value::String(_))) {
        findings.invalid("options.target_event must be a list of texts");
    }
}
