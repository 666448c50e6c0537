//! Blocks of a push that need a service outside: checked, accepted, and not acted on.

use serde_json::Value;

use crate::rest::lenient::{Object, as_bool, as_int, as_object, member};

use super::findings::Findings;

pub(super) fn check(push: &Object, has_notification: bool, has_message: bool, findings: &mut Findings) {
    check_sms(push, findings);
    check_callback(push, findings);
    check_inapp(push, has_notification, has_message, findings);
    check_third(push, has_notification, has_message, findings);
    if member(push, "live_activity").is_some() {
        findings.invalid("live_activity needs Apple's push service, which this server does not use");
    }
}

fn check_sms(push: &Object, findings: &mut Findings) {
    let Some(value) = member(push, "sms_message") else { return };
    let Some(sms) = as_object(value) else { return findings.invalid("sms_message must be an object") };
    let delay = member(&sms, "delay_time");
    if delay.is_some_and(|value| as_int(value).is_none_or(|seconds| !(0..=86_400).contains(&seconds))) {
        findings.invalid("sms_message.delay_time must be a whole number from 0 to 86400");
    }
    if member(&sms, "temp_para").is_some_and(|value| as_object(value).is_none()) {
        findings.invalid("sms_message.temp_para must be an object");
    }
    if member(&sms, "active_filter").is_some_and(|value| as_bool(value).is_none()) {
        findings.invalid("sms_message.active_filter must be true or false");
    }
}

fn check_callback(push: &Object, findings: &mut Findings) {
    let Some(value) = member(push, "callback") else { return };
    let Some(callback) = as_object(value) else { return findings.invalid("callback must be an object") };
    if member(&callback, "url").is_some_and(|url| !url.is_string()) {
        findings.invalid("callback.url must be a text");
    }
}

fn check_inapp(push: &Object, has_notification: bool, has_message: bool, findings: &mut Findings) {
    let Some(value) = member(push, "inapp_message") else { return };
    if !value.is_object() {
        findings.invalid("inapp_message must be an object");
    }
    if has_message || !has_notification {
        findings.invalid("inapp_message goes with a notification and without a message");
    }
}

/// Version 1 has its own text and replaces the notification; version 2 has a block for each platform.
fn check_third(push: &Object, has_notification: bool, has_message: bool, findings: &mut Findings) {
    let Some(value) = member(push, "notification_3rd") else { return };
    let Some(third) = as_object(value) else { return findings.invalid("notification_3rd must be an object") };
    let version = member(push, "options")
        .and_then(|options| options.get("notification_3rd_ver"))
        .and_then(Value::as_str)
        .unwrap_or("v1");
    if !has_message {
        findings.invalid("notification_3rd goes with a message");
    }
    if version == "v1" {
        if member(&third, "content").is_none() {
            findings.missing("notification_3rd.content is missing");
        }
        if has_notification {
            findings.invalid("notification_3rd excludes notification");
        }
    }
}
