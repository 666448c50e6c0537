//! What messages contain, how they are handled, how they are taken back, and words that nobody keeps.

use anser_protocol::content::{Amendment, AmendmentKind, Content, ContentKind, Platform};
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::{Extensions, tag};
use anser_protocol::frame::chat::{Record, Send};
use anser_protocol::frame::talk::{CommandCame, CommandTarget, Retract, SendCommand};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::{GroupId, Position};
use anser_protocol::names::Chat;
use anser_protocol::options::{Mentions, SendOptions};
use anserd::clock::now_ms;
use serde_json::{Value, json};

use crate::peer::{END, Peer, hello};
use crate::world::{App, World, basic};

async fn world(names: &[&str]) -> (World, App) {
    let world = World::new().await;
    let app = world.app("one").await;
    world.users(&app, names).await;
    (world, app)
}

async fn online(world: &World, app: &App, username: &str) -> Peer {
    on(Platform::ANDROID, world, app, username).await
}

async fn on(platform: Platform, world: &World, app: &App, username: &str) -> Peer {
    let mut peer = Peer::connect(world).await;
    let ClientFrame::Hello(mut hello) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
    hello.platform = platform;
    peer.say(&ClientFrame::Hello(hello)).await;
    assert!(matches!(peer.hear().await, Some(ServerFrame::Welcome(_))));
    peer.log_in(username, "secret").await;
    peer
}

async fn delivered(peer: &mut Peer) -> Record {
    loop {
        match peer.hear().await {
            Some(ServerFrame::Deliver(deliver)) => return deliver.record,
            Some(_) => {}
            None => panic!("the link ended"),
        }
    }
}

async fn send_from(
    peer: &mut Peer,
    outbox: u64,
    chat: Chat,
    content: Content,
) -> Result<Position, (ErrorCode, String)> {
    peer.say(&ClientFrame::Send(Send { outbox, chat, content })).await;
    match peer.hear_answer().await {
        Some(ServerFrame::Sent(sent)) => Ok(sent.position),
        Some(ServerFrame::SendRefused(refused)) => Err((refused.code, refused.message)),
        other => panic!("no answer to a message: {other:?}"),
    }
}

fn message(from: &str, to: &str, kind: &str, body: Value) -> Value {
    json!({
        "version": 1, "target_type": "single", "target_id": to, "from_type": "user", "from_id": from,
        "msg_type": kind, "msg_body": body,
    })
}

