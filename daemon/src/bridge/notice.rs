//! What of a push a sleeping device is shown, and what else is handed over for it.

use anser_protocol::content::{Notification, Platform};
use anser_protocol::ids::TimeMs;
use anser_storage::command::BadgeChange;
use anser_storage::{BridgePush, Channel};
use serde_json::{Map, Value};

use super::Notice;
use crate::rest::push::is_second_version;

/// A call that comes late is worse than none.
const CALL_LASTS_MS: TimeMs = 60_000;

/// What of a push goes over one channel, the same for all devices.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// What it is depends on the platform.
    Notice,
    Call(Map<String, Value>),
    /// For an activity that runs, or for one to start with attributes of this type.
    Activity {
        block: Map<String, Value>,
        starts: Option<String>,
    },
}

/// The notification as one platform gets it, the same for all its devices.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    pub title: String,
    pub alert: String,
    pub block: Map<String, Value>,
    pub extras: Map<String, Value>,
    /// What the push says about the icon's number.
    pub badge: Option<BadgeChange>,
    /// Of this and later ones in its place only the newest is shown.
    collapses: bool,
}

/// Nothing when the push has nothing for the channel, or it is too late for it.
pub fn part_on(channel: Channel, push: &BridgePush, now_ms: TimeMs) -> Option<Part> {
    match channel {
        Channel::Notice => Some(Part::Notice),
        Channel::Call => {
            let call = member(&object(&push.kept), "voip")?;
            (now_ms < call_ends_ms(push)).then_some(Part::Call(call))
        }
        Channel::Activity => {
            let mut block = member(&member(&object(&push.kept), "live_activity")?, "ios")?;
            let is_start = block.get("event").and_then(Value::as_str) == Some("start");
            let named = block.get("attributes-type").and_then(Value::as_str).map(str::to_owned);
            let starts = is_start.then(|| named.unwrap_or_default());
            // Of two states, devices keep the later one, however they come.
            block.insert("timestamp".to_owned(), (push.at_ms / 1000).into());
            Some(Part::Activity { block, starts })
        }
    }
}

/// The last part of a slow push is no later than its first.
fn call_ends_ms(push: &BridgePush) -> TimeMs {
    let options = member(&object(&push.kept), "options");
    let minutes = options.and_then(|options| options.get("big_push_duration")?.as_u64()).unwrap_or_default();
    let ends_ms = push.at_ms.saturating_add(minutes.saturating_mul(60_000)).saturating_add(CALL_LASTS_MS);
    ends_ms.min(push.expires_ms)
}

impl Part {
    /// Nothing when the platform is sent nothing of the kind.
    pub fn content_for(&self, push: &BridgePush, platform: Platform) -> Option<Content> {
        let block = match self {
            Self::Notice => return shown_on(push, platform),
            Self::Call(block) | Self::Activity { block, .. } if platform == Platform::IOS => block.clone(),
            Self::Call(_) | Self::Activity { .. } => return None,
        };
        let (title, alert) = (String::new(), String::new());
        Some(Content { title, alert, block, extras: Map::new(), badge: None, collapses: false })
    }

    pub fn expires_ms(&self, push: &BridgePush) -> TimeMs {
        match self {
            Self::Call(_) => call_ends_ms(push),
            _ => push.expires_ms,
        }
    }
}

/// The notification, or for a custom message what stands in for one where no application is there to take it. Custom
/// messages without that wait for the link.
fn shown_on(push: &BridgePush, platform: Platform) -> Option<Content> {
    let (_, content) = push.push.contents.iter().find(|(of, _)| *of == platform)?;
    let (title, alert, mut block, extras) = match &content.notification {
        Some(Notification { alert, title, extras, options }) => {
            (title.clone(), alert.clone(), object(options), object(extras))
        }
        None => {
            content.message.as_ref()?;
            let mut block = stand_in(&object(&push.kept), platform)?;
            let mut text = |name: &str| block.remove(name).and_then(|text| text.as_str().map(str::to_owned));
            let (title, alert) = (text("title").unwrap_or_default(), text("content").or_else(|| text("alert"))?);
            let extras = member(&block, "extras").unwrap_or_default();
            block.remove("extras");
            (title, alert, block, extras)
        }
    };
    let badge = match platform {
        Platform::IOS => block.get("badge").and_then(badge_of_ios),
        _ => badge_of_others(&block),
    };
    for settled in ["badge", "badge_add_num", "badge_set_num"] {
        block.remove(settled);
    }
    Some(Content { title, alert, block, extras, badge, collapses: true })
}

