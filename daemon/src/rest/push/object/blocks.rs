//! Blocks of a push beside notification and message: checked, kept for those whom they concern, and mostly not acted on
//! here.

use anser_protocol::content::Platform;
use serde_json::Value;

use crate::rest::lenient::{Object, as_bool, as_object, member};

use super::findings::{Findings, Kind};
use super::shape::{self, Shapes};

/// What Apple lets a live activity have.
const LIVE_ACTIVITY_BYTES_MAX: usize = 3584;

/// Everything is read; what the push says of it is in `kept`.
pub(super) struct Blocks {
    /// By their names in the push.
    pub kept: Object,
    /// Devices show the notification inside the application.
    pub is_in_app: bool,
    /// Something goes to Apple devices that only Apple can bring them.
    pub has_live_activity: bool,
}

pub(super) fn parse(
    push: &Object,
    platforms: &[Platform],
    has_notification: bool,
    has_message: bool,
    findings: &mut Findings,
) -> Blocks {
    let mut kept = Object::new();
    let mut keep = |name: &str, block: Option<Object>| {
        if let Some(block) = block {
            kept.insert(name.to_owned(), Value::Object(block));
        }
    };
    keep("sms_message", parse_sms(push, findings));
    keep("callback", block(push, "callback", shape::CALLBACK, findings));
    keep("notification_3rd", parse_third(push, has_notification, has_message, findings));
    let live_activity = parse_live_activity(push, findings);
    let has_live_activity = live_activity.is_some() && platforms.contains(&Platform::IOS);
    keep("live_activity", live_activity);
    let is_in_app = parse_in_app(push, has_notification, has_message, findings);
    Blocks { kept, is_in_app, has_live_activity }
}

/// A block with its members checked and in one form. Members that the table does not name are kept as they are.
fn block(push: &Object, name: &str, shapes: Shapes, findings: &mut Findings) -> Option<Object> {
    let value = member(push, name)?;
    let Some(block) = as_object(value) else {
        findings.invalid(format!("{name} must be an object"));
        return None;
    };
    shape::check(&block, name, shapes, findings);
    Some(shape::normal(&block, shapes))
}

/// Without a template the feature is not used, which is no mistake.
fn parse_sms(push: &Object, findings: &mut Findings) -> Option<Object> {
    let sms = block(push, "sms_message", shape::SMS, findings)?;
    if sms.contains_key("temp_id") && !sms.contains_key("delay_time") {
        findings.missing("sms_message.delay_time is missing");
    }
    Some(sms)
}

fn parse_in_app(push: &Object, has_notification: bool, has_message: bool, findings: &mut Findings) -> bool {
    let Some(in_app) = block(push, "inapp_message", shape::IN_APP, findings) else { return false };
    if has_message || !has_notification {
        findings.invalid("inapp_message goes with a notification and without a message");
    }
    in_app.get("inapp_message").and_then(as_bool).unwrap_or(false)
}

/// As the options say; where they say nothing, a block for a platform and no text of its own mean version 2.
pub fn is_second_version(third: &Value, options: Option<&Object>) -> bool {
    let version = options.and_then(|options| options.get("notification_3rd_ver")).and_then(Value::as_str);
    match version.filter(|version| !version.is_empty()) {
        Some(version) => version == "v2",
        None => {
            let has_block = ["android", "ios", "hmos"].iter().any(|name| third.get(name).is_some_and(Value::is_object));
            has_block && third.get("content").is_none_or(Value::is_null)
        }
    }
}

/// Version 1 has its own text and replaces the notification; version 2 has a block for each platform.
fn parse_third(push: &Object, has_notification: bool, has_message: bool, findings: &mut Findings) -> Option<Object> {
    let options = member(push, "options").and_then(Value::as_object);
    let is_second = member(push, "notification_3rd").is_some_and(|third| is_second_version(third, options));
    let shapes = if is_second { shape::THIRD_BY_PLATFORM } else { shape::THIRD };
    let third = block(push, "notification_3rd", shapes, findings)?;
    if !has_message {
        findings.invalid("notification_3rd goes with a message");
    }
    if !is_second {
        if !third.contains_key("content") {
            findings.missing("notification_3rd.content is missing");
        }
        if has_notification {
            findings.invalid("notification_3rd excludes notification");
        }
    }
    Some(third)
}

/// Then it is told so, and not that there is nothing to send.
pub(super) fn is_activity_misshapen(push: &Object) -> bool {
    let is_object = |value: &Value| value.is_object();
    member(push, "live_activity").is_some_and(|activity| {
        !is_object(activity) || activity.get("ios").is_some_and(|ios| !ios.is_null() && !is_object(ios))
    })
}

fn parse_live_activity(push: &Object, findings: &mut Findings) -> Option<Object> {
    let outer = block(push, "live_activity", &[], findings)?;
    let Some(value) = member(&outer, "ios") else {
        findings.missing("live_activity.ios is missing");
        return None;
    };
    let Some(mut activity) = as_object(value) else {
        findings.invalid("live_activity.ios must be an object");
        return None;
    };
    activity.retain(|key, value| key != "attributes-type" || value.as_str() != Some(""));
    shape::check(&activity, "live_activity.ios", shape::LIVE_ACTIVITY, findings);
    let is_start = member(&activity, "event").and_then(Value::as_str) == Some("start");
    for (name, is_needed) in [("event", true), ("content-state", true), ("attributes-type", is_start)] {
        if is_needed && member(&activity, name).is_none() {
            findings.missing(format!("live_activity.ios.{name} is missing"));
        }
    }
    let activity = Value::Object(shape::normal(&activity, shape::LIVE_ACTIVITY));
    if activity.to_string().len() > LIVE_ACTIVITY_BYTES_MAX {
        findings.note(Kind::TooLarge, "live_activity.ios is too large");
    }
    Some(Object::from_iter([("ios".to_owned(), activity)]))
}
