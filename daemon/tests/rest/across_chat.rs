//! Two people at devices of two linked apps: single chats and groups over the wall, live and afterwards.

use anser_protocol::content::{GroupEventKind, NoticeKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::{Deliver, Send};
use anser_protocol::frame::group::GroupRequest;
use anser_protocol::frame::people::{Blacklist, FriendAsk, UsersInfo};
use anser_protocol::frame::talk::{CommandTarget, SendCommand};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::GroupId;
use anser_protocol::names::Chat;
use anser_storage::command::{AccountCommand, Command};
use serde_json::{Value, json};

use crate::across::Neighbours;
use crate::peer::{END, Peer};
use crate::person::Person;
use crate::world::{App, key_of};

async fn at_device(two: &Neighbours, app: &App, name: &str) -> Peer {
    let mut peer = Peer::connect(&two.world).await;
    peer.register(&app.key).await;
    peer.log_in(name, "secret").await;
    peer
}

async fn send(peer: &mut Peer, outbox: u64, chat: Chat, text: &str) -> Result<u64, ErrorCode> {
    let content = anser_protocol::content::Content::text(text);
    peer.say(&ClientFrame::Send(Send { outbox, chat, content })).await;
    match peer.hear_answer().await {
        Some(ServerFrame::Sent(sent)) => Ok(sent.position.0),
        Some(ServerFrame::SendRefused(refused)) => Err(refused.code),
        other => panic!("no answer to a message: {other:?}"),
    }
}

/// The next message that comes by itself.
async fn delivered(peer: &mut Peer) -> (Chat, String, String) {
    loop {
        match peer.hear().await {
            Some(ServerFrame::Deliver(Deliver { chat, record, .. })) => {
                let text = record.content.as_text().map(str::to_owned);
                if let Some(text) = text {
                    return (chat, record.from.to_string(), text);
                }
            }
            Some(ServerFrame::Covered(_)) => {}
            other => panic!("no message: {other:?}"),
        }
    }
}

async fn texts(peer: &mut Peer, chat: Chat) -> Vec<String> {
    let page = peer.history(chat, END).await;
    page.records.iter().filter_map(|record| record.content.as_text().map(str::to_owned)).collect()
}

fn user(name: &str, app: &App) -> Chat {
    Chat::User(format!("{name}/{}", app.key).as_str().into())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_of_two_apps_talk() {
    let two = Neighbours::new().await;
    let mut alice = at_device(&two, &two.here, "alice").await;
    let mut bob = at_device(&two, &two.there, "bob").await;
    let (to_bob, to_alice) = (user("bob", &two.there), user("alice", &two.here));
    send(&mut alice, 1, to_bob.clone(), "over the wall").await.expect("linked");
    let (chat, from, text) = delivered(&mut bob).await;
    assert_eq!((chat, from, text.as_str()), (to_alice.clone(), format!("alice/{}", two.here.key), "over the wall"));
    send(&mut bob, 1, to_alice.clone(), "and back").await.expect("linked");
    assert_eq!(delivered(&mut alice).await.2, "and back");
    assert_eq!(texts(&mut alice, to_bob.clone()).await, ["and back", "over the wall"]);
    assert_eq!(texts(&mut bob, to_alice).await, ["and back", "over the wall"]);
    // The same number again is the same message.
    let first = send(&mut alice, 1, to_bob.clone(), "over the wall").await;
    assert!(first.is_ok());
    assert_eq!(texts(&mut alice, to_bob.clone()).await.len(), 2);

    assert_eq!(send(&mut alice, 2, user("bob", &two.stranger), "x").await, Err(ErrorCode::SEND_NOT_ALLOWED));
    assert_eq!(send(&mut alice, 3, user("ghost", &two.there), "x").await, Err(ErrorCode::SEND_TARGET_UNKNOWN));
    assert_eq!(send(&mut alice, 4, Chat::User("bob/nobody".into()), "x").await, Err(ErrorCode::SEND_TARGET_UNKNOWN));
    let (key, app) = (key_of("neighbours", "gk"), two.there.number);
    two.world.submit(Command::Account(AccountCommand::RemoveFromAppGroup { key, app })).await;
    assert_eq!(send(&mut alice, 5, to_bob, "x").await, Err(ErrorCode::SEND_NOT_ALLOWED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transparent_command_reaches_a_user_of_a_linked_app_who_has_not_blocked_the_sender() {
    let two = Neighbours::new().await;
    let mut alice = at_device(&two, &two.here, "alice").await;
    let mut bob = at_device(&two, &two.there, "bob").await;
    let bob_there = format!("bob/{}", two.there.key);
    assert_eq!(command(&mut alice, &bob_there).await, Ok(()));
    let came = loop {
        match bob.hear().await {
            Some(ServerFrame::CommandCame(came)) => break came,
            Some(_) => {}
            None => panic!("the link ended"),
        }
    };
    assert_eq!((came.from, came.text.as_str()), (format!("alice/{}", two.here.key), "ring"));

    let carol_there = format!("carol/{}", two.there.key);
    assert_eq!(command(&mut alice, &carol_there).await, Err(ErrorCode::COMMAND_OFFLINE));
    for unknown in [format!("ghost/{}", two.there.key), format!("bob/{}", two.stranger.key)] {
        assert_eq!(command(&mut alice, &unknown).await, Err(ErrorCode::COMMAND_USER_UNKNOWN));
    }
    let path = "/v1/cross/users/bob/blacklist";
    let blacklist = json!([{"appkey": two.here.key, "usernames": ["alice"]}]);
    two.world.call(&two.there, "PUT", path, Some(blacklist)).await.expect(204);
    assert_eq!(command(&mut alice, &bob_there).await, Err(ErrorCode::SEND_BLOCKED));
}

async fn command(peer: &mut Peer, username: &str) -> Result<(), ErrorCode> {
    let (target, platform, extensions) = (CommandTarget::USER, Platform::OTHER, Extensions::default());
    let (username, text) = (username.to_owned(), "ring".to_owned());
    let body = SendCommand { request: 9, target, username, group: GroupId(0), platform, text, extensions };
    peer.say(&ClientFrame::SendCommand(body)).await;
    match peer.hear_answer().await {
        Some(ServerFrame::Done(_)) => Ok(()),
        Some(ServerFrame::Failed(failed)) => Err(failed.code),
        other => panic!("no answer to a command: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_sends_across_apps_and_both_are_told_of_it() {
    let two = Neighbours::new().await;
    let mut bob = at_device(&two, &two.there, "bob").await;
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "target_appkey": two.there.key.to_uppercase(),
        "from_type": "user", "from_id": "alice", "msg_type": "text", "msg_body": {"text": "by the server"},
    });
    let sent = two.world.call(&two.here, "POST", "/v1/messages", Some(message.clone())).await.expect(201);
    assert_eq!(delivered(&mut bob).await.2, "by the server");
    for app in [&two.here, &two.there] {
        let shown = two.world.call(app, "GET", "/v1/messages?start=0&count=9", None).await.expect(200);
        let said = &shown["messages"][0];
        let names = (&said["from_id"], &said["from_appkey"], &said["target_id"], &said["target_appkey"]);
        let (alice, bob) = (json!("alice"), json!("bob"));
        assert_eq!(names, (&alice, &json!(two.here.key), &bob, &json!(two.there.key)));
        assert_eq!((&said["msg_level"], shown["total"].as_u64()), (&json!(1), Some(1)));
    }
    let retract = format!("/v1/messages/alice/{}/retract", sent["msg_id"]);
    two.world.call(&two.here, "POST", &retract, None).await.expect(204);
    assert!(texts(&mut bob, user("alice", &two.here)).await.is_empty(), "taken back there as well");

    let to = |key: &str, name: &str| {
        let mut given: Value = message.clone();
        (given["target_appkey"], given["target_id"]) = (json!(key), json!(name));
        given
    };
    for (key, name, status, code) in [
        ("ffffffffffffffffffffffff", "bob", 400, 899_009),
        (two.stranger.key.as_str(), "bob", 403, 899_020),
        (two.there.key.as_str(), "ghost", 403, 899_002),
    ] {
        let given = to(key, name);
        two.world.call(&two.here, "POST", "/v1/messages", Some(given)).await.refused(status, code);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_members_of_two_apps_talks() {
    let two = Neighbours::new().await;
    let gid = two.group().await;
    let chat = Chat::Group(GroupId(gid as u32));
    let mut bob_hears = Person::told(&two.world, &two.there, "bob").await;
    let members = format!("/v1/cross/groups/{gid}/members");
    let add = json!([{"appkey": two.there.key, "add": ["bob"]}]);
    two.world.call(&two.here, "POST", &members, Some(add)).await.expect(204);
    let event = bob_hears.group_event().await;
    assert_eq!((event.kind, event.users.as_slice()), (GroupEventKind::ADDED, ["bob".to_owned()].as_slice()));

    let mut alice = at_device(&two, &two.here, "alice").await;
    let mut bob = at_device(&two, &two.there, "bob").await;
    send(&mut alice, 1, chat.clone(), "welcome").await.expect("a member");
    let (_, from, text) = delivered(&mut bob).await;
    assert_eq!((from, text.as_str()), (format!("alice/{}", two.here.key), "welcome"));
    send(&mut bob, 1, chat.clone(), "thank you").await.expect("a member");
    let (_, from, text) = delivered(&mut alice).await;
    assert_eq!((from, text.as_str()), (format!("bob/{}", two.there.key), "thank you"));
    assert_eq!(texts(&mut bob, chat.clone()).await, ["thank you", "welcome"]);

    let silence = format!("/v1/groups/messages/{gid}/silence?status=true");
    // A plain call names the app's own users only.
    two.world.call(&two.here, "PUT", &silence, Some(json!(["bob"]))).await.refused(403, 765_001);
    let mut carol = at_device(&two, &two.there, "carol").await;
    assert_eq!(send(&mut carol, 1, chat.clone(), "x").await, Err(ErrorCode::SEND_NOT_A_MEMBER));
    let say = |key: Option<&str>| {
        json!({
            "version": 1, "target_type": "group", "target_id": gid, "target_appkey": key,
            "from_type": "user", "from_id": "bob", "msg_type": "text", "msg_body": {"text": "by the server"},
        })
    };
    two.world.call(&two.there, "POST", "/v1/messages", Some(say(None))).await.refused(403, 899_006);
    two.world.call(&two.there, "POST", "/v1/messages", Some(say(Some(&two.here.key)))).await.expect(201);
    assert_eq!(delivered(&mut alice).await.2, "by the server");
    let told = two.world.call(&two.there, "GET", "/v1/messages?start=0&count=9", None).await.expect(200);
    let last = told["messages"].as_array().expect("a list").last().expect("some").clone();
    assert_eq!((&last["target_appkey"], &last["msg_level"]), (&json!(two.here.key), &json!(1)));

    let leave = GroupRequest { request: 5, group: GroupId(gid as u32), extensions: Extensions::default() };
    bob.say(&ClientFrame::GroupLeave(leave)).await;
    assert!(matches!(bob.hear_answer().await, Some(ServerFrame::Done(_))));
    assert_eq!(send(&mut bob, 2, chat, "x").await, Err(ErrorCode::SEND_GROUP_UNKNOWN));
    let left = two.world.call(&two.here, "GET", &members, None).await.expect(200);
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_link_only_users_of_linked_apps_are_somebody() {
    let two = Neighbours::new().await;
    let mut alice = Person::told(&two.world, &two.here, "alice").await;
    let (request, extensions) = (5, Extensions::default);
    let info = |name: &str| {
        let usernames = vec![name.to_owned()];
        ClientFrame::UsersInfo(UsersInfo { request, usernames, extensions: extensions() })
    };
    let block = |name: &str| {
        let (is_added, usernames) = (true, vec![name.to_owned()]);
        ClientFrame::Blacklist(Blacklist { request, is_added, usernames, extensions: extensions() })
    };
    let ask = |name: &str| {
        let (username, reason) = (name.to_owned(), String::new());
        ClientFrame::FriendAsk(FriendAsk { request, username, reason, extensions: extensions() })
    };
    let (near, far) = (format!("bob/{}", two.there.key), format!("bob/{}", two.stranger.key));
    for nobody in [far.as_str(), "bob/nobody", "/", "bob/"] {
        let ServerFrame::People(found) = alice.ask(info(nobody)).await else { panic!("no people") };
        assert!(found.people.is_empty(), "{nobody}: {found:?}");
        assert_eq!(alice.code_of(block(nobody)).await, Some(ErrorCode::BLACKLIST_UNKNOWN), "{nobody}");
        assert_eq!(alice.code_of(ask(nobody)).await, Some(ErrorCode::FRIEND_UNKNOWN), "{nobody}");
    }
    let ServerFrame::People(found) = alice.ask(info(&near)).await else { panic!("no people") };
    assert_eq!((&found.people[0].username, found.people[0].nickname.as_str()), (&near, "Bob of there"));
    assert_eq!(alice.code_of(block(&near)).await, None);
    let mut bob = Person::told(&two.world, &two.there, "bob").await;
    assert_eq!(alice.code_of(ask(&near)).await, None);
    let asked = bob.notice().await;
    assert_eq!((asked.kind, asked.by), (NoticeKind::FRIEND_REQUEST, format!("alice/{}", two.here.key)));
}
