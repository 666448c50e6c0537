//! Pushes by REST.

use anser_protocol::content::Platform;
use serde_json::{Value, json};

use crate::contract;
use crate::world::{Answered, App, World};

#[tokio::test]
async fn a_push_is_answered_with_sendno_and_msg_id_as_texts_and_nothing_else() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/push"]);
    let mut push = to(json!("all"));
    push["options"] = json!({"sendno": 18});
    let answer = world.call(&app, "POST", "/v3/push/", Some(push)).await.expect(200);
    assert_eq!(answer["sendno"], "18");
    let digits = answer["msg_id"].as_str().expect("a text");
    assert!(digits.parse::<u64>().is_ok_and(|id| id < 1 << 53));
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
    assert_eq!(send(&world, &app, to(json!("all"))).await["sendno"], "0");
}

#[tokio::test]
async fn an_audience_is_chosen_by_tag_alias_and_registration_id() {
    let (world, app) = with_devices().await;
    for audience in [
        json!({"tag": ["red"]}),
        json!({"tag_and": ["red", "big"]}),
        json!({"tag_not": ["red"]}),
        json!({"alias": ["me"]}),
        json!({"registration_id": ["rid-1", "unknown"]}),
        json!({"tag": ["red", "nobody"], "alias": ["me"]}),
    ] {
        send(&world, &app, to(audience)).await;
    }
}

#[tokio::test]
async fn when_nobody_matches_the_code_is_1011_and_an_id_was_allotted() {
    let (world, app) = with_devices().await;
    for audience in [json!({"tag": ["nobody"]}), json!({"alias": ["x"]}), json!({"tag": ["red"], "tag_not": ["red"]})] {
        let answer = world.call(&app, "POST", "/v3/push", Some(to(audience))).await;
        assert!(answer.json()["msg_id"].as_str().is_some_and(|id| id.parse::<u64>().is_ok()), "{}", answer.text);
        answer.refused(400, 1011);
    }
    let empty = world.app("empty").await;
    world.call(&empty, "POST", "/v3/push", Some(to(json!("all")))).await.refused(400, 1011);
}

#[tokio::test]
async fn a_single_unknown_registration_id_is_1003() {
    let (world, app) = with_devices().await;
    world.call(&app, "POST", "/v3/push", Some(to(json!({"registration_id": ["unknown"]})))).await.refused(400, 1003);
}

#[tokio::test]
async fn a_push_for_platforms_that_nobody_has_finds_nobody() {
    let (world, app) = with_devices().await;
    let mut push = to(json!("all"));
    push["platform"] = json!(["hmos"]);
    world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, 1011);
}

#[tokio::test]
async fn validating_checks_all_and_sends_nothing() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/push/validate"]);
    let before = end(&world).await;
    let answer = world.call(&app, "POST", "/v3//push/validate", Some(to(json!("all")))).await.expect(200);
    assert!(answer["msg_id"].is_string() && answer["sendno"].is_string());
    let device = world.device(&app, "rid-1", Platform::ANDROID).await;
    let number = app.number;
    let pending = world
        .daemon
        .context()
        .ledger
        .read(move |snapshot| snapshot.pending_pushes(number, device, Platform::ANDROID, before, 0, 10));
    assert!(pending.await.expect("readable").is_empty());
    world.call(&app, "POST", "/v3/push/validate", Some(to(json!({"tag": ["nobody"]})))).await.refused(400, 1011);
    world.call(&app, "POST", "/v3/push/validate", Some(json!({"platform": "all"}))).await.refused(400, 1002);
}

#[tokio::test]
async fn a_mistake_is_answered_with_its_code() {
    let (world, app) = with_devices().await;
    let with = |key: &str, value: Value| {
        let mut push = to(json!("all"));
        push[key] = value;
        push
    };
    for (push, code) in [
        (with("typo", json!(1)), 1009),
        (with("platform", Value::Null), 1002),
        (with("platform", json!("pager")), 1003),
        (with("audience", json!({"segment": ["x"]})), 1003),
        (with("notification", json!({"alert": "x".repeat(5000)})), 1005),
        (with("options", json!({"active_push": true, "big_push_duration": 1})), 1035),
        (json!([]), 1003),
    ] {
        world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, code);
    }
}

