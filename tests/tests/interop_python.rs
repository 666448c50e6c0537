//! The official Python SDK `jpush` works against the daemon as it is; its script is `tests/interop/jpush_sdk.py`.

use std::path::PathBuf;

use anser_tests::interop::{self, OwnBox, command, scripts, succeed};
use anser_tests::skip;

#[tokio::test(flavor = "multi_thread")]
async fn every_call_of_the_official_python_sdk_works() {
    let python = match tokio::task::spawn_blocking(python_with_the_sdk).await.expect("no panic") {
        Ok(python) => python,
        Err(reason) => skip!("every_call_of_the_official_python_sdk_works", "{reason}"),
    };
    let own = OwnBox::new().await;
    let mut script = command(python, &[]);
    script
        .arg(scripts().join("jpush_sdk.py"))
        .args([&own.port().to_string(), interop::APP_KEY, interop::MASTER_SECRET])
        .args([interop::GROUP_KEY, interop::GROUP_SECRET, interop::DEVELOPER_KEY, interop::DEVELOPER_SECRET])
        .env("REQUESTS_CA_BUNDLE", own.ca())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    own.run(script).await;
}

/// A Python of our own with the SDK in it, made once for all runs of this build folder.
fn python_with_the_sdk() -> Result<PathBuf, String> {
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("jpush-sdk-3.4.1");
    let (python, complete) = (home.join("bin/python"), home.join("complete"));
    if complete.exists() {
        return Ok(python);
    }
    succeed(command("python3", &["-m", "venv", "--clear"]).arg(&home))?;
    let requirements = scripts().join("requirements.txt");
    succeed(command(&python, &["-m", "pip", "install", "--quiet", "-r"]).arg(requirements))?;
    std::fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(python)
}
