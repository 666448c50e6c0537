//! App servers that are told of messages: in order, again until they hear, over restarts, and each of its own app only.

use anser_protocol::content::Platform;
use anserd::bridge::Url;
use anserd::config::{Config, MessageCallback};
use data_encoding::HEXLOWER;
use ring::hmac;
use serde_json::{Value, json};

use crate::callback::{AppServer, HEARD, LATER, Letter};
use crate::person::Person;
use crate::world::{App, World, basic, key_of};

fn tell(config: &mut Config, app: Option<&str>, server: &AppServer, rest_sent: bool) {
    let url = Url::parse(&format!("{}/heard?by=anser", server.url)).expect("an address");
    let app = app.map(|name| key_of(name, "k"));
    config.message_callbacks.push(MessageCallback { app, url, rest_sent });
}

async fn send(world: &World, app: &App, from: &str, to: &str, text: &str) {
    let message = json!({
        "version": 1, "target_type": "single", "target_id": to, "from_type": "user", "from_id": from,
        "msg_type": "text", "msg_body": {"text": text},
    });
    world.call(app, "POST", "/v1/messages", Some(message)).await.expect(201);
}

fn texts(letter: &Letter) -> Vec<String> {
    let messages = letter.events["messages"].as_array().expect("a list");
    assert_eq!(letter.events["total"], json!(messages.len()));
    messages.iter().map(|message| message["msg_body"]["text"].as_str().expect("a text").to_owned()).collect()
}

/// Until so many messages were heard of.
async fn heard(server: &mut AppServer, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(texts(&server.letter().await));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_told_in_order_with_the_apps_credentials_and_a_signature() {
    let mut server = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| tell(config, None, &server, true)).await;
    let app = world.app("told").await;
    world.users(&app, &["alice", "bob"]).await;
    send(&world, &app, "alice", "bob", "first").await;
    let letter = server.letter().await;
    let shown = world.call(&app, "GET", "/v1/messages?start=0&count=1", None).await.expect(200);
    assert_eq!(letter.events, json!({"total": 1, "messages": shown["messages"]}));
    assert_eq!(letter.headers["authorization"], basic(&app.key, &app.secret));
    assert_eq!(letter.headers["content-type"], "application/json; charset=utf-8");
    let signed = format!("{}.{}", letter.headers["x-anser-timestamp"], letter.text);
    let signature = HEXLOWER.decode(&letter.headers["x-anser-signature"].as_bytes()[3..]).expect("hexadecimal");
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &signature).expect("signed with the master secret");

    let expected: Vec<String> = (0..250).map(|number| number.to_string()).collect();
    for text in &expected {
        send(&world, &app, "alice", "bob", text).await;
    }
    assert_eq!(heard(&mut server, expected.len()).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_heard_is_told_again_also_after_a_restart_and_nothing_twice_that_was() {
    let mut server = AppServer::with(&[HEARD, LATER, LATER, HEARD]).await;
    let world = World::with(|config| tell(config, None, &server, true)).await;
    let app = world.app("restarted").await;
    world.users(&app, &["alice", "bob"]).await;
    send(&world, &app, "alice", "bob", "heard").await;
    assert_eq!(heard(&mut server, 1).await, ["heard"]);
    send(&world, &app, "alice", "bob", "not heard").await;
    assert_eq!(heard(&mut server, 1).await, ["not heard"]);
    let world = world.restarted().await;
    send(&world, &app, "alice", "bob", "after").await;
    let mut last = heard(&mut server, 1).await;
    assert_eq!(last[0], "not heard", "refused once more, or told again");
    while last.last().is_none_or(|text| text != "after") {
        last = heard(&mut server, 1).await;
    }
    assert!(!last.contains(&"heard".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_hears_of_its_own_app_and_one_in_trouble_delays_no_other() {
    let mut broken = AppServer::with(&[LATER, LATER, LATER, LATER, LATER, LATER, LATER, LATER]).await;
    let mut well = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| {
        tell(config, Some("broken"), &broken, true);
        tell(config, Some("well"), &well, true);
    })
    .await;
    let (one, other, untold) = (world.app("broken").await, world.app("well").await, world.app("untold").await);
    for app in [&one, &other, &untold] {
        world.users(app, &["alice", "bob"]).await;
    }
    send(&world, &one, "alice", "bob", "for the broken one").await;
    assert_eq!(heard(&mut broken, 1).await, ["for the broken one"]);
    send(&world, &untold, "alice", "bob", "for nobody").await;
    for text in ["1", "2"] {
        send(&world, &other, "alice", "bob", text).await;
        assert_eq!(heard(&mut well, 1).await, [text]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_hear_only_of_what_devices_sent() {
    let mut server = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| tell(config, None, &server, false)).await;
    let app = world.app("devices").await;
    world.users(&app, &["alice", "bob"]).await;
    send(&world, &app, "alice", "bob", "by the server").await;
    let mut alice = Person::on(Platform::ANDROID, &world, &app).await;
    alice.log_in("alice", "secret").await.expect("logged in");
    alice.send_to("bob").await.expect("accepted");
    let letter = server.letter().await;
    assert_eq!(texts(&letter), ["hi"]);
    assert_eq!(letter.events["messages"][0]["from_platform"], Value::from("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_is_told_for_the_first_time_does_not_hear_of_what_was_before() {
    let mut server = AppServer::with(&[HEARD]).await;
    let world = World::new().await;
    let app = world.app("late").await;
    world.users(&app, &["alice", "bob"]).await;
    send(&world, &app, "alice", "bob", "before").await;
    let shown = world.call(&app, "GET", "/v1/messages?start=0&count=1", None).await.expect(200);
    let sent_ms = shown["messages"][0]["msg_ctime"].as_u64().expect("a number");
    while anserd::clock::now_ms() <= sent_ms {
        tokio::task::yield_now().await;
    }
    let world = world.restarted_with(|config| tell(config, None, &server, true)).await;
    send(&world, &app, "alice", "bob", "after").await;
    assert_eq!(heard(&mut server, 1).await, ["after"]);
}
