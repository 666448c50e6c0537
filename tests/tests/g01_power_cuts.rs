//! G1: power cuts under load lose, double and swap nothing that was answered before.

use anser_client::session::Transport;
use anser_tests::daemon::{Daemon, Plan};
use anser_tests::fault::power_cut::Disk;
use anser_tests::load::Crowd;
use anser_tests::{skip, torture};

const CI_CUTS: u64 = 30;
const DISK_BYTES: u64 = 1 << 30;

#[tokio::test(flavor = "multi_thread")]
async fn g1_power_cuts_under_load_lose_double_and_swap_nothing() {
    if let Some(reason) = Disk::why_not() {
        skip!("g1_power_cuts_under_load_lose_double_and_swap_nothing", "{reason}");
    }
    // Given a daemon that keeps its data on a disk of its own, under load,
    let mut disk = Disk::new(DISK_BYTES).expect("a disk can be made");
    let logs = tempfile::tempdir().expect("a temporary folder can be made");
    let plan = Plan::new(&disk.path().join("data"), &logs.path().join("log"));
    let mut daemon = Daemon::start_as(plan).await.expect("it starts");
    let app = daemon.create_app("crowd").await.expect("the daemon serves");
    let transports = [("ann", Transport::Quic), ("ben", Transport::Tcp), ("cai", Transport::WebSocket)];
    let mut crowd = Crowd::gather(&daemon, &app, &transports).await.expect("the daemon serves everybody");
    let cuts = torture::seeds(CI_CUTS);

    // when the power goes in the middle of it, and comes back,
    for seed in cuts.clone() {
        crowd.speak(100 + torture::spread(seed, 200)).await.expect("everybody is served");
        crowd.fault_begins();
        disk.cut().expect("the helper holds the disk");
        daemon.kill().await.expect("it runs");
        disk.power_on().expect("nobody uses the disk");
        daemon.restart().await.expect("it comes back");
        crowd.fault_ends().await.expect("everybody comes back");
    }
    crowd.speak(100).await.expect("everybody is served");

    // then the judge finds nothing.
    let verdict = crowd.disperse().await.expect("nobody failed for another reason");
    println!("g1: cuts {cuts:?}: {verdict}");
    assert!(verdict.is_ok(), "{verdict}");
}
