//! Attacks on the IM API and on links (goal G20) that no other file is about.

use std::path::Path;
use std::time::{Duration, Instant};

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::people::PasswordChange;
use anser_protocol::frame::session::{CredentialKind, Logout};
use anser_protocol::frame::{ClientFrame, ServerFrame};
use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use anserd::bridge::Url;
use anserd::link::session::Logins;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::json;
use tokio::net::TcpListener;

use crate::callback::{AppServer, HEARD};
use crate::peer::{Peer, hello, login};
use crate::phone::Phone;
use crate::world::{App, Part, World, basic};

/// The promise is a second; a busy machine gets five times that.
const DEAD_WITHIN: Duration = Duration::from_secs(5);

/// Why a login ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Logout,
    OtherPhone,
    PasswordByServer,
    PasswordByAnotherDevice,
    Disabled,
    Deleted,
}

#[tokio::test(flavor = "multi_thread")]
async fn g20_a_token_is_dead_within_a_second_on_live_links_and_for_later_ones() {
    for end in
        [End::Logout, End::OtherPhone, End::PasswordByServer, End::PasswordByAnotherDevice, End::Disabled, End::Deleted]
    {
        let world = World::with(|config| config.users.logins = Logins { phones: 1, computers: 1, browsers: 1 }).await;
        let app = world.app("one").await;
        world.users(&app, &["alice", "bob"]).await;
        let (mut phone, token) = logged_in(&world, &app, Platform::ANDROID).await;
        let (mut other, _) = logged_in(&world, &app, Platform::DESKTOP).await;
        let extensions = Extensions::default;

        let begun = match end {
            End::Logout => {
                phone.say(&ClientFrame::Logout(Logout { request: 7, extensions: extensions() })).await;
                assert!(matches!(phone.hear_answer().await, Some(ServerFrame::Done(_))));
                Instant::now()
            }
            End::OtherPhone => {
                logged_in(&world, &app, Platform::IOS).await;
                Instant::now()
            }
            End::PasswordByServer => {
                let change = Some(json!({"new_password": "changed"}));
                world.call(&app, "PUT", "/v1/users/alice/password", change).await.expect(204);
                Instant::now()
            }
            End::PasswordByAnotherDevice => {
                let (old, new) = ("secret".to_owned(), "changed".to_owned());
                let change = PasswordChange { request: 7, old, new, extensions: extensions() };
                other.say(&ClientFrame::PasswordChange(change)).await;
                assert!(matches!(other.hear_answer().await, Some(ServerFrame::Done(_))));
                Instant::now()
            }
            End::Disabled => {
                world.call(&app, "PUT", "/v1/users/alice/forbidden?disable=true", None).await.expect(204);
                Instant::now()
            }
            End::Deleted => {
                world.call(&app, "DELETE", "/v1/users/alice", None).await.expect(204);
                Instant::now()
            }
        };

        // On the live link nothing works any more, and the server says so by itself.
        if !matches!(end, End::Logout) {
            let told = phone.hear_answer().await;
            assert!(matches!(told, Some(ServerFrame::GoAway(_))), "{end:?}: {told:?}");
            assert!(begun.elapsed() < DEAD_WITHIN, "{end:?} took {:?}", begun.elapsed());
            assert!(phone.hear().await.is_none(), "{end:?}: the link goes on");
        } else {
            let send = anser_protocol::frame::chat::Send {
                outbox: 1,
                chat: Chat::User("bob".into()),
                content: anser_protocol::content::Content::text("x"),
            };
            phone.say(&ClientFrame::Send(send)).await;
            let told = phone.hear_answer().await;
            assert!(
                matches!(&told, Some(ServerFrame::SendRefused(refused)) if refused.code == ErrorCode::NOT_LOGGED_IN),
                "{told:?}"
            );
        }
        // Nor does the token open another one.
        let mut later = Peer::connect(&world).await;
        later.register(&app.key).await;
        later.say(&login(7, "alice", CredentialKind::TOKEN, &token)).await;
        let told = later.hear_answer().await;
        let codes = [
            ErrorCode::TOKEN_INVALID,
            ErrorCode::USER_DISABLED,
            ErrorCode::USER_UNKNOWN,
            // Where another phone has taken the place, the token is dead and the device is told why.
            ErrorCode::LOGGED_IN_ELSEWHERE,
        ];
        assert!(
            matches!(&told, Some(ServerFrame::Failed(failed)) if codes.contains(&failed.code)),
            "{end:?}: {told:?}"
        );
    }
}

/// A new device of this kind, alice's token on it.
async fn logged_in(world: &World, app: &App, platform: Platform) -> (Peer, Vec<u8>) {
    let mut peer = Peer::connect(world).await;
    let ClientFrame::Hello(mut said) = hello(&app.key, "", peer.secret) else { panic!("a hello is one") };
    said.platform = platform;
    said.push_cursor = Some(Position::START);
    peer.say(&ClientFrame::Hello(said)).await;
    assert!(matches!(peer.hear().await, Some(ServerFrame::Welcome(_))));
    let token = peer.log_in("alice", "secret").await;
    (peer, token)
}

