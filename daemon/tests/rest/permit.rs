//! What an operator says about an app: blocked, addresses, calls in a minute.

use anser_protocol::content::Platform;
use anser_storage::command::{AccessChange, AppCommand, Command};
use anserd::rest::permit::parse_range;
use anserd::rest::rate::{Limits, RateFamily};
use serde_json::{Value, json};

use crate::world::{Answered, App, World};

/// A call of each family that succeeds, or at least is looked at.
const CALLS: [(RateFamily, &str); 4] = [
    (RateFamily::Push, "/v3/push/cid"),
    (RateFamily::Report, "/v3/received?msg_ids=1"),
    (RateFamily::Device, "/v3/tags"),
    (RateFamily::Schedule, "/v3/schedules"),
];

async fn change(world: &World, app: &App, change: AccessChange) {
    world.submit(Command::App(AppCommand::ChangeAccess { app: app.number, change })).await;
}

/// Calls until one is refused for its rate; a new minute may begin meanwhile.
async fn refused_in_the_end(world: &World, app: &App, path: &str, limit: u32) -> Answered {
    for _ in 0..=2 * limit {
        let answer = world.call(app, "GET", path, None).await;
        if answer.status != 200 {
            return answer;
        }
    }
    panic!("{path}: more than {limit} calls in a minute were served")
}

#[tokio::test]
async fn one_call_too_many_in_a_minute_is_429_in_the_words_of_the_contract() {
    let limits = Limits { push: 3, report: 4, device: 5, schedule: 2, ..Limits::UNLIMITED };
    let world = World::with(|config| config.rates = limits).await;
    let (app, other) = (world.app("one").await, world.app("other").await);
    for (family, path) in CALLS {
        let limit = limits.of(family);
        let first = world.call(&app, "GET", path, None).await;
        assert_eq!(first.headers["x-rate-limit-limit"], limit.to_string().as_str(), "{path}");
        assert_eq!(first.headers["x-rate-limit-quota"], limit.to_string().as_str(), "{path}");
        let refused = refused_in_the_end(&world, &app, path, limit).await;
        assert_eq!(refused.headers["x-rate-limit-remaining"], "0", "{path}");
        let reset: u64 = refused.headers["x-rate-limit-reset"].to_str().expect("text").parse().expect("a number");
        assert!((1..=60).contains(&reset), "{path}: {reset}");
        refused.refused(429, 2002);
        // Another app has its own count.
        world.call(&other, "GET", path, None).await.expect(200);
    }
}

#[tokio::test]
async fn groups_of_apps_and_developers_are_counted_by_themselves() {
    let world = World::with(|config| config.rates = Limits { push: 2, files: 1, im: 1, ..Limits::UNLIMITED }).await;
    let app = world.app("one").await;
    let (group, other) = (world.app_group("g", &[&app]).await, world.app_group("h", &[&app]).await);
    let (developer, rival) = (world.developer("dev").await, world.developer("rival").await);
    let app_itself = crate::world::basic(&app.key, &app.secret);
    for (many, others, path) in
        [(&group, [&other, &app_itself], "/v3/push/cid"), (&developer, [&rival, &app_itself], "/v3/files")]
    {
        let mut calls = 0;
        let refused = loop {
            let answer = world.call_as(Some(many), "GET", path, "").await;
            calls += 1;
            if answer.status != 200 || calls > 6 {
                break answer;
            }
        };
        assert_eq!(refused.headers["x-rate-limit-remaining"], "0", "{path}");
        refused.refused(429, 2002);
        for other in others {
            world.call_as(Some(other), "GET", path, "").await.expect(200);
        }
    }
    let first = world.call(&app, "GET", "/v1/users/nobody", None).await;
    let second = world.call(&app, "GET", "/v1/users/nobody", None).await;
    let third = world.call(&app, "GET", "/v1/users/nobody", None).await;
    assert_eq!(first.headers["x-rate-limit-limit"], "1");
    assert!([second, third].into_iter().any(|answer| answer.status == 429), "a new minute begins once at most");
}

