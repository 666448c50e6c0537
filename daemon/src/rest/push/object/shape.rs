//! The shapes that members of a push object may have, and tables of them for each block.

use serde_json::Value;

use crate::rest::lenient::{Object, as_bool, as_int, as_object, member};

use super::findings::Findings;

/// What a member may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Any,
    Text,
    /// A text of at most so many bytes.
    TextOf(usize),
    Int(i64, i64),
    IntAmong(&'static [i64]),
    Bool,
    Object,
    List,
    TextOrObject,
    Word(&'static [&'static str]),
    /// A number or text: absolute, or relative with a sign.
    Badge,
    /// `{"url": text}`.
    Link,
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
    ("show_begin_time", Shape::Text),
    ("show_end_time", Shape::Text),
    ("display_foreground", Shape::Word(&["0", "1"])),
    ("custom_buttons", Shape::List),
    ("extras", Shape::Object),
    ("mipns_content_forshort", Shape::Text),
    ("oppns_content_forshort", Shape::Text),
    ("vpns_content_forshort", Shape::Text),
    ("mzpns_content_forshort", Shape::Text),
];

pub(super) const IOS: Shapes = &[
    ("alert", Shape::TextOrObject),
    ("sound", Shape::TextOrObject),
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

pub(super) fn names(shapes: Shapes) -> Vec<&'static str> {
    shapes.iter().map(|(name, _)| *name).collect()
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Any => true,
            Self::Text => value.is_string(),
            Self::TextOf(bytes) => value.as_str().is_some_and(|text| text.len() <= bytes),
            Self::Int(min, max) => as_int(value).is_some_and(|number| (min..=max).contains(&number)),
            Self::IntAmong(allowed) => as_int(value).is_some_and(|number| allowed.contains(&number)),
            Self::Bool => as_bool(value).is_some(),
            Self::Object => as_object(value).is_some(),
            Self::List => value.is_array(),
            Self::TextOrObject => value.is_string() || value.is_object(),
            Self::Word(allowed) => {
                value.as_str().is_some_and(|word| allowed.contains(&word))
                    || as_int(value).is_some_and(|number| allowed.contains(&number.to_string().as_str()))
            }
            Self::Badge => is_badge(value),
            Self::Link => value.as_object().is_some_and(|link| member(link, "url").is_some_and(Value::is_string)),
        }
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
            Self::List => "a list".to_owned(),
            Self::TextOrObject => "a text or an object".to_owned(),
            Self::Word(allowed) => format!("one of {allowed:?}"),
            Self::Badge => "a number from 0 to 99999, or a text like \"+1\"".to_owned(),
            Self::Link => "an object with the text \"url\"".to_owned(),
        }
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
