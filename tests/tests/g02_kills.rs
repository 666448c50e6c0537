//! G2: a daemon killed with -9 under load, again and again, loses, doubles and swaps nothing that it answered.

use std::time::{Duration, Instant};

use anser_client::session::Transport;
use anser_tests::daemon::Daemon;
use anser_tests::load::Crowd;
use anser_tests::torture;

const CI_KILLS: u64 = 25;
/// What the load must reach while the daemon is up, on a machine that does nothing else; a fifth is asked of CI.
const ANSWERS_PER_SECOND: f64 = 500.0;
const SLACK: f64 = 5.0;

#[tokio::test(flavor = "multi_thread")]
async fn g2_kills_under_load_lose_double_and_swap_nothing() {
    // Given senders on REST and on all transports,
    let mut daemon = Daemon::start().await.expect("it starts");
    let app = daemon.create_app("crowd").await.expect("the daemon serves");
    let transports = [("ann", Transport::Quic), ("ben", Transport::Tcp), ("cai", Transport::WebSocket)];
    let mut crowd = Crowd::gather(&daemon, &app, &transports).await.expect("the daemon serves everybody");
    let kills = torture::seeds(CI_KILLS);
    let mut up = Duration::ZERO;

    // when the daemon is killed in the middle of it, and comes back,
    for seed in kills.clone() {
        let begun = Instant::now();
        crowd.speak(100 + torture::spread(seed, 400)).await.expect("everybody is served");
        up += begun.elapsed();
        crowd.fault_begins();
        daemon.kill().await.expect("it runs");
        daemon.restart().await.expect("it comes back");
        crowd.fault_ends().await.expect("everybody comes back");
    }
    crowd.speak(100).await.expect("everybody is served");

    // then the judge finds nothing.
    let verdict = crowd.disperse().await.expect("nobody failed for another reason");
    let rate = verdict.answered as f64 / up.as_secs_f64();
    println!("g2: kills {kills:?}, {rate:.0} answers a second: {verdict}");
    assert!(verdict.is_ok(), "{verdict}");
    assert!(rate >= ANSWERS_PER_SECOND / SLACK, "{rate} answers a second are no load");
}