#[tokio::test]
async fn a_repeated_cid_gets_the_first_answer_and_sends_nothing_more() {
    let (world, app) = with_devices().await;
    let cid = cids(&world, &app, "").await.remove(0);
    let mut push = to(json!("all"));
    push["cid"] = json!(cid);
    push["options"] = json!({"sendno": 7});
    let first = send(&world, &app, push.clone()).await;
    let end_after_first = end(&world).await;
    push["options"] = json!({"sendno": 8});
    assert_eq!(send(&world, &app, push).await, first);
    assert_eq!(end(&world).await, end_after_first);
}

#[tokio::test]
async fn a_cid_is_left_usable_by_a_failed_push_and_by_validating() {
    let (world, app) = with_devices().await;
    let cid = cids(&world, &app, "").await.remove(0);
    let mut nobody = to(json!({"tag": ["nobody"]}));
    nobody["cid"] = json!(cid);
    world.call(&app, "POST", "/v3/push", Some(nobody)).await.refused(400, 1011);
    let mut push = to(json!("all"));
    push["cid"] = json!(cid);
    let validated = world.call(&app, "POST", "/v3/push/validate", Some(push.clone())).await.expect(200);
    assert_ne!(send(&world, &app, push).await["msg_id"], validated["msg_id"]);
}

#[tokio::test]
async fn a_foreign_or_invented_cid_is_1003() {
    let (world, app) = with_devices().await;
    let other = world.app("other").await;
    let foreign = cids(&world, &other, "").await.remove(0);
    let for_schedules = cids(&world, &app, "?type=schedule").await.remove(0);
    for cid in [foreign, for_schedules, format!("{}-00000000-0000-0000-0000-000000000000", app.key), "x".to_owned()] {
        let mut push = to(json!("all"));
        push["cid"] = json!(cid);
        world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, 1003);
    }
}

#[tokio::test]
async fn cids_come_in_the_number_asked_for() {
    let (world, app) = with_devices().await;
    world.covers(&["GET /v3/push/cid"]);
    assert_eq!(cids(&world, &app, "").await.len(), 1);
    assert_eq!(cids(&world, &app, "?count=1000&type=push").await.len(), 1000);
    assert_eq!(cids(&world, &app, "?type=").await.len(), 1);
    for wrong in ["?count=0", "?count=1001", "?count=x", "?type=other"] {
        world.call(&app, "GET", &format!("/v3/push/cid{wrong}"), None).await.refused(400, 1003);
    }
}

#[tokio::test]
async fn a_push_waits_for_its_devices_resolved_for_their_platform() {
    let (world, app) = with_devices().await;
    let mut push = to(json!({"registration_id": ["rid-1"]}));
    push["notification"] = json!({"alert": "shared", "android": {"title": "T"}});
    send(&world, &app, push).await;
    let device = world.device(&app, "rid-1", Platform::ANDROID).await;
    let number = app.number;
    let pending = world.daemon.context().ledger.read(move |snapshot| {
        snapshot.pending_pushes(number, device, Platform::ANDROID, anser_protocol::ids::Position::START, 0, 10)
    });
    let pending = pending.await.expect("readable");
    assert_eq!(pending.len(), 1);
    let content =
        &pending[0].push.contents.iter().find(|(platform, _)| *platform == Platform::ANDROID).expect("android").1;
    let notification = content.notification.as_ref().expect("a notification");
    assert_eq!((notification.alert.as_str(), notification.title.as_str()), ("shared", "T"));
}

#[tokio::test]
async fn a_withdrawn_push_waits_for_nobody_and_withdrawing_it_again_is_no_mistake() {
    let (world, app) = with_devices().await;
    world.covers(&["DELETE /v3/push/{msg_id}"]);
    let pushed = send(&world, &app, to(json!("all"))).await;
    assert_eq!(waiting(&world, &app, "rid-1").await, [text(&pushed["msg_id"])]);
    let path = format!("/v3/push/{}", text(&pushed["msg_id"]));
    for _ in 0..2 {
        assert_eq!(world.call(&app, "DELETE", &path, None).await.expect(200), json!({}));
    }
    assert_eq!(waiting(&world, &app, "rid-1").await, [""; 0]);
}

