//! App servers that are asked before a message is accepted.

use std::time::Duration;

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anserd::bridge::Url;
use anserd::config::{Config, MessageCheck};
use serde_json::json;

use crate::callback::{AppServer, LATER};
use crate::person::Person;
use crate::world::{App, World};

const YES: &str = "HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"allow\":true}";
const NO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 41\r\n\r\n{\"allow\":false,\"code\":7,\"message\":\"rude\"}";

fn ask(config: &mut Config, server: &AppServer, allows_unanswered: bool) {
    let url = Url::parse(&server.url).expect("an address");
    config.message_checks.push(MessageCheck { app: None, url, wait: Duration::from_secs(10), allows_unanswered });
}

async fn send(world: &World, app: &App, text: &str) -> crate::world::Answered {
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": text},
    });
    world.call(app, "POST", "/v1/messages", Some(message)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_refuses_is_not_sent_and_its_words_are_passed_on() {
    let mut server = AppServer::with(&[NO, YES, NO, YES]).await;
    let world = World::with(|config| ask(config, &server, true)).await;
    let app = world.app("asked").await;
    world.users(&app, &["alice", "bob"]).await;
    let refused = send(&world, &app, "a bad word").await;
    assert!(refused.text.contains("rude (7)"), "{}", refused.text);
    refused.refused(403, 803_006);
    let letter = server.letter().await;
    let message = &letter.events["message"];
    assert_eq!((&message["from_id"], &message["target_id"]), (&json!("alice"), &json!("bob")));
    assert_eq!(message["msg_body"]["text"], "a bad word");
    assert!(message.get("msgid").is_none() && letter.headers.contains_key("x-anser-signature"));
    send(&world, &app, "a good word").await.expect(201);

    let mut alice = Person::on(Platform::ANDROID, &world, &app).await;
    alice.log_in("alice", "secret").await.expect("logged in");
    assert_eq!(alice.send_to("bob").await, Err(ErrorCode::SEND_NOT_ALLOWED));
    alice.send_to("bob").await.expect("accepted");
    let sent = world.call(&app, "GET", "/v1/messages?start=0&count=9", None).await.expect(200);
    assert_eq!(sent["total"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_answer_the_setting_decides() {
    for (allows_unanswered, status) in [(true, 201), (false, 403)] {
        let server = AppServer::with(&[LATER]).await;
        let world = World::with(|config| ask(config, &server, allows_unanswered)).await;
        let app = world.app("silent").await;
        world.users(&app, &["alice", "bob"]).await;
        assert_eq!(send(&world, &app, "hi").await.status.as_u16(), status);
    }
}
