//! A message as history and callbacks show it: what the IM API calls a report message.

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::extension::tag;
use anser_protocol::options::SendOptions;
use anser_storage::{ReportMessage, ReportTarget};
use serde_json::{Value, json};

use super::online::letter;
use super::{content, view};

/// What app servers sent, and not a device.
const REST_PLATFORM: &str = "r";

/// Names of users of other apps have the key of their app behind them, which is shown by itself.
pub fn written(message: &ReportMessage, app_key: &str) -> Value {
    let (target_type, target_id) = match &message.to {
        ReportTarget::User(name) => ("single", view::plain_name(name).to_owned()),
        ReportTarget::Group(group) => ("group", group.to_string()),
        ReportTarget::Room(room) => ("chatroom", room.to_string()),
    };
    let target_app = match &message.to {
        ReportTarget::User(name) => view::app_key_of(name),
        ReportTarget::Group(_) | ReportTarget::Room(_) => message.target_app.as_deref(),
    };
    let from_app = view::app_key_of(&message.from.username);
    let username = view::plain_name(&message.from.username);
    let is_across = target_app.is_some() || from_app.is_some();
    let is_by_server = message.platform.is_none();
    let given = Given::of(&message.content);
    let own_name = if message.from.nickname.is_empty() { username } else { message.from.nickname.as_str() };
    let mut shown = json!({
        "target_type": target_type,
        "target_id": target_id,
        "target_name": given.target_name.unwrap_or_default(),
        // A message that comes from another app is for this one.
        "target_appkey": target_app.unwrap_or(if is_across { app_key } else { "" }),
        // Devices send as users only, also those of admins.
        "from_type": if is_by_server && message.from.is_admin { "admin" } else { "user" },
        "from_id": username,
        "from_name": given.from_name.as_deref().unwrap_or(own_name),
        "from_appkey": from_app.unwrap_or(app_key),
        "from_platform": message.platform.map_or(REST_PLATFORM, letter),
        "set_from_name": u8::from(given.from_name.is_some()),
        "msg_type": content::name_of(message.content.kind),
        "msg_body": body(&message.content),
        "create_time": message.at_ms / 1000,
        "msg_ctime": message.at_ms,
        "msgid": message.position.0,
        "msg_level": u8::from(is_across),
        "version": 1,
    });
    for (key, switch) in [("no_offline", given.no_offline), ("no_notification", given.no_notification)] {
        if let Some(switch) = switch {
            shown[key] = switch.into();
        }
    }
    shown
}

/// What the sender said beside the message.
#[derive(Debug, Default)]
struct Given {
    from_name: Option<String>,
    target_name: Option<String>,
    no_offline: Option<bool>,
    no_notification: Option<bool>,
}

impl Given {
    fn of(content: &Content) -> Self {
        let options = SendOptions::of(content);
        let text = |text: String| (!text.is_empty()).then_some(text);
        Self {
            from_name: text(options.from_name),
            target_name: text(options.target_name),
            no_offline: options.no_offline.then_some(true),
            no_notification: options.no_notification.then_some(true),
        }
    }
}

/// As it was sent. Nothing is left of a message that was erased.
fn body(content: &Content) -> Value {
    let object = |bytes: &[u8]| match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => value,
        _ => json!({}),
    };
    if content.kind == ContentKind::TEXT {
        let extras = content.extensions.value(tag::EXTRAS).unwrap_or_default();
        return json!({"text": String::from_utf8_lossy(&content.body), "extras": object(extras)});
    }
    object(&content.body)
}

#[cfg(test)]
mod tests {
    use anser_protocol::content::Platform;
    use anser_protocol::ids::{GroupId, Position};
    use anser_storage::ReportUser;

    use super::*;

    fn message(content: Content) -> ReportMessage {
        ReportMessage {
            position: Position(40_012_345_678),
            at_ms: 1_714_700_000_123,
            from: ReportUser { username: "alice01".into(), nickname: "Alice".into(), is_admin: false },
            platform: Some(Platform::IOS),
            to: ReportTarget::Group(GroupId(10_000_017)),
            target_app: None,
            content,
        }
    }

    #[test]
    fn a_message_has_every_key_of_the_contract() {
        let expected = json!({
            "target_type": "group", "target_id": "10000017", "target_name": "", "target_appkey": "",
            "from_type": "user", "from_id": "alice01", "from_name": "Alice", "from_appkey": "k",
            "from_platform": "i", "set_from_name": 0, "msg_type": "text", "msg_body": {"text": "hi", "extras": {}},
            "create_time": 1_714_700_000_u64, "msg_ctime": 1_714_700_000_123_u64, "msgid": 40_012_345_678_u64,
            "msg_level": 0, "version": 1,
        });
        assert_eq!(written(&message(Content::text("hi")), "k"), expected);
    }

    #[test]
    fn an_admin_who_sends_over_rest_is_one_and_on_a_device_is_a_user() {
        let mut sent = message(Content::text("hi"));
        sent.from.is_admin = true;
        assert_eq!(written(&sent, "k")["from_type"], "user");
        sent.platform = None;
        let shown = written(&sent, "k");
        assert_eq!((&shown["from_type"], &shown["from_platform"]), (&json!("admin"), &json!("r")));
    }

    #[test]
    fn a_body_is_an_object_whatever_is_left_of_it() {
        let kind = ContentKind::LOCATION;
        let content = |body: &[u8]| Content { kind, body: body.to_vec(), extensions: Default::default() };
        assert_eq!(body(&content(br#"{"label":"x"}"#)), json!({"label": "x"}));
        assert_eq!(body(&content(b"")), json!({}));
        let erased = Content { kind: ContentKind::TEXT, ..content(b"") };
        assert_eq!(body(&erased), json!({"text": "", "extras": {}}));
    }
}