/// `notification_3rd`: of the first version for Android alone, of the second by platform.
fn stand_in(kept: &Map<String, Value>, platform: Platform) -> Option<Map<String, Value>> {
    let options = kept.get("options").and_then(Value::as_object);
    let is_second = is_second_version(kept.get("notification_3rd")?, options);
    let third = member(kept, "notification_3rd")?;
    if is_second {
        return member(&third, platform.name());
    }
    (platform == Platform::ANDROID).then_some(third)
}

impl Content {
    pub fn notice(
        &self,
        app_key: &str,
        push: &BridgePush,
        registration_id: &str,
        badge: Option<u32>,
        expires_ms: TimeMs,
    ) -> Notice {
        let msg_id = push.push.msg_id;
        let options = member(&object(&push.kept), "options").unwrap_or_default();
        let own_id = options.get("apns_collapse_id").cloned();
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
            vendors: member(&options, "third_party_channel").unwrap_or_default(),
            badge,
            collapse_id: self.collapses.then_some(collapse_id),
            expires_ms,
            certificate: None,
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

fn member(object: &Map<String, Value>, name: &str) -> Option<Map<String, Value>> {
    object.get(name)?.as_object().cloned()
}

/// Our own text, written when the push was accepted.
fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::{CustomMessage, PushContent};
    use anser_protocol::ids::Position;
    use anser_storage::outcome::Push;
    use serde_json::json;

    use super::*;

    fn push(platform: Platform, content: PushContent, kept: &Value) -> BridgePush {
        let push = Push { msg_id: Position(9), expires_ms: 10, contents: vec![(platform, content)], replaces: None };
        BridgePush { push: push.into(), kept: kept.to_string(), at_ms: 5_000, expires_ms: DAY_MS, is_live_only: false }
    }

    fn alerting(platform: Platform, options: &Value) -> BridgePush {
        let notification = Notification {
            alert: "news".into(),
            title: "t".into(),
            extras: json!({"k": 1}).to_string(),
            options: options.to_string(),
        };
        push(platform, PushContent { notification: Some(notification), message: None }, &json!({}))
    }

    fn messaging(platform: Platform, kept: &Value) -> BridgePush {
        let message = Some(CustomMessage { content: "for the app".into(), ..CustomMessage::default() });
        push(platform, PushContent { notification: None, message }, kept)
    }

    fn badge(platform: Platform, options: Value) -> Option<BadgeChange> {
        shown_on(&alerting(platform, &options), platform).expect("a notification").badge
    }

    const DAY_MS: TimeMs = 86_400_000;

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
        let push = alerting(Platform::IOS, &json!({"sound": "s", "badge": 1}));
        let content = shown_on(&push, Platform::IOS).expect("a notification");
        assert_eq!((content.alert.as_str(), content.title.as_str()), ("news", "t"));
        assert_eq!(Value::Object(content.block), json!({"sound": "s"}), "the badge is a number of its own");
        assert_eq!(Value::Object(content.extras), json!({"k": 1}));
        assert_eq!(shown_on(&push, Platform::ANDROID), None);
        assert_eq!(shown_on(&messaging(Platform::IOS, &json!({})), Platform::IOS), None);
    }

