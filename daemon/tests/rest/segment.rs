//! Pushes to segments: devices that are chosen by what they told of themselves.

use anser_protocol::content::Platform;
use anser_protocol::traits::{TraitKind, Traits};
use anser_storage::command::{Command, SegmentCommand};
use anser_storage::outcome::Answer;
use anser_storage::segment::{Compare, Condition};
use anserd::clock::{Written, now_ms};
use anserd::config::TimeZone;
use anserd::schedule::job;
use serde_json::{Value, json};

use crate::phone::Phone;
use crate::world::{App, World};

fn version(text: &str) -> Traits {
    Traits::default().with(TraitKind::AppVersion, text).expect("a short text")
}

async fn from_version(world: &World, app: &App, with: &str) -> String {
    let with = with.to_owned();
    let conditions = vec![Condition::Version { of: TraitKind::AppVersion, compare: Compare::AtLeast, with }];
    let create = SegmentCommand::Create { app: app.number, name: "new ones".to_owned(), conditions };
    match world.submit(Command::Segment(create)).await {
        Answer::Segment(segment) => segment.0.to_string(),
        other => panic!("no segment: {other:?}"),
    }
}

fn push(audience: Value, alert: &str) -> Value {
    json!({"platform": "all", "audience": audience, "notification": {"alert": alert}})
}

async fn send(world: &World, app: &App, audience: Value) -> u64 {
    let answer = world.call(app, "POST", "/v3/push", Some(push(audience, "news"))).await.expect(200);
    answer["msg_id"].as_str().and_then(|id| id.parse().ok()).expect("an id")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_to_a_segment_reaches_exactly_the_devices_that_told_so() {
    let world = World::new().await;
    let app = world.app("shop").await;
    let mut old = Phone::telling(&world, &app, Platform::ANDROID, &version("2.9"));
    let mut new = Phone::telling(&world, &app, Platform::ANDROID, &version("2.10.1"));
    let mut silent = Phone::register(&world, &app, Platform::IOS);
    let segment = from_version(&world, &app, "2.10").await;

    let to_segment = send(&world, &app, json!({"segment": [segment]})).await;
    let to_all = send(&world, &app, json!("all")).await;

    assert_eq!(new.push().msg_id.0, to_segment);
    for phone in [&mut old, &mut new, &mut silent] {
        assert_eq!(phone.push().msg_id.0, to_all);
    }
    let with_tag = push(json!({"segment": [segment], "tag": ["nobody"]}), "news");
    world.call(&app, "POST", "/v3/push", Some(with_tag)).await.refused(400, 1011);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_push_to_a_segment_is_for_the_devices_that_are_in_it_when_it_is_due() {
    let world = World::new().await;
    let app = world.app("shop").await;
    let segment = from_version(&world, &app, "2").await;
    let mut old = Phone::telling(&world, &app, Platform::ANDROID, &version("1"));
    let due = now_ms() / 1000 * 1000 + 3_600_000;
    let task = json!({
        "name": "later", "enabled": true, "push": push(json!({"segment": [segment]}), "later"),
        "trigger": {"single": {"time": Written(due, TimeZone::DEFAULT).to_string()}},
    });
    world.call(&app, "POST", "/v3/schedules", Some(task)).await.expect(200);
    let mut new = Phone::telling(&world, &app, Platform::ANDROID, &version("3"));

    let round = job::round(world.daemon.context(), due).await.expect("the store is there");

    assert_eq!(round.failed, 0);
    assert_eq!(new.push().content.notification.map(|shown| shown.alert), Some("later".to_owned()));
    let to_all = send(&world, &app, json!("all")).await;
    assert_eq!(old.push().msg_id.0, to_all, "the older device got nothing before");
}

#[tokio::test]
async fn an_unknown_or_foreign_segment_is_1003_and_an_empty_one_1011() {
    let world = World::new().await;
    let (app, other) = (world.app("shop").await, world.app("other").await);
    world.device(&app, "rid", Platform::ANDROID).await;
    let (own, foreign) = (from_version(&world, &app, "1").await, from_version(&world, &other, "1").await);
    for path in ["/v3/push", "/v3/push/validate"] {
        let call = async |audience| world.call(&app, "POST", path, Some(push(audience, "news"))).await;
        call(json!({"segment": ["1"]})).await.refused(400, 1003);
        call(json!({"segment": ["no number"]})).await.refused(400, 1003);
        call(json!({"segment": [foreign]})).await.refused(400, 1003);
        call(json!({"segment": [own, own]})).await.refused(400, 1003);
        call(json!({"segment": [own]})).await.refused(400, 1011);
    }
}