#[tokio::test(flavor = "multi_thread")]
async fn g20_no_spelling_of_a_callback_address_reaches_a_host_that_is_not_permitted() {
    let mut permitted = AppServer::with(&[HEARD]).await;
    let origin = Url::parse(&permitted.url).expect("an address").origin;
    let forbidden = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = forbidden.local_addr().expect("bound").port();
    let good = permitted.url.strip_prefix("http://").expect("plain").to_owned();
    let world = World::with(|config| config.callback.hosts = vec![origin.clone()]).await;
    let app = world.app("one").await;
    let mut phone = Phone::register(&world, &app, Platform::ANDROID);

    let hosts = [
        "127.0.0.1",
        "127.1",
        "127.0.1",
        "0",
        "0.0.0.0",
        "0177.0.0.1",
        "017700000001",
        "0x7f.0.0.1",
        "0x7f000001",
        "2130706433",
        "127.0.0.1.",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:0:0:1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "127.0.0.1%00",
        "127%2e0%2e0%2e1",
        "１２７.0.0.1",
        "127。0。0。1",
    ];
    let plain = hosts.iter().map(|host| format!("http://{host}:{port}/"));
    let mixed = [
        format!("http://{good}@127.0.0.1:{port}/"),
        format!("http://{good}%40127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}#@{good}/"),
        format!("http://127.0.0.1:{port}?@{good}/"),
        format!("http://127.0.0.1:{port}\\@{good}/"),
        format!("http://127.0.0.1:{port}/@{good}"),
        format!("http://{good}.127.0.0.1.nip.io:{port}/"),
        format!("http:127.0.0.1:{port}/"),
        format!("http:///127.0.0.1:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("HTTP://127.0.0.1:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("gopher://127.0.0.1:{port}/_x"),
        format!("file://127.0.0.1:{port}/etc/passwd"),
        format!(" http://127.0.0.1:{port}/"),
        format!("http://127.0.0.1\t:{port}/"),
        format!("http://127.0.0.1:{port}\r\nHost: {good}/"),
        format!("http://127.0.0.1:0{port}/"),
    ];
    let spellings: Vec<String> = plain.chain(mixed).collect();
    assert!(spellings.len() >= 40);
    for spelling in &spellings {
        let callback = json!({"url": spelling, "type": 1});
        let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}, "callback": callback});
        let answered = world.call(&app, "POST", "/v3/push", Some(push)).await;
        if answered.status.is_success() {
            let pushed = phone.push();
            phone.acknowledge(&pushed);
        }
        // Whoever parses it, it is another server than the permitted one or none at all.
        if let Some(url) = Url::parse(spelling) {
            assert!(url.origin != origin, "{spelling}");
        }
    }
    // A push with a permitted address comes through behind all these.
    let callback = json!({"url": permitted.url, "type": 1});
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": "x"}, "callback": callback});
    world.call(&app, "POST", "/v3/push", Some(push)).await.expect(200);
    let pushed = phone.push();
    phone.acknowledge(&pushed);
    permitted.letter().await;
    let none = forbidden.into_std().expect("ours");
    none.set_nonblocking(true).expect("set");
    assert_eq!(none.accept().expect_err("nobody called").kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn g20_no_name_and_no_path_leads_out_of_the_folder_of_media() {
    let world = World::new().await;
    let app = world.app("one").await;
    let own = basic(&app.key, &app.secret);
    let folder = world.daemon.context().config.data_dir.clone();
    // The link for the first operator is written soon after the start.
    let begun = std::time::Instant::now();
    while !folder.join(anserd::operator::set_up::FILE).exists() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "the link is written");
        tokio::task::yield_now().await;
    }
    let before = files(&folder, &folder.join("media"));
    let mut paths = Vec::new();
    for name in [
        "../../../escaped",
        "..\\..\\escaped",
        "/etc/escaped",
        "C:\\escaped",
        "a\0b/../escaped",
        "....//escaped",
        "%2e%2e%2fescaped",
        "..",
        ".",
        "",
        "media/../../escaped",
    ] {
        let form: [Part<'_>; 1] = [("file", Some(name), b"content")];
        let answered = world.call_form(Some(&own), "POST", "/v1/resource?type=file", &form).await;
        if answered.status == 200 {
            let answer = answered.json();
            let shown = answer["fname"].as_str().expect("a text");
            assert!(!shown.contains(['/', '\\', '\0']), "{name:?} is shown as {shown:?}");
            let id = answer["media_id"].as_str().expect("a text").to_owned();
            let resolved = world.call(&app, "GET", &format!("/v1/resource?mediaId={id}"), None).await.expect(200);
            let url = resolved["url"].as_str().expect("a text").to_owned();
            paths.push(url.split_once("/media/").map(|(_, path)| format!("/media/{path}")).expect("of media"));
        }
    }
    assert_eq!(files(&folder, &folder.join("media")), before, "a file was written elsewhere");
    let path = paths.pop().expect("some were taken");
    let (path, query) = path.split_once('?').expect("it is signed");
    let (parent, name) = path.rsplit_once('/').expect("a folder");
    for climbing in
        ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..%252f", "....//", "%c0%ae%c0%ae/", "./../", "%00/"]
    {
        for target in ["anser.redb", "tls/ca.key", "etc/passwd", name] {
            for path in [
                format!("/media/{}{target}?{query}", climbing.repeat(3)),
                format!("{parent}/{}{target}?{query}", climbing.repeat(3)),
                format!("{parent}/{climbing}{target}?{query}"),
                format!("{path}/{climbing}{target}?{query}"),
            ] {
                let Ok(request) = Request::get(&path).body(Body::empty()) else { continue };
                let (head, body) = world.rest.answer(request).await.into_parts();
                let body = body.collect().await.expect("a whole body").to_bytes();
                assert!([400, 401, 403, 404].contains(&head.status.as_u16()), "{path}: {}", head.status);
                assert!(body.len() < 300, "{path} is answered with a file");
            }
        }
    }
}

/// All files below a folder but those below another.
fn files(folder: &Path, without: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() && path != without {
            found.extend(files(&path, without));
        } else if path != without {
            found.push(path);
        }
    }
    found.sort();
    found
}
