//! Devices that want no pushes for a while, and what devices say of themselves besides.

use std::collections::BTreeSet;

use anser_protocol::content::Platform;
use anser_protocol::frame::push::PushDeliver;
use anser_protocol::ids::Position;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, World};

async fn push(world: &World, app: &App, text: &str, time_to_live: u64) -> String {
    let push = json!({
        "platform": "all", "audience": "all", "message": {"msg_content": text},
        "options": {"time_to_live": time_to_live},
    });
    let answer = world.call(app, "POST", "/v3/push", Some(push)).await.expect(200);
    answer["msg_id"].as_str().expect("a text").to_owned()
}

fn ids(pushes: &[PushDeliver]) -> BTreeSet<String> {
    pushes.iter().map(|push| push.msg_id.to_string()).collect()
}

async fn received(world: &World, app: &App, msg_id: &str) -> Value {
    let answer = world.call(app, "GET", &format!("/v3/received?msg_ids={msg_id}"), None).await.expect(200);
    answer[0]["android_received"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn pushes_wait_for_a_device_that_stopped_them_and_count_as_received_only_then() {
    let world = World::new().await;
    let app = world.app("one").await;
    let [mut stopped, mut other] = [(); 2].map(|()| Phone::register(&world, &app, Platform::ANDROID));
    let first = push(&world, &app, "before", 86_400).await;
    let before = stopped.push();
    assert_eq!(before.msg_id.to_string(), first);
    stopped.acknowledge(&before);
    assert_eq!(other.push().msg_id, before.msg_id);

    stopped.stop_pushes();
    let kept = push(&world, &app, "kept", 86_400).await;
    let live_only = push(&world, &app, "live only", 0).await;
    let also_kept = push(&world, &app, "also kept", 86_400).await;
    let delivered = [(); 3].map(|()| other.push());
    // In whatever order: that of pushes is not promised.
    assert_eq!(ids(&delivered), BTreeSet::from([kept.clone(), live_only.clone(), also_kept.clone()]));
    delivered.iter().for_each(|push| other.acknowledge(push));
    // It is there, and was given nothing: a push would have come before this answer.
    stopped.set_mobile("+86-13012345678");
    assert_eq!(received(&world, &app, &kept).await, 1);

    stopped.resume_pushes(Some(before.position));
    let delivered = [(); 2].map(|()| stopped.push());
    let given = BTreeSet::from([kept.clone(), also_kept]);
    assert_eq!(ids(&delivered), given, "what has no lifetime was not for it");
    delivered.iter().for_each(|push| stopped.acknowledge(push));
    assert_eq!((received(&world, &app, &kept).await, received(&world, &app, &live_only).await), (json!(2), json!(1)));
    let live = push(&world, &app, "live again", 0).await;
    assert_eq!(stopped.push().msg_id.to_string(), live);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_without_a_lifetime_finds_nobody_when_all_have_stopped_theirs() {
    let world = World::new().await;
    let app = world.app("one").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    let switchboard = &world.daemon.context().switchboard;
    assert_eq!(switchboard.connected_devices(app.number).len(), 1);
    phone.stop_pushes();
    assert!(switchboard.connected_devices(app.number).is_empty() && switchboard.connected().is_empty());
    assert_eq!(switchboard.counts().0, 1, "its link is still there");
    push(&world, &app, "nobody", 0).await;
    phone.resume_pushes(None);
    assert_eq!(switchboard.connected_devices(app.number).len(), 1);
    let kept = push(&world, &app, "kept", 60).await;
    assert_eq!(phone.push().msg_id.to_string(), kept);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_the_stop_does_not_come_again() {
    let world = World::new().await;
    let app = world.app("one").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    push(&world, &app, "one", 60).await;
    let one = phone.push();
    phone.acknowledge(&one);
    phone.stop_pushes();
    phone.stop_pushes();
    let two = push(&world, &app, "two", 60).await;
    // Without a cursor it goes on behind what was acknowledged.
    phone.resume_pushes(None);
    assert_eq!(phone.push().msg_id.to_string(), two);
    phone.stop_pushes();
    // A device that lost what it had stored says so, and gets it again.
    phone.resume_pushes(Some(Position(one.position.0 - 1)));
    assert_eq!(phone.push().msg_id, one.msg_id);
    assert_eq!(phone.push().msg_id.to_string(), two);
}

#[tokio::test(flavor = "multi_thread")]
async fn app_servers_see_the_mobile_number_that_a_device_has_set() {
    let world = World::new().await;
    let app = world.app("one").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    let path = format!("/v3/devices/{}", phone.registration_id);
    for mobile in ["+86-13012345678", "13012345678", ""] {
        phone.set_mobile(mobile);
        assert_eq!(world.call(&app, "GET", &path, None).await.expect(200)["mobile"], mobile);
    }
}
