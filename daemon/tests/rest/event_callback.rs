//! App servers that are told of events: in order, again until they hear, over restarts, each of its own app and of what it
//! wants.

use anser_storage::command::{EventFamilies, EventFamily};
use anserd::app_callback::{Feed, begin_for_new_app};
use anserd::bridge::Url;
use anserd::config::{Config, EventCallback};
use data_encoding::HEXLOWER;
use ring::hmac;
use serde_json::{Value, json};

use crate::callback::{AppServer, HEARD, LATER, Letter};
use crate::world::{App, World, basic, key_of};

fn everything() -> EventFamilies {
    EventFamily::ALL.into_iter().collect()
}

fn tell(config: &mut Config, app: Option<&str>, server: &AppServer, families: EventFamilies) {
    let url = Url::parse(&format!("{}/events?by=anser", server.url)).expect("an address");
    let app = app.map(|name| key_of(name, "k"));
    config.event_callbacks.push(EventCallback { app, url, families });
}

/// As it is made by an operator or a developer.
async fn app(world: &World, name: &str) -> App {
    let app = world.app(name).await;
    begin_for_new_app(world.daemon.context(), app.number, &app.key).await;
    app
}

fn events(letter: &Letter) -> Vec<Value> {
    let events = letter.events["events"].as_array().expect("a list").clone();
    assert_eq!(letter.events["total"], json!(events.len()));
    events
}

async fn heard(server: &mut AppServer, count: usize) -> Vec<Value> {
    let mut all = Vec::new();
    while all.len() < count {
        all.extend(events(&server.letter().await));
    }
    all
}

fn types(events: &[Value]) -> Vec<(u64, u64)> {
    let number = |event: &Value, key: &str| event[key].as_u64().expect("a number");
    events.iter().map(|event| (number(event, "event_type"), number(event, "extra"))).collect()
}

async fn group(world: &World, app: &App, owner: &str, members: &[&str]) -> u64 {
    let group = json!({"owner_username": owner, "name": "geese", "members_username": members});
    let made = world.call(app, "POST", "/v1/groups/", Some(group)).await.expect(201);
    made["gid"].as_u64().expect("a number")
}

