//! G6: a full disk refuses clearly and loses nothing, reading goes on, and the daemon takes messages again soon after there
//! is room.

use std::time::{Duration, Instant};

use anser_client::session::Transport;
use anser_tests::daemon::{Daemon, Plan};
use anser_tests::fault::full_disk::SmallDisk;
use anser_tests::https::{Https, Response};
use anser_tests::load::Crowd;
use anser_tests::{skip, torture};
use serde_json::{Value, json};

const CI_CYCLES: u64 = 5;
const DISK_BYTES: u64 = 256 << 20;
const ACCEPTS_WITHIN: Duration = Duration::from_secs(5);
/// In each cycle: more than a second of them, in which the daemon tries the disk several times.
const READS: usize = 500;
/// Of real time, on a machine that does other things as well.
const SLACK: u32 = 5;

#[tokio::test(flavor = "multi_thread")]
async fn g6_a_full_disk_refuses_clearly_loses_nothing_and_is_soon_forgotten() {
    if let Some(reason) = SmallDisk::why_not() {
        skip!("g6_a_full_disk_refuses_clearly_loses_nothing_and_is_soon_forgotten", "{reason}");
    }
    // Given a daemon on a small disk, under load,
    let disk = SmallDisk::new(DISK_BYTES).expect("a small disk can be mounted");
    let logs = tempfile::tempdir().expect("a temporary folder can be made");
    let plan = Plan::new(&disk.path().join("data"), &logs.path().join("log"));
    let daemon = Daemon::start_as(plan).await.expect("it starts");
    let app = daemon.create_app("crowd").await.expect("the daemon serves");
    let https = daemon.https(&app).expect("the daemon exported its authority");
    let transports = [("ann", Transport::Quic), ("ben", Transport::Tcp), ("cai", Transport::WebSocket)];
    let mut crowd = Crowd::gather(&daemon, &app, &transports).await.expect("the daemon serves everybody");

    for _ in torture::seeds(CI_CYCLES) {
        crowd.speak(100).await.expect("everybody is served");
        // when the disk is full,
        disk.fill().expect("the disk can be filled");
        // then a send is refused as something that passes, in the form of every other refusal,
        let refusal = until_refused(&https).await;
        assert_eq!(refusal.status, 503, "{refusal:?}");
        let refusal = refusal.json().expect("a refusal is JSON");
        assert_eq!(refusal["error"]["code"], 899_030);
        assert!(refusal["error"]["message"].as_str().is_some_and(|text| text.contains("disk is full")), "{refusal}");
        // and whoever reads is served, however often the disk fails meanwhile,
        read_on(&https).await;
        // and whoever asks whether it is ready is told why not,
        let reasons = why_not_ready(&daemon).await;
        assert!(reasons.contains("disk"), "{reasons}");
        // and when there is room again, sends are taken soon.
        disk.free().expect("the ballast is there");
        let begun = Instant::now();
        crowd.speak(1).await.expect("the daemon takes messages again");
        let took = begun.elapsed();
        assert!(took <= ACCEPTS_WITHIN * SLACK, "it took {took:?}");
        assert_eq!(why_not_ready(&daemon).await, "[]");
    }
    // Every answer counts: nothing but room was missing.
    crowd.speak(100).await.expect("everybody is served");
    let verdict = crowd.disperse().await.expect("nobody failed for another reason");
    println!("g6: {verdict}");
    assert!(verdict.is_ok(), "{verdict}");
}

/// A list; empty when it is.
async fn why_not_ready(daemon: &Daemon) -> String {
    let status: Value = daemon.admin(&["status"]).await.expect("the daemon answers");
    status["figures"]["not_ready"].to_string()
}

/// The store's file has some room of its own, which the crowd soon uses up.
async fn until_refused(https: &Https) -> Response {
    let mut connection = https.connection();
    loop {
        let user = json!([{ "username": "dee", "password": "x".repeat(100) }]);
        let response = connection.call("POST", "/v1/users/", Some(&user)).await.expect("the daemon serves");
        if response.status != 201 && response.status != 403 {
            return response;
        }
    }
}

/// Asks for what is stored, while the crowd goes on sending.
async fn read_on(https: &Https) {
    let mut connection = https.connection();
    for _ in 0..READS {
        let response = connection.call("GET", "/v1/users/ann", None).await.expect("the daemon serves");
        assert_eq!(response.status, 200, "{response:?}");
    }
}