const BODIES: [(&str, ContentKind, &str); 7] = [
    (
        "image",
        ContentKind::IMAGE,
        r#"{"width":640,"media_id":"q/i","media_crc32":3735928559,"height":480,"fsize":9,"hash":null,"fname":"x"}"#,
    ),
    ("voice", ContentKind::VOICE, r#"{"media_id":"q/v","media_crc32":"7","duration":"3","fsize":9,"extras":[]}"#),
    ("file", ContentKind::FILE, r#"{"media_id":"q/f","media_crc32":7,"fsize":9,"fname":"ملف 😀.txt"}"#),
    (
        "video",
        ContentKind::VIDEO,
        r#"{"video":{"media_id":"q/v","media_crc32":7,"fsize":9,"fname":"v.mp4"},"duration":1.50,"thumb":null}"#,
    ),
    ("location", ContentKind::LOCATION, r#"{"scale":16,"latitude":22.5400,"longitude":1e2,"lable":"שלום"}"#),
    ("custom", ContentKind::CUSTOM, r#"{"b":[1,{"c":null}],"a":12345678901234567890123}"#),
    ("custom", ContentKind::CUSTOM, "{}"),
];

#[tokio::test(flavor = "multi_thread")]
async fn f9_each_kind_reaches_the_device_as_it_was_written() {
    let (world, app) = world(&["alice", "bob0"]).await;
    world.covers(&["POST /v1/messages"]);
    let (mut alice, mut bob) = (online(&world, &app, "alice").await, online(&world, &app, "bob0").await);
    let header = basic(&app.key, &app.secret);
    for (outbox, (name, kind, body)) in (1..).zip(BODIES) {
        let text = format!(
            r#"{{"version":"1","target_type":"single","target_id":"bob0","from_type":"user","from_id":"alice","msg_type":"{name}","msg_body":{body} }}"#
        );
        let sent = world.call_as(Some(&header), "POST", "/v1/messages", text).await.expect(201);
        let record = delivered(&mut bob).await;
        assert_eq!(Some(record.position.0), sent["msg_id"].as_u64());
        assert_eq!((record.content.kind, String::from_utf8_lossy(&record.content.body)), (kind, body.into()));
        assert_eq!(delivered(&mut alice).await, record, "her device hears what was sent in her name");

        let content = Content { kind, body: body.as_bytes().to_vec(), extensions: Extensions::default() };
        send_from(&mut alice, outbox, Chat::User("bob0".into()), content.clone()).await.expect("accepted");
        assert_eq!(delivered(&mut bob).await.content, content);
    }
    // The longest that there can be: with its frame of JSON 4,096 bytes.
    let long = "😀".repeat(1021) + "x";
    world
        .call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "text", json!({"text": long}))))
        .await
        .expect(201);
    assert_eq!(delivered(&mut bob).await.content.as_text(), Some(long.as_str()));
    let newest = bob.history(Chat::User("alice".into()), END).await;
    assert_eq!(newest.records[0].content.as_text(), Some(long.as_str()));
    let too_long = json!({"text": long + "x"});
    world
        .call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "text", too_long)))
        .await
        .refused(403, 803_007);
    let too_long = json!({"k": "x".repeat(4089)});
    world
        .call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "custom", too_long)))
        .await
        .refused(403, 803_007);
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_lack_something_are_refused_from_servers_and_from_devices() {
    let (world, app) = world(&["alice", "bob0"]).await;
    let mut alice = online(&world, &app, "alice").await;
    for (outbox, (name, kind, body)) in (1..).zip([
        ("image", ContentKind::IMAGE, json!({"media_id": "q", "media_crc32": 1, "fsize": 1, "width": 1})),
        ("voice", ContentKind::VOICE, json!({"media_id": "q", "media_crc32": 1, "fsize": 1, "duration": "long"})),
        ("file", ContentKind::FILE, json!({"media_id": "q", "media_crc32": 1, "fsize": 1, "fname": null})),
        ("video", ContentKind::VIDEO, json!({"duration": 1, "video": {"media_id": "q"}})),
        ("location", ContentKind::LOCATION, json!({"latitude": 1, "longitude": 1, "scale": 1})),
        ("file", ContentKind::FILE, json!({"media_id": "q", "media_crc32": 1, "fsize": 1, "fname": "f", "extras": 1})),
    ]) {
        let given = message("alice", "bob0", name, body.clone());
        world.call(&app, "POST", "/v1/messages", Some(given)).await.refused(400, 899_003);
        let content = Content { kind, body: body.to_string().into_bytes(), extensions: Extensions::default() };
        let refused = send_from(&mut alice, outbox, Chat::User("bob0".into()), content).await.expect_err("malformed");
        assert_eq!(refused.0, ErrorCode::SEND_MALFORMED, "{}", refused.1);
    }
    for (outbox, extensions) in (7..).zip([
        Extensions::default().with(tag::MENTIONS_ALL, vec![]),
        Extensions::default().with(tag::NOTICE_TITLE, vec![b'x'; 251]),
        Extensions::default().with(tag::EXTRAS, b"no object".to_vec()),
    ]) {
        let content = Content { extensions, ..Content::text("hi") };
        let refused = send_from(&mut alice, outbox, Chat::User("bob0".into()), content).await.expect_err("malformed");
        assert_eq!(refused.0, ErrorCode::SEND_MALFORMED, "{}", refused.1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_travel_with_the_message() {
    let (world, app) = world(&["alice", "bob0"]).await;
    let mut bob = online(&world, &app, "bob0").await;
    let mut given = message("alice", "bob0", "text", json!({"text": "hi"}));
    for (key, value) in [
        ("no_notification", json!("False")),
        ("notification", json!({"title": "T", "alert": "A"})),
        ("from_name", json!("Al")),
        ("target_name", json!("Bo")),
        ("need_receipt", json!(true)),
        ("target_appkey", json!(app.key.to_uppercase())),
    ] {
        given[key] = value;
    }
    world.call(&app, "POST", "/v1/messages", Some(given.clone())).await.expect(201);
    let options = SendOptions::of(&delivered(&mut bob).await.content);
    assert_eq!((options.notice.title.as_str(), options.notice.alert.as_str()), ("T", "A"));
    assert_eq!((options.from_name.as_str(), options.target_name.as_str()), ("Al", "Bo"));
    assert!(options.needs_receipt && !options.no_notification && !options.no_offline);

    given["target_appkey"] = json!("ffffffffffffffffffffffff");
    world.call(&app, "POST", "/v1/messages", Some(given.clone())).await.refused(400, 899_009);
    given["target_appkey"] = json!(world.app("two").await.key);
    world.call(&app, "POST", "/v1/messages", Some(given)).await.refused(403, 899_020);

    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob0"]});
    let gid = world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].as_u64().expect("a number");
    let chat = Chat::Group(GroupId(u32::try_from(gid).expect("small")));
    let mut alice = online(&world, &app, "alice").await;
    let mentions = Mentions::Users(vec!["bob0".into()]);
    let options = SendOptions { mentions, count: 0, ..SendOptions::default() };
    send_from(&mut alice, 1, chat, options.add_to(Content::text("you"))).await.expect("accepted");
    loop {
        let record = delivered(&mut bob).await;
        if record.content.kind == ContentKind::TEXT {
            assert_eq!(SendOptions::of(&record.content), options);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_kept_reaches_those_who_are_there_and_nobody_later() {
    let (world, app) = world(&["alice", "bob0"]).await;
    let mut there = online(&world, &app, "bob0").await;
    let mut given = message("alice", "bob0", "text", json!({"text": "now"}));
    given["no_offline"] = json!(true);
    world.call(&app, "POST", "/v1/messages", Some(given)).await.expect(201);
    world
        .call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "text", json!({"text": "later"}))))
        .await
        .expect(201);
    let heard = [delivered(&mut there).await, delivered(&mut there).await];
    assert_eq!(
        heard.map(|record| record.content.as_text().map(str::to_owned)),
        [Some("now".into()), Some("later".into())]
    );

    let texts = async |peer: &mut Peer, with: &str| {
        let page = peer.history(Chat::User(with.into()), END).await;
        page.records.iter().map(|record| record.content.as_text().unwrap_or("?").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(texts(&mut there, "alice").await, ["later", "now"], "he was there and may read it again");
    let mut late = online(&world, &app, "bob0").await;
    assert_eq!(texts(&mut late, "alice").await, ["later"]);
    let mut alice = online(&world, &app, "alice").await;
    assert_eq!(texts(&mut alice, "bob0").await, ["later", "now"], "it is hers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_taken_back_over_rest_as_its_sender_would() {
    let (world, app) = world(&["alice", "bob0", "carol"]).await;
    world.covers(&["POST /v1/messages/{username}/{msgid}/retract"]);
    let mut bob = online(&world, &app, "bob0").await;
    let sent =
        world.call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "text", json!({"text": "oh"})))).await;
    let msg_id = sent.expect(201)["msg_id"].as_u64().expect("a number");
    assert_eq!(delivered(&mut bob).await.position, Position(msg_id));
    let path = |username: &str, msg_id: &str| format!("/v1/messages/{username}/{msg_id}/retract");
    let id = msg_id.to_string();
    for (username, msg_id, status, code) in [
        ("alice", "x", 400, 899_003),
        ("alice", "-1", 400, 899_003),
        ("ghost", id.as_str(), 403, 899_002),
        ("bob0", &id, 403, 855_002),
        ("carol", &id, 403, 855_002),
        ("alice", "1", 403, 855_003),
        ("alice", "99999999999999999999999", 403, 855_003),
    ] {
        world.call(&app, "POST", &path(username, msg_id), None).await.refused(status, code);
    }
    let other = world.app("two").await;
    world.users(&other, &["alice"]).await;
    world.call(&other, "POST", &path("alice", &id), None).await.refused(403, 855_003);

    let done = world.call(&app, "POST", &format!("/v1/messages//alice/{id}/retract/"), Some(json!({}))).await;
    assert_eq!((done.status.as_u16(), done.text.as_str()), (204, ""));
    let told = Amendment::from_bytes(&delivered(&mut bob).await.content.body).expect("an amendment");
    assert_eq!((told.position, told.kind, told.by.as_str()), (Position(msg_id), AmendmentKind::RETRACTED, "alice"));
    world.call(&app, "POST", &path("alice", &id), None).await.refused(403, 855_004);
    let page = bob.history(Chat::User("alice".into()), END).await;
    assert_eq!(page.records.last().expect("it keeps its place").content.kind, ContentKind::RETRACTED);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_time_that_the_operator_allows_nothing_is_taken_back() {
    let world = World::with(|config| config.limits.retract_seconds = 0).await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob0"]).await;
    let sent =
        world.call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "text", json!({"text": "oh"})))).await;
    let sent = sent.expect(201);
    let sent_ms = sent["msg_ctime"].as_u64().expect("a number");
    while now_ms() <= sent_ms {
        tokio::task::yield_now().await;
    }
    let path = format!("/v1/messages/alice/{}/retract", sent["msg_id"]);
    world.call(&app, "POST", &path, None).await.refused(403, 855_001);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_takes_its_users_own_messages_back() {
    let (world, app) = world(&["alice", "bob0", "carol"]).await;
    let (mut alice, mut bob) = (online(&world, &app, "alice").await, online(&world, &app, "bob0").await);
    let message = send_from(&mut alice, 1, Chat::User("bob0".into()), Content::text("oh")).await.expect("accepted");
    delivered(&mut bob).await;
    let mut carol = online(&world, &app, "carol").await;
    assert_eq!(retract(&mut bob, message).await, Err(ErrorCode::RETRACT_NOT_THE_SENDER));
    assert_eq!(retract(&mut carol, message).await, Err(ErrorCode::RETRACT_UNKNOWN), "she learns no more");
    assert_eq!(retract(&mut alice, message).await, Ok(()));
    assert_eq!(retract(&mut alice, message).await, Err(ErrorCode::RETRACT_DONE));
    assert_eq!(delivered(&mut bob).await.content.kind, ContentKind::AMENDED);
}

async fn retract(peer: &mut Peer, message: Position) -> Result<(), ErrorCode> {
    peer.say(&ClientFrame::Retract(Retract { request: 5, message, extensions: Extensions::default() })).await;
    done(peer).await
}

async fn done(peer: &mut Peer) -> Result<(), ErrorCode> {
    match peer.hear_answer().await {
        Some(ServerFrame::Done(_)) => Ok(()),
        Some(ServerFrame::Failed(failed)) => Err(failed.code),
        other => panic!("neither done nor failed: {other:?}"),
    }
}

async fn command(
    peer: &mut Peer,
    target: CommandTarget,
    to: &str,
    platform: Platform,
    text: &str,
) -> Result<(), ErrorCode> {
    peer.say(&ClientFrame::SendCommand(SendCommand {
        request: 6,
        target,
        username: if target == CommandTarget::USER { to.to_owned() } else { String::new() },
        group: GroupId(if target == CommandTarget::GROUP { to.parse().expect("a number") } else { 0 }),
        platform,
        text: text.to_owned(),
        extensions: Extensions::default(),
    }))
    .await;
    done(peer).await
}

async fn came(peer: &mut Peer) -> CommandCame {
    loop {
        match peer.hear().await {
            Some(ServerFrame::CommandCame(came)) => return came,
            Some(_) => {}
            None => panic!("the link ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transparent_command_reaches_whoever_is_there() {
    let (world, app) = world(&["alice", "bob0", "carol", "dave"]).await;
    let any = Platform::OTHER;
    let group = json!({"owner_username": "alice", "name": "g", "members_username": ["bob0"]});
    let gid = world.call(&app, "POST", "/v1/groups", Some(group)).await.expect(201)["gid"].to_string();
    let mut alice = on(Platform::IOS, &world, &app, "alice").await;
    let mut tablet = on(Platform::ANDROID, &world, &app, "alice").await;
    let (mut bob, mut carol) = (online(&world, &app, "bob0").await, online(&world, &app, "carol").await);

    for (to, text, code) in [
        ("alice", "x", ErrorCode::COMMAND_TO_SELF),
        ("ghost", "x", ErrorCode::COMMAND_USER_UNKNOWN),
        ("dave", "x", ErrorCode::COMMAND_OFFLINE),
        ("bob0", &"x".repeat(1025), ErrorCode::COMMAND_TOO_LONG),
    ] {
        assert_eq!(command(&mut alice, CommandTarget::USER, to, any, text).await, Err(code), "{to}");
    }
    let most = "x".repeat(1024);
    assert_eq!(command(&mut alice, CommandTarget::USER, "bob0", any, &most).await, Ok(()));
    let heard = came(&mut bob).await;
    assert_eq!((heard.from.as_str(), heard.target, heard.platform), ("alice", CommandTarget::USER, Platform::IOS));
    assert_eq!(heard.text, most);

    assert_eq!(command(&mut bob, CommandTarget::GROUP, &gid, any, "ring").await, Ok(()));
    for peer in [&mut alice, &mut tablet] {
        let heard = came(peer).await;
        assert_eq!(
            (heard.from.as_str(), heard.group.0.to_string(), heard.text.as_str()),
            ("bob0", gid.clone(), "ring")
        );
    }
    let outside = command(&mut carol, CommandTarget::GROUP, &gid, any, "ring").await;
    assert_eq!(outside, Err(ErrorCode::COMMAND_NOT_A_MEMBER));
    let nowhere = command(&mut carol, CommandTarget::GROUP, "19999999", any, "ring").await;
    assert_eq!(nowhere, Err(ErrorCode::COMMAND_GROUP_UNKNOWN));

    let own = CommandTarget::OWN_DEVICES;
    assert_eq!(command(&mut alice, own, "", Platform::WEB, "sync").await, Err(ErrorCode::COMMAND_OFFLINE));
    for platform in [any, Platform::ANDROID] {
        assert_eq!(command(&mut alice, own, "", platform, "sync").await, Ok(()));
        assert_eq!(came(&mut tablet).await.target, own);
    }

    world.call(&app, "PUT", "/v1/users/bob0/blacklist", Some(json!(["alice"]))).await.expect(204);
    let blocked = command(&mut alice, CommandTarget::USER, "bob0", any, "x").await;
    assert_eq!(blocked, Err(ErrorCode::SEND_BLOCKED));
    let mut later = online(&world, &app, "bob0").await;
    assert!(later.history(Chat::User("alice".into()), END).await.records.is_empty(), "nothing is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_fast_from_devices_is_put_off_and_app_servers_are_not() {
    let world = World::with(|config| config.limits.sends_per_minute = Some(2)).await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob0"]).await;
    let (mut phone, mut tablet) = (online(&world, &app, "alice").await, online(&world, &app, "alice").await);
    let (bob, text) = (Chat::User("bob0".into()), Content::text("hi"));
    assert!(send_from(&mut phone, 1, bob.clone(), text.clone()).await.is_ok());
    assert!(send_from(&mut tablet, 1, bob.clone(), text.clone()).await.is_ok());
    let (code, _) = send_from(&mut phone, 2, bob.clone(), text.clone()).await.expect_err("too fast");
    assert!(code == ErrorCode::SEND_TOO_OFTEN && code.is_passing());
    let (code, _) = send_from(&mut phone, 3, bob.clone(), text.clone()).await.expect_err("order");
    assert_eq!(code, ErrorCode::SEND_OUT_OF_ORDER, "what was put off comes first");
    for _ in 0..3 {
        world
            .call(&app, "POST", "/v1/messages", Some(message("alice", "bob0", "text", json!({"text": "hi"}))))
            .await
            .expect(201);
    }
    let mut other = online(&world, &app, "bob0").await;
    assert!(send_from(&mut other, 1, Chat::User("alice".into()), text).await.is_ok());
}
