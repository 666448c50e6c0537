//! The shapes that members of a push object may have, and tables of them for each block.

use serde_json::Value;

use crate::rest::lenient::{Object, as_bool, as_int, as_name, as_object, member};

use super::findings::Findings;

/// What a member may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Any,
    Text,
    /// Any text but the empty one.
    NonEmptyText,
    /// A text of at most so many bytes.
    TextOf(usize),
    /// A text of at most so many characters.
    Chars(usize),
    Int(i64, i64),
    IntAmong(&'static [i64]),
    Bool,
    /// A number within these, whole or not.
    Number(f64, f64),
    Object,
    TextOrTexts,
    TextOrObject,
    Word(&'static [&'static str]),
    /// A number or text: absolute, or relative with a sign.
    Badge,
    /// `{"url": text}`.
    Link,
    /// The name of a sound, or the object of a critical alert.
    Sound,
    /// `yyyy-MM-dd HH:mm:ss`.
    Time,
    /// Buttons of an Android notification.
    Buttons,
    /// An object with the members of a table.
    Block(Shapes),
}

/// A block's members by name.
pub(super) type Shapes = &'static [(&'static str, Shape)];

pub(super) const ANDROID: Shapes = &[
    ("alert", Shape::Text),
    ("title", Shape::Text),
    ("builder_id", Shape::Int(i64::MIN, i64::MAX)),
    ("channel_id", Shape::TextOf(1000)),
    ("priority", Shape::Int(-2, 2)),
    ("category", Shape::Text),
    ("style", Shape::Int(i64::MIN, i64::MAX)),
    ("alert_type", Shape::Int(-1, 7)),
    ("big_text", Shape::Text),
    ("inbox", Shape::Object),
    ("big_pic_path", Shape::Text),
    ("large_icon", Shape::Text),
    ("small_icon_uri", Shape::Text),
    ("icon_bg_color", Shape::Text),
    ("intent", Shape::Link),
    ("uri_activity", Shape::Text),
    ("uri_action", Shape::Text),
    ("uri_flag", Shape::Any),
    ("badge_add_num", Shape::Int(1, 99)),
    ("badge_set_num", Shape::Int(0, 99)),
    ("badge_class", Shape::Text),
    ("sound", Shape::Text),
    ("show_begin_time", Shape::Time),
    ("show_end_time", Shape::Time),
    ("display_foreground", Shape::Word(&["0", "1"])),
    ("custom_buttons", Shape::Buttons),
    ("extras", Shape::Object),
    ("mipns_content_forshort", Shape::Text),
    ("oppns_content_forshort", Shape::Text),
    ("vpns_content_forshort", Shape::Text),
    ("mzpns_content_forshort", Shape::Text),
];

pub(super) const IOS: Shapes = &[
    ("alert", Shape::TextOrObject),
    ("sound", Shape::Sound),
    ("badge", Shape::Badge),
    ("content-available", Shape::Bool),
    ("mutable-content", Shape::Bool),
    ("category", Shape::Text),
    ("thread-id", Shape::Text),
    ("interruption-level", Shape::Word(&["active", "critical", "passive", "time-sensitive"])),
    ("extras", Shape::Object),
];

pub(super) const HMOS: Shapes = &[
    ("alert", Shape::Text),
    ("title", Shape::Text),
    ("category", Shape::Text),
    ("large_icon", Shape::Text),
    ("intent", Shape::Link),
    ("badge_add_num", Shape::Int(1, 99)),
    ("badge_set_num", Shape::Int(0, 99)),
    ("test_message", Shape::Bool),
    ("receipt_id", Shape::Text),
    ("style", Shape::Int(i64::MIN, i64::MAX)),
    ("inbox", Shape::Object),
    ("push_type", Shape::IntAmong(&[0, 1, 2, 7, 10])),
    ("extra_data", Shape::Text),
    ("hm_payload", Shape::Object),
    ("display_foreground", Shape::Word(&["0", "1"])),
    ("sound", Shape::Text),
    ("sound_duration", Shape::Int(1, 60)),
    ("extras", Shape::Object),
];

pub(super) const QUICKAPP: Shapes =
    &[("alert", Shape::Text), ("title", Shape::Text), ("page", Shape::Text), ("extras", Shape::Object)];

pub(super) const WINPHONE: Shapes =
    &[("alert", Shape::Text), ("title", Shape::Text), ("_open_page", Shape::Text), ("extras", Shape::Object)];

pub(super) const MESSAGE: Shapes = &[
    ("msg_content", Shape::Any),
    ("title", Shape::Text),
    ("content_type", Shape::Text),
    ("extras", Shape::Object),
    ("alternate_title", Shape::Text),
    ("alternate_content", Shape::Text),
    ("test_message", Shape::Bool),
];

const BUTTON: Shapes = &[
    ("name", Shape::Chars(20)),
    ("action_type", Shape::Int(1, 4)),
    ("action", Shape::Chars(300)),
    ("data", Shape::Chars(100)),
];

