//! Whoever knows a user is told at once that the profile changed; others never, and nobody later.

use anser_protocol::content::Platform;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::people::{ProfileChange, ProfileChanged};
use anser_protocol::frame::session::capability;
use anser_protocol::frame::talk::{CommandTarget, SendCommand};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;
use serde_json::json;

use crate::peer::{Peer, hello};
use crate::world::{App, World};

async fn online(world: &World, app: &App, username: &str, capabilities: u64) -> Peer {
    let mut peer = Peer::connect(world).await;
    let ClientFrame::Hello(hello) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
    peer.say(&ClientFrame::Hello(anser_protocol::frame::session::Hello { capabilities, ..hello })).await;
    let Some(ServerFrame::Welcome(welcome)) = peer.hear().await else { panic!("no welcome") };
    assert_ne!(welcome.capabilities & capability::PROFILES, 0);
    peer.log_in(username, "secret").await;
    peer
}

/// The next that is told in passing: of whose profile, or which command.
async fn passing(peer: &mut Peer) -> String {
    loop {
        match peer.hear().await {
            Some(ServerFrame::ProfileChanged(ProfileChanged { username, changed_ms, .. })) => {
                assert_ne!(changed_ms, 0);
                return format!("profile of {username}");
            }
            Some(ServerFrame::CommandCame(came)) => return came.text,
            Some(_) => {}
            None => panic!("the link ended"),
        }
    }
}

async fn ring(from: &mut Peer, username: &str) {
    let (target, platform, extensions) = (CommandTarget::USER, Platform::OTHER, Extensions::default());
    let (username, text) = (username.to_owned(), "ring".to_owned());
    let body = SendCommand { request: 9, target, username, group: GroupId(0), platform, text, extensions };
    from.say(&ClientFrame::SendCommand(body)).await;
    assert!(matches!(from.hear_answer().await, Some(ServerFrame::Done(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn friends_partners_and_members_who_are_connected_are_told_of_a_changed_profile_and_nobody_else() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "friend", "member", "partner", "stranger", "olden"]).await;
    world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["friend"]))).await.expect(201);
    let group = json!({"owner_username": "member", "name": "g", "members_username": ["alice", "olden"]});
    world.call(&app, "POST", "/v1/groups/", Some(group)).await.expect(201);
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "alice", "from_type": "user", "from_id": "partner",
        "msg_type": "text", "msg_body": {"text": "hello"},
    });
    world.call(&app, "POST", "/v1/messages", Some(message)).await.expect(201);

    let mut alice = online(&world, &app, "alice", capability::PROFILES).await;
    let mut told = Vec::new();
    for name in ["friend", "member", "partner"] {
        told.push(online(&world, &app, name, capability::PROFILES).await);
    }
    let mut others = Vec::new();
    for (name, capabilities) in [("stranger", capability::PROFILES), ("olden", 0)] {
        others.push((name, online(&world, &app, name, capabilities).await));
    }

    world.call(&app, "PUT", "/v1/users/alice", Some(json!({"nickname": "Al"}))).await.expect(204);
    for peer in &mut told {
        assert_eq!(passing(peer).await, "profile of alice");
    }
    let change = ProfileChange { request: 7, nickname: Some("Ally".into()), ..ProfileChange::default() };
    alice.say(&ClientFrame::ProfileChange(change)).await;
    assert!(matches!(alice.hear_answer().await, Some(ServerFrame::Done(_))));
    for peer in &mut told {
        assert_eq!(passing(peer).await, "profile of alice");
    }

    for (name, peer) in &mut others {
        ring(&mut alice, name).await;
        assert_eq!(passing(peer).await, "ring", "{name} is told of a profile");
    }
    ring(&mut told[0], "alice").await;
    assert_eq!(passing(&mut alice).await, "ring", "alice is told of her own profile");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_is_told_to_nobody() {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "friend"]).await;
    world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["friend"]))).await.expect(201);
    let mut alice = online(&world, &app, "alice", capability::PROFILES).await;
    let mut friend = online(&world, &app, "friend", capability::PROFILES).await;
    let change = ProfileChange { request: 7, gender: Some(9), ..ProfileChange::default() };
    alice.say(&ClientFrame::ProfileChange(change)).await;
    assert!(matches!(alice.hear_answer().await, Some(ServerFrame::Failed(_))));
    ring(&mut alice, "friend").await;
    assert_eq!(passing(&mut friend).await, "ring");
}
