//! Payloads as the push API hands them over, whole and odd.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn android(options: Value) -> AndroidNotification {
    AndroidNotification::of(&Notification { options: options.to_string(), ..Notification::default() })
}

#[test]
fn every_android_field_is_read() {
    let notification = Notification {
        alert: "alert".into(),
        title: "title".into(),
        extras: r#"{"k": 1}"#.into(),
        options: json!({
            "builder_id": 3, "channel_id": "news", "style": 2, "inbox": {"a": "first", "b": "second"}, "alert_type": 3,
            "priority": -2, "category": "social", "large_icon": "http://icons/1.png", "small_icon_uri": "small",
            "icon_bg_color": "#fff", "intent": {"url": "intent:#Intent;end"}, "uri_activity": "a.b.C",
            "uri_action": "a.b.OPEN", "badge_add_num": 4, "badge_class": "a.b.Main", "sound": "bell",
            "show_begin_time": "2026-11-27 08:00:00", "show_end_time": "2026-11-27 09:00:00",
            "display_foreground": "0", "custom_buttons": [{"name": "yes", "action_type": 2, "action": "x", "data": "y"}],
            "of_a_later_version": true,
        })
        .to_string(),
    };
    let read = AndroidNotification::of(&notification);
    assert!(read.options.contains_key("of_a_later_version"));
    assert_eq!(
        AndroidNotification { options: Object::new(), ..read },
        AndroidNotification {
            alert: "alert".into(),
            title: "title".into(),
            builder_id: 3,
            channel_id: "news".into(),
            style: Style::Inbox(vec!["first".into(), "second".into()]),
            alert_type: ALERT_SOUND | ALERT_VIBRATE,
            priority: -2,
            category: "social".into(),
            large_icon: "http://icons/1.png".into(),
            small_icon: "small".into(),
            icon_bg_color: "#fff".into(),
            intent: "intent:#Intent;end".into(),
            uri_activity: "a.b.C".into(),
            uri_action: "a.b.OPEN".into(),
            badge: Some(BadgeChange::Add(4)),
            badge_class: "a.b.Main".into(),
            sound: "bell".into(),
            show_begin_time: "2026-11-27 08:00:00".into(),
            show_end_time: "2026-11-27 09:00:00".into(),
            display_foreground: false,
            custom_buttons: vec![Button { name: "yes".into(), action_type: 2, action: "x".into(), data: "y".into() }],
            extras: object(r#"{"k": 1}"#),
            options: Object::new(),
        }
    );
}

#[test]
fn what_is_missing_or_out_of_range_is_the_default() {
    let plain = AndroidNotification::default();
    assert_eq!((plain.builder_id, plain.alert_type, plain.priority, plain.badge), (0, ALERT_ALL, 0, None));
    assert!(plain.display_foreground && plain.style == Style::Plain);
    for wrong in [
        json!({"builder_id": 1000}),
        json!({"builder_id": -1}),
        json!({"alert_type": 8}),
        json!({"alert_type": -1}),
        json!({"priority": 3}),
        json!({"style": 4, "big_text": "x"}),
        json!({"badge_add_num": -1, "badge_set_num": 100_000}),
        json!({"intent": "no object"}),
        json!({"custom_buttons": "none", "inbox": 7}),
    ] {
        let read = android(wrong.clone());
        assert_eq!(AndroidNotification { options: Object::new(), ..read }, plain, "{wrong}");
    }
    assert_eq!(android(json!({"priority": "2", "builder_id": "7"})).priority, 2, "numbers are also written as texts");
}

#[test]
fn the_style_chooses_what_unfolds() {
    let texts = json!({"big_text": "long", "inbox": {"1": "line"}, "big_pic_path": "/sdcard/a.png"});
    let style = |style: u8| {
        let mut options = texts.clone();
        options["style"] = style.into();
        android(options).style
    };
    assert_eq!(style(0), Style::Plain);
    assert_eq!(style(1), Style::BigText("long".into()));
    assert_eq!(style(2), Style::Inbox(vec!["line".into()]));
    assert_eq!(style(3), Style::BigPicture("/sdcard/a.png".into()));
}

#[test]
fn every_ios_field_is_read() {
    let notification = Notification {
        alert: "body".into(),
        title: "title".into(),
        extras: r#"{"k": "v"}"#.into(),
        options: json!({
            "alert": {"title": "title", "subtitle": "below", "body": "body", "loc-key": "KEY"},
            "sound": {"critical": 1, "name": "siren", "volume": 0.5}, "badge": "+1", "content-available": true,
            "mutable-content": 1, "category": "reply", "thread-id": "t", "interruption-level": "passive",
        })
        .to_string(),
    };
    let read = IosNotification::of(&notification);
    assert_eq!((&*read.alert, &*read.title, &*read.subtitle), ("body", "title", "below"));
    assert_eq!(read.alert_dictionary["loc-key"], json!("KEY"));
    assert_eq!((&*read.sound, &read.sound_dictionary["volume"]), ("siren", &json!(0.5)));
    assert_eq!((&*read.badge, read.content_available, read.mutable_content), ("+1", true, true));
    assert_eq!((&*read.category, &*read.thread_id, &*read.interruption_level), ("reply", "t", "passive"));
    assert_eq!(read.extras["k"], json!("v"));
    let plain = Notification { options: json!({"sound": "default", "badge": 5}).to_string(), ..notification };
    let read = IosNotification::of(&plain);
    assert_eq!((&*read.sound, &*read.badge, read.content_available), ("default", "5", false));
    assert!(read.alert_dictionary.is_empty() && read.sound_dictionary.is_empty());
}

#[test]
fn a_custom_message_without_content_is_not_for_the_application() {
    let message = CustomMessage {
        content: "c".into(),
        title: "t".into(),
        content_type: "text".into(),
        extras: r#"{"a": {"b": []}}"#.into(),
    };
    let read = AppMessage::of(&message).expect("it has content");
    assert_eq!((&*read.content, &*read.title, &*read.content_type), ("c", "t", "text"));
    assert_eq!(read.extras["a"], json!({"b": []}));
    assert_eq!(AppMessage::of(&CustomMessage { content: String::new(), ..message }), None);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_-]{1,12}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

const FIELDS: [&str; 18] = [
    "builder_id",
    "style",
    "inbox",
    "alert_type",
    "priority",
    "intent",
    "badge_add_num",
    "badge_set_num",
    "custom_buttons",
    "display_foreground",
    "sound",
    "alert",
    "badge",
    "content-available",
    "mutable-content",
    "category",
    "big_text",
    "large_icon",
];

proptest! {
    #[test]
    fn no_value_of_one_field_takes_another_with_it(field in prop::sample::select(&FIELDS[..]), value in any_value()) {
        let mut options = json!({"channel_id": "kept", "thread-id": "kept"});
        options[field] = value;
        let notification = Notification { alert: "a".into(), options: options.to_string(), ..Notification::default() };
        let android = AndroidNotification::of(&notification);
        prop_assert_eq!((&*android.channel_id, &*android.alert), ("kept", "a"));
        prop_assert!(android.builder_id <= 999 && android.alert_type <= 7 && (-2..=2).contains(&android.priority));
        prop_assert_eq!(&*IosNotification::of(&notification).thread_id, "kept");
    }

    #[test]
    fn no_text_at_all_makes_it_panic(alert in ".*", extras in ".*", options in ".*") {
        let notification = Notification { alert, title: String::new(), extras: extras.clone(), options: options.clone() };
        prop_assert_eq!(&AndroidNotification::of(&notification).alert, &notification.alert);
        prop_assert_eq!(IosNotification::of(&notification).alert, notification.alert);
        let message = CustomMessage { content: options, extras, ..CustomMessage::default() };
        prop_assert_eq!(AppMessage::of(&message).is_some(), !message.content.is_empty());
    }
}

#[test]
fn a_notification_is_shown_between_its_times_only() {
    let begin = "2026-11-27 08:00:00";
    let end = "2026-11-27 09:00:00";
    for (from, to, local, may) in [
        (begin, end, "2026-11-27 07:59:59", false),
        (begin, end, begin, true),
        (begin, end, end, true),
        (begin, end, "2026-11-27 09:00:01", false),
        (begin, "", "2030-01-01 00:00:00", true),
        ("", end, "2020-01-01 00:00:00", true),
        ("", "", begin, true),
    ] {
        let shown = AndroidNotification {
            show_begin_time: from.to_owned(),
            show_end_time: to.to_owned(),
            ..AndroidNotification::default()
        };
        assert_eq!(shown.may_show_at(local), may, "{local} from {from:?} to {to:?}");
    }
}
