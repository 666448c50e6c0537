//! Which devices are online, and when the others were last seen.

use std::time::{Duration, Instant};

use anser_protocol::content::Platform;
use anser_storage::command::{Command, MarkCommand};
use anser_storage::ids::DeviceNumber;
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, World};

const HOUR_MS: u64 = 3_600_000;
const TEN_MINUTES_MS: u64 = 600_000;
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_online_while_it_is_connected_and_for_ten_minutes_more() {
    let world = World::new().await;
    let app = world.app("one").await;
    let phone = Phone::register(&world, &app, Platform::ANDROID);
    let id = phone.registration_id.clone();
    assert_eq!(status(&world, &app, &[&id]).await, json!({&id: {"online": true}}));

    drop(phone);
    let begun = Instant::now();
    while !world.daemon.context().switchboard.connected().is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the link was never given up");
        tokio::task::yield_now().await;
    }

    assert_eq!(status(&world, &app, &[&id]).await, json!({&id: {"online": true}}));
}

#[tokio::test]
async fn of_who_was_seen_within_two_days_the_time_is_told() {
    let world = World::new().await;
    world.covers(&["POST /v3/devices/status", "POST /v3/device/status", "POST /v3/device/devices/status"]);
    let app = world.app("one").await;
    let now = now_ms();
    for (id, hours_ago) in [("lately", 3), ("long-ago", 50)] {
        let device = world.device(&app, id, Platform::IOS).await;
        seen(&world, &app, device, now - hours_ago * HOUR_MS).await;
    }
    world.device(&app, "never", Platform::IOS).await;

    let at_ms = now - 3 * HOUR_MS;
    let expected = json!({
        "lately": {
            "online": false,
            "last_online_time": Written(at_ms - at_ms % TEN_MINUTES_MS, TimeZone::DEFAULT).to_string(),
        },
        "long-ago": {"online": false},
        "never": {"online": false},
        "unknown": {},
    });
    for path in ["/v3/devices/status/", "/v3/device/status", "/v3/device/devices/status"] {
        let ids = json!({"registration_ids": ["lately", "long-ago", "never", "unknown"]});
        assert_eq!(world.call(&app, "POST", path, Some(ids)).await.expect(200), expected, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_here_is_known_after_a_restart() {
    let world = World::new().await;
    let app = world.app("one").await;
    let phone = Phone::register(&world, &app, Platform::ANDROID);
    let id = phone.registration_id.clone();
    drop(phone);

    let world = world.restarted().await;

    let status = status(&world, &app, &[&id]).await;
    // Known to ten minutes, which may have ended meanwhile.
    assert!(status[&id]["online"] == true || status[&id]["last_online_time"].is_string(), "{status}");
}

#[tokio::test]
async fn a_thousand_ids_are_answered_and_other_numbers_are_7002() {
    let world = World::new().await;
    let app = world.app("one").await;
    let ids = |count: usize| json!({"registration_ids": (0..count).map(|id| format!("r{id}")).collect::<Vec<_>>()});
    let answer = world.call(&app, "POST", "/v3/devices/status", Some(ids(1000))).await.expect(200);
    assert_eq!(answer.as_object().map(serde_json::Map::len), Some(1000));
    for wrong in
        [ids(0), ids(1001), json!({}), json!([]), json!({"registration_ids": "r1"}), json!({"registration_ids": [1]})]
    {
        world.call(&app, "POST", "/v3/devices/status", Some(wrong)).await.refused(400, 7002);
    }
}

async fn status(world: &World, app: &App, ids: &[&str]) -> Value {
    world.call(app, "POST", "/v3/devices/status", Some(json!({"registration_ids": ids}))).await.expect(200)
}

async fn seen(world: &World, app: &App, device: DeviceNumber, seen_ms: u64) {
    world.submit(Command::Mark(MarkCommand::Present { app: app.number, seen_ms, devices: vec![device] })).await;
}
