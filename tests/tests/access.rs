//! What an operator says about an app's servers on the command line holds at once, for real connections.

use anser_tests::daemon::{App, Daemon};
use serde_json::Value;

async fn told(daemon: &Daemon, app: &App) -> (u16, Option<u64>) {
    let https = daemon.https(app).expect("the certificate is there");
    let answer = https.call("GET", "/v3/tags", None).await.expect("the daemon answers");
    (answer.status, answer.json().expect("JSON").pointer("/error/code").and_then(Value::as_u64))
}

async fn operator(daemon: &Daemon, args: &[&str]) -> Value {
    daemon.admin(args).await.expect("the operator may")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_blocks_an_app_names_its_addresses_and_sets_its_rates() {
    let daemon = Daemon::start().await.expect("the daemon starts");
    let app = daemon.create_app("shop").await.expect("an app");
    assert_eq!(told(&daemon, &app).await, (200, None));

    assert_eq!(operator(&daemon, &["app", "block", "shop"]).await["is_blocked"], true);
    assert_eq!(told(&daemon, &app).await, (403, Some(2003)));
    operator(&daemon, &["app", "unblock", "shop"]).await;
    assert_eq!(told(&daemon, &app).await, (200, None));

    operator(&daemon, &["app", "allow", "shop", "10.0.0.7", "192.0.2.0/24"]).await;
    assert_eq!(told(&daemon, &app).await, (403, Some(2004)));
    let shown = operator(&daemon, &["app", "allow", "shop", "127.0.0.0/8"]).await;
    assert_eq!(shown["addresses"][0], "127.0.0.0/8");
    assert_eq!(told(&daemon, &app).await, (200, None));

    operator(&daemon, &["app", "rate", "shop", "device", "1"]).await;
    // A new minute may begin between two calls, but not between each of four.
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(told(&daemon, &app).await);
    }
    assert!(answers.contains(&(429, Some(2002))), "{answers:?}");
    operator(&daemon, &["app", "rate", "shop", "device"]).await;
    assert_eq!(told(&daemon, &app).await, (200, None));

    for wrong in [&["app", "allow", "shop", "300.0.0.1"][..], &["app", "rate", "shop", "fax", "1"]] {
        let error = daemon.admin::<Value>(wrong).await.expect_err("it is refused").to_string();
        assert!(error.contains("300.0.0.1") || error.contains("fax"), "{error}");
    }
}
