//! What each targeted platform gets, and whether it fits.

use anser_protocol::content::{CustomMessage, Notification, Platform, PushContent};
use serde_json::Value;

use crate::rest::lenient::{Object, member};

use super::extras_of;
use super::findings::{Findings, Kind};
use super::notification::{ParsedMessage, ParsedNotification};

/// Bytes of JSON text that a platform may get; the limits of the push API, measured on our own serialisation.
struct Sizes {
    notification: usize,
    message: usize,
    together: usize,
}

pub(super) fn contents(
    platforms: &[Platform],
    notification: Option<&ParsedNotification>,
    message: Option<&ParsedMessage>,
    for_all: &Object,
    findings: &mut Findings,
) -> Vec<(Platform, PushContent)> {
    let mut contents = Vec::new();
    for platform in platforms {
        let block = notification.and_then(|notification| block_of(notification, *platform, for_all));
        let message = message.filter(|_| *platform != Platform::WINPHONE);
        check_sizes(*platform, block.as_ref(), message, findings);
        if block.is_some() || message.is_some() {
            let content =
                PushContent { notification: block.map(|block| shown(&block)), message: message.map(custom_message) };
            contents.push((*platform, content));
        }
    }
    contents
}

/// The platform's block with the shared text and what goes to every platform filled in; nothing when it has no text.
fn block_of(notification: &ParsedNotification, platform: Platform, for_all: &Object) -> Option<Object> {
    let own = notification.blocks.iter().find(|(of, _)| *of == platform).map(|(_, block)| block.clone());
    let mut block = match (own, &notification.alert) {
        (Some(block), _) => block,
        (None, Some(_)) => Object::new(),
        (None, None) => return None,
    };
    if member(&block, "alert").is_none() {
        let shared = notification.alert.clone().unwrap_or_default();
        block.insert("alert".to_owned(), Value::String(shared));
    }
    for (key, value) in for_all {
        block.insert(key.clone(), value.clone());
    }
    if block.contains_key("badge_set_num") {
        block.remove("badge_add_num");
    }
    Some(block)
}

fn shown(block: &Object) -> Notification {
    let mut options: Object = block
        .iter()
        .filter(|(key, _)| !matches!(key.as_str(), "title" | "extras"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let (alert, dictionary_title) = match options.get("alert") {
        // iOS: the whole dictionary stays in the options for the application.
        Some(Value::Object(dictionary)) => (text(dictionary, "body"), text(dictionary, "title")),
        Some(Value::String(alert)) => {
            let alert = alert.clone();
            options.remove("alert");
            (alert, String::new())
        }
        _ => Default::default(),
    };
    let title = Some(text(block, "title")).filter(|title| !title.is_empty()).unwrap_or(dictionary_title);
    let options = if options.is_empty() { String::new() } else { Value::Object(options).to_string() };
    Notification { alert, title, extras: extras_of(block), options }
}

fn custom_message(message: &ParsedMessage) -> CustomMessage {
    CustomMessage {
        content: message.content.clone(),
        title: text(&message.block, "title"),
        content_type: text(&message.block, "content_type"),
        extras: extras_of(&message.block),
    }
}

fn text(block: &Object, key: &str) -> String {
    member(block, key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn check_sizes(platform: Platform, block: Option<&Object>, message: Option<&ParsedMessage>, findings: &mut Findings) {
    let sizes = match platform {
        Platform::IOS => Sizes { notification: 2000, message: 4000, together: 6000 },
        Platform::WINPHONE => Sizes { notification: 1000, message: 4000, together: 4000 },
        _ => Sizes { notification: 4000, message: 4000, together: 4000 },
    };
    let of = |object: &Object| Value::Object(object.clone()).to_string().len();
    let notification_bytes = block.map_or(0, of);
    let message_bytes = message.map_or(0, |message| of(&message.block));
    if notification_bytes > sizes.notification
        || message_bytes > sizes.message
        || notification_bytes + message_bytes > sizes.together
    {
        findings.note(Kind::TooLarge, format!("what {} gets is too large", platform.name()));
    }
}
