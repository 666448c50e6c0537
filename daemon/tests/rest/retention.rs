//! What has had its time goes, and the rest stays.

use anser_protocol::content::Platform;
use anser_protocol::ids::Position;
use anser_storage::Chat;
use anser_storage::command::{Command, MarkCommand};
use anserd::clock::now_ms;
use anserd::config::Retention;
use anserd::retention;
use serde_json::json;

use crate::world::{App, World};

const DAY_MS: u64 = 86_400_000;

#[tokio::test]
async fn messages_stay_for_their_days_and_then_go() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": "hi"},
    });
    world.call(&app, "POST", "/v1/messages", Some(message)).await.expect(201);
    for (days_later, kept, left) in [(59, Some(60), 1), (100_000, None, 1), (61, Some(60), 0)] {
        let rules = Retention { chat_days: kept, room_days: kept, push_days: kept };
        retention::round(&world.daemon.context().ledger, &rules, now_ms() + days_later * DAY_MS)
            .await
            .expect("the store is there");
        assert_eq!(messages(&world, &app).await, left, "{days_later} days later, kept {kept:?}");
    }
}

async fn messages(world: &World, app: &App) -> usize {
    let number = app.number;
    let page = world.daemon.context().ledger.read(move |snapshot| {
        let Some((alice, _)) = snapshot.user_by_name(number, "alice")? else { return Ok(None) };
        let Some((bob, _)) = snapshot.user_by_name(number, "bob")? else { return Ok(None) };
        snapshot.history(number, alice, &Chat::User(bob), Position(u64::MAX), Position::START, 10).map(Some)
    });
    page.await.expect("readable").expect("both are registered").records.len()
}

#[tokio::test]
async fn a_device_that_is_away_for_long_gets_no_pushes_until_it_connects_again() {
    let world = World::new().await;
    let app = world.app("one").await;
    let device = world.device(&app, "rid", Platform::ANDROID).await;
    let push = || json!({"platform": "all", "audience": {"registration_id": ["rid"]}, "notification": {"alert": "x"}});
    let ledger = &world.daemon.context().ledger;
    let at = now_ms() + 256 * DAY_MS;
    retention::look_for_dormant(ledger, Some(255), at).await.expect("the store is there");
    world.call(&app, "POST", "/v3/push", Some(push())).await.refused(400, 1011);
    retention::look_for_dormant(ledger, None, at).await.expect("the store is there");
    world.call(&app, "POST", "/v3/push", Some(push())).await.expect(200);

    retention::look_for_dormant(ledger, Some(255), at).await.expect("the store is there");
    world.call(&app, "POST", "/v3/push", Some(push())).await.refused(400, 1011);
    let mark = MarkCommand::Present { app: app.number, seen_ms: now_ms(), devices: vec![device] };
    world.submit(Command::Mark(mark)).await;
    world.call(&app, "POST", "/v3/push", Some(push())).await.expect(200);
}
