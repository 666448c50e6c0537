//! The official Python SDK `jpush` works against the daemon as it is; its script is `tests/interop/jpush_sdk.py`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anser_protocol::content::Platform;
use anser_storage::command::{AppCommand, Command as Change, DeviceCommand};
use anser_storage::outcome::Answer;
use anser_tests::skip;
use anserd::config::{self, Flags};
use anserd::serve::Daemon;

const APP_KEY: &str = "0123456789abcdef01234567";
const MASTER_SECRET: &str = "fedcba9876543210fedcba98";

#[tokio::test(flavor = "multi_thread")]
async fn the_official_python_sdk_pushes_and_manages_devices() {
    let python = match tokio::task::spawn_blocking(python_with_the_sdk).await.expect("no panic") {
        Ok(python) => python,
        Err(reason) => skip!("the_official_python_sdk_pushes_and_manages_devices", "{reason}"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let daemon = daemon(folder.path()).await;
    let port = daemon.listen()[0].port();
    let ca = folder.path().join("ca.pem");
    let run = move || {
        Command::new(python)
            .arg(interop().join("jpush_sdk.py"))
            .args([&port.to_string(), APP_KEY, MASTER_SECRET])
            .env("REQUESTS_CA_BUNDLE", ca)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .expect("python runs")
    };
    let output = tokio::task::spawn_blocking(run).await.expect("no panic");
    assert!(output.status.success(), "{}", told(&output));
}

/// A daemon in this process with one app and its two devices.
async fn daemon(data_dir: &Path) -> Daemon {
    let flags =
        Flags { data_dir: Some(data_dir.to_owned()), listen: vec!["127.0.0.1:0".to_owned()], ..Flags::default() };
    let config = config::read(&flags, std::iter::empty()).expect("valid settings");
    let daemon = Daemon::start(config).await.expect("the daemon starts");
    let create = AppCommand::Create {
        name: "sdk".to_owned(),
        app_key: APP_KEY.to_owned(),
        master_secret: MASTER_SECRET.to_owned(),
    };
    let Answer::App(app) = answer(&daemon, Change::App(create)).await else { panic!("an app was to be made") };
    for (registration_id, platform) in [("rid-android", Platform::ANDROID), ("rid-ios", Platform::IOS)] {
        let registration_id = registration_id.to_owned();
        let register = DeviceCommand::Register { app, registration_id, secret_hash: [0; 32], platform };
        answer(&daemon, Change::Device(register)).await;
    }
    daemon
}

async fn answer(daemon: &Daemon, change: Change) -> Answer {
    let outcome = daemon.context().ledger.submit(change).await.expect("the store is there");
    outcome.answer.expect("accepted")
}

/// A Python of our own with the SDK in it, made once for all runs of this build folder.
fn python_with_the_sdk() -> Result<PathBuf, String> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("jpush-sdk-3.4.1");
    let (python, complete) = (home.join("bin/python"), home.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    succeed(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
    let requirements = interop().join("requirements.txt");
    succeed(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))?;
    std::fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(python)
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", told(&output))) }
}

fn interop() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("interop")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
