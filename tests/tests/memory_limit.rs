//! A daemon whose memory is limited, as `MemoryMax=` of a unit does: it refuses and slows down, and is not killed.

use std::time::Duration;

use anser_tests::daemon::{Daemon, Plan};
use anser_tests::limited::Limited;
use anser_tests::skip;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

const MEMORY_BYTES: u64 = 256 << 20;
/// Only what hangs meets it.
const PATIENCE: Duration = Duration::from_secs(100);
/// Bodies that together are far more than the memory, half of each sent and the rest held back.
const BODIES: usize = 200;
const BODY_BYTES: usize = 8 << 20;
const HALF_OPEN: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn more_bodies_and_handshakes_than_memory_do_not_end_the_daemon() {
    let group = match Limited::new(MEMORY_BYTES) {
        Ok(group) => group,
        Err(error) => {
            skip!(
                "more_bodies_and_handshakes_than_memory_do_not_end_the_daemon",
                "no control group can be made here: {error}"
            );
        }
    };
    // Given a daemon that may have 256 MiB and no swap,
    let folder = tempfile::tempdir().expect("a folder");
    let starter = group.starter(folder.path()).expect("a program");
    let plan = Plan::new_for(&starter, &folder.path().join("data"), &folder.path().join("log"));
    let mut daemon = Daemon::start_as(plan).await.expect("it starts with so little");
    let app = daemon.create_app("shop").await.expect("it serves");
    let https = daemon.https(&app).expect("its authority is exported");
    let users = json!([{"username": "ann", "password": "secret"}, {"username": "bob", "password": "secret"}]);
    assert_eq!(https.call("POST", "/v1/users", Some(&users)).await.expect("it serves").status, 201);

    // when strangers open connections and say nothing, and callers send large bodies all at once,
    let mut strangers = Vec::new();
    for _ in 0..HALF_OPEN {
        strangers.push(TcpStream::connect(daemon.address()).await.expect("it accepts"));
    }
    let text = "x".repeat(BODY_BYTES);
    let mut callers = JoinSet::new();
    for number in 0..BODIES {
        let (https, text) = (daemon.https(&app).expect("its authority is exported"), text.clone());
        callers.spawn(async move {
            let path = ["/v1/users", "/v3/push", "/v3/schedules", "/v1/messages"][number % 4];
            // Refused, or the connection is cut: both are answers.
            https.call("POST", path, Some(&json!([{"username": text}]))).await.map(|answer| answer.status)
        });
    }
    let mut refused = 0;
    while let Some(ended) = timeout(PATIENCE, callers.join_next()).await.expect("nobody hangs") {
        if let Ok(status) = ended.expect("no caller panics") {
            assert!((400..600).contains(&status), "{status}");
        }
        refused += 1;
    }
    assert_eq!(refused, BODIES);

    // then it lives, serves and delivers, and the kernel has killed nobody.
    let message = json!({
        "version": 1, "target_type": "single", "target_id": "bob", "from_type": "user", "from_id": "ann",
        "msg_type": "text", "msg_body": { "text": "still here" },
    });
    let said = timeout(PATIENCE, https.call("POST", "/v1/messages", Some(&message))).await.expect("it answers");
    assert_eq!(said.expect("it serves").status, 201);
    assert_eq!(group.kills().expect("the kernel counts"), 0);
    drop(strangers);
    assert!(daemon.stop().await.expect("it ends").success());
}