const CRITICAL_SOUND: Shapes =
    &[("critical", Shape::Int(0, 1)), ("name", Shape::Text), ("volume", Shape::Number(0.0, 1.0))];

pub(super) const SMS: Shapes = &[
    ("delay_time", Shape::Int(0, 86_400)),
    ("temp_id", Shape::Int(i64::MIN, i64::MAX)),
    ("temp_para", Shape::Object),
    ("signid", Shape::Int(i64::MIN, i64::MAX)),
    ("active_filter", Shape::Bool),
    ("content", Shape::Text),
];

pub(super) const CALLBACK: Shapes =
    &[("url", Shape::Text), ("params", Shape::Object), ("type", Shape::Int(0, i64::MAX))];

pub(super) const IN_APP: Shapes = &[("inapp_message", Shape::Bool)];

pub(super) const THIRD: Shapes = &[
    ("content", Shape::Text),
    ("title", Shape::Text),
    ("channel_id", Shape::Text),
    ("uri_activity", Shape::Text),
    ("uri_action", Shape::Text),
    ("intent", Shape::Link),
    ("badge_add_num", Shape::Int(1, 99)),
    ("badge_set_num", Shape::Int(0, 99)),
    ("badge_class", Shape::Text),
    ("sound", Shape::Text),
    ("extras", Shape::Object),
];

pub(super) const THIRD_BY_PLATFORM: Shapes =
    &[("android", Shape::Object), ("ios", Shape::Object), ("hmos", Shape::Object)];

pub(super) const LIVE_ACTIVITY: Shapes = &[
    ("event", Shape::Word(&["start", "update", "end"])),
    ("content-state", Shape::Object),
    ("attributes-type", Shape::NonEmptyText),
    ("attributes", Shape::Object),
    ("alert", Shape::Block(&[("title", Shape::Text), ("body", Shape::Text), ("sound", Shape::Text)])),
    ("dismissal-date", Shape::Int(0, i64::MAX)),
    ("stale-date", Shape::Int(0, i64::MAX)),
    ("relevance-score", Shape::Int(1, 100)),
    ("apns-priority", Shape::IntAmong(&[5, 10])),
];

/// Options that are kept as they are; the others are read one by one.
pub(super) const OPTIONS: Shapes = &[
    ("apns_production", Shape::Bool),
    ("apns_collapse_id", Shape::TextOf(64)),
    ("third_party_channel", Shape::Object),
    ("classification", Shape::Int(i64::MIN, i64::MAX)),
    ("target_event", Shape::TextOrTexts),
    ("test_message", Shape::Bool),
    ("receipt_id", Shape::Text),
    ("active_push", Shape::Bool),
    ("need_backup", Shape::Bool),
    ("business_operation_code", Shape::Text),
    ("notification_3rd_ver", Shape::Word(&["v1", "v2"])),
    ("test_model", Shape::Bool),
    ("alternate_set", Shape::Bool),
    ("geofence", Shape::Object),
    ("portal_extra", Shape::Object),
    ("auto_truncation", Shape::Bool),
];

/// Notes every member that has not its shape. Members without a shape are left to the check of unknown keys.
pub(super) fn check(block: &Object, place: &str, shapes: Shapes, findings: &mut Findings) {
    for (key, shape) in shapes {
        if let Some(value) = member(block, key)
            && !shape.fits(value)
        {
            findings.invalid(format!("{place}.{key} must be {}", shape.description()));
        }
    }
}

/// The block as it is kept and sent on: without members that are null, numbers as numbers, truths as truths.
pub(super) fn normal(block: &Object, shapes: Shapes) -> Object {
    let shape_of = |key: &str| shapes.iter().find(|(name, _)| *name == key).map_or(Shape::Any, |(_, shape)| *shape);
    let members = block.iter().filter(|(_, value)| !value.is_null());
    members.map(|(key, value)| (key.clone(), shape_of(key).normal(value))).collect()
}

