//! The push object: what is accepted, and which code a mistake gets.

use anser_storage::command::Selection;
use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn a_push_to_everybody_reaches_every_platform_with_the_shared_text() {
    let push = accepted(json!({"platform": "all", "audience": "all", "notification": {"alert": "hello"}}));
    assert_eq!(push.audience, Audience::All);
    assert_eq!(push.contents.len(), 8);
    assert!(push.contents.iter().all(|(_, content)| alert(content) == "hello"));
    assert_eq!((push.sendno.as_str(), push.time_to_live_s), ("0", 86_400));
}

#[test]
fn a_platforms_own_text_wins_over_the_shared_one() {
    let push = accepted(json!({
        "platform": ["android", "ios"], "audience": "all",
        "notification": {"alert": "shared", "android": {"alert": "own", "title": "T", "extras": {"k": 1}, "priority": 1}},
    }));
    let android = push.contents[0].1.notification.as_ref().expect("a notification");
    assert_eq!((android.alert.as_str(), android.title.as_str()), ("own", "T"));
    assert_eq!((android.extras.as_str(), android.options.as_str()), (r#"{"k":1}"#, r#"{"priority":1}"#));
    assert_eq!(alert(&push.contents[1].1), "shared");
}

#[test]
fn an_ios_alert_may_be_a_dictionary() {
    let push = accepted(json!({
        "platform": ["ios"], "audience": "all",
        "notification": {"ios": {"alert": {"title": "T", "body": "B"}, "badge": "+1", "content-available": 1}},
    }));
    let ios = push.contents[0].1.notification.as_ref().expect("a notification");
    assert_eq!((ios.alert.as_str(), ios.title.as_str()), ("B", "T"));
    assert!(ios.options.contains(r#""body":"B""#), "{}", ios.options);
}

#[test]
fn a_message_may_hold_an_object_and_an_empty_message_is_none() {
    let push = accepted(json!({"platform": ["android"], "audience": "all", "message": {"msg_content": {"a": 1}}}));
    assert_eq!(push.contents[0].1.message.as_ref().expect("a message").content, r#"{"a":1}"#);
    assert_eq!(refused(json!({"platform": "all", "audience": "all", "message": {}})), Kind::Missing);
}

#[test]
fn kinds_of_audience_are_kept_apart_and_numbers_are_read_as_texts() {
    let push = accepted(with_audience(json!({
        "tag": ["a", 7], "tag_and": ["c"], "tag_not": ["d"], "alias": ["e"], "registration_id": ["f"],
    })));
    let expected = Selection {
        tag: vec!["a".into(), "7".into()],
        tag_and: vec!["c".into()],
        tag_not: vec!["d".into()],
        alias: vec!["e".into()],
        registration_id: vec!["f".into()],
    };
    assert_eq!(push.audience, Audience::Selected(expected));
}

#[test]
fn an_audience_that_is_wrong_is_1003() {
    let twenty_one: Vec<_> = (0..21).map(|number| format!("t{number}")).collect();
    for audience in [
        json!("everyone"),
        json!({}),
        json!({"tag": []}),
        json!({"tag": "a"}),
        json!({"tag": [""]}),
        json!({"tag": ["a b"]}),
        json!({"tag": [{}]}),
        json!({"tag": twenty_one}),
        json!({"segment": ["x"]}),
        json!({"who": ["x"]}),
        json!(7),
    ] {
        assert_eq!(refused(with_audience(audience.clone())), Kind::Invalid, "{audience}");
    }
}

#[test]
fn missing_members_are_1002_and_null_is_missing() {
    assert_eq!(refused(json!({"audience": "all", "notification": {"alert": "x"}})), Kind::Missing);
    assert_eq!(refused(json!({"platform": "all", "audience": null, "notification": {"alert": "x"}})), Kind::Missing);
    assert_eq!(refused(json!({"platform": "all", "audience": "all"})), Kind::Missing);
    assert_eq!(refused(json!({"platform": "all", "audience": "all", "message": {"title": "x"}})), Kind::Missing);
    assert_eq!(
        refused(json!({"platform": ["ios"], "audience": "all", "notification": {"android": {"alert": "x"}}})),
        Kind::Missing
    );
}

#[test]
fn a_platform_that_the_api_does_not_know_is_1003() {
    for platform in [json!("android"), json!([]), json!(["web"]), json!(["blackberry"]), json!([1])] {
        let push = json!({"platform": platform, "audience": "all", "notification": {"alert": "x"}});
        assert_eq!(refused(push), Kind::Invalid, "{platform}");
    }
    accepted(json!({"platform": {"1": "ios"}, "audience": "all", "notification": {"alert": "x"}}));
}

#[test]
fn blocks_without_text_are_1003_except_an_empty_hmos_block() {
    let with = |block: Value| json!({"platform": "all", "audience": "all", "notification": block});
    assert_eq!(refused(with(json!({"android": {}}))), Kind::Invalid);
    assert_eq!(refused(with(json!({"ios": {"badge": 1}}))), Kind::Invalid);
    assert_eq!(refused(with(json!({"hmos": {}}))), Kind::Missing);
    assert_eq!(refused(with(json!({"hmos": {"title": "x"}}))), Kind::Invalid);
    assert_eq!(refused(with(json!({"hmos": {"alert": ""}}))), Kind::Invalid);
    accepted(with(json!({"alert": "x", "android": {}, "ios": {}})));
    accepted(with(json!({"android": {"alert": ""}})));
}

#[test]
fn unknown_keys_are_1009_at_the_strict_places_unless_the_operator_is_lenient() {
    let typo = json!({
        "platform": "all", "audience": "all",
        "notification": {"ios": {"alert": "x", "content_available": true}},
    });
    assert_eq!(refused(typo.clone()), Kind::UnknownKey);
    assert!(PushObject::parse(&typo, UnknownKeys::Ignore).is_ok());
    let mut push = everybody();
    push["options"] = json!({"anything": 1, "third_party_channel": {"new_vendor": {"x": 1}}});
    accepted(push.clone());
    push["anything"] = json!(1);
    assert_eq!(refused(push), Kind::UnknownKey);
}

#[test]
fn an_unknown_key_is_reported_before_a_missing_one_and_that_before_a_wrong_value() {
    assert_eq!(refused(json!({"typo": 1, "audience": 7})), Kind::UnknownKey);
    assert_eq!(refused(json!({"audience": 7, "notification": {"alert": "x"}})), Kind::Missing);
}

#[test]
fn options_are_checked() {
    let with = |options: Value| {
        let mut push = everybody();
        push["options"] = options;
        push
    };
    let push = accepted(with(json!({"sendno": "18", "time_to_live": 0, "apns_production": "false"})));
    assert_eq!((push.sendno.as_str(), push.time_to_live_s), ("18", 0));
    for wrong in [
        json!({"time_to_live": 864_001}),
        json!({"time_to_live": -1}),
        json!({"sendno": "x"}),
        json!({"big_push_duration": 1441}),
        json!({"override_msg_id": 7}),
        json!({"apns_collapse_id": "x".repeat(65)}),
        json!({"apns_production": "perhaps"}),
        json!([1]),
    ] {
        assert_eq!(refused(with(wrong.clone())), Kind::Invalid, "{wrong}");
    }
    let active = with(json!({"active_push": true, "big_push_duration": 5}));
    assert_eq!(refused(active), Kind::ActivePushConflict);
}

#[test]
fn what_is_too_large_for_a_platform_is_1005() {
    let with = |platform: &str, bytes: usize| json!({"platform": [platform], "audience": "all", "notification": {"alert": "x".repeat(bytes)}});
    assert_eq!(refused(with("ios", 2000)), Kind::TooLarge);
    assert_eq!(refused(with("android", 4000)), Kind::TooLarge);
    accepted(with("ios", 1980));
    accepted(with("android", 3980));
}

#[test]
fn keys_that_official_clients_always_send_are_accepted() {
    accepted(json!({
        "platform": "all", "audience": "all",
        "notification": {"alert": "x", "ai_opportunity": true, "android": {"mipns_content_forshort": "s"}},
        "options": {"classification": 0, "sendno": 1, "Dict": {}, "options": {}},
        "sms_message": {"delay_time": 0, "temp_id": 1, "active_filter": false, "content": "x", "signid": 0},
        "callback": null,
    }));
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        let _ = PushObject::parse(&value, UnknownKeys::Refuse);
    }

    #[test]
    fn no_member_of_a_push_makes_it_panic(key in prop::sample::select(TOP_KEYS.to_vec()), value in any_json()) {
        let mut push = everybody();
        push[key] = value;
        let _ = PushObject::parse(&push, UnknownKeys::Refuse);
    }

    #[test]
    fn what_is_accepted_fits_into_a_frame(value in any_json(), android in any_json()) {
        let push = json!({"platform": "all", "audience": "all",
            "notification": {"alert": "x", "ios": value, "android": android}, "message": {"msg_content": "m"}});
        if let Ok(push) = PushObject::parse(&push, UnknownKeys::Ignore) {
            for (_, content) in push.contents {
                let bytes = content.notification.map_or(0, |n| n.alert.len() + n.title.len() + n.extras.len() + n.options.len());
                prop_assert!(bytes < 10_000);
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["all", "android", "ios", "+1", ""]).prop_map(Value::from),
    ];
    let key = prop_oneof![
        ".{0,6}",
        prop::sample::select(vec![
            "alert",
            "tag",
            "alias",
            "ios",
            "android",
            "extras",
            "msg_content",
            "time_to_live",
            "sendno"
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn everybody() -> Value {
    json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}})
}

fn with_audience(audience: Value) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": "x"}})
}

fn accepted(push: Value) -> PushObject {
    PushObject::parse(&push, UnknownKeys::Refuse).unwrap_or_else(|finding| panic!("{finding:?} for {push}"))
}

fn refused(push: Value) -> Kind {
    PushObject::parse(&push, UnknownKeys::Refuse).expect_err("a mistake").kind
}

fn alert(content: &PushContent) -> &str {
    &content.notification.as_ref().expect("a notification").alert
}
