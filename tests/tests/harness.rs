//! The harness around the daemon, shown with stand-ins for the daemon that behave well or badly.

use std::fs;
use std::path::Path;

use anser_tests::daemon::{Daemon, Plan};
use tempfile::TempDir;

struct Bench {
    folder: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder can be made") }
    }

    /// A plan that runs a script of `stand-ins/` in the daemon's place.
    fn plan(&self, stand_in: &str) -> Plan {
        let binary = Path::new(env!("CARGO_MANIFEST_DIR")).join("stand-ins").join(stand_in);
        Plan::new_for(&binary, &self.folder.path().join("data"), &self.folder.path().join("log"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

fn runs(process: u32) -> bool {
    // A killed process that nobody reaped is still listed, as a zombie.
    let status = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status"));
    status.is_ok_and(|status| !status.contains("State:\tZ"))
}

#[tokio::test]
async fn a_daemon_is_started_when_it_says_that_it_is_ready() {
    let bench = Bench::new();
    let daemon = Daemon::start_as(bench.plan("serves")).await.expect("the stand-in serves");
    assert_eq!(daemon.address().port(), 45123);
    assert_eq!(daemon.ca(), bench.folder.path().join("data/ca.pem"));
    assert!(runs(daemon.process_id().expect("it runs")));
}

#[tokio::test]
async fn a_killed_daemon_is_gone_and_comes_back_on_its_port() {
    let bench = Bench::new();
    let mut daemon = Daemon::start_as(bench.plan("serves")).await.expect("the stand-in serves");
    let first = daemon.process_id().expect("it runs");

    daemon.kill().await.expect("a child can be killed");
    assert!(!runs(first));
    assert_eq!(daemon.process_id(), None);

    daemon.restart().await.expect("the stand-in serves again");
    assert_ne!(daemon.process_id(), Some(first));
    assert_eq!(bench.log(), "starting on 127.0.0.1:0\nstarting on 127.0.0.1:45123\n");
}

#[tokio::test]
async fn a_daemon_that_does_not_start_is_an_error_with_its_last_words() {
    let bench = Bench::new();
    let error = Daemon::start_as(bench.plan("gives-up")).await.expect_err("the stand-in gives up").to_string();
    assert!(error.contains("ended before it was ready"), "{error}");
    assert!(error.contains("the data folder is not writable"), "{error}");
}

#[tokio::test]
async fn an_app_is_created_by_the_administration_command() {
    let bench = Bench::new();
    let daemon = Daemon::start_as(bench.plan("serves")).await.expect("the stand-in serves");
    let app = daemon.create_app("shop").await.expect("the stand-in answers");
    assert_eq!((&*app.app_key, &*app.master_secret), ("k", "s"));
}

#[tokio::test]
async fn a_daemon_can_be_asked_to_end() {
    let bench = Bench::new();
    let mut daemon = Daemon::start_as(bench.plan("serves")).await.expect("the stand-in serves");
    let status = daemon.stop().await.expect("it runs");
    assert!(!status.success(), "the stand-in dies of the signal");
}