#[tokio::test]
async fn what_is_no_push_of_the_app_cannot_be_withdrawn() {
    let (world, app) = with_devices().await;
    let other = world.app("other").await;
    let pushed = send(&world, &app, to(json!("all"))).await;
    let path = format!("/v3/push/{}", text(&pushed["msg_id"]));
    world.call(&other, "DELETE", &path, None).await.refused(400, 1003);
    for unknown in ["1", "x", "99999999999999999999", "-1"] {
        world.call(&app, "DELETE", &format!("/v3/push/{unknown}"), None).await.refused(400, 1003);
    }
    assert_eq!(waiting(&world, &app, "rid-1").await, [text(&pushed["msg_id"])]);
}

#[tokio::test]
async fn a_push_takes_the_place_of_one_that_waits() {
    let (world, app) = with_devices().await;
    let old = send(&world, &app, to(json!("all"))).await;
    let mut push = to(json!("all"));
    push["options"] = json!({"override_msg_id": old["msg_id"]});
    let new = send(&world, &app, push.clone()).await;
    assert_eq!(waiting(&world, &app, "rid-1").await, [text(&new["msg_id"])]);

    push["options"] = json!({"override_msg_id": 7});
    world.call(&app, "POST", "/v3/push", Some(push.clone())).await.refused(400, 1003);
    world.call(&app, "POST", "/v3/push/validate", Some(push)).await.refused(400, 1003);
    assert_eq!(waiting(&world, &app, "rid-1").await, [text(&new["msg_id"])]);
}

#[tokio::test]
async fn a_slow_push_reaches_its_devices_one_after_the_other() {
    let (world, app) = with_devices().await;
    let mut push = to(json!("all"));
    push["options"] = json!({"big_push_duration": 1});
    let pushed = send(&world, &app, push).await;
    assert_eq!(waiting(&world, &app, "rid-1").await, [text(&pushed["msg_id"])]);
    assert_eq!(waiting(&world, &app, "rid-2").await, [""; 0]);

    let context = world.daemon.context();
    let later = anserd::clock::now_ms() + 60_000;
    anserd::slow_pushes::round(&context.ledger, &context.switchboard, later).await.expect("the store is there");

    assert_eq!(waiting(&world, &app, "rid-2").await, [text(&pushed["msg_id"])]);
}

#[tokio::test]
async fn a_slow_push_goes_on_where_it_was_after_a_restart_and_reaches_nobody_twice() {
    let (mut world, app) = with_devices().await;
    let devices: Vec<String> = (1..=6).map(|number| format!("rid-{number}")).collect();
    for device in &devices[2..] {
        world.device(&app, device, Platform::ANDROID).await;
    }
    let mut push = to(json!("all"));
    push["options"] = json!({"big_push_duration": 10});
    let begun = anserd::clock::now_ms();
    let pushed = text(&send(&world, &app, push).await["msg_id"]).to_owned();
    // Six devices in ten minutes are slices of one, 100 seconds apart; the daemon is started again before each.
    for released in 1..=7 {
        for (at, device) in devices.iter().enumerate() {
            let expected = if at < released { vec![pushed.clone()] } else { Vec::new() };
            assert_eq!(waiting(&world, &app, device).await, expected, "{device} after {released} slices");
        }
        world = world.restarted().await;
        let context = world.daemon.context();
        let later = begun + released as u64 * 100_000 + 50_000;
        anserd::slow_pushes::round(&context.ledger, &context.switchboard, later).await.expect("the store is there");
    }
}

#[tokio::test]
async fn the_twenty_first_unfinished_slow_push_is_1012() {
    let (world, app) = with_devices().await;
    let mut push = to(json!("all"));
    push["options"] = json!({"big_push_duration": 1440});
    for _ in 0..20 {
        send(&world, &app, push.clone()).await;
    }
    world.call(&app, "POST", "/v3/push", Some(push)).await.refused(400, 1012);
}

