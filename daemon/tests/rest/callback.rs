//! Callbacks: an app server hears what became of its push, also when it was away or Anser was.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anser_protocol::content::Platform;
use anserd::bridge::Url;
use anserd::clock::now_ms;
use anserd::config::Config;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::phone::Phone;
use crate::world::{App, World, basic};

const PATIENCE: Duration = Duration::from_secs(60);
pub const HEARD: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
pub const LATER: &str = "HTTP/1.1 503 Later\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n";
const ELSEWHERE: &str = "HTTP/1.1 307 Elsewhere\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n";

/// An app's server that gives these answers, the last one again and again.
pub struct AppServer {
    pub url: String,
    letters: mpsc::UnboundedReceiver<Letter>,
}

#[derive(Debug)]
pub struct Letter {
    first_line: String,
    authorization: String,
    /// By their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub text: String,
    pub events: Value,
}

impl AppServer {
    pub async fn with(answers: &'static [&'static str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (heard, letters) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let answers = Arc::new(Mutex::new(answers.iter().copied()));
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, heard) = (answers.clone(), heard.clone());
                // A daemon that was stopped may still hold its connection.
                tokio::spawn(async move {
                    let mut stream = BufReader::new(stream);
                    while let Some(letter) = read(&mut stream).await {
                        let answer = answers.lock().expect("whole").next().unwrap_or(HEARD);
                        if heard.send(letter).is_err() || stream.write_all(answer.as_bytes()).await.is_err() {
                            break;
                        }
                    }
                });
            }
        });
        Self { url, letters }
    }

    fn permit(&self, config: &mut Config) {
        config.callback.hosts = vec![Url::parse(&self.url).expect("an address").origin];
    }

    pub async fn letter(&mut self) -> Letter {
        timeout(PATIENCE, self.letters.recv()).await.expect("in time").expect("the server runs")
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Letter> {
    let (mut first_line, mut authorization, mut length) = (String::new(), String::new(), 0);
    let mut headers = BTreeMap::new();
    stream.read_line(&mut first_line).await.ok().filter(|read| *read > 0)?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        if let Some((name, value)) = line.trim_end().split_once(": ") {
            headers.insert(name.to_ascii_lowercase(), value.to_owned());
        }
        match line.trim_end().split_once(": ") {
            None => break,
            Some((name, value)) if name.eq_ignore_ascii_case("authorization") => authorization = value.to_owned(),
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => length = value.parse().ok()?,
            Some(_) => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let events = serde_json::from_slice(&body).ok()?;
    let text = String::from_utf8(body).ok()?;
    Some(Letter { first_line: first_line.trim_end().to_owned(), authorization, headers, text, events })
}

/// Pushes to everybody with a callback to `url`, and hands out the id.
async fn push(world: &World, app: &App, url: &str, kinds: u64) -> String {
    let callback = json!({"url": url, "params": {"order": 7}, "type": kinds});
    let body = json!({"platform": "all", "audience": "all", "notification": {"alert": "news"}, "callback": callback});
    let answer = world.call(app, "POST", "/v3/push", Some(body)).await.expect(200);
    answer["msg_id"].as_str().expect("a text").to_owned()
}

/// How many events of the app wait.
async fn waiting(world: &World, app: &App) -> usize {
    let number = app.number;
    let found = world.daemon.context().ledger.read(move |snapshot| snapshot.waiting_callbacks(number, 100, |_| false));
    found.await.expect("whole").waiting.len()
}

async fn until_nothing_waits(world: &World, app: &App) {
    let deadline = Instant::now() + PATIENCE;
    while waiting(world, app).await > 0 {
        assert!(Instant::now() < deadline, "what was told still waits");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_and_a_click_are_told_once_with_the_apps_credentials() {
    let mut server = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| server.permit(config)).await;
    let app = world.app("told").await;
    let mut phone = Phone::register(&world, &app, Platform::IOS);
    let begun_ms = now_ms();
    let msg_id = push(&world, &app, &format!("{}/told?by=anser", server.url), 1 | 2).await;
    let delivered = phone.push();
    phone.acknowledge(&delivered);
    phone.click(&[delivered.msg_id]);
    phone.acknowledge(&delivered);
    phone.click(&[delivered.msg_id]);

    let mut events = Vec::new();
    while events.len() < 2 {
        let letter = server.letter().await;
        assert_eq!(letter.first_line, "POST /told?by=anser HTTP/1.1");
        assert_eq!(letter.authorization, basic(&app.key, &app.secret));
        events.extend(letter.events.as_array().expect("a list").clone());
    }
    until_nothing_waits(&world, &app).await;
    assert!(server.letters.try_recv().is_err(), "told again");

    for (event, name) in events.iter().zip(["received", "clicked"]) {
        let time = event["time"].as_u64().expect("a number");
        assert!((begun_ms..=now_ms()).contains(&time), "{event}");
        let expected = json!({
            "msg_id": msg_id, "registration_id": phone.registration_id, "platform": "ios", "event": name, "time": time,
            "params": {"order": 7},
        });
        assert_eq!(*event, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_asks_for_time_is_told_later_and_a_redirect_is_not_followed() {
    let mut server = AppServer::with(&[LATER, ELSEWHERE, HEARD]).await;
    let world = World::with(|config| server.permit(config)).await;
    let app = world.app("later").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    push(&world, &app, &format!("{}/told", server.url), 1).await;
    let delivered = phone.push();
    phone.acknowledge(&delivered);

    let first = server.letter().await;
    let asked_at = Instant::now();
    let second = server.letter().await;
    assert!(asked_at.elapsed() >= Duration::from_millis(900), "sooner than the server asked for");
    let third = server.letter().await;
    for letter in [&second, &third] {
        assert_eq!((&letter.first_line, &letter.events), (&first.first_line, &first.events));
    }
    until_nothing_waits(&world, &app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_heard_before_a_restart_is_told_after_it() {
    let mut server = AppServer::with(&[LATER, HEARD]).await;
    let world = World::with(|config| server.permit(config)).await;
    let app = world.app("restarted").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    push(&world, &app, &server.url, 1).await;
    let delivered = phone.push();
    phone.acknowledge(&delivered);
    let before = server.letter().await;
    drop(phone);
    let world = world.restarted().await;
    assert_eq!(server.letter().await.events, before.events);
    until_nothing_waits(&world, &app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_end_of_its_life_it_is_told_who_did_not_receive_the_push() {
    let mut server = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| server.permit(config)).await;
    let app = world.app("missed").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    world.device(&app, "away", Platform::IOS).await;
    let msg_id = push(&world, &app, &server.url, 1 | 4).await;
    let delivered = phone.push();
    phone.acknowledge(&delivered);
    let received = server.letter().await;
    assert_eq!(received.events[0]["event"], "received");

    let end_ms = now_ms() + 86_400_000;
    for at_ms in [end_ms - 60_000, end_ms + 60_000, end_ms + 120_000] {
        let context = world.daemon.context();
        anserd::followup::round(&context.ledger, &context.bridges, at_ms).await.expect("the store is there");
    }
    let letter = server.letter().await;
    let expected = json!([{
        "msg_id": msg_id, "registration_id": "away", "platform": "ios", "event": "not_received",
        "time": letter.events[0]["time"], "params": {"order": 7},
    }]);
    assert_eq!(letter.events, expected);
    until_nothing_waits(&world, &app).await;
    assert!(server.letters.try_recv().is_err(), "told again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_the_operator_does_not_permit_is_never_called() {
    let mut server = AppServer::with(&[HEARD]).await;
    let mut other = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| server.permit(config)).await;
    let app = world.app("walled").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);
    push(&world, &app, &other.url, 1 | 2 | 8).await;
    let forbidden = phone.push();
    let msg_id = push(&world, &app, &server.url, 1).await;
    let permitted = phone.push();
    phone.acknowledge(&forbidden);
    phone.acknowledge(&permitted);
    assert_eq!(server.letter().await.events[0]["msg_id"], json!(msg_id));
    until_nothing_waits(&world, &app).await;
    assert!(other.letters.try_recv().is_err());
}
