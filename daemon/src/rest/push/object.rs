//! The push object: read, checked in the contract's order, resolved for each platform.
//!
//! A caller who made several mistakes is told the one that the contract ranks first (unknown keys, missing keys, wrong
//! values, sizes), and among equals the first in reading order. So the whole object is read and findings are collected.

mod audience;
mod blocks;
mod findings;
mod notification;
mod options;
mod resolve;
mod shape;

use anser_protocol::content::{Platform, PushContent};
use anser_storage::command::Audience;
use serde_json::Value;

use crate::rest::lenient::{Object, as_name, as_object, member};

pub use findings::{Finding, Kind};

use findings::Findings;
use options::Options;

/// Platforms that a push may name.
const PUSH_PLATFORMS: [Platform; 5] =
    [Platform::ANDROID, Platform::IOS, Platform::WINPHONE, Platform::QUICKAPP, Platform::HMOS];

/// A push that may be submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct PushObject {
    pub contents: Vec<(Platform, PushContent)>,
    pub audience: Audience,
    pub time_to_live_s: u32,
    pub sendno: String,
    pub cid: Option<String>,
}

/// What is done about keys that the contract does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownKeys {
    Refuse,
    Ignore,
}

const TOP_KEYS: [&str; 11] = [
    "platform",
    "audience",
    "notification",
    "message",
    "options",
    "sms_message",
    "cid",
    "inapp_message",
    "notification_3rd",
    "live_activity",
    "callback",
];

impl PushObject {
    pub fn parse(body: &Value, unknown_keys: UnknownKeys) -> Result<Self, Finding> {
        let Value::Object(object) = body else {
            return Err(Finding::invalid("the push must be a JSON object"));
        };
        let mut findings = Findings::new(unknown_keys);
        findings.known_keys(object, "the push", &TOP_KEYS);
        let platforms = parse_platform(object, &mut findings);
        let audience = audience::parse(object, &mut findings);
        let notification = notification::parse_notification(object, &mut findings);
        let message = notification::parse_message(object, &mut findings);
        let options = options::parse(object, message.is_some(), &mut findings);
        blocks::check(object, notification.is_some(), message.is_some(), &mut findings);
        let cid = parse_cid(object, &mut findings);
        if member(object, "notification").is_none() && member(object, "message").is_none() {
            findings.missing("notification and message are both missing: one of them must be there");
        }
        let contents = resolve::contents(&platforms, notification.as_ref(), message.as_ref(), &mut findings);
        let Options { sendno, time_to_live_s } = options;
        findings.finish()?;
        Ok(Self { contents, audience, time_to_live_s, sendno, cid })
    }
}

/// The platforms that are targeted; `all` includes those that the push API does not name.
fn parse_platform(object: &Object, findings: &mut Findings) -> Vec<Platform> {
    match member(object, "platform") {
        None => findings.missing("platform is missing"),
        Some(Value::String(word)) if word == "all" => {
            return Platform::NAMES.iter().map(|(platform, _)| *platform).chain([Platform::OTHER]).collect();
        }
        Some(Value::Array(names)) if !names.is_empty() => return named_platforms(names.iter(), findings),
        // PHP turns a list with holes into an object.
        Some(Value::Object(names)) if !names.is_empty() => return named_platforms(names.values(), findings),
        Some(_) => findings.invalid("platform must be \"all\" or a list of platforms"),
    }
    Vec::new()
}

fn named_platforms<'a>(names: impl Iterator<Item = &'a Value>, findings: &mut Findings) -> Vec<Platform> {
    let mut platforms = Vec::new();
    for name in names {
        let known = name.as_str().and_then(Platform::from_name).filter(|platform| PUSH_PLATFORMS.contains(platform));
        match known {
            Some(platform) if platforms.contains(&platform) => {}
            Some(platform) => platforms.push(platform),
            None => {
                findings.invalid(format!("platform {name} is unknown: use android, ios, winphone, quickapp or hmos"))
            }
        }
    }
    platforms
}

fn parse_cid(object: &Object, findings: &mut Findings) -> Option<String> {
    let value = member(object, "cid")?;
    let cid = as_name(value).filter(|cid| !cid.is_empty());
    if cid.is_none() {
        findings.invalid("cid must be a text that GET /v3/push/cid gave");
    }
    cid
}

/// The `extras` of a block as JSON text; empty when there are none.
fn extras_of(block: &Object) -> String {
    member(block, "extras")
        .and_then(as_object)
        .filter(|extras| !extras.is_empty())
        .map(|extras| Value::Object(extras).to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
