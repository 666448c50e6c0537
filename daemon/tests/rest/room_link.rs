//! Chat rooms over a link: who goes in gets the newest fifty and then what is said, each once.

use anser_protocol::content::Content;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::room::{RoomChange, RoomEnter, RoomMembers, RoomRequest, RoomSend};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{Position, RoomId};
use anser_protocol::room::{RoomChangeKind, RoomEventKind, RoomRole};
use serde_json::json;

use crate::peer::Peer;
use crate::world::{App, World};

#[tokio::test(flavor = "multi_thread")]
async fn whoever_enters_gets_the_newest_fifty_then_what_is_said_and_nothing_after_leaving() {
    let place = Place::new().await;
    for number in 0..60 {
        place.say_by_rest("alice", &format!("text {number}")).await;
    }
    let (mut alice, mut bob) = (place.peer("alice").await, place.peer("bob").await);
    enter(&mut alice, place.room, Position::START, false).await.expect("she owns it");
    texts(&mut alice, 50).await;
    refused(say(&mut bob, place.room, 1, "too early").await, ErrorCode::ROOM_SEND_OUTSIDE);
    enter(&mut bob, place.room, Position::START, false).await.expect("anybody may");
    let heard = texts(&mut bob, 50).await;
    assert_eq!((heard[0].1.as_str(), heard[49].1.as_str()), ("text 10", "text 59"));
    assert_eq!(enter(&mut bob, place.room, Position::START, false).await, Err(ErrorCode::ROOM_ALREADY_IN));

    let sent = say(&mut bob, place.room, 2, "hello").await.expect("he is inside");
    assert_eq!(say(&mut bob, place.room, 2, "hello").await, Ok(sent), "a repeat gets the first answer");
    assert_eq!(texts(&mut alice, 1).await, [(sent, "hello".to_owned())]);
    place.say_by_rest("alice", "from far").await;
    assert_eq!(texts(&mut bob, 1).await[0].1, "from far", "his own comes by its answer only");
    assert_eq!(texts(&mut alice, 1).await[0].1, "from far");

    leave(&mut bob, place.room).await.expect("he may");
    assert_eq!(leave(&mut bob, place.room).await, Err(ErrorCode::ROOM_NOT_IN));
    assert_eq!(leave(&mut alice, place.room).await, Err(ErrorCode::ROOM_OWNER_STAYS));
    place.say_by_rest("alice", "nobody hears").await;
    texts(&mut alice, 1).await;
    refused(say(&mut bob, place.room, 3, "too late").await, ErrorCode::ROOM_SEND_OUTSIDE);
    let nowhere = RoomId(12_345_678);
    assert_eq!(enter(&mut bob, nowhere, Position::START, false).await, Err(ErrorCode::ROOM_UNKNOWN));
    assert_eq!(leave(&mut bob, nowhere).await, Err(ErrorCode::ROOM_LEAVE_UNKNOWN));
    refused(say(&mut bob, nowhere, 4, "x").await, ErrorCode::ROOM_SEND_UNKNOWN);
    refused(say(&mut alice, place.room, 1, &"x".repeat(4097)).await, ErrorCode::ROOM_SEND_TOO_LONG);
    refused(say(&mut alice, place.room, 2, "").await, ErrorCode::ROOM_SEND_MALFORMED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_comes_back_gets_only_what_it_missed_and_only_as_a_member() {
    let place = Place::new().await;
    let mut bob = place.peer("bob").await;
    enter(&mut bob, place.room, Position::START, false).await.expect("anybody may");
    place.say_by_rest("alice", "one").await;
    let told = texts(&mut bob, 1).await[0].0;
    drop(bob);
    place.say_by_rest("alice", "two").await;
    let mut bob = place.peer("bob").await;
    enter(&mut bob, place.room, told, true).await.expect("he is a member");
    assert_eq!(texts(&mut bob, 1).await[0].1, "two");
    drop(bob);
    place.members("DELETE", &["bob"]).await;
    let mut bob = place.peer("bob").await;
    assert_eq!(enter(&mut bob, place.room, told, true).await, Err(ErrorCode::ROOM_NOT_IN));
    assert_eq!(enter(&mut bob, RoomId(12_345_678), told, true).await, Err(ErrorCode::ROOM_UNKNOWN));
}

#[tokio::test(flavor = "multi_thread")]
async fn long_messages_come_in_several_frames_and_each_once() {
    let place = Place::new().await;
    for number in 0..55 {
        place.say_by_rest("alice", &format!("{number} {}", "x".repeat(4000))).await;
    }
    let mut bob = place.peer("bob").await;
    enter(&mut bob, place.room, Position::START, false).await.expect("anybody may");
    let heard = texts(&mut bob, 50).await;
    let numbers: Vec<&str> = heard.iter().filter_map(|(_, text)| text.split(' ').next()).collect();
    let expected: Vec<String> = (5..55).map(|number: u32| number.to_string()).collect();
    assert_eq!(numbers, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_told_when_an_app_server_moves_their_user() {
    let place = Place::new().await;
    let mut bob = place.peer("bob").await;
    place.members("PUT", &["bob"]).await;
    assert_eq!(change(&mut bob).await, RoomChangeKind::ADDED);
    enter(&mut bob, place.room, Position::START, true).await.expect("he is a member");
    place.members("DELETE", &["bob"]).await;
    assert_eq!(change(&mut bob).await, RoomChangeKind::LEFT);
    enter(&mut bob, place.room, Position::START, false).await.expect("anybody may");
    let path = format!("/v1/chatroom/{}", place.room);
    place.world.call(&place.app, "DELETE", &path, None).await.expect(204);
    assert_eq!(change(&mut bob).await, RoomChangeKind::DELETED);
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_and_admins_silence_and_keep_out_and_everybody_inside_is_told() {
    let place = Place::new().await;
    let (mut alice, mut bob, mut carol) =
        (place.peer("alice").await, place.peer("bob").await, place.peer("carol").await);
    for peer in [&mut alice, &mut bob, &mut carol] {
        enter(peer, place.room, Position::START, false).await.expect("anybody may");
    }
    let room = place.room;
    assert_eq!(give(&mut bob, room, RoomRole::ADMIN, "carol").await, Err(ErrorCode::ROOM_ADMIN_NO_RIGHT));
    give(&mut alice, room, RoomRole::ADMIN, "bob").await.expect("she owns it");
    for peer in [&mut alice, &mut bob, &mut carol] {
        assert_eq!(event(peer).await, (RoomEventKind::ADMINS_ADDED, "alice".into(), vec!["bob".into()]));
    }
    assert_eq!(users(&mut carol, room, RoomRole::ADMIN).await, ["bob"]);
    assert_eq!(give(&mut alice, room, RoomRole::ADMIN, "bob").await, Err(ErrorCode::ROOM_ADMIN_ALREADY));
    assert_eq!(give(&mut alice, room, RoomRole::ADMIN, "dave").await, Err(ErrorCode::ROOM_ADMIN_NOT_IN));

    give(&mut bob, room, RoomRole::SILENCED, "carol").await.expect("he is an admin");
    assert_eq!(event(&mut carol).await.0, RoomEventKind::SILENCED);
    refused(say(&mut carol, room, 1, "may I?").await, ErrorCode::ROOM_SEND_SILENCED);
    assert_eq!(users(&mut carol, room, RoomRole::SILENCED).await, ["carol"]);
    assert_eq!(give(&mut bob, room, RoomRole::SILENCED, "alice").await, Err(ErrorCode::NOT_PERMITTED));
    assert_eq!(give(&mut bob, room, RoomRole::SILENCED, "dave").await, Err(ErrorCode::TARGET_NOT_IN_GROUP));

    give(&mut bob, room, RoomRole::BLOCKED, "carol").await.expect("he is an admin");
    assert_eq!(event(&mut carol).await.0, RoomEventKind::BLOCKED);
    assert_eq!(change(&mut carol).await, RoomChangeKind::BLOCKED);
    assert_eq!(enter(&mut carol, room, Position::START, false).await, Err(ErrorCode::ROOM_BLOCKED));
    assert_eq!(give(&mut bob, room, RoomRole::BLOCKED, "alice").await, Err(ErrorCode::ROOM_BLACKLIST_OWNER));
    assert_eq!(users(&mut bob, room, RoomRole::BLOCKED).await, ["carol"]);
    assert_eq!(users(&mut bob, room, RoomRole(0)).await, ["alice", "bob"]);
}

struct Place {
    world: World,
    app: App,
    room: RoomId,
}

impl Place {
    async fn new() -> Self {
        let world = World::new().await;
        let app = world.app("one").await;
        world.users(&app, &["alice", "bob", "carol", "dave"]).await;
        let wish = json!({"owner_username": "alice", "name": "r"});
        let made = world.call(&app, "POST", "/v1/chatroom", Some(wish)).await.expect(201);
        let room = RoomId(made["chatroom_id"].as_u64().and_then(|id| id.try_into().ok()).expect("a number"));
        Self { world, app, room }
    }

    async fn peer(&self, username: &str) -> Peer {
        let mut peer = Peer::connect(&self.world).await;
        peer.register(&self.app.key).await;
        peer.log_in(username, "secret").await;
        peer
    }

    async fn say_by_rest(&self, from: &str, text: &str) {
        let message = json!({
            "version": 1, "target_type": "chatroom", "target_id": self.room.0, "from_type": "user", "from_id": from,
            "msg_type": "text", "msg_body": {"text": text},
        });
        self.world.call(&self.app, "POST", "/v1/messages", Some(message)).await.expect(201);
    }

    async fn members(&self, method: &str, names: &[&str]) {
        let path = format!("/v1/chatroom/{}/members", self.room);
        self.world.call(&self.app, method, &path, Some(json!(names))).await.expect(204);
    }
}

async fn enter(peer: &mut Peer, room: RoomId, after: Position, is_again: bool) -> Result<(), ErrorCode> {
    let extensions = Extensions::default();
    peer.say(&ClientFrame::RoomEnter(RoomEnter { request: 7, room, after, is_again, extensions })).await;
    done(peer).await
}

async fn leave(peer: &mut Peer, room: RoomId) -> Result<(), ErrorCode> {
    peer.say(&ClientFrame::RoomLeave(RoomRequest { request: 7, room, extensions: Extensions::default() })).await;
    done(peer).await
}

async fn give(peer: &mut Peer, room: RoomId, role: RoomRole, username: &str) -> Result<(), ErrorCode> {
    let for_ms = if role == RoomRole::SILENCED { 600_000 } else { 0 };
    peer.say(&ClientFrame::RoomChange(RoomChange {
        request: 7,
        room,
        role,
        is_given: true,
        users: vec![username.into()],
        for_ms,
        extensions: Extensions::default(),
    }))
    .await;
    done(peer).await
}

/// What is told of rooms meanwhile is kept for `event` and `change` by asking for it first.
async fn done(peer: &mut Peer) -> Result<(), ErrorCode> {
    loop {
        match peer.hear_answer().await {
            Some(ServerFrame::Done(_)) => return Ok(()),
            Some(ServerFrame::Failed(failed)) => return Err(failed.code),
            Some(ServerFrame::RoomEvent(event)) => peer.room_news.push(ServerFrame::RoomEvent(event)),
            other => panic!("an answer was expected, not {other:?}"),
        }
    }
}

async fn say(peer: &mut Peer, room: RoomId, outbox: u64, text: &str) -> Result<Position, ErrorCode> {
    peer.say(&ClientFrame::RoomSend(RoomSend { outbox, room, content: Content::text(text) })).await;
    match peer.hear_answer().await {
        Some(ServerFrame::Sent(sent)) => Ok(sent.position),
        Some(ServerFrame::SendRefused(refused)) => Err(refused.code),
        other => panic!("an answer was expected, not {other:?}"),
    }
}

#[track_caller]
fn refused(said: Result<Position, ErrorCode>, code: ErrorCode) {
    assert_eq!(said, Err(code));
}

/// The next so many messages of a room.
async fn texts(peer: &mut Peer, count: usize) -> Vec<(Position, String)> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let records = match peer.hear().await {
            Some(ServerFrame::RoomRecords(records)) => records.records,
            Some(ServerFrame::RoomDeliver(deliver)) => vec![deliver.record],
            other => panic!("messages were expected, not {other:?}"),
        };
        let text = |record: anser_protocol::frame::chat::Record| {
            (record.position, record.content.as_text().expect("a text").to_owned())
        };
        texts.extend(records.into_iter().map(text));
    }
    assert_eq!(texts.len(), count);
    texts
}

async fn event(peer: &mut Peer) -> (RoomEventKind, String, Vec<String>) {
    let frame = match peer.room_news.is_empty() {
        false => Some(peer.room_news.remove(0)),
        true => peer.hear().await,
    };
    match frame {
        Some(ServerFrame::RoomEvent(event)) => (event.kind, event.by, event.users),
        other => panic!("an event was expected, not {other:?}"),
    }
}

async fn change(peer: &mut Peer) -> RoomChangeKind {
    loop {
        match peer.hear().await {
            Some(ServerFrame::RoomChanged(changed)) => return changed.kind,
            Some(ServerFrame::RoomEvent(_) | ServerFrame::RoomDeliver(_) | ServerFrame::Covered(_)) => {}
            other => panic!("a change was expected, not {other:?}"),
        }
    }
}

async fn users(peer: &mut Peer, room: RoomId, role: RoomRole) -> Vec<String> {
    let (start, count, extensions) = (0, 100, Extensions::default());
    peer.say(&ClientFrame::RoomMembers(RoomMembers { request: 8, room, role, start, count, extensions })).await;
    loop {
        match peer.hear_answer().await {
            Some(ServerFrame::RoomUsers(users)) => return users.users.into_iter().map(|user| user.username).collect(),
            Some(ServerFrame::RoomEvent(_)) => {}
            other => panic!("users were expected, not {other:?}"),
        }
    }
}
