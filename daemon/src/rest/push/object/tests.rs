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
        segment: Vec::new(),
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
fn a_notification_of_a_wrong_type_is_1003_and_not_missing() {
    let with = |notification: Value| json!({"platform": "all", "audience": "all", "notification": notification});
    for wrong in [json!("x"), json!(5), json!({"alert": {"a": 1}}), json!({"android": 5}), json!({"hmos": "x"})] {
        assert_eq!(refused(with(wrong.clone())), Kind::Invalid, "{wrong}");
    }
    let for_another = json!({"platform": ["ios"], "audience": "all", "notification": {"android": {"alert": "x"}}});
    assert_eq!(refused(for_another), Kind::Missing);
}

#[test]
fn unknown_keys_are_1009_at_the_strict_places_unless_the_operator_is_lenient() {
    let typo = json!({
        "platform": "all", "audience": "all",
        "notification": {"ios": {"alert": "x", "content_available": true}},
    });
    assert_eq!(refused(typo.clone()), Kind::UnknownKey);
    assert!(PushObject::parse(&typo, &reading(UnknownKeys::Ignore, Form::Push)).is_ok());
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
        json!({"override_msg_id": "x"}),
        json!({"override_msg_id": -1}),
        json!({"big_push_duration": -1}),
        json!({"third_party_channel": 7}),
        json!({"target_event": [7]}),
        json!({"notification_3rd_ver": "v3"}),
        json!({"geofence": "x"}),
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

#[test]
fn what_typed_clients_send_for_nothing_is_nothing() {
    let mut push = everybody();
    push["options"] = json!({"big_push_duration": 0, "override_msg_id": 0, "notification_3rd_ver": ""});
    push["cid"] = json!("");
    let push = accepted(push);
    assert_eq!((push.spread_s, push.replaces, push.cid, push.kept.as_str()), (0, None, None, ""));
    let activity = json!({"event": "update", "attributes-type": "", "content-state": {}});
    accepted(json!({"platform": ["ios"], "audience": "all", "live_activity": {"ios": activity}}));
    let start = json!({"event": "start", "attributes-type": "", "content-state": {}});
    let started = json!({"platform": ["ios"], "audience": "all", "live_activity": {"ios": start}});
    assert_eq!(refused(started), Kind::Missing);
}

#[test]
fn options_with_effect_are_read_from_numbers_and_texts() {
    let mut push = everybody();
    push["options"] = json!({
        "override_msg_id": "1048577", "big_push_duration": "3", "test_model": "true", "apns_collapse_id": "c",
        "apns_production": "false", "third_party_channel": {"xiaomi": {"channel_id": "x"}}, "what_comes_next": null,
    });
    let push = accepted(push);
    assert_eq!((push.replaces, push.spread_s, push.only_test_devices), (Some(Position(1_048_577)), 180, true));
    let kept: Value = serde_json::from_str(&push.kept).expect("JSON");
    assert_eq!(kept["options"]["apns_collapse_id"], "c");
    assert_eq!(kept["options"]["apns_production"], false);
    assert_eq!(kept["options"]["third_party_channel"], json!({"xiaomi": {"channel_id": "x"}}));
    let push = accepted(everybody());
    assert_eq!((push.replaces, push.spread_s, push.only_test_devices, push.kept.as_str()), (None, 0, false, ""));
}

#[test]
fn every_member_of_a_block_travels_to_the_device_in_one_form() {
    let push = accepted(json!({
        "platform": ["android", "ios", "hmos", "quickapp", "winphone"], "audience": "all",
        "notification": {
            "alternate_alert": "other",
            "android": {
                "alert": "a", "builder_id": "2", "channel_id": "c", "priority": "1", "category": "m", "style": 1,
                "alert_type": -1, "big_text": "b", "inbox": {"1": "x"}, "big_pic_path": "p", "large_icon": "l",
                "small_icon_uri": "s", "icon_bg_color": "#fff", "intent": {"url": "u"}, "uri_activity": "v",
                "uri_action": "w", "badge_add_num": "1", "badge_class": "k", "sound": "d",
                "show_begin_time": "2026-01-02 03:04:05", "show_end_time": "2026-12-31 23:59:59",
                "display_foreground": 1, "custom_buttons": [{"name": "n", "action_type": "1", "action": "x"}],
                "mipns_content_forshort": "short", "title": null,
            },
            "ios": {
                "alert": "i", "sound": {"critical": "1", "name": "n", "volume": 0.5}, "badge": "auto",
                "content-available": 1, "mutable-content": "true", "category": "c", "thread-id": "t",
                "interruption-level": "passive",
            },
            "hmos": {
                "alert": "h", "category": "c", "large_icon": "l", "intent": {"url": "u"}, "badge_set_num": "7",
                "badge_add_num": 1, "test_message": "false", "receipt_id": "r", "style": "2", "inbox": {"1": "x"},
                "push_type": "2", "extra_data": "e", "display_foreground": "0", "sound": "s", "sound_duration": "60",
            },
            "quickapp": {"alert": "q", "title": "T", "page": "/x"},
            "winphone": {"alert": "w", "title": "T", "_open_page": "/x"},
        },
    }));
    let options = |index: usize| -> Value {
        let notification = push.contents[index].1.notification.as_ref().expect("a notification");
        serde_json::from_str(&notification.options).expect("JSON")
    };
    assert_eq!(
        options(0),
        json!({
            "alternate_alert": "other", "builder_id": 2, "channel_id": "c", "priority": 1, "category": "m", "style": 1,
            "alert_type": -1, "big_text": "b", "inbox": {"1": "x"}, "big_pic_path": "p", "large_icon": "l",
            "small_icon_uri": "s", "icon_bg_color": "#fff", "intent": {"url": "u"}, "uri_activity": "v",
            "uri_action": "w", "badge_add_num": 1, "badge_class": "k", "sound": "d",
            "show_begin_time": "2026-01-02 03:04:05", "show_end_time": "2026-12-31 23:59:59",
            "display_foreground": "1", "custom_buttons": [{"name": "n", "action_type": 1, "action": "x"}],
            "mipns_content_forshort": "short",
        })
    );
    assert_eq!(
        options(1),
        json!({
            "alternate_alert": "other", "sound": {"critical": 1, "name": "n", "volume": 0.5}, "badge": "+1",
            "content-available": true, "mutable-content": true, "category": "c", "thread-id": "t",
            "interruption-level": "passive",
        })
    );
    // A badge that is set wins over one that is added to.
    assert_eq!(
        options(2),
        json!({
            "alternate_alert": "other", "category": "c", "large_icon": "l", "intent": {"url": "u"},
            "badge_set_num": 7, "test_message": false, "receipt_id": "r", "style": 2, "inbox": {"1": "x"},
            "push_type": 2, "extra_data": "e", "display_foreground": "0", "sound": "s", "sound_duration": 60,
        })
    );
    assert_eq!(options(3), json!({"alternate_alert": "other", "page": "/x"}));
    assert_eq!(options(4), json!({"alternate_alert": "other", "_open_page": "/x"}));
}

#[test]
fn badges_are_numbers_or_steps() {
    let badge = |badge: Value| json!({"platform": ["ios"], "audience": "all", "notification": {"ios": {"alert": "x", "badge": badge}}});
    for (given, travels) in [
        (json!(5), json!(5)),
        (json!("5"), json!(5)),
        (json!("+2"), json!("+2")),
        (json!("-2"), json!("-2")),
        (json!("auto"), json!("+1")),
        (json!(""), json!(0)),
        (json!(99_999), json!(99_999)),
    ] {
        let push = accepted(badge(given.clone()));
        let options = &push.contents[0].1.notification.as_ref().expect("a notification").options;
        assert_eq!(serde_json::from_str::<Value>(options).expect("JSON"), json!({"badge": travels}), "{given}");
    }
    for wrong in [json!(100_000), json!(-1), json!("x"), json!([]), json!(1.5)] {
        assert_eq!(refused(badge(wrong.clone())), Kind::Invalid, "{wrong}");
    }
}

#[test]
fn members_of_blocks_outside_their_ranges_are_1003() {
    for (platform, member, wrong) in [
        ("android", "builder_id", json!("x")),
        ("android", "channel_id", json!("x".repeat(1001))),
        ("android", "priority", json!(3)),
        ("android", "alert_type", json!(8)),
        ("android", "inbox", json!("x")),
        ("android", "intent", json!({"uri": "x"})),
        ("android", "badge_add_num", json!(0)),
        ("android", "badge_set_num", json!(100)),
        ("android", "display_foreground", json!(2)),
        ("android", "show_begin_time", json!("2026-1-2 03:04:05")),
        ("android", "show_end_time", json!("2026-13-01 00:00:00")),
        ("android", "custom_buttons", json!([{"name": "x".repeat(21)}])),
        ("android", "custom_buttons", json!([{"action_type": 5}])),
        ("android", "custom_buttons", json!({})),
        ("android", "extras", json!("x")),
        ("ios", "sound", json!({"volume": 1.5})),
        ("ios", "sound", json!(7)),
        ("ios", "mutable-content", json!("perhaps")),
        ("ios", "interruption-level", json!("loud")),
        ("hmos", "push_type", json!(3)),
        ("hmos", "sound_duration", json!(61)),
        ("hmos", "test_message", json!("x")),
        ("quickapp", "page", json!(7)),
        ("winphone", "_open_page", json!(7)),
    ] {
        let mut push = everybody();
        push["notification"][platform] = json!({"alert": "x", member: wrong});
        assert_eq!(refused(push), Kind::Invalid, "{platform}.{member}: {wrong}");
    }
    let mut push = everybody();
    push["notification"]["hmos"] = json!({"alert": "x", "push_type": 1});
    assert_eq!(refused(push.clone()), Kind::Missing);
    push["notification"]["hmos"]["hm_payload"] = json!({});
    accepted(push);
}

#[test]
fn in_app_banners_go_with_a_notification_and_reach_the_device() {
    let mut push = everybody();
    push["inapp_message"] = json!({"inapp_message": "true"});
    let told = accepted(push.clone());
    let options = &told.contents[0].1.notification.as_ref().expect("a notification").options;
    assert_eq!(options, r#"{"inapp_message":true}"#);
    push["inapp_message"] = json!({"inapp_message": "x"});
    assert_eq!(refused(push.clone()), Kind::Invalid);
    push["inapp_message"] = json!({"inapp_message": true});
    push["message"] = json!({"msg_content": "x"});
    assert_eq!(refused(push), Kind::Invalid);
}

#[test]
fn a_third_partys_notification_goes_with_a_message() {
    let with = |third: Value| json!({"platform": "all", "audience": "all", "message": {"msg_content": "x"}, "notification_3rd": third});
    let push = accepted(with(json!({"content": "c", "title": "t", "badge_add_num": "1"})));
    assert_eq!(push.kept, r#"{"notification_3rd":{"badge_add_num":1,"content":"c","title":"t"}}"#);
    assert_eq!(refused(with(json!({"title": "t"}))), Kind::Missing);
    assert_eq!(refused(with(json!({"content": 7}))), Kind::Invalid);
    assert_eq!(refused(with(json!("x"))), Kind::Invalid);
    let mut both = with(json!({"content": "c"}));
    both["notification"] = json!({"alert": "x"});
    assert_eq!(refused(both.clone()), Kind::Invalid);
    both["notification_3rd"] = json!({"android": {"title": "x"}, "ios": {}, "hmos": {}});
    both["options"] = json!({"notification_3rd_ver": "v2"});
    accepted(both.clone());
    // Some clients know only the second version and do not name it.
    both["options"] = json!({"notification_3rd_ver": ""});
    accepted(both.clone());
    both["options"] = Value::Null;
    accepted(both.clone());
    both["options"] = json!({"notification_3rd_ver": "v1"});
    assert_eq!(refused(both), Kind::Missing);
    let mut without_message = everybody();
    without_message["notification_3rd"] = json!({"content": "c"});
    assert_eq!(refused(without_message), Kind::Invalid);
}

#[test]
fn a_live_activity_may_stand_alone_and_is_for_apple_only() {
    let with = |activity: Value| json!({"platform": ["ios"], "audience": "all", "live_activity": {"ios": activity}});
    let start = json!({
        "event": "start", "attributes-type": "T", "attributes": {}, "content-state": {"k": 1}, "stale-date": "1700000000",
        "alert": {"title": "t"}, "relevance-score": 100, "apns-priority": "10",
    });
    let push = accepted(with(start.clone()));
    assert_eq!((push.contents.len(), push.bridged), (0, vec![Platform::IOS]));
    let kept: Value = serde_json::from_str(&push.kept).expect("JSON");
    assert_eq!(kept["live_activity"]["ios"]["stale-date"], 1_700_000_000);
    accepted(with(json!({"event": "end", "content-state": {}})));
    for missing in ["event", "attributes-type", "content-state"] {
        let mut without = start.clone();
        without[missing] = Value::Null;
        assert_eq!(refused(with(without)), Kind::Missing, "{missing}");
    }
    for (member, wrong) in [
        ("event", json!("pause")),
        ("content-state", json!(7)),
        ("relevance-score", json!(0)),
        ("apns-priority", json!(7)),
        ("alert", json!({"title": 7})),
        ("dismissal-date", json!("soon")),
    ] {
        let mut changed = start.clone();
        changed[member] = wrong;
        assert_eq!(refused(with(changed)), Kind::Invalid, "{member}");
    }
    let mut large = start.clone();
    large["attributes"] = json!({"k": "x".repeat(3584)});
    assert_eq!(refused(with(large)), Kind::TooLarge);
    let mut for_android = with(start);
    for_android["platform"] = json!(["android"]);
    assert_eq!(refused(for_android), Kind::Missing);
    assert_eq!(refused(json!({"platform": ["ios"], "audience": "all", "live_activity": {}})), Kind::Missing);
    for wrong in [json!("x"), json!({"ios": "x"})] {
        assert_eq!(refused(json!({"platform": ["ios"], "audience": "all", "live_activity": wrong})), Kind::Invalid);
    }
}

#[test]
fn a_call_over_pushkit_is_for_apple_only() {
    let push = json!({"platform": ["ios"], "audience": "all", "notification": {"voip": {"caller": "x"}}});
    let push = accepted(push);
    assert_eq!((push.contents.len(), push.bridged), (0, vec![Platform::IOS]));
    assert_eq!(push.kept, r#"{"voip":{"caller":"x"}}"#);
    let wrong = json!({"platform": ["ios"], "audience": "all", "notification": {"alert": "x", "voip": 7}});
    assert_eq!(refused(wrong), Kind::Invalid);
}

#[test]
fn sms_and_callback_are_kept() {
    let with = |name: &str, block: Value| {
        let mut push = everybody();
        push[name] = block;
        push
    };
    let push = accepted(with("sms_message", json!({"delay_time": "60", "temp_id": "7", "temp_para": [], "new": 1})));
    assert_eq!(push.kept, r#"{"sms_message":{"delay_time":60,"new":1,"temp_id":7,"temp_para":{}}}"#);
    accepted(with("sms_message", json!({"content": "x"})));
    accepted(with("sms_message", json!({})));
    assert_eq!(refused(with("sms_message", json!({"temp_id": 1}))), Kind::Missing);
    for wrong in [
        json!("x"),
        json!({"delay_time": 86_401}),
        json!({"delay_time": 0, "temp_id": "x"}),
        json!({"active_filter": 7}),
        json!({"signid": []}),
        json!({"temp_para": 7}),
    ] {
        assert_eq!(refused(with("sms_message", wrong.clone())), Kind::Invalid, "{wrong}");
    }
    let push = accepted(with("callback", json!({"url": "https://x", "params": {"k": 1}, "type": "3"})));
    assert_eq!(push.kept, r#"{"callback":{"params":{"k":1},"type":3,"url":"https://x"}}"#);
    for wrong in [json!("x"), json!({"url": 7}), json!({"params": 7}), json!({"type": "x"})] {
        assert_eq!(refused(with("callback", wrong.clone())), Kind::Invalid, "{wrong}");
    }
}

#[test]
fn an_id_that_only_apple_gives_excludes_other_kinds_and_names_nobody() {
    let push = accepted(with_audience(json!({"live_activity_id": "x"})));
    assert_eq!(push.audience, Audience::Activity("x".into()));
    for wrong in [json!({"live_activity_id": ["x"]}), json!({"live_activity_id": "x", "tag": ["a"]})] {
        assert_eq!(refused(with_audience(wrong.clone())), Kind::Invalid, "{wrong}");
    }
}

#[test]
fn segments_tests_and_files_are_1003() {
    for audience in [
        json!({"segment": ["x"]}),
        json!({"segment": ["x", "y"]}),
        json!({"abtest": ["x"], "tag": ["a"]}),
        json!({"segment": "x"}),
        json!({"file": {"file_id": "x"}}),
    ] {
        assert_eq!(refused(with_audience(audience.clone())), Kind::Invalid, "{audience}");
    }
    // Empty lists are absent kinds.
    accepted(with_audience(json!({"segment": [], "abtest": null, "tag": ["a"]})));
}

#[test]
fn an_item_of_a_batch_names_one_target_instead_of_an_audience() {
    let parse = |push: &Value, kind| PushObject::parse(push, &reading(UnknownKeys::Refuse, Form::Single(kind)));
    let push = json!({"platform": "all", "target": 7, "notification": {"alert": "x"}});
    let by_id = parse(&push, TargetKind::RegistrationId).expect("good");
    let by_alias = parse(&push, TargetKind::Alias).expect("good");
    let selected = |change: fn(&mut Selection)| {
        let mut selection = Selection::default();
        change(&mut selection);
        Audience::Selected(selection)
    };
    assert_eq!(by_id.audience, selected(|selection| selection.registration_id = vec!["7".into()]));
    assert_eq!(by_alias.audience, selected(|selection| selection.alias = vec!["7".into()]));
    for (key, value, kind) in [
        ("target", Value::Null, Kind::Missing),
        ("target", json!(["x"]), Kind::Invalid),
        ("target", json!("a b"), Kind::Invalid),
        ("audience", json!("all"), Kind::UnknownKey),
        ("cid", json!("a cid"), Kind::UnknownKey),
    ] {
        let mut wrong = push.clone();
        wrong[key] = value;
        assert_eq!(parse(&wrong, TargetKind::Alias).expect_err("a mistake").kind, kind, "{wrong}");
    }
    assert_eq!(refused(push), Kind::UnknownKey);
}

#[test]
fn a_cid_that_was_not_given_out_ranks_with_wrong_values() {
    let mut push = everybody();
    push["cid"] = json!("a cid");
    assert_eq!(accepted(push.clone()).cid.as_deref(), Some("a cid"));
    push["cid"] = json!("another");
    assert_eq!(refused(push.clone()), Kind::Invalid);
    push["notification"] = json!({"alert": "x".repeat(5000)});
    assert_eq!(refused(push), Kind::Invalid);
}

#[test]
fn a_message_for_a_platform_counts_with_its_notification() {
    let with = |platform: &str, notification: usize, message: usize| {
        json!({
            "platform": [platform], "audience": "all", "notification": {"alert": "x".repeat(notification)},
            "message": {"msg_content": "x".repeat(message)},
        })
    };
    accepted(with("android", 1900, 1900));
    assert_eq!(refused(with("android", 2000, 2000)), Kind::TooLarge);
    accepted(with("ios", 1900, 3900));
    assert_eq!(refused(with("ios", 10, 4000)), Kind::TooLarge);
    assert_eq!(refused(with("winphone", 1000, 10)), Kind::TooLarge);
    let mut alternate = with("ios", 1900, 10);
    alternate["notification"]["alternate_alert"] = json!("x".repeat(100));
    assert_eq!(refused(alternate), Kind::TooLarge);
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(value in any_json()) {
        let _ = PushObject::parse(&value, &reading(UnknownKeys::Refuse, Form::Push));
    }

    #[test]
    fn no_member_of_a_push_makes_it_panic(key in prop::sample::select(known_keys(Form::Push)), value in any_json()) {
        let mut push = everybody();
        push[key] = value;
        let _ = PushObject::parse(&push, &reading(UnknownKeys::Refuse, Form::Push));
    }

    #[test]
    fn what_is_accepted_fits_into_a_frame(value in any_json(), android in any_json()) {
        let push = json!({"platform": "all", "audience": "all",
            "notification": {"alert": "x", "ios": value, "android": android}, "message": {"msg_content": "m"}});
        if let Ok(push) = PushObject::parse(&push, &reading(UnknownKeys::Ignore, Form::Push)) {
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

fn reading(unknown_keys: UnknownKeys, form: Form) -> Reading<'static> {
    Reading { unknown_keys, form, is_cid: &|cid| cid == "a cid" }
}

fn everybody() -> Value {
    json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}})
}

fn with_audience(audience: Value) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": "x"}})
}

fn accepted(push: Value) -> PushObject {
    PushObject::parse(&push, &reading(UnknownKeys::Refuse, Form::Push))
        .unwrap_or_else(|finding| panic!("{finding:?} for {push}"))
}

fn refused(push: Value) -> Kind {
    PushObject::parse(&push, &reading(UnknownKeys::Refuse, Form::Push)).expect_err("a mistake").kind
}

fn alert(content: &PushContent) -> &str {
    &content.notification.as_ref().expect("a notification").alert
}