#[tokio::test]
async fn a_batch_answers_each_item_by_its_cid_and_mistakes_of_one_do_not_stop_the_others() {
    let (world, app) = with_devices().await;
    world.covers(&["POST /v3/push/batch/regid/single", "POST /v3/push/batch/alias/single"]);
    let cids = cids(&world, &app, "?count=4").await;
    let item = |target: &str| json!({"platform": "all", "target": target, "notification": {"alert": "hello"}});
    let mut typo = item("rid-1");
    typo["typo"] = json!(1);
    let list = json!({"pushlist": {
        cids[0].as_str(): item("rid-1"), cids[1].as_str(): item("nobody"), cids[2].as_str(): typo, "invented": item("rid-1"),
    }});
    let path = "/v3/push/batch/regid/single";
    let answer = world.call(&app, "POST", path, Some(list.clone())).await.expect(200);
    assert_eq!(answer[&cids[1]]["error"]["code"], 1003);
    assert_eq!(answer[&cids[2]]["error"]["code"], 1009);
    assert_eq!(answer["invented"]["error"]["code"], 1003);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(4));
    assert_eq!(waiting(&world, &app, "rid-1").await, [text(&answer[&cids[0]]["msg_id"])]);
    // The cids make it safe to repeat.
    assert_eq!(world.call(&app, "POST", path, Some(list)).await.expect(200)[&cids[0]], answer[&cids[0]]);

    let to_aliases = json!({"pushlist": {cids[3].as_str(): item("me"), cids[2].as_str(): item("nobody")}});
    let answer = world.call(&app, "POST", "/v3/push/batch/alias/single", Some(to_aliases)).await.expect(200);
    assert!(waiting(&world, &app, "rid-1").await.contains(&text(&answer[&cids[3]]["msg_id"]).to_owned()));
    assert_eq!(answer[&cids[2]]["error"]["code"], 1011);
    assert!(answer[&cids[2]]["msg_id"].is_string());
}

#[tokio::test]
async fn each_item_of_a_batch_counts_as_a_call() {
    let world = World::with(|config| config.rates.push = 40).await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    let cids = cids(&world, &app, "?count=30").await;
    let item = json!({"platform": "all", "target": "rid-1", "notification": {"alert": "hello"}});
    let list = |cids: &[String]| {
        let items: serde_json::Map<String, Value> = cids.iter().map(|cid| (cid.clone(), item.clone())).collect();
        json!({"pushlist": items})
    };
    let path = "/v3/push/batch/regid/single";
    let mut answers = Vec::new();
    for half in [&cids[..15], &cids[15..], &cids[..15], &cids[15..]] {
        answers.push(world.call(&app, "POST", path, Some(list(half))).await);
    }
    let left = |answer: &Answered| answer.headers["x-rate-limit-remaining"].to_str().expect("text").to_owned();
    let refused = |answer: &Answered| answer.text.matches("2002").count();
    // The calls may lie in two minutes, of which the second then has begun anew.
    let counts: Vec<_> = answers.iter().map(|answer| (left(answer), refused(answer))).collect();
    assert!(counts.iter().any(|(left, refused)| left == "0" && *refused > 0), "{counts:?}");
    assert!(counts.iter().any(|(left, _)| left == "24" || left == "25"), "{counts:?}");
}

