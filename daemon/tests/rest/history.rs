//! Pages of history, as devices ask for them.

use anser_protocol::content::ContentKind;
use anser_protocol::ids::GroupId;
use anser_protocol::limits::{NAMES_PER_CALL_MAX, USERNAME_BYTES_MAX};
use anser_protocol::names::Chat;
use serde_json::json;

use crate::peer::{END, Peer};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_holds_its_newest_record_however_long_it_is() {
    let world = World::new().await;
    let app = world.app("one").await;
    // An event with so many long names takes more than a page is meant to hold.
    let name = |number: usize| format!("{number:0>width$}", width = USERNAME_BYTES_MAX);
    let members: Vec<String> = (1..NAMES_PER_CALL_MAX).map(name).collect();
    world.users(&app, &["owner"]).await;
    world.users(&app, &members.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let group = json!({"owner_username": "owner", "name": "all", "members_username": members});
    let made = world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201);
    let gid = made["gid"].as_u64().expect("a number");
    let said = json!({
        "version": 1, "target_type": "group", "target_id": gid.to_string(), "from_type": "user", "from_id": "owner",
        "msg_type": "text", "msg_body": {"text": "welcome"},
    });
    world.call(&app, "POST", "/v1/messages", Some(said)).await.expect(201);
    let chat = Chat::Group(GroupId(gid.try_into().expect("a group's id")));

    let mut peer = Peer::connect(&world).await;
    peer.register(&app.key).await;
    peer.log_in("owner", "secret").await;

    let newest = peer.history(chat.clone(), END).await;
    assert_eq!((newest.records[0].content.as_text(), newest.records.len()), (Some("welcome"), 1));
    assert!(!newest.is_complete, "the event did not fit any more");
    let rest = peer.history(chat, newest.records[0].position).await;
    let kinds: Vec<ContentKind> = rest.records.iter().map(|record| record.content.kind).collect();
    assert_eq!((kinds, rest.is_complete), (vec![ContentKind::EVENT], true));
}
