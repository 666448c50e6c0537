//! Attacks on the whole daemon (goal G20), each closed by a test that names it. Those on one listener or one route stand
//! beside the tests of these, under the same prefix.

use std::process::Stdio;

use anser_tests::binaries;
use anser_tests::daemon::{Daemon, Plan};
use anser_tests::https::Https;
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::process::Command;

const PASSWORD: &str = "canary-of-a-password";
const WRONG_SECRET: &str = "canary-of-a-wrong-secret";
const TEXT: &str = "canary of a message's text";
const ALERT: &str = "canary of an alert";
/// What a caller may write into a log that is read line by line.
const FORGED_LINE: &str = "name\n<6>anserd: forged line";

/// Even the most talkative log tells no secret and nobody's words, and nobody writes lines of their own into it.
#[tokio::test(flavor = "multi_thread")]
async fn g20_the_log_at_trace_level_holds_no_secret_no_words_and_no_forged_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
    plan.environment.push(("ANSER_LOG_LEVEL".into(), "trace".into()));
    let mut daemon = Daemon::start_as(plan).await.expect("the daemon starts");
    let app = daemon.create_app("canaries").await.expect("an app");
    let https = daemon.https(&app).expect("its certificate is there");
    let users = json!([{"username": "alice", "password": PASSWORD}, {"username": "bob", "password": PASSWORD}]);
    assert_eq!(https.call("POST", "/v1/users", Some(&users)).await.expect("answered").status, 201);
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "alice",
        "msg_type": "text", "msg_body": {"text": TEXT},
    });
    assert_eq!(https.call("POST", "/v1/messages", Some(&message)).await.expect("answered").status, 201);
    let forged = json!({"platform": FORGED_LINE, "audience": FORGED_LINE});
    assert_eq!(https.call("POST", "/v3/push", Some(&forged)).await.expect("answered").status, 400);
    let forged = json!([{"username": FORGED_LINE, "password": PASSWORD}]);
    assert!(https.call("POST", "/v1/users", Some(&forged)).await.expect("answered").status >= 200);
    let stranger = daemon.https(&app).expect("its certificate is there");
    let stranger = stranger.with_basic(&app.app_key, WRONG_SECRET);
    assert_eq!(stranger.call("GET", "/v3/tags", None).await.expect("answered").status, 401);
    connect_as_a_user(&daemon, &app.app_key).await;
    let push = json!({"platform": "all", "audience": "all", "notification": {"alert": ALERT}});
    let pushed = https.call("POST", "/v3/push", Some(&push)).await.expect("answered");
    assert_eq!(pushed.status, 200);
    let shown = what_an_operator_sees(&daemon, &pushed.body).await;
    daemon.stop().await.expect("it ends");

    let log = std::fs::read_to_string(folder.path().join("log")).expect("the log is there");
    assert!(log.lines().any(|line| line.starts_with("trace ")), "the log was not at trace level:\n{log}");
    let basic = BASE64.encode(format!("{}:{}", app.app_key, app.master_secret).as_bytes());
    for secret in [PASSWORD, WRONG_SECRET, TEXT, ALERT, &app.master_secret, &basic] {
        let told: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(told.is_empty(), "{secret:?} stands in the log: {told:#?}");
        assert!(!shown.contains(secret), "{secret:?} is shown to operators who did not ask for it: {shown}");
    }
    assert!(!log.lines().any(|line| line.starts_with("<6>")), "a caller wrote a line of its own");
}

/// A page of another site has no link where the operator named the sites that may; its Origin is the browser's word.
#[tokio::test(flavor = "multi_thread")]
async fn g20_pages_of_sites_that_the_operator_did_not_name_open_no_websocket() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
    plan.environment.push(("ANSER_WEB_ORIGINS".into(), "https://chat.example.com".into()));
    let daemon = Daemon::start_as(plan).await.expect("the daemon starts");
    let https = Https::new(daemon.address(), daemon.ca()).expect("its certificate is there");
    let handshake = https
        .with_header("connection", "Upgrade")
        .with_header("upgrade", "websocket")
        .with_header("sec-websocket-version", "13")
        .with_header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    let own = format!("https://{}", daemon.address());
    for (origin, status) in [
        (None, 101),
        (Some(&*own), 101),
        (Some("https://chat.example.com"), 101),
        (Some("https://evil.example"), 403),
        (Some("http://chat.example.com"), 403),
        (Some("null"), 403),
    ] {
        let handshake = match origin {
            Some(origin) => handshake.clone().with_header("origin", origin),
            None => handshake.clone(),
        };
        let answered = handshake.call("GET", "/link", None).await.expect("answered");
        assert_eq!(answered.status, status, "{origin:?}");
    }
}

/// All that shows what is going on inside.
async fn what_an_operator_sees(daemon: &Daemon, pushed: &[u8]) -> String {
    let pushed: Value = serde_json::from_slice(pushed).expect("JSON");
    let msg_id = pushed["msg_id"].as_str().expect("an id");
    let mut shown = String::new();
    for args in
        [&["metrics"][..], &["status"], &["top", "--count", "1"], &["link", "list"], &["trace", msg_id], &["log-level"]]
    {
        shown += &daemon.admin::<Value>(args).await.expect("answered").to_string();
    }
    assert!(shown.contains(msg_id), "{shown}");
    shown
}

/// A device, a login by password over the link, and its end.
async fn connect_as_a_user(daemon: &Daemon, app_key: &str) {
    let status = Command::new(binaries::anser())
        .args(["bench", "--json", "--register", "--server", &daemon.address().to_string()])
        .args(["--app-key", app_key, "--password", PASSWORD, "--ca"])
        .arg(daemon.ca())
        .args(["--transport", "tcp", "idle", "--links", "1", "--hold", "0"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .await
        .expect("the command runs");
    assert!(status.success(), "{status}");
}
