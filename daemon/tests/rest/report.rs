//! What became of pushes, counted from what real devices report over their links.

use anser_protocol::content::Platform;
use anser_protocol::frame::push::PushState;
use anser_protocol::ids::Position;
use anser_storage::Use;
use anser_storage::command::{Command, MarkCommand};
use anserd::attendance;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, World};

const HOUR_MS: u64 = 3_600_000;

/// An app whose Android device and iPhone are connected, beside one of each that never was.
struct Scene {
    world: World,
    app: App,
    android: Phone,
    iphone: Phone,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.app("one").await;
        world.device(&app, "absent-android", Platform::ANDROID).await;
        world.device(&app, "absent-iphone", Platform::IOS).await;
        let android = Phone::register(&world, &app, Platform::ANDROID);
        let iphone = Phone::register(&world, &app, Platform::IOS);
        Self { world, app, android, iphone }
    }

    /// One whose devices all came in one hour, and a moment in that hour.
    async fn within_one_hour() -> (Self, u64) {
        loop {
            let begin = now_ms();
            let scene = Self::new().await;
            if now_ms() / HOUR_MS == begin / HOUR_MS {
                return (scene, begin);
            }
        }
    }

    async fn get(&self, path: &str) -> Value {
        self.world.call(&self.app, "GET", path, None).await.expect(200)
    }

    async fn push(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut push = json!({"platform": "all", "audience": "all"});
        change(&mut push);
        let answer = self.world.call(&self.app, "POST", "/v3/push", Some(push)).await.expect(200);
        answer["msg_id"].as_str().expect("a text").to_owned()
    }

    /// A notification with a message that both phones receive, each reporting it twice; the user of the first opens it.
    async fn delivered(&mut self) -> String {
        let msg_id = self
            .push(|push| {
                push["notification"] = json!({"alert": "hello"});
                push["message"] = json!({"msg_content": "custom"});
            })
            .await;
        for phone in [&mut self.android, &mut self.iphone] {
            let push = phone.push();
            phone.acknowledge(&push);
            phone.acknowledge(&push);
        }
        let pushes = [position(&msg_id)];
        for _ in 0..2 {
            self.android.click(&pushes);
            self.android.report(PushState::SHOWN, &pushes);
            self.android.report(PushState::CLICKED, &pushes);
            self.iphone.report(PushState::MESSAGE_CLICKED, &pushes);
            self.iphone.report(PushState::MESSAGE_SHOWN, &pushes);
        }
        let context = self.world.daemon.context();
        attendance::round(&context.ledger, &context.switchboard, now_ms()).await;
        msg_id
    }
}

fn position(msg_id: &str) -> Position {
    Position(msg_id.parse().expect("digits"))
}