#[tokio::test]
async fn where_the_operator_says_so_a_batch_counts_as_one_call() {
    let world = World::with(|config| {
        config.rates.push = 3;
        config.push.batch_as_one_call = true;
    })
    .await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    let item = json!({"platform": "all", "target": "rid-1", "notification": {"alert": "hello"}});
    let cids = cids(&world, &app, "?count=30").await;
    let items: serde_json::Map<String, Value> = cids.iter().map(|cid| (cid.clone(), item.clone())).collect();
    let answer =
        world.call(&app, "POST", "/v3/push/batch/regid/single", Some(json!({"pushlist": items}))).await.expect(200);
    let sent = answer.as_object().expect("an object").values().filter(|item| item["msg_id"].is_string()).count();
    assert_eq!(sent, 30, "{answer}");
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_as_a_whole() {
    let (world, app) = with_devices().await;
    let many: serde_json::Map<String, Value> = (0..1001).map(|number| (number.to_string(), json!({}))).collect();
    for (body, code) in [
        (json!([]), 1003),
        (json!({}), 1002),
        (json!({"pushlist": {}}), 1003),
        (json!({"pushlist": "x"}), 1003),
        (json!({"pushlist": many}), 1003),
    ] {
        world.call(&app, "POST", "/v3/push/batch/regid/single", Some(body)).await.refused(400, code);
    }
}

#[tokio::test]
async fn the_quota_is_unlimited_and_templates_and_plans_are_refused_in_their_flat_form() {
    let (world, app) = with_devices().await;
    world.covers(&["GET /v3/push/quota"]);
    let unlimited = json!({"total": -1, "used": 0});
    let quota = json!({"system": unlimited, "operation": unlimited});
    let data = json!({"xiaomi_quota": quota, "oppo_quota": quota, "vivo_quota": quota});
    let answer = world.call(&app, "GET", "/v3/push/quota", None).await.expect(200);
    assert_eq!(answer, json!({"code": 0, "message": "success", "data": data}));
    for endpoint in contract::FLATLY_REFUSED {
        let (method, path) = endpoint.split_once(' ').expect("a method and a path");
        assert_eq!(world.call(&app, method, path, Some(json!({}))).await.expect(403)["code"], 2007, "{path}");
    }
}

#[tokio::test]
async fn what_only_apple_can_bring_is_accepted_and_waits_for_nobody() {
    let (world, app) = with_devices().await;
    let activity = json!({"ios": {"event": "update", "content-state": {"k": 1}}});
    let push = json!({"platform": ["ios"], "audience": "all", "live_activity": activity});
    let pushed = send(&world, &app, push).await;
    assert_eq!(waiting(&world, &app, "rid-2").await, [""; 0]);
    let (number, msg_id) = (app.number, text(&pushed["msg_id"]).parse().map(anser_protocol::ids::Position));
    let msg_id = msg_id.expect("a number");
    let kept = world.daemon.context().ledger.read(move |snapshot| snapshot.push_kept(number, msg_id)).await;
    assert_eq!(kept.expect("readable").as_deref(), Some(json!({"live_activity": activity}).to_string().as_str()));
}

/// The ids of the pushes that wait for a device, as REST names them.
async fn waiting(world: &World, app: &App, registration_id: &str) -> Vec<String> {
    let (number, id) = (app.number, registration_id.to_owned());
    let pending = world.daemon.context().ledger.read(move |snapshot| {
        let (device, row) = snapshot.device_by_registration_id(number, &id)?.expect("the device is there");
        snapshot.pending_pushes(number, device, row.platform, anser_protocol::ids::Position::START, 0, 10)
    });
    pending.await.expect("readable").iter().map(|pending| pending.push.msg_id.to_string()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

/// `rid-1` is a big red Android with the alias "me"; `rid-2` is an iPhone without anything.
async fn with_devices() -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    world.device(&app, "rid-2", Platform::IOS).await;
    let change = json!({"tags": {"add": ["red", "big"]}, "alias": "me"});
    world.call(&app, "POST", "/v3/devices/rid-1", Some(change)).await.expect(200);
    (world, app)
}

fn to(audience: Value) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": "hello"}})
}

async fn send(world: &World, app: &App, push: Value) -> Value {
    world.call(app, "POST", "/v3/push", Some(push)).await.expect(200)
}

async fn cids(world: &World, app: &App, query: &str) -> Vec<String> {
    let answer = world.call(app, "GET", &format!("/v3/push/cid{query}"), None).await.expect(200);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1));
    serde_json::from_value(answer["cidlist"].clone()).expect("texts")
}

async fn end(world: &World) -> anser_protocol::ids::Position {
    world.daemon.context().ledger.read(|snapshot| Ok(snapshot.end())).await.expect("readable")
}
