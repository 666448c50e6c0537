//! Operators: nothing is reachable with a known password; the link that makes the first; sessions and their end.

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use anser_storage::command::{Command, OperatorCommand, OperatorRole};
use anserd::admin::{NewPassword, Reply, Request};
use anserd::operator::{LogInFailure, set_up};
use anserd::rest::Rest;
use axum::body::Body;
use axum::http::{Request as HttpRequest, StatusCode, header};
use data_encoding::BASE64;

use crate::World;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What people try first.
const KNOWN: [(&str, &str); 8] = [
    ("admin", "admin"),
    ("admin", "password"),
    ("admin", ""),
    ("root", "root"),
    ("anser", "anser"),
    ("operator", "operator"),
    ("guest", "guest"),
    ("", ""),
];

fn password(text: &str) -> NewPassword {
    NewPassword(text.to_owned())
}

fn add(name: &str, role: &str, apps: &[&str]) -> Request {
    let apps = apps.iter().map(|app| (*app).to_owned()).collect();
    Request::OperatorAdd { name: name.into(), role: role.into(), apps, password: password("a long password") }
}

/// The token in the file of the link.
fn link(world: &World) -> Option<String> {
    let text = std::fs::read_to_string(world.file(set_up::FILE)).ok()?;
    Some(text.trim().rsplit_once('=').expect("a link").1.to_owned())
}