#[tokio::test(flavor = "multi_thread")]
async fn received_counts_each_device_once_and_what_there_is_no_channel_for_is_null() {
    let mut scene = Scene::new().await;
    scene.world.covers(&[
        "GET /v3/received",
        "GET /v3/report/received",
        "GET /v3/received/detail",
        "GET /v3/report/received/detail",
    ]);
    let msg_id = scene.delivered().await;

    let expected = json!([{
        "msg_id": msg_id, "android_received": 1, "ios_apns_sent": null, "ios_apns_received": null,
        "ios_msg_received": 1, "wp_mpns_sent": null,
    }]);
    for path in ["/v3/received/", "/v3//received", "/v3/report/received"] {
        assert_eq!(scene.get(&format!("{path}?msg_ids={msg_id}")).await, expected, "{path}");
    }
    let detail = json!([{
        "msg_id": msg_id, "jpush_received": 2, "android_pns_sent": null, "android_pns_received": null,
        "ios_apns_sent": null, "ios_apns_received": null, "ios_msg_received": 1, "wp_mpns_sent": null,
        "live_acivity_sent": null, "live_acivity_received": null, "quickapp_jpush_received": null,
        "quickapp_pns_sent": null, "hmos_hmpns_sent": null, "hmos_hmpns_received": null, "hmos_msg_sent": null,
        "hmos_msg_received": null,
    }]);
    for path in ["/v3/received/detail", "/v3/report/received/detail"] {
        assert_eq!(scene.get(&format!("{path}?msg_ids={msg_id}")).await, detail, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_count_targets_reach_receipts_and_clicks() {
    let mut scene = Scene::new().await;
    scene.world.covers(&["GET /v3/messages", "GET /v3/report/messages"]);
    let msg_id = scene.delivered().await;

    let expected = json!([{
        "msg_id": msg_id,
        "android": {"target": 2, "online_push": 1, "received": 1, "click": 1, "msg_click": 0},
        "ios": {
            "apns_target": null, "apns_sent": null, "apns_received": null, "click": 0, "target": 2, "received": 1,
        },
        "winphone": {"mpns_target": null, "mpns_sent": null, "click": null},
    }]);
    for path in ["/v3/messages", "/v3/report/messages"] {
        assert_eq!(scene.get(&format!("{path}?msg_ids={msg_id}")).await, expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_detail_has_eight_blocks_and_tells_kinds_apart() {
    let mut scene = Scene::new().await;
    scene.world.covers(&["GET /v3/messages/detail", "GET /v3/report/messages/detail"]);
    let msg_id = scene.delivered().await;

    for path in ["/v3/messages/detail", "/v3/report/messages/detail"] {
        let rows = scene.get(&format!("{path}?msg_ids={msg_id}")).await;
        let row = &rows[0];
        let keys: Vec<&str> = row.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut blocks =
            ["msg_id", "jpush", "android_pns", "ios", "winphone", "quickapp_jpush", "quickapp_pns", "details"];
        blocks.sort_unstable();
        assert_eq!(keys, blocks);
        let jpush = json!({
            "target": 2, "online_push": 1, "received": 1, "click": 1, "msg_click": 0, "sent": 1, "display": 1,
        });
        assert_eq!(row["jpush"], jpush);
        assert_eq!(row["ios"]["msg_target"], 2);
        assert_eq!(row["ios"]["msg_received"], 1);
        assert_eq!((&row["ios"]["msg_click"], &row["ios"]["msg_display"]), (&json!(1), &json!(1)));
        assert_eq!(row["android_pns"]["pns_target"], Value::Null);
        assert_eq!(row["android_pns"].as_object().map(serde_json::Map::len), Some(13));
        let five = |target, received, display, click| json!({"target": target, "sent": received, "received": received, "display": display, "click": click});
        let notification = &row["details"]["notification"];
        assert_eq!(notification["sub_android"]["jg_android"], five(json!(2), json!(1), json!(1), json!(1)));
        assert_eq!(notification["sub_ios"]["jg_ios"], five(json!(2), json!(1), Value::Null, json!(0)));
        assert_eq!(notification["sub_android"]["xiaomi"], five(Value::Null, Value::Null, Value::Null, Value::Null));
        assert_eq!((&notification["target"], &notification["received"]), (&json!(4), &json!(2)));
        let message = &row["details"]["message"];
        assert_eq!(message["sub_ios"]["jg_ios"], five(json!(2), json!(1), json!(1), json!(1)));
        assert_eq!(row["details"]["inapp"]["target"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_for_one_platform_has_no_numbers_for_another() {
    let mut scene = Scene::new().await;
    let msg_id = scene
        .push(|push| {
            push["platform"] = json!(["ios"]);
            push["notification"] = json!({"alert": "hello"});
        })
        .await;
    let push = scene.iphone.push();
    scene.iphone.acknowledge(&push);

    let rows = scene.get(&format!("/v3/received?msg_ids={msg_id}")).await;
    assert_eq!((&rows[0]["android_received"], &rows[0]["ios_msg_received"]), (&Value::Null, &Value::Null));
    let rows = scene.get(&format!("/v3/messages?msg_ids={msg_id}")).await;
    assert_eq!((&rows[0]["android"]["target"], &rows[0]["ios"]["target"]), (&Value::Null, &Value::Null));
    let rows = scene.get(&format!("/v3/messages/detail?msg_ids={msg_id}")).await;
    assert_eq!(rows[0]["details"]["notification"]["sub_ios"]["jg_ios"]["received"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_come_in_the_order_of_the_ids_and_unknown_pushes_have_one_too() {
    let scene = Scene::new().await;
    let push = |push: &mut Value| push["notification"] = json!({"alert": "hello"});
    let (first, second) = (scene.push(push).await, scene.push(push).await);

    let rows = scene.get(&format!("/v3/received?msg_ids={second},+7,,{first},{second}")).await;

    let ids: Vec<&str> = rows.as_array().expect("rows").iter().filter_map(|row| row["msg_id"].as_str()).collect();
    assert_eq!(ids, [second.as_str(), "7", &first, &second]);
    assert_eq!((&rows[0]["android_received"], &rows[1]["android_received"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn ids_that_are_missing_wrong_or_too_many_are_3003() {
    let world = World::new().await;
    let app = world.app("one").await;
    let too_many = vec!["1"; 101].join(",");
    for path in ["/v3/received", "/v3/received/detail", "/v3/messages", "/v3/messages/detail"] {
        for query in ["", "?msg_ids=", "?msg_ids=1,x", &format!("?msg_ids={too_many}")] {
            world.call(&app, "GET", &format!("{path}{query}"), None).await.refused(400, 3003);
        }
        world.call(&app, "POST", path, None).await.refused(405, 3003);
    }
    world.call(&app, "GET", "/v3/report/unknown", None).await.refused(404, 3003);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_of_a_push_is_told_for_each_device() {
    let mut scene = Scene::new().await;
    scene.world.covers(&["POST /v3/status/message", "POST /v3/report/status/message"]);
    let audience = json!({"registration_id": [scene.android.registration_id, "absent-android"]});
    let msg_id = scene
        .push(|push| {
            push["audience"] = audience;
            push["notification"] = json!({"alert": "hello"});
        })
        .await;
    let push = scene.android.push();
    scene.android.acknowledge(&push);

    let android = scene.android.registration_id.clone();
    let ids = [android.as_str(), "absent-android", "absent-iphone", "unknown"];
    let ask = async |change: &dyn Fn(&mut Value)| {
        let mut body = json!({"msg_id": msg_id, "registration_ids": ids});
        change(&mut body);
        let answer = scene.world.call(&scene.app, "POST", "/v3/status/message", Some(body)).await.expect(200);
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(4));
        ids.map(|id| {
            assert_eq!(answer[id].as_object().map(serde_json::Map::len), Some(1));
            answer[id]["status"].as_u64().expect("a number")
        })
    };
    let today = Written(now_ms(), TimeZone::DEFAULT).to_string()[..10].to_owned();
    assert_eq!(ask(&|_| {}).await, [0, 1, 3, 2]);
    assert_eq!(ask(&|body| body["msg_id"] = json!(position(&msg_id).0)).await, [0, 1, 3, 2], "as a number");
    assert_eq!(ask(&|body| body["data"] = json!("2099-01-01")).await, [0, 1, 3, 2]);
    assert_eq!(ask(&|body| body["date"] = json!(today)).await, [0, 1, 3, 2]);
    assert_eq!(ask(&|body| body["date"] = json!("2020-01-01")).await, [1, 1, 3, 2], "before the push");
    assert_eq!(ask(&|body| body["msg_id"] = json!("7")).await, [3, 3, 3, 2], "an unknown push");
    let body = json!({"msg_id": msg_id, "registration_ids": [android]});
    let answer = scene.world.call(&scene.app, "POST", "/v3/report/status/message", Some(body)).await.expect(200);
    assert_eq!(answer, json!({&android: {"status": 0}}), "in the Beijing layout");
}

#[tokio::test]
async fn a_status_that_is_asked_for_wrongly_is_3003() {
    let world = World::new().await;
    let app = world.app("one").await;
    let many: Vec<String> = (0..1001).map(|number| format!("r{number}")).collect();
    for wrong in [
        json!([]),
        json!({"registration_ids": ["r"]}),
        json!({"msg_id": "x", "registration_ids": ["r"]}),
        json!({"msg_id": "1,2", "registration_ids": ["r"]}),
        json!({"msg_id": 1.5, "registration_ids": ["r"]}),
        json!({"msg_id": "1"}),
        json!({"msg_id": "1", "registration_ids": []}),
        json!({"msg_id": "1", "registration_ids": [1]}),
        json!({"msg_id": "1", "registration_ids": many}),
        json!({"msg_id": "1", "registration_ids": ["r"], "date": "20200101"}),
    ] {
        for path in ["/v3/status/message", "/v3/report/status/message"] {
            world.call(&app, "POST", path, Some(wrong.clone())).await.refused(400, 3003);
        }
    }
    let many: Vec<String> = (0..1000).map(|number| format!("r{number}")).collect();
    let full = json!({"msg_id": "1", "registration_ids": many});
    world.call(&app, "POST", "/v3/status/message", Some(full)).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_active_where_the_app_was_opened_and_its_use_is_added_up() {
    let (mut scene, now) = Scene::within_one_hour().await;
    scene.iphone.use_app(1, 1, 0);
    scene.iphone.use_app(1, 1, 0);
    scene.iphone.use_app(2, 0, 65);
    let context = scene.world.daemon.context();
    attendance::round(&context.ledger, &context.switchboard, now_ms()).await;

    // The hour may have turned meanwhile.
    let begin = Written(now, TimeZone::DEFAULT).to_string();
    let days = format!("/v3/users?time_unit=DAY&start={}&duration=2", &begin[..10]);
    let items = scene.get(&days).await["items"].clone();
    let active: Vec<_> =
        items.as_array().expect("days").iter().filter_map(|day| day["ios"]["active"].as_u64()).collect();
    assert_eq!(active, [1]);
    assert!(items.as_array().expect("days").iter().all(|day| day["android"].get("active").is_none()));
    let (number, hour) = (scene.app.number, (now / HOUR_MS) as u32);
    let uses = context.ledger.read(move |snapshot| snapshot.uses(number, hour..hour + 2)).await.expect("readable");
    assert_eq!(uses.into_iter().collect::<Vec<_>>(), [(Platform::IOS, Use { opens: 1, seconds: 65 })]);
}

#[tokio::test(flavor = "multi_thread")]
async fn users_are_new_and_online_in_their_hours_days_and_months() {
    let (scene, now) = Scene::within_one_hour().await;
    scene.world.covers(&["GET /v3/users", "GET /v3/report/users"]);
    let context = scene.world.daemon.context();
    attendance::round(&context.ledger, &context.switchboard, now).await;
    // Yesterday the iPhone was there as well.
    let iphone = scene.iphone.registration_id.clone();
    let number = scene.app.number;
    let found = context.ledger.read(move |snapshot| snapshot.device_by_registration_id(number, &iphone)).await;
    let (device, _) = found.expect("readable").expect("registered");
    let seen_ms = now - 24 * HOUR_MS;
    scene.world.submit(Command::Mark(MarkCommand::Present { app: number, seen_ms, devices: vec![device] })).await;

    let yesterday = Written(seen_ms, TimeZone::DEFAULT).to_string();
    let today = Written(now, TimeZone::DEFAULT).to_string();
    let both = json!({"android": {"new": 2, "online": 1}, "ios": {"new": 2, "online": 1}});
    let with = |time: &str, blocks: &Value| {
        let mut item = blocks.clone();
        item["time"] = json!(time);
        item
    };
    for path in ["/v3/users", "/v3/report/users"] {
        let answer = scene.get(&format!("{path}?time_unit=day&start={}&duration=2", &yesterday[..10])).await;
        let items = json!([with(&yesterday[..10], &json!({"ios": {"online": 1}})), with(&today[..10], &both)]);
        let expected = json!({"time_unit": "DAY", "start": yesterday[..10], "duration": 2, "items": items});
        assert_eq!(answer, expected, "{path}");
    }
    let hour = format!("{}+{}", &today[..10], &today[11..13]);
    let answer = scene.get(&format!("/v3/users?time_unit=HOUR&start={hour}&duration=1")).await;
    assert_eq!(answer["items"], json!([with(&today[..13], &both)]));
    let answer = scene.get(&format!("/v3/users?time_unit=MONTH&start={}&duration=1", &today[..7])).await;
    assert_eq!(answer["items"], json!([with(&today[..7], &both)]));
}

#[tokio::test]
async fn users_of_long_ago_are_empty_items_and_each_mistake_has_its_code() {
    let world = World::new().await;
    let app = world.app("one").await;
    let ask = async |query: &str| world.call(&app, "GET", &format!("/v3/users?{query}"), None).await;
    let answer = ask("time_unit=HOUR&start=2014-06-10%2004&duration=40").await.expect(200);
    assert_eq!((&answer["duration"], &answer["start"]), (&json!(24), &json!("2014-06-10 04")));
    let items = answer["items"].as_array().expect("a list");
    assert_eq!(items.len(), 20);
    assert_eq!(items[19], json!({"time": "2014-06-10 23"}));

    ask("time_unit=DAY&start=2014-06-10&duration=60").await.expect(200);
    ask("time_unit=DAY&start=2014-06-10&duration=61").await.refused(400, 3005);
    ask("time_unit=MONTH&start=2014-06&duration=3").await.refused(400, 3005);
    ask("time_unit=MONTH&start=2014-06-10&duration=1").await.refused(400, 3004);
    ask("time_unit=WEEK&start=2014-06-10&duration=1").await.refused(400, 3003);
    ask("time_unit=DAY&start=2014-06-10&duration=0").await.refused(400, 3003);
    ask("time_unit=DAY&duration=1").await.refused(400, 3003);
}