#[tokio::test]
async fn the_rate_is_looked_at_before_the_body_and_after_the_credentials() {
    let world = World::with(|config| config.rates.push = 1).await;
    let app = world.app("one").await;
    refused_in_the_end(&world, &app, "/v3/push/cid", 1).await.refused(429, 2002);
    let basic = crate::world::basic(&app.key, &app.secret);
    let answer = world.call_as(Some(&basic), "POST", "/v3/push", "no json").await;
    // Unless a new minute has just begun, which this one call then opens.
    if answer.status == 429 {
        answer.refused(429, 2002)
    } else {
        answer.refused(400, 1003)
    }
    let wrong = crate::world::basic(&app.key, "wrong");
    world.call_as(Some(&wrong), "POST", "/v3/push", "no json").await.refused(401, 1004);
}

#[tokio::test]
async fn an_app_of_its_own_rate_keeps_it_over_a_restart() {
    let world = World::new().await;
    let app = world.app("one").await;
    change(&world, &app, AccessChange::Rate { family: RateFamily::Device as u8, per_minute: Some(2) }).await;
    refused_in_the_end(&world, &app, "/v3/tags", 2).await.refused(429, 2002);
    let world = world.restarted().await;
    refused_in_the_end(&world, &app, "/v3/tags", 2).await.refused(429, 2002);
    change(&world, &app, AccessChange::Rate { family: RateFamily::Device as u8, per_minute: None }).await;
    for _ in 0..5 {
        world.call(&app, "GET", "/v3/tags", None).await.expect(200);
    }
}

#[tokio::test]
async fn a_blocked_app_is_403_everywhere_until_it_is_unblocked() {
    let world = World::new().await;
    let (app, other) = (world.app("one").await, world.app("other").await);
    change(&world, &app, AccessChange::Blocked(true)).await;
    for (_, path) in CALLS {
        world.call(&app, "GET", path, None).await.refused(403, 2003);
        world.call(&other, "GET", path, None).await.expect(200);
    }
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "hello"}});
    world.call(&app, "POST", "/v3/push", Some(push)).await.refused(403, 2003);
    // Who has the wrong secret is not told that the app is blocked.
    let wrong = crate::world::basic(&app.key, "wrong");
    world.call_as(Some(&wrong), "GET", "/v3/tags", "").await.refused(401, 7004);
    change(&world, &app, AccessChange::Blocked(false)).await;
    world.call(&app, "GET", "/v3/tags", None).await.expect(200);
}

#[tokio::test]
async fn a_caller_whose_address_nobody_named_is_403() {
    let world = World::new().await;
    let app = world.app("one").await;
    let ranges = vec![parse_range("10.0.0.0/8").expect("a range")];
    change(&world, &app, AccessChange::Addresses(ranges)).await;
    for (_, path) in CALLS {
        world.call(&app, "GET", path, None).await.refused(403, 2004);
    }
    change(&world, &app, AccessChange::Addresses(Vec::new())).await;
    world.call(&app, "GET", "/v3/tags", None).await.expect(200);
}

#[tokio::test]
async fn a_new_secret_and_a_deletion_hold_for_the_very_next_call() {
    let world = World::new().await;
    let app = world.app("one").await;
    for round in 0..20 {
        world.call(&app, "GET", "/v3/tags", None).await.expect(200);
        let master_secret = format!("secret{round}");
        world
            .submit(Command::App(AppCommand::RotateSecret { app: app.number, master_secret: master_secret.clone() }))
            .await;
        world.call(&app, "GET", "/v3/tags", None).await.refused(401, 7004);
        let app = App { secret: master_secret, ..app.clone() };
        world.call(&app, "GET", "/v3/tags", None).await.expect(200);
        let first = AppCommand::RotateSecret { app: app.number, master_secret: crate::world::key_of("one", "s") };
        world.submit(Command::App(first)).await;
    }
    world.daemon.context().delete_app(app.number).await.expect("the store is there").expect("deleted");
    world.call(&app, "GET", "/v3/tags", None).await.refused(401, 7004);
}