async fn until_there_is_a_link(world: &World) -> String {
    world.until("the link is written", || async { link(world).is_some() }).await;
    link(world).expect("it was there")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_daemon_lets_nobody_in_with_a_known_password() {
    let world = World::new().await;
    until_there_is_a_link(&world).await;
    let rest = Rest::new(world.daemon.context());
    for (name, secret) in KNOWN {
        let basic = BASE64.encode(format!("{name}:{secret}").as_bytes());
        for path in ["/v3/push/cid", "/v1/users", "/v1/app", "/v3/schedules", "/v3/devices/x"] {
            let request = HttpRequest::get(path).header(header::AUTHORIZATION, format!("Basic {basic}"));
            let answer = rest.answer(request.body(Body::empty()).expect("a request")).await;
            assert!(
                matches!(
                    answer.status(),
                    StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED
                ),
                "{path} let {name:?} in: {}",
                answer.status()
            );
        }
        let operators = &world.daemon.context().operators;
        assert_eq!(operators.log_in(name, secret, HERE).await, Err(LogInFailure::Wrong));
        assert_eq!(operators.set_up(secret, "root", "a long password").await, Err(LogInFailure::SetUpOver));
        assert_eq!(operators.of_session(secret).await.expect("readable"), None);
    }
    let counts = world
        .daemon
        .context()
        .ledger
        .read(|snapshot| Ok((snapshot.apps()?.len(), snapshot.developers()?.len(), snapshot.operators()?.len())));
    assert_eq!(counts.await.expect("readable"), (0, 0, 0), "nobody was made who could have a password");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_the_first_start_makes_one_owner_and_is_gone_then() {
    let world = World::new().await;
    let token = until_there_is_a_link(&world).await;
    let mode = std::fs::metadata(world.file(set_up::FILE)).expect("it is there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let operators = &world.daemon.context().operators;
    let wrong = format!("{}0", &token[1..]);
    assert_eq!(operators.set_up(&wrong, "root", "a long password").await, Err(LogInFailure::SetUpOver));
    assert!(matches!(operators.set_up(&token, "root", "short").await, Err(LogInFailure::Invalid(_))));

    let begun = operators.set_up(&token, "root", "a long password").await.expect("the link is good");

    let (session, operator) = operators.of_session(&begun.token).await.expect("readable").expect("a session");
    assert_eq!((session.name.as_str(), operator.account.role), ("root", OperatorRole::Owner));
    assert_eq!(operators.set_up(&token, "mallory", "a long password").await, Err(LogInFailure::SetUpOver));
    set_up::tidy(world.daemon.context()).await.expect("readable");
    assert_eq!(link(&world), None);
    let world = world.restarted().await;
    assert_eq!(set_up::at_start(world.daemon.context()).await.expect("readable"), None, "no other is made");
    assert!(matches!(world.ask(Request::OperatorLink).await, Reply::Refused(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_survives_restarts_and_is_stored_as_a_hash_only() {
    let world = World::new().await;
    let token = until_there_is_a_link(&world).await;
    let world = world.restarted().await;
    let shown = set_up::at_start(world.daemon.context()).await.expect("readable").expect("still good");
    assert!(shown.url.ends_with(&token), "{}", shown.url);
    assert!(shown.url.starts_with("https://") && shown.url.contains("/#set-up="), "{}", shown.url);
    let store = std::fs::read_dir(world.folder.path()).expect("readable").flatten();
    for file in store.filter(|file| file.file_name() != set_up::FILE && file.path().is_file()) {
        let bytes = std::fs::read(file.path()).expect("readable");
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "{:?}", file.file_name());
    }
    world.daemon.context().operators.set_up(&token, "root", "a long password").await.expect("still good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_is_too_old_is_gone_and_comes_again_only_when_asked_for() {
    let world = World::new().await;
    let token = until_there_is_a_link(&world).await;
    // As if a day had passed: the offer is over.
    let token_hash = anserd::keys::token_hash(token.as_bytes());
    let over = OperatorCommand::OfferSetUp { token_hash, expires_ms: 1 };
    world.apply(Command::Operator(over)).await.expect("accepted");
    let operators = &world.daemon.context().operators;
    assert_eq!(operators.set_up(&token, "root", "a long password").await, Err(LogInFailure::SetUpOver));
    let world = world.restarted().await;
    assert_eq!(set_up::at_start(world.daemon.context()).await.expect("readable"), None);
    assert_eq!(link(&world), None);

    let Reply::OperatorLink { url, .. } = world.ask(Request::OperatorLink).await else { panic!("a link") };

    let token = url.rsplit_once('=').expect("a link").1;
    world.daemon.context().operators.set_up(token, "root", "a long password").await.expect("a new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_added_listed_reset_and_removed() {
    let world = World::new().await;
    let key = world.app("shop").await;
    assert!(matches!(world.ask(add("root", "owner", &["shop"])).await, Reply::Refused(_)), "an owner has all apps");
    assert!(matches!(world.ask(add("ann", "sender", &[])).await, Reply::Refused(_)), "a sender is for certain apps");
    assert!(matches!(world.ask(add("ann", "king", &[])).await, Reply::Refused(_)));
    world.ask(add("root", "owner", &[])).await;
    let Reply::Operator(ann) = world.ask(add("ann", "sender", &["shop"])).await else { panic!("an operator") };
    assert_eq!((ann.role.as_str(), ann.apps.as_slice()), ("sender", &[key][..]));
    assert!(matches!(world.ask(add("ann", "owner", &[])).await, Reply::Refused(_)), "the name is taken");
    let Reply::Operators(list) = world.ask(Request::OperatorList).await else { panic!("a list") };
    assert_eq!(list.iter().map(|operator| operator.name.as_str()).collect::<Vec<_>>(), ["ann", "root"]);

    let operators = &world.daemon.context().operators;
    let begun = operators.log_in("ann", "a long password", HERE).await.expect("her password");
    assert!(operators.of_session(&begun.token).await.expect("readable").is_some());
    world.ask(Request::OperatorReset { name: "ann".into(), password: password("another password") }).await;
    assert_eq!(operators.of_session(&begun.token).await.expect("readable"), None, "a reset ends sessions");
    assert_eq!(operators.log_in("ann", "a long password", HERE).await, Err(LogInFailure::Wrong));
    let begun = operators.log_in("ann", "another password", HERE).await.expect("the new one");
    operators.log_out(&begun.token).await.expect("stored");
    assert_eq!(operators.of_session(&begun.token).await.expect("readable"), None);

    let begun = operators.log_in("ann", "another password", HERE).await.expect("the new one");
    assert!(
        matches!(world.ask(Request::OperatorRemove { name: "root".into() }).await, Reply::Refused(_)),
        "the last owner"
    );
    world.ask(Request::OperatorRemove { name: "ann".into() }).await;
    assert_eq!(operators.of_session(&begun.token).await.expect("readable"), None, "and so does removal");
    world.ask(add("ann", "read-only", &[])).await;
    assert_eq!(operators.of_session(&begun.token).await.expect("readable"), None, "another account of the name");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_md5_form_of_a_password_opens_nothing_for_an_operator() {
    let world = World::new().await;
    let secret = "a long password";
    world.ask(add("root", "owner", &[])).await;
    let stored = world.daemon.context().ledger.read(|snapshot| snapshot.operator("root"));
    let stored = stored.await.expect("readable").expect("there").account.password;
    assert!(stored.contains("argon2id") && !stored.contains(secret), "{stored}");
    let operators = Arc::new(&world.daemon.context().operators);
    // MD5 of "a long password".
    let md5 = "9bfb1b9d0c2bc3f3c912eaae3099ca5a";
    assert_eq!(operators.log_in("root", md5, HERE).await, Err(LogInFailure::Wrong));
    operators.log_in("root", secret, HERE).await.expect("the password itself");
}
