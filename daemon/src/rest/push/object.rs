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
use anser_protocol::ids::Position;
use anser_storage::command::Audience;
use serde_json::Value;

use crate::rest::lenient::{Object, as_name, as_object, member};

pub use blocks::is_second_version;
pub use findings::{Finding, Kind};

use blocks::Blocks;
use findings::Findings;
use notification::{ParsedMessage, ParsedNotification};
use options::Options;

/// Platforms that a push may name.
const PUSH_PLATFORMS: [Platform; 5] =
    [Platform::ANDROID, Platform::IOS, Platform::WINPHONE, Platform::QUICKAPP, Platform::HMOS];

/// A push that may be submitted.
#[derive(Clone, Debug, PartialEq)]
pub struct PushObject {
    pub contents: Vec<(Platform, PushContent)>,
    /// Platforms to which something goes that no link can bring.
    pub bridged: Vec<Platform>,
    pub audience: Audience,
    pub only_test_devices: bool,
    pub time_to_live_s: u32,
    /// A slow push is spread over so many seconds; 0 for others.
    pub spread_s: u32,
    /// `override_msg_id`.
    pub replaces: Option<Position>,
    pub sendno: String,
    pub cid: Option<String>,
    /// JSON object, or empty: options and blocks that bridges and the console may want.
    pub kept: String,
}

/// What is done about keys that the contract does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownKeys {
    Refuse,
    Ignore,
}

/// Where the push object stands, which says how it names its audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With an `audience`.
    Push,
    /// With an `audience` that is an uploaded list.
    FilePush,
    /// With an `audience` of either kind, as a schedule has it.
    Later,
    /// An item of a batch, with a `target`; its cid stands outside.
    Single(TargetKind),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    RegistrationId,
    Alias,
}

/// How a push object is read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub unknown_keys: UnknownKeys,
    pub form: Form,
    /// Is it a cid that this app was given?
    pub is_cid: &'a dyn Fn(&str) -> bool,
}

/// Of every form.
const SHARED_KEYS: [&str; 9] = [
    "platform",
    "notification",
    "message",
    "options",
    "sms_message",
    "inapp_message",
    "notification_3rd",
    "live_activity",
    "callback",
];
const OWN_KEYS: [&str; 2] = ["audience", "cid"];
const SINGLE_KEYS: [&str; 1] = ["target"];

impl PushObject {
    pub fn parse(body: &Value, reading: &Reading<'_>) -> Result<Self, Finding> {
        let Value::Object(object) = body else {
            return Err(Finding::invalid("the push must be a JSON object"));
        };
        let mut findings = Findings::new(reading.unknown_keys);
        findings.known_keys(object, "the push", &known_keys(reading.form));
        let platforms = parse_platform(object, &mut findings);
        let audience = audience::parse(object, reading.form, &mut findings);
        let notification = notification::parse_notification(object, &mut findings);
        let message = notification::parse_message(object, &mut findings);
        let options = options::parse(object, message.is_some(), &mut findings);
        let blocks = blocks::parse(object, &platforms, notification.is_some(), message.is_some(), &mut findings);
        let cid = parse_cid(object, reading, &mut findings);
        if ["notification", "message", "live_activity"].iter().all(|name| member(object, name).is_none()) {
            findings.missing("notification and message are both missing: one of them must be there");
        }
        let for_all = for_all_platforms(notification.as_ref(), &options, &blocks);
        let contents = resolve::contents(&platforms, notification.as_ref(), message.as_ref(), &for_all, &mut findings);
        let bridged = bridged(&platforms, notification.as_ref(), &blocks);
        let gets_nothing = contents.is_empty() && bridged.is_empty() && !platforms.is_empty();
        if gets_nothing && !notification::is_misshapen(object) && !blocks::is_activity_misshapen(object) {
            findings.missing(
                "none of the platforms gets anything: give notification.alert, a block for a platform, a message, or \
                 live_activity for ios",
            );
        }
        findings.finish()?;
        let kept = kept(blocks, &options, notification.as_ref(), message.as_ref());
        let Options { sendno, time_to_live_s, spread_s, replaces, only_test_devices, .. } = options;
        Ok(Self {
            contents,
            bridged,
            audience,
            only_test_devices,
            time_to_live_s,
            spread_s,
            replaces,
            sendno,
            cid,
            kept,
        })
    }
}

fn known_keys(form: Form) -> Vec<&'static str> {
    let own: &[&str] = match form {
        Form::Push | Form::FilePush | Form::Later => &OWN_KEYS,
        Form::Single(_) => &SINGLE_KEYS,
    };
    SHARED_KEYS.iter().chain(own).copied().collect()
}

/// Members that stand outside the platforms' blocks, but that devices act on.
fn for_all_platforms(notification: Option<&ParsedNotification>, options: &Options, blocks: &Blocks) -> Object {
    let mut members = Object::new();
    if let Some(alternate) = notification.and_then(|notification| notification.alternate_alert.clone()) {
        members.insert("alternate_alert".to_owned(), Value::String(alternate));
    }
    if blocks.is_in_app {
        members.insert("inapp_message".to_owned(), Value::Bool(true));
    }
    if let Some(geofence) = options.geofence.clone() {
        members.insert("geofence".to_owned(), geofence);
    }
    members
}

/// Only Apple's service brings a live activity or wakes a phone for a call.
fn bridged(platforms: &[Platform], notification: Option<&ParsedNotification>, blocks: &Blocks) -> Vec<Platform> {
    let has_voip = notification.is_some_and(|notification| notification.voip.is_some());
    let is_for_apple = blocks.has_live_activity || (has_voip && platforms.contains(&Platform::IOS));
    if is_for_apple { vec![Platform::IOS] } else { Vec::new() }
}

fn kept(
    blocks: Blocks,
    options: &Options,
    notification: Option<&ParsedNotification>,
    message: Option<&ParsedMessage>,
) -> String {
    let mut kept = blocks.kept;
    if !options.all.is_empty() {
        kept.insert("options".to_owned(), Value::Object(options.all.clone()));
    }
    if let Some(voip) = notification.and_then(|notification| notification.voip.clone()) {
        kept.insert("voip".to_owned(), Value::Object(voip));
    }
    let alternate = ["alternate_title", "alternate_content", "test_message"];
    let of_message = message.into_iter().flat_map(|message| &message.block);
    let of_message: Object = of_message
        .filter(|(key, _)| alternate.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if !of_message.is_empty() {
        kept.insert("message".to_owned(), Value::Object(of_message));
    }
    if kept.is_empty() { String::new() } else { Value::Object(kept).to_string() }
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

fn parse_cid(object: &Object, reading: &Reading<'_>, findings: &mut Findings) -> Option<String> {
    let value = member(object, "cid").filter(|_| !matches!(reading.form, Form::Single(_)))?;
    // Typed clients that have none send an empty text.
    if value.as_str() == Some("") {
        return None;
    }
    let cid = as_name(value).filter(|cid| (reading.is_cid)(cid));
    if cid.is_none() {
        findings.invalid("cid is not one that GET /v3/push/cid gave this app within a day");
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