pub(super) fn names(shapes: Shapes) -> Vec<&'static str> {
    shapes.iter().map(|(name, _)| *name).collect()
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::NonEmptyText => value.as_str().is_some_and(|text| !text.is_empty()),
            Self::TextOf(bytes) => value.as_str().is_some_and(|text| text.len() <= bytes),
            Self::Chars(count) => value.as_str().is_some_and(|text| text.chars().count() <= count),
            Self::Int(min, max) => as_int(value).is_some_and(|number| (min..=max).contains(&number)),
            Self::IntAmong(allowed) => as_int(value).is_some_and(|number| allowed.contains(&number)),
            Self::Bool => as_bool(value).is_some(),
            Self::Object => as_object(value).is_some(),
            Self::Number(min, max) => as_number(value).is_some_and(|number| (min..=max).contains(&number)),
            Self::TextOrTexts => match value {
                Value::Array(items) => items.iter().all(Value::is_string),
                other => other.is_string(),
            },
            Self::TextOrObject => value.is_string() || value.is_object(),
            Self::Word(allowed) => {
                value.as_str().is_some_and(|word| allowed.contains(&word))
                    || as_int(value).is_some_and(|number| allowed.contains(&number.to_string().as_str()))
            }
            Self::Badge => is_badge(value),
            Self::Link => value.as_object().is_some_and(|link| member(link, "url").is_some_and(Value::is_string)),
            Self::Sound => value.is_string() || Self::Block(CRITICAL_SOUND).fits(value),
            Self::Time => value.as_str().is_some_and(is_time),
            Self::Buttons => {
                value.as_array().is_some_and(|buttons| buttons.iter().all(|button| Self::Block(BUTTON).fits(button)))
            }
            Self::Block(shapes) => as_object(value).is_some_and(|block| {
                shapes.iter().all(|(key, shape)| member(&block, key).is_none_or(|value| shape.fits(value)))
            }),
        }
    }

    /// The one form of several that mean the same. What does not fit stays as it is.
    fn normal(self, value: &Value) -> Value {
        let normal = match self {
            Self::Int(..) | Self::IntAmong(_) => as_int(value).map(Value::from),
            Self::Bool => as_bool(value).map(Value::from),
            Self::Number(..) => as_number(value).map(Value::from),
            Self::Object => as_object(value).map(Value::from),
            Self::Word(_) => as_name(value).map(Value::from),
            Self::Badge => Some(normal_badge(value)),
            Self::Block(shapes) => as_object(value).map(|block| Value::from(normal(&block, shapes))),
            Self::Sound if value.is_object() => Some(Self::Block(CRITICAL_SOUND).normal(value)),
            Self::Buttons => value
                .as_array()
                .map(|buttons| buttons.iter().map(|button| Self::Block(BUTTON).normal(button)).collect()),
            _ => None,
        };
        normal.unwrap_or_else(|| value.clone())
    }

    fn description(self) -> String {
        match self {
            Self::Any => "anything".to_owned(),
            Self::Text => "a text".to_owned(),
            Self::TextOf(bytes) => format!("a text of at most {bytes} bytes"),
            Self::Int(i64::MIN, i64::MAX) => "a whole number".to_owned(),
            Self::Int(min, max) => format!("a whole number from {min} to {max}"),
            Self::IntAmong(allowed) => format!("one of {allowed:?}"),
            Self::Bool => "true or false".to_owned(),
            Self::Object => "an object".to_owned(),
            Self::NonEmptyText => "a text that is not empty".to_owned(),
            Self::Chars(count) => format!("a text of at most {count} characters"),
            Self::Number(min, max) => format!("a number from {min} to {max}"),
            Self::TextOrTexts => "a text or a list of texts".to_owned(),
            Self::TextOrObject => "a text or an object".to_owned(),
            Self::Word(allowed) => format!("one of {allowed:?}"),
            Self::Badge => "a number from 0 to 99999, or a text like \"+1\"".to_owned(),
            Self::Link => "an object with the text \"url\"".to_owned(),
            Self::Sound => "a text, or an object with critical (0 or 1), name and volume (0 to 1)".to_owned(),
            Self::Time => "a time in the form yyyy-MM-dd HH:mm:ss".to_owned(),
            Self::Buttons => {
                "a list of objects with name (20 characters), action_type (1 to 4), action (300) and data (100)"
                    .to_owned()
            }
            Self::Block(shapes) => format!("an object with members like {:?}, each in its form", names(shapes)),
        }
    }
}

/// `0.5`, `"0.5"`.
fn as_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// Digits where the form has digits, and in their ranges; a date that no month has is not looked for.
fn is_time(text: &str) -> bool {
    let form = "0000-00-00 00:00:00";
    let has_form = text.len() == form.len()
        && text
            .bytes()
            .zip(form.bytes())
            .all(|(is, shall)| if shall == b'0' { is.is_ascii_digit() } else { is == shall });
    let part = |from: usize| text.get(from..from + 2).and_then(|digits| digits.parse::<u8>().ok()).unwrap_or(u8::MAX);
    has_form
        && (1..=12).contains(&part(5))
        && (1..=31).contains(&part(8))
        && part(11) < 24
        && part(14) < 60
        && part(17) < 60
}

fn normal_badge(value: &Value) -> Value {
    match value {
        Value::String(text) if text == "auto" => Value::from("+1"),
        Value::String(text) if text.is_empty() => Value::from(0),
        Value::String(text) if text.starts_with(['+', '-']) => value.clone(),
        _ => as_int(value).map_or_else(|| value.clone(), Value::from),
    }
}

/// `""` clears and `auto` counts up by one.
fn is_badge(value: &Value) -> bool {
    match value {
        Value::String(text) if text.is_empty() || text == "auto" => true,
        Value::String(text) => text.parse::<i64>().is_ok_and(|number| number.abs() <= 99_999),
        _ => as_int(value).is_some_and(|number| (0..=99_999).contains(&number)),
    }
}