    #[test]
    fn what_stands_in_for_a_custom_message_is_shown_on_android_or_on_each_platform_that_it_names() {
        let first = json!({"notification_3rd": {
            "content": "c", "title": "t", "channel_id": "x", "badge_add_num": 2, "extras": {"k": 1}, "intent": {"url": "u"},
        }});
        let content = shown_on(&messaging(Platform::ANDROID, &first), Platform::ANDROID).expect("shown");
        assert_eq!((content.title.as_str(), content.alert.as_str()), ("t", "c"));
        assert_eq!(Value::Object(content.block), json!({"channel_id": "x", "intent": {"url": "u"}}));
        assert_eq!((Value::Object(content.extras), content.badge), (json!({"k": 1}), Some(BadgeChange::By(2))));
        assert_eq!(shown_on(&messaging(Platform::IOS, &first), Platform::IOS), None);

        let second = json!({
            "options": {"notification_3rd_ver": "v2"},
            "notification_3rd": {"ios": {"alert": "i", "badge": "+1", "sound": "s"}, "hmos": {"content": "h"}, "android": {}},
        });
        let on = |platform| shown_on(&messaging(platform, &second), platform);
        let ios = on(Platform::IOS).expect("shown");
        assert_eq!((ios.alert.as_str(), ios.badge), ("i", Some(BadgeChange::By(1))));
        assert_eq!(Value::Object(ios.block), json!({"sound": "s"}));
        assert_eq!(on(Platform::HMOS).map(|content| content.alert).as_deref(), Some("h"));
        assert_eq!(
            (on(Platform::ANDROID), on(Platform::QUICKAPP)),
            (None, None),
            "without a text there is nothing to show"
        );

        let unnamed = json!({"notification_3rd": {"hmos": {"content": "h"}}});
        let shown = shown_on(&messaging(Platform::HMOS, &unnamed), Platform::HMOS);
        assert_eq!(shown.map(|content| content.alert).as_deref(), Some("h"));

        let mut both = alerting(Platform::ANDROID, &json!({}));
        both.kept = second.to_string();
        assert_eq!(shown_on(&both, Platform::ANDROID).expect("a notification").alert, "news", "its own comes first");
    }

    #[test]
    fn one_that_takes_anothers_place_goes_by_its_name() {
        let named = |replaces: Option<Position>, kept: &str| {
            let mut push = alerting(Platform::IOS, &json!({}));
            push.push = Push { replaces, ..(*push.push).clone() }.into();
            push.kept = kept.into();
            let content = shown_on(&push, Platform::IOS).expect("a notification");
            content.notice("key", &push, "rid", None, 1).collapse_id
        };
        assert_eq!(named(None, ""), Some("9".into()));
        assert_eq!(named(None, r#"{"options":{"apns_collapse_id":"mine"}}"#), Some("mine".into()));
        assert_eq!(named(Some(Position(4)), ""), Some("4".into()));
    }

    #[test]
    fn a_call_rings_within_a_minute_or_not_at_all() {
        let mut push = push(Platform::IOS, PushContent::default(), &json!({"voip": {"caller": "x"}}));
        let call = part_on(Channel::Call, &push, 64_999).expect("in time");
        assert_eq!((call.expires_ms(&push), part_on(Channel::Call, &push, 65_000)), (65_000, None));
        let content = call.content_for(&push, Platform::IOS).expect("a call");
        assert_eq!(Value::Object(content.block.clone()), json!({"caller": "x"}));
        assert_eq!(content.notice("key", &push, "rid", None, 1).collapse_id, None);
        assert_eq!(call.content_for(&push, Platform::ANDROID), None);
        push.kept = json!({"voip": {}, "options": {"big_push_duration": 2}}).to_string();
        assert!(part_on(Channel::Call, &push, 184_999).is_some(), "the last part of a slow push");
        assert_eq!(part_on(Channel::Activity, &push, 6_000), None);
    }

    #[test]
    fn what_is_said_to_an_activity_names_its_time_and_whom_it_starts() {
        let with = |activity: Value| {
            let push = push(Platform::IOS, PushContent::default(), &json!({"live_activity": {"ios": activity}}));
            part_on(Channel::Activity, &push, 6_000)
        };
        let Some(Part::Activity { block, starts }) = with(json!({"event": "start", "attributes-type": "T"})) else {
            panic!("it starts one")
        };
        assert_eq!((block["timestamp"].clone(), starts.as_deref()), (json!(5), Some("T")));
        let Some(Part::Activity { starts, .. }) = with(json!({"event": "update", "attributes-type": "T"})) else {
            panic!("it changes one")
        };
        assert_eq!(starts, None);
    }
}
