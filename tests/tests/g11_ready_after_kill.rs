//! G11: a daemon that was killed is ready again soon, however much it keeps.

use std::time::{Duration, Instant};

use anser_tests::daemon::{Daemon, Plan};
use anser_tests::fault::big_store;
use anser_tests::torture;
use serde_json::json;

/// `make torture g11 N=1024` fills a GiB: here the count is the store's size in MiB.
const CI_MIB: u64 = 64;
const READY_WITHIN: Duration = Duration::from_secs(2);
/// Of real time, on a machine that does other things as well; `make bench` measures without.
const SLACK: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn g11_a_killed_daemon_is_ready_again_soon() {
    // Given a daemon with a big store that has just taken messages,
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let data_dir = folder.path().join("data");
    let mib = torture::count(CI_MIB);
    let app = big_store::fill(&data_dir, mib << 20);
    let mut daemon = Daemon::start_as(Plan::new(&data_dir, &folder.path().join("log"))).await.expect("it starts");
    let mut server = daemon.https(&app).expect("the daemon exported its authority").connection();
    for number in 0..100 {
        let send = json!({
            "version": 1, "target_type": "single", "target_id": "user0001", "from_type": "user", "from_id": "user0000",
            "msg_type": "text", "msg_body": { "text": number.to_string() },
        });
        let answer = server.call("POST", "/v1/messages", Some(&send)).await.expect("the daemon serves");
        assert_eq!(answer.status, 201, "{answer:?}");
    }

    // when it is killed and started again,
    daemon.kill().await.expect("it can be killed");
    let begun = Instant::now();
    daemon.restart().await.expect("it starts again");

    // then it is ready within the time that is promised.
    let took = begun.elapsed();
    println!("g11: a store of {mib} MiB is ready {took:?} after the start");
    assert!(took <= READY_WITHIN * SLACK, "it took {took:?}");
}
