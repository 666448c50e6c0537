//! The official Node SDKs `jpush-async` and `jpush-sdk` work against the daemon as they are; their scripts are in
//! `tests/interop/node/`.

use std::path::PathBuf;
use std::sync::Mutex;

use anser_tests::interop::{self, OwnBox, command, scripts, succeed};
use anser_tests::skip;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_jpush_async_works() {
    match tokio::task::spawn_blocking(node_with_the_sdks).await.expect("no panic") {
        Ok(home) => run(home, "jpush_async.js").await,
        Err(reason) => skip!("every_call_of_jpush_async_works", "{reason}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_jpush_sdk_works() {
    match tokio::task::spawn_blocking(node_with_the_sdks).await.expect("no panic") {
        Ok(home) => run(home, "jpush_sdk.js").await,
        Err(reason) => skip!("every_call_of_jpush_sdk_works", "{reason}"),
    }
}

async fn run(home: PathBuf, name: &str) {
    let own = OwnBox::new().await;
    let mut script = command("node", &[]);
    script
        .arg(home.join(name))
        .args([&own.port().to_string(), interop::APP_KEY, interop::MASTER_SECRET])
        .args([interop::GROUP_KEY, interop::GROUP_SECRET])
        .env("NODE_EXTRA_CA_CERTS", own.ca());
    own.run(script).await;
}

/// A folder with the scripts and the SDKs that they need, filled once for all runs of this build folder.
fn node_with_the_sdks() -> Result<PathBuf, String> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _one = ONE_AT_A_TIME.lock().map_err(|error| error.to_string())?;
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("jpush-node");
    std::fs::create_dir_all(&home).map_err(|error| error.to_string())?;
    for name in ["package.json", "package-lock.json", "own_box.js", "jpush_async.js", "jpush_sdk.js"] {
        std::fs::copy(scripts().join("node").join(name), home.join(name)).map_err(|error| error.to_string())?;
    }
    if !home.join("node_modules/.package-lock.json").exists() {
        succeed(command("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&home))?;
    }
    Ok(home)
}
