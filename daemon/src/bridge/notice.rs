//! What of a push a sleeping device is shown.

use anser_protocol::content::{Notification, Platform};
use anser_storage::BridgePush;
use anser_storage::command::BadgeChange;
use anser_storage::outcome::Push;
use serde_json::{Map, Value};

use super::Notice;

/// The notification as one platform gets it, the same for all its devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub title: String,
    pub alert: String,
    pub block: Map<String, Value>,
    pub extras: Map<String, Value>,
    /// What the push says about the icon's number.
    pub badge: Option<BadgeChange>,
}

/// Nothing when the platform is sent no notification: custom messages wait for the link.
pub fn content_for(push: &Push, platform: Platform) -> Option<Content> {
    let (_, content) = push.contents.iter().find(|(of, _)| *of == platform)?;
    let Notification { alert, title, extras, options } = content.notification.as_ref()?;
    let mut block = object(options);
    let badge = match platform {
        Platform::IOS => block.get("badge").and_then(badge_of_ios),
        _ => badge_of_others(&block),
    };
    for settled in ["badge", "badge_add_num", "badge_set_num"] {
        block.remove(settled);
    }
    Some(Content { title: title.clone(), alert: alert.clone(), block, extras: object(extras), badge })
}

impl Content {
    pub fn notice(&self, app_key: &str, push: &BridgePush, registration_id: &str, badge: Option<u32>) -> Notice {
        let msg_id = push.push.msg_id;
        let own_id = object(&push.kept).get("options").and_then(|options| options.get("apns_collapse_id").cloned());
        // One that takes another's place goes by the other's name, so that only one is shown.
        let collapse_id = own_id.and_then(|id| id.as_str().map(str::to_owned));
        let collapse_id = collapse_id.unwrap_or_else(|| push.push.replaces.unwrap_or(msg_id).0.to_string());
        Notice {
            app_key: app_key.to_owned(),
            msg_id,
            registration_id: registration_id.to_owned(),
            title: self.title.clone(),
            alert: self.alert.clone(),
            block: self.block.clone(),
            extras: self.extras.clone(),
            badge,
            collapse_id: Some(collapse_id),
            expires_ms: push.expires_ms,
        }
    }
}

/// `5`, `"5"`, `"+1"`, `"-1"`, `""`, and Python's `"auto"`, which asks for one more.
fn badge_of_ios(badge: &Value) -> Option<BadgeChange> {
    let text = match badge {
        Value::Number(number) => return number.as_u64().map(|number| BadgeChange::To(in_u32(number))),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    match text {
        "" => Some(BadgeChange::To(0)),
        "auto" => Some(BadgeChange::By(1)),
        _ if text.starts_with(['+', '-']) => text.parse().ok().map(BadgeChange::By),
        _ => text.parse().ok().map(BadgeChange::To),
    }
}

fn badge_of_others(block: &Map<String, Value>) -> Option<BadgeChange> {
    let number = |key: &str| block.get(key).and_then(Value::as_u64).map(in_u32);
    let set = number("badge_set_num").map(BadgeChange::To);
    set.or_else(|| number("badge_add_num").map(|add| BadgeChange::By(i32::try_from(add).unwrap_or(i32::MAX))))
}

fn in_u32(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Our own text, written when the push was accepted.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::PushContent;
    use anser_protocol::ids::Position;
    use serde_json::json;

    use super::*;

    fn push(platform: Platform, options: &Value) -> Push {
        let notification = Notification {
            alert: "news".into(),
            title: "t".into(),
            extras: json!({"k": 1}).to_string(),
            options: options.to_string(),
        };
        let content = PushContent { notification: Some(notification), message: None };
        Push { msg_id: Position(9), expires_ms: 10, contents: vec![(platform, content)], replaces: None }
    }

    fn badge(platform: Platform, options: Value) -> Option<BadgeChange> {
        content_for(&push(platform, &options), platform).expect("a notification").badge
    }

    #[test]
    fn a_badge_is_read_in_every_form_that_the_push_api_takes() {
        let ios = |badge_text: Value| badge(Platform::IOS, json!({"badge": badge_text}));
        assert_eq!(ios(json!(5)), Some(BadgeChange::To(5)));
        assert_eq!(ios(json!("5")), Some(BadgeChange::To(5)));
        assert_eq!(ios(json!("+2")), Some(BadgeChange::By(2)));
        assert_eq!(ios(json!("-1")), Some(BadgeChange::By(-1)));
        assert_eq!(ios(json!("")), Some(BadgeChange::To(0)));
        assert_eq!(ios(json!("auto")), Some(BadgeChange::By(1)));
        assert_eq!(ios(json!("many")), None);
        assert_eq!(badge(Platform::IOS, json!({})), None, "unchanged");
        assert_eq!(badge(Platform::ANDROID, json!({"badge_add_num": 3})), Some(BadgeChange::By(3)));
        let both = json!({"badge_add_num": 3, "badge_set_num": 7});
        assert_eq!(badge(Platform::HMOS, both), Some(BadgeChange::To(7)));
    }

    #[test]
    fn a_platform_that_is_sent_no_notification_needs_no_bridge() {
        let mut push = push(Platform::IOS, &json!({"sound": "s", "badge": 1}));
        let content = content_for(&push, Platform::IOS).expect("a notification");
        assert_eq!((content.alert.as_str(), content.title.as_str()), ("news", "t"));
        assert_eq!(Value::Object(content.block), json!({"sound": "s"}), "the badge is a number of its own");
        assert_eq!(Value::Object(content.extras), json!({"k": 1}));
        assert_eq!(content_for(&push, Platform::ANDROID), None);
        push.contents[0].1.notification = None;
        assert_eq!(content_for(&push, Platform::IOS), None);
    }

    #[test]
    fn one_that_takes_anothers_place_goes_by_its_name() {
        let mut push = push(Platform::IOS, &json!({}));
        let named = |push: &Push, kept: &str| {
            let content = content_for(push, Platform::IOS).expect("a notification");
            let push = BridgePush { push: push.clone().into(), kept: kept.into(), expires_ms: 1, is_live_only: false };
            content.notice("key", &push, "rid", None).collapse_id
        };
        assert_eq!(named(&push, ""), Some("9".into()));
        assert_eq!(named(&push, r#"{"options":{"apns_collapse_id":"mine"}}"#), Some("mine".into()));
        push.replaces = Some(Position(4));
        assert_eq!(named(&push, ""), Some("4".into()));
    }
}
