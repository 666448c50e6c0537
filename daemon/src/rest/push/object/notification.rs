//! The notification and the custom message of a push.

use anser_protocol::content::Platform;
use serde_json::Value;

use crate::rest::lenient::{Object, as_object, member};

use super::findings::Findings;
use super::shape::{self, Shape, Shapes};

/// A notification: the shared text, and blocks that override it.
pub(super) struct ParsedNotification {
    pub alert: Option<String>,
    /// Shown where the alert cannot be.
    pub alternate_alert: Option<String>,
    /// For PushKit, which only Apple can bring.
    pub voip: Option<Object>,
    pub blocks: Vec<(Platform, Object)>,
}

/// A custom message that is not empty.
pub(super) struct ParsedMessage {
    pub block: Object,
    pub content: String,
}

const BLOCKS: [(Platform, Shapes); 5] = [
    (Platform::ANDROID, shape::ANDROID),
    (Platform::IOS, shape::IOS),
    (Platform::HMOS, shape::HMOS),
    (Platform::QUICKAPP, shape::QUICKAPP),
    (Platform::WINPHONE, shape::WINPHONE),
];

/// Members that belong to no platform's block.
const SHARED: Shapes = &[("alternate_alert", Shape::Text), ("voip", Shape::Object), ("ai_opportunity", Shape::Bool)];

const NOTIFICATION_KEYS: [&str; 9] =
    ["alert", "android", "ios", "hmos", "quickapp", "winphone", "alternate_alert", "voip", "ai_opportunity"];

pub(super) fn parse_notification(push: &Object, findings: &mut Findings) -> Option<ParsedNotification> {
    let value = member(push, "notification")?;
    let Some(notification) = as_object(value) else {
        findings.invalid("notification must be an object");
        return None;
    };
    findings.known_keys(&notification, "notification", &NOTIFICATION_KEYS);
    let alert = parse_shared_alert(&notification, findings);
    let mut blocks = Vec::new();
    for (platform, shapes) in BLOCKS {
        if let Some(block) = parse_block(&notification, platform, shapes, alert.is_some(), findings) {
            blocks.push((platform, block));
        }
    }
    shape::check(&notification, "notification", SHARED, findings);
    let alternate_alert = member(&notification, "alternate_alert").and_then(Value::as_str).map(str::to_owned);
    let voip = member(&notification, "voip").and_then(as_object);
    Some(ParsedNotification { alert, alternate_alert, voip, blocks })
}

/// Is a notification, an alert or a block there, but of a wrong type? It is invalid then, and not missing.
pub(super) fn is_misshapen(push: &Object) -> bool {
    let Some(value) = member(push, "notification") else { return false };
    let Some(notification) = as_object(value) else { return true };
    let is_wrong_block = |platform: Platform| {
        member(&notification, platform.name())
            .is_some_and(|block| as_object(block).is_none() && (platform == Platform::HMOS || !block.is_string()))
    };
    member(&notification, "alert").is_some_and(|alert| !alert.is_string())
        || BLOCKS.iter().any(|(platform, _)| is_wrong_block(*platform))
}

fn parse_shared_alert(notification: &Object, findings: &mut Findings) -> Option<String> {
    let alert = member(notification, "alert")?;
    if !alert.is_string() {
        findings.invalid("notification.alert must be a text");
    }
    alert.as_str().map(str::to_owned)
}

fn parse_block(
    notification: &Object,
    platform: Platform,
    shapes: Shapes,
    has_shared_alert: bool,
    findings: &mut Findings,
) -> Option<Object> {
    let name = platform.name();
    let value = member(notification, name)?;
    let place = format!("notification.{name}");
    // The short form that the oldest clients send.
    if let (Value::String(alert), true) = (value, platform != Platform::HMOS) {
        return Some(Object::from_iter([("alert".to_owned(), Value::String(alert.clone()))]));
    }
    let Some(block) = as_object(value) else {
        findings.invalid(format!("{place} must be an object"));
        return None;
    };
    let known = shape::names(shapes);
    // A key that is too much in `ios` is one of the caller's own payload keys misplaced; still refused, as documented.
    if matches!(platform, Platform::ANDROID | Platform::IOS | Platform::HMOS) {
        findings.known_keys(&block, &place, &known);
    }
    shape::check(&block, &place, shapes, findings);
    check_alert(&block, platform, &place, has_shared_alert, findings);
    if platform == Platform::HMOS {
        check_hmos(&block, findings);
    }
    Some(shape::normal(&block, shapes))
}

/// The live service answers 1003 for a block without text, but 1002 for an empty `hmos` block.
fn check_alert(block: &Object, platform: Platform, place: &str, has_shared_alert: bool, findings: &mut Findings) {
    let own = member(block, "alert");
    if platform == Platform::HMOS && own.and_then(Value::as_str) == Some("") {
        findings.invalid(format!("{place}.alert must not be empty"));
    }
    if own.is_some() || has_shared_alert {
        return;
    }
    if platform == Platform::HMOS && block.is_empty() {
        findings.missing(format!("{place}.alert is missing"));
    } else {
        findings.invalid(format!("{place} has no alert, and notification has none either"));
    }
}

fn check_hmos(block: &Object, findings: &mut Findings) {
    let push_type = member(block, "push_type").and_then(crate::rest::lenient::as_int).unwrap_or(0);
    if matches!(push_type, 2 | 10) && member(block, "extra_data").is_none() {
        findings.missing("notification.hmos.extra_data is missing; push_type 2 and 10 need it");
    }
    if matches!(push_type, 1 | 7) && member(block, "hm_payload").is_none() {
        findings.missing("notification.hmos.hm_payload is missing; push_type 1 and 7 need it");
    }
}

/// An empty message object counts as absent.
pub(super) fn parse_message(push: &Object, findings: &mut Findings) -> Option<ParsedMessage> {
    let value = member(push, "message")?;
    let Some(block) = as_object(value) else {
        findings.invalid("message must be an object");
        return None;
    };
    if block.is_empty() {
        return None;
    }
    findings.known_keys(&block, "message", &shape::names(shape::MESSAGE));
    shape::check(&block, "message", shape::MESSAGE, findings);
    let block = shape::normal(&block, shape::MESSAGE);
    if block.is_empty() {
        return None;
    }
    match member(&block, "msg_content") {
        None => {
            findings.missing("message.msg_content is missing");
            None
        }
        Some(Value::String(text)) => {
            let content = text.clone();
            Some(ParsedMessage { content, block })
        }
        Some(object @ Value::Object(_)) => {
            let content = object.to_string();
            Some(ParsedMessage { content, block })
        }
        Some(_) => {
            findings.invalid("message.msg_content must be a text");
            None
        }
    }
}