async fn rename(world: &World, app: &App, username: &str, nickname: &str) {
    let change = json!({"nickname": nickname});
    world.call(app, "PUT", &format!("/v1/users/{username}"), Some(change)).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_in_order_with_the_apps_credentials_and_a_signature() {
    let mut server = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| tell(config, None, &server, everything())).await;
    let app = app(&world, "told").await;
    world.users(&app, &["alice", "bobby", "carol"]).await;
    let letter = server.letter().await;
    assert_eq!(letter.headers["authorization"], basic(&app.key, &app.secret));
    let signed = format!("{}.{}", letter.headers["x-anser-timestamp"], letter.text);
    let signature = HEXLOWER.decode(&letter.headers["x-anser-signature"].as_bytes()[3..]).expect("hexadecimal");
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.as_bytes());
    hmac::verify(&key, signed.as_bytes(), &signature).expect("signed with the master secret");
    let person = |name: &str| json!({"username": name, "appkey": app.key, "nickname": ""});
    let [registered] = &events(&letter)[..] else { panic!("{letter:?}") };
    let expected = json!({
        "event_id": registered["event_id"], "event_type": 230, "ctime_ms": registered["ctime_ms"],
        "from_username": "", "from_appkey": app.key, "extra": 0, "description": "",
        "to_usernames": [person("alice"), person("bobby"), person("carol")],
    });
    assert_eq!(*registered, expected);

    let gid = group(&world, &app, "alice", &["bobby"]).await;
    let members = json!({"add": ["carol"]});
    world.call(&app, "POST", &format!("/v1/groups/{gid}/members"), Some(members)).await.expect(204);
    rename(&world, &app, "alice", "Ally").await;
    world.call(&app, "POST", "/v1/users/alice/friends", Some(json!(["bobby"]))).await.expect(201);
    world.call(&app, "DELETE", &format!("/v1/groups/{gid}"), None).await.expect(204);
    let told = heard(&mut server, 5).await;
    assert_eq!(types(&told), [(8, 0), (10, 0), (40, 0), (7, 5), (9, 69)]);
    assert!(told.is_sorted_by_key(|event| event["event_id"].as_u64()));
    assert_eq!((&told[1]["gid"], &told[1]["group_name"]), (&json!(gid), &json!("geese")));
    assert_eq!(told[1]["to_usernames"], json!([person("carol")]));
    assert_eq!(told[3]["to_usernames"][0]["username"], "alice", "whom the call named first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retracted_message_is_told_with_its_id() {
    let mut server = AppServer::with(&[HEARD]).await;
    let families = [EventFamily::Messages].into_iter().collect();
    let world = World::with(|config| tell(config, None, &server, families)).await;
    let app = app(&world, "retracted").await;
    world.users(&app, &["alice", "bobby"]).await;
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bobby", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": "oh"},
    });
    let sent = world.call(&app, "POST", "/v1/messages", Some(message)).await.expect(201);
    let msg_id = sent["msg_id"].as_u64().expect("a number");
    world.call(&app, "POST", &format!("/v1/messages/alice/{msg_id}/retract"), None).await.expect(204);
    let [told] = &heard(&mut server, 1).await[..] else { panic!("more than the one wanted") };
    assert_eq!(told["event_type"], 55);
    assert_eq!(
        (&told["msg_ids"], &told["type"], &told["target_username"]),
        (&json!([msg_id]), &json!(0), &json!("bobby"))
    );
    assert_eq!(told["sender"]["username"], "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_heard_is_told_again_also_after_a_restart_and_nothing_is_lost() {
    let mut server = AppServer::with(&[HEARD, LATER, LATER, HEARD]).await;
    let world = World::with(|config| tell(config, None, &server, everything())).await;
    let app = app(&world, "restarted").await;
    world.users(&app, &["alice"]).await;
    assert_eq!(types(&heard(&mut server, 1).await), [(230, 0)]);
    rename(&world, &app, "alice", "one").await;
    let refused = heard(&mut server, 1).await;
    let world = world.restarted().await;
    rename(&world, &app, "alice", "two").await;
    let mut after = heard(&mut server, 1).await;
    assert_eq!(after[0]["event_id"], refused[0]["event_id"], "told again before anything else");
    while after.len() < 2 {
        let letter = heard(&mut server, 1).await;
        let told_again = usize::from(letter[0]["event_id"] == after[0]["event_id"]);
        after.extend_from_slice(&letter[told_again..]);
    }
    assert_eq!(types(&after), [(40, 0), (40, 0)]);
    assert_ne!(after[0]["event_id"], after[1]["event_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_server_hears_of_its_own_app_and_one_in_trouble_delays_no_other() {
    let mut broken = AppServer::with(&[LATER; 8]).await;
    let mut well = AppServer::with(&[HEARD]).await;
    let world = World::with(|config| {
        tell(config, Some("broken"), &broken, everything());
        tell(config, Some("well"), &well, everything());
    })
    .await;
    let (one, other, untold) = (app(&world, "broken").await, app(&world, "well").await, app(&world, "untold").await);
    world.users(&one, &["alice"]).await;
    assert_eq!(heard(&mut broken, 1).await[0]["from_appkey"], one.key);
    world.users(&untold, &["alice"]).await;
    for name in ["alice", "bobby"] {
        world.users(&other, &[name]).await;
        let told = heard(&mut well, 1).await;
        assert_eq!(
            (&told[0]["from_appkey"], &told[0]["to_usernames"][0]["username"]),
            (&json!(other.key), &json!(name))
        );
    }
    let context = world.daemon.context();
    let tellings = context.app_servers.tellings();
    let failed = &tellings[&(one.key.clone(), Feed::Events)];
    assert!(failed.failed >= 1 && failed.told == 0, "{failed:?}");
    assert_eq!(failed.last_failure.as_deref(), Some("it answered 503"));
    assert_eq!(tellings.keys().filter(|(key, _)| *key == untold.key).count(), 0);
    let number = untold.number;
    let kept = context.ledger.read(move |snapshot| snapshot.events_told_up_to(number)).await.expect("whole");
    assert_eq!(kept, None, "nothing is put down for an app that has no server");
}