#[tokio::test]
async fn one_push_too_many_to_all_in_a_day_is_2008() {
    let world = World::with(|config| config.rates = Limits { broadcasts: 2, ..Limits::UNLIMITED }).await;
    let (app, other) = (world.app("one").await, world.app("other").await);
    for app in [&app, &other] {
        world.device(app, "rid-1", Platform::ANDROID).await;
    }
    let to = |audience: Value| Some(json!({"platform": "all", "audience": audience, "notification": {"alert": "x"}}));
    let all = || to(json!("all"));
    // One that reaches nobody and one that is only checked do not count.
    let nobody = Some(json!({"platform": ["hmos"], "audience": "all", "notification": {"alert": "x"}}));
    world.call(&app, "POST", "/v3/push", nobody).await.refused(400, 1011);
    world.call(&app, "POST", "/v3/push/validate", all()).await.expect(200);
    let mut sent = 0;
    let refused = loop {
        let answer = world.call(&app, "POST", "/v3/push", all()).await;
        // A new day may begin meanwhile.
        if answer.status != 200 || sent > 4 {
            break answer;
        }
        sent += 1;
    };
    assert!(sent >= 2, "{sent}");
    refused.refused(403, 2008);
    world.call(&app, "POST", "/v3/push", to(json!({"registration_id": ["rid-1"]}))).await.expect(200);
    world.call(&other, "POST", "/v3/push", all()).await.expect(200);
}

#[tokio::test]
async fn an_app_has_its_own_limit_of_pushes_to_all_which_a_restart_does_not_give_back() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    change(&world, &app, AccessChange::Rate { family: RateFamily::Broadcasts as u8, per_minute: Some(2) }).await;
    let cid = world.call(&app, "GET", "/v3/push/cid", None).await.expect(200)["cidlist"][0].take();
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
    let mut named = push.clone();
    named["cid"] = cid;
    let first = world.call(&app, "POST", "/v3/push", Some(named.clone())).await.expect(200);
    world.call(&app, "POST", "/v3/push", Some(push.clone())).await.expect(200);
    let world = world.restarted().await;
    // A new day may have begun meanwhile: then it takes two more.
    let mut refused = world.call(&app, "POST", "/v3/push", Some(push.clone())).await;
    for _ in 0..2 {
        if refused.status == 200 {
            refused = world.call(&app, "POST", "/v3/push", Some(push.clone())).await;
        }
    }
    refused.refused(403, 2008);
    // A repeat is no new push.
    assert_eq!(world.call(&app, "POST", "/v3/push", Some(named)).await.expect(200), first);
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_503_with_the_code_of_the_family() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.device(&app, "rid-1", Platform::ANDROID).await;
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}});
    let trigger = json!({"single": {"time": "2100-01-01 00:00:00"}});
    let schedule = json!({"name": "s", "enabled": true, "trigger": trigger, "push": push});
    let calls = [
        ("POST", "/v3/push", push, 1030),
        ("POST", "/v3/devices/rid-1", json!({"alias": "me"}), 7030),
        ("POST", "/v3/schedules", schedule, 8203),
        ("POST", "/v1/users", json!([{"username": "alice", "password": "secret"}]), 899_030),
    ];
    let codes: Vec<u64> = calls.iter().map(|(_, _, _, code)| *code).collect();
    let calls = calls.map(|(method, path, body, _)| (method, path, body));
    for (answer, code) in world.call_after_the_end(&app, &calls).await.into_iter().zip(codes) {
        answer.refused(503, code);
    }
}

#[tokio::test]
async fn a_header_that_is_missing_has_the_code_of_the_family() {
    let world = World::new().await;
    for (path, code) in
        [("/v3/push/cid", 1004), ("/v3/tags", 7001), ("/v3/received?msg_ids=1", 3001), ("/v3/schedules", 8101)]
    {
        world.call_as(None, "GET", path, "").await.refused(401, code);
    }
}
