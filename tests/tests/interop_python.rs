//! The official Python SDKs `jpush` and `jmessage` work against the daemon as they are; their scripts are in
//! `tests/interop/`.

use std::path::PathBuf;
use std::process::Command;

use anser_tests::interop::{self, OwnBox, command, scripts, succeed};
use anser_tests::skip;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_official_python_sdk_works() {
    let python = match python_with("jpush-3.4.1.txt").await {
        Ok(python) => python,
        Err(reason) => skip!("every_call_of_the_official_python_sdk_works", "{reason}"),
    };
    let own = OwnBox::new().await;
    let mut script = script(python, "jpush_sdk.py", &own);
    script.args([interop::GROUP_KEY, interop::GROUP_SECRET, interop::DEVELOPER_KEY, interop::DEVELOPER_SECRET]);
    own.run(script).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_jmessage_1_works() {
    let python = match python_with("jmessage-1.0.2.txt").await {
        Ok(python) => python,
        Err(reason) => skip!("every_call_of_jmessage_1_works", "{reason}"),
    };
    let own = OwnBox::new().await;
    own.run(script(python, "jmessage_1.py", &own)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_jmessage_2_works() {
    let python = match python_with("jmessage-2.0.0.txt").await {
        Ok(python) => python,
        Err(reason) => skip!("every_call_of_jmessage_2_works", "{reason}"),
    };
    let own = OwnBox::new().await;
    own.run(script(python, "jmessage_2.py", &own)).await;
}

fn script(python: PathBuf, name: &str, own: &OwnBox) -> Command {
    let mut script = command(python, &[]);
    script
        .arg(scripts().join(name))
        .args([&own.port().to_string(), interop::APP_KEY, interop::MASTER_SECRET])
        .env("REQUESTS_CA_BUNDLE", own.ca())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    script
}

async fn python_with(requirements: &'static str) -> Result<PathBuf, String> {
    tokio::task::spawn_blocking(move || install(requirements)).await.expect("no panic")
}

/// A Python of our own with an SDK in it, made once for all runs of this build folder.
fn install(requirements: &str) -> Result<PathBuf, String> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("python").join(requirements);
    let (python, complete) = (home.join("bin/python"), home.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    succeed(command("python3", &["-m", "venv", "--clear"]).arg(&home))?;
    let requirements = scripts().join(requirements);
    succeed(command(&python, &["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))?;
    std::fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(python)
}
