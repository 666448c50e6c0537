//! Users whom the app's own server vouches for log in without a password of ours.

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::tag;
use anser_protocol::frame::session::CredentialKind;
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anserd::clock::now_ms;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use md5::{Digest, Md5};
use ring::hmac;
use serde_json::{Value, json};

use crate::peer::{Peer, login};
use crate::person::Person;
use crate::world::{App, World};

/// As any JWT library makes it.
fn signed(app: &App, claims: &Value) -> Vec<u8> {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", part(&json!({"alg": "HS256", "typ": "JWT"})), part(claims));
    let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.as_bytes());
    let signature = BASE64URL_NOPAD.encode(hmac::sign(&key, signed.as_bytes()).as_ref());
    format!("{signed}.{signature}").into_bytes()
}

/// Ten minutes are five times what a loaded machine may take.
fn soon() -> u64 {
    now_ms() / 1000 + 600
}

/// The session token, or why not.
async fn log_in(peer: &mut Peer, username: &str, token: &[u8]) -> Result<Vec<u8>, ErrorCode> {
    peer.say(&login(1, username, CredentialKind::SIGNED, token)).await;
    match peer.hear_answer().await {
        Some(ServerFrame::LoggedIn(logged_in)) => Ok(logged_in.token),
        Some(ServerFrame::Failed(failed)) => Err(failed.code),
        other => panic!("no answer to a login: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_token_opens_a_session_which_goes_on_by_its_own_token() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice"]).await;
    let exp = soon();
    let token = signed(&app, &json!({"sub": "alice", "aud": app.key, "exp": exp}));

    let mut peer = Peer::connect(&world).await;
    peer.register(&app.key).await;
    let session = log_in(&mut peer, "alice", &token).await.expect("the app's server vouches for her");
    peer.say(&login(2, "alice", CredentialKind::TOKEN, &session)).await;
    assert!(matches!(peer.hear_answer().await, Some(ServerFrame::LoggedIn(_))));

    let mut with_password = Person::on(Platform::IOS, &world, &app).await;
    assert_eq!(with_password.log_in("alice", "secret").await, Ok(()), "passwords are as good as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_for_another_user_app_or_time_or_signed_by_another_is_refused_alike() {
    let world = World::new().await;
    let (app, other) = (world.app("shop").await, world.app("bank").await);
    world.users(&app, &["alice", "bob"]).await;
    world.users(&other, &["alice"]).await;
    let exp = soon();
    let good = json!({"sub": "alice", "aud": app.key, "exp": exp});
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let mut peer = Peer::connect(&world).await;
    peer.register(&app.key).await;
    for (username, token) in [
        ("bob", signed(&app, &good)),
        ("alice", signed(&app, &with("aud", json!(other.key)))),
        ("alice", signed(&app, &with("exp", json!(exp - 1200)))),
        ("alice", signed(&app, &with("exp", json!(exp + 2 * 24 * 3600)))),
        ("alice", signed(&other, &good)),
        ("alice", b"no token".to_vec()),
        ("nobody", signed(&app, &good)),
    ] {
        assert_eq!(log_in(&mut peer, username, &token).await, Err(ErrorCode::SIGNED_TOKEN), "{username}");
    }
    let unknown = signed(&app, &with("sub", json!("nobody")));
    assert_eq!(log_in(&mut peer, "nobody", &unknown).await, Err(ErrorCode::USER_UNKNOWN));

    world.call(&app, "PUT", "/v1/users/alice/forbidden?disable=true", None).await.expect(204);
    assert_eq!(log_in(&mut peer, "alice", &signed(&app, &good)).await, Err(ErrorCode::USER_DISABLED));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_master_secret_ends_what_was_signed_with_the_old_one() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice"]).await;
    let exp = soon();
    let token = signed(&app, &json!({"sub": "alice", "aud": app.key, "exp": exp}));
    let master_secret = "0123456789abcdef01234567".to_owned();
    let rotate = anser_storage::command::AppCommand::RotateSecret { app: app.number, master_secret };
    world.submit(anser_storage::command::Command::App(rotate)).await;
    let mut peer = Peer::connect(&world).await;
    peer.register(&app.key).await;
    assert_eq!(log_in(&mut peer, "alice", &token).await, Err(ErrorCode::SIGNED_TOKEN));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_of_the_page_is_good_once_and_for_ten_minutes() {
    let world = World::new().await;
    let app = world.app("shop").await;
    world.users(&app, &["alice"]).await;
    let log_in = async |at_ms: u64, random: &str, secret: &str| {
        let mut peer = Peer::connect(&world).await;
        peer.register(&app.key).await;
        let signed = format!("appkey={}&timestamp={at_ms}&random_str={random}&key={secret}", app.key);
        let signature = format!("{at_ms}\n{random}\n{}", HEXLOWER.encode(&Md5::digest(signed.as_bytes())));
        let ClientFrame::Login(mut body) = login(1, "alice", CredentialKind::PASSWORD, b"secret") else {
            panic!("a login");
        };
        body.extensions = body.extensions.with(tag::WEB_SIGNATURE, signature.into_bytes());
        peer.say(&ClientFrame::Login(body)).await;
        match peer.hear_answer().await {
            Some(ServerFrame::LoggedIn(_)) => None,
            Some(ServerFrame::Failed(failed)) => Some(failed.code),
            other => panic!("no answer to a login: {other:?}"),
        }
    };
    assert_eq!(log_in(now_ms(), "first-of-all-texts", &app.secret).await, None);
    assert_eq!(log_in(now_ms(), "first-of-all-texts", &app.secret).await, Some(ErrorCode::WEB_SIGNATURE_OVER));
    assert_eq!(log_in(now_ms() - 660_000, "second", &app.secret).await, Some(ErrorCode::WEB_SIGNATURE_OVER));
    assert_eq!(log_in(now_ms(), "third", "another secret").await, Some(ErrorCode::WEB_SIGNATURE));
}
