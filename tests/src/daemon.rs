//! The real daemon as a test sees it: started on a free port, killed, started again, and gone with the test.
//!
//! Nothing here sleeps: readiness is a line on the daemon's standard output, death is a reaped process.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdout, Command};

use crate::binaries;
use crate::https::Https;

/// Longer than any start takes on a loaded machine; only a daemon that hangs meets it.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// How a daemon is to be started.
#[derive(Clone, Debug)]
pub struct Plan {
    pub binary: PathBuf,
    pub data_dir: PathBuf,
    /// With port 0 the system chooses one, which later starts keep.
    pub listen: SocketAddr,
    pub more_args: Vec<OsString>,
    pub environment: Vec<(OsString, OsString)>,
    /// What the daemon logs to standard error, over all its lives.
    pub log: PathBuf,
}

/// A daemon that runs, or was killed and may be started again. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    plan: Plan,
    ready: Ready,
    process: Option<Child>,
    /// Holds data folder and log of [`Daemon::start`].
    _folder: Option<TempDir>,
}

/// The line that the daemon prints when it serves.
#[derive(Clone, Debug, Deserialize)]
struct Ready {
    ready: bool,
    listen: Vec<SocketAddr>,
    ca: PathBuf,
}

/// An app and what its servers need to know.
#[derive(Clone, Debug, Deserialize)]
pub struct App {
    pub app_key: String,
    pub master_secret: String,
}

impl Daemon {
    /// Starts the real daemon on an empty data folder of its own.
    pub async fn start() -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let plan = Plan::new(&folder.path().join("data"), &folder.path().join("log"));
        let mut daemon = Self::start_as(plan).await?;
        daemon._folder = Some(folder);
        Ok(daemon)
    }

    /// Starts a daemon as planned; data folder and log stay when it is dropped.
    pub async fn start_as(plan: Plan) -> io::Result<Self> {
        let (process, ready) = launch(&plan).await?;
        let mut daemon = Self { plan, ready, process: Some(process), _folder: None };
        daemon.plan.listen = daemon.address();
        Ok(daemon)
    }

    /// Where it listens, TCP and UDP.
    pub fn address(&self) -> SocketAddr {
        self.ready.listen[0]
    }

    pub fn data_dir(&self) -> &Path {
        &self.plan.data_dir
    }

    /// The certificate authority that its clients are to trust.
    pub fn ca(&self) -> &Path {
        &self.ready.ca
    }

    pub fn log(&self) -> &Path {
        &self.plan.log
    }

    /// The running process; nothing after a kill.
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().and_then(Child::id)
    }

    /// For what the next start is to do differently.
    pub fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plan
    }

    /// Kills it with -9 and returns when it is gone.
    pub async fn kill(&mut self) -> io::Result<()> {
        match self.process.take() {
            Some(mut process) => process.kill().await,
            None => Ok(()),
        }
    }

    /// Starts it again on the same port and data folder, and returns when it is ready.
    pub async fn restart(&mut self) -> io::Result<()> {
        self.kill().await?;
        let (process, ready) = launch(&self.plan).await?;
        self.process = Some(process);
        self.ready = ready;
        Ok(())
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(&mut self) -> io::Result<std::process::ExitStatus> {
        let mut process = self.process.take().ok_or_else(|| io::Error::other("the daemon does not run"))?;
        if let Some(id) = process.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw) {
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        }
        process.wait().await
    }

    /// Waits until it has ended by itself; nothing when it did so before it was ready.
    pub async fn ended(&mut self, within: Duration) -> io::Result<Option<std::process::ExitStatus>> {
        let Some(mut process) = self.process.take() else { return Ok(None) };
        match tokio::time::timeout(within, process.wait()).await {
            Ok(ended) => ended.map(Some),
            Err(_) => Err(io::Error::other(format!("it still runs after {within:?}"))),
        }
    }

    /// Runs an administration command (`app create …`) against the running daemon and reads its JSON answer.
    pub async fn admin<T: DeserializeOwned>(&self, args: &[&str]) -> io::Result<T> {
        let output = Command::new(&self.plan.binary)
            .args(args)
            .args(["--json", "--data-dir"])
            .arg(&self.plan.data_dir)
            .kill_on_drop(true)
            .output()
            .await?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            return Err(io::Error::other(format!("anserd {} failed ({}): {told}", args.join(" "), output.status)));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    pub async fn create_app(&self, name: &str) -> io::Result<App> {
        self.admin(&["app", "create", name]).await
    }

    /// A REST client of an app's server.
    pub fn https(&self, app: &App) -> io::Result<Https> {
        Ok(Https::new(self.address(), self.ca())?.with_basic(&app.app_key, &app.master_secret))
    }
}

impl Plan {
    /// The real daemon on a free port.
    pub fn new(data_dir: &Path, log: &Path) -> Self {
        Self::new_for(&binaries::anserd(), data_dir, log)
    }

    /// Another program in its place.
    pub fn new_for(binary: &Path, data_dir: &Path, log: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            data_dir: data_dir.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            more_args: Vec::new(),
            // A device that is away for a moment must not be left with the newest five of many pushes.
            environment: vec![
                ("ANSER_PUSH_OFFLINE_LIMIT".into(), "1000".into()),
                // Loads send faster than people do.
                ("ANSER_LIMITS_SENDS_PER_MINUTE".into(), "0".into()),
            ],
            log: log.to_owned(),
        }
    }
}

/// Starts the process and reads its output up to the ready line.
async fn launch(plan: &Plan) -> io::Result<(Child, Ready)> {
    let log = OpenOptions::new().create(true).append(true).open(&plan.log)?;
    let mut command = Command::new(&plan.binary);
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"ANSER_")) {
        // Settings of whoever runs the test are none of the daemon's.
        command.env_remove(name);
    }
    let mut process = command
        .args(["serve", "--json", "--data-dir"])
        .arg(&plan.data_dir)
        .arg("--listen")
        .arg(plan.listen.to_string())
        .args(&plan.more_args)
        .envs(plan.environment.iter().map(|(name, value)| (name, value)))
        // A test that itself runs under systemd must not lend its sockets or its journal.
        .env_remove("NOTIFY_SOCKET")
        .env_remove("JOURNAL_STREAM")
        .env_remove("LISTEN_FDS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| io::Error::other(format!("{} does not start: {error}", plan.binary.display())))?;
    let stdout = process.stdout.take().expect("standard output was asked to be a pipe");
    match tokio::time::timeout(READY_WITHIN, read_ready(stdout)).await {
        Ok(Ok(ready)) => Ok((process, ready)),
        Ok(Err(error)) => Err(explain(&plan.log, error)),
        Err(_) => Err(explain(&plan.log, io::Error::other(format!("the daemon is not ready after {READY_WITHIN:?}")))),
    }
}

async fn read_ready(stdout: ChildStdout) -> io::Result<Ready> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        let Ok(ready) = serde_json::from_str::<Ready>(&line) else {
            continue;
        };
        if ready.ready && !ready.listen.is_empty() {
            // Whatever it prints later must find a reader, or it would die of it.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Ok(ready);
        }
    }
    Err(io::Error::other("the daemon ended before it was ready"))
}

/// Adds the end of the log to the error: it says why.
fn explain(log: &Path, error: io::Error) -> io::Error {
    const LINES: usize = 20;
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let end = lines[lines.len().saturating_sub(LINES)..].join("\n");
    io::Error::other(format!("{error}; the end of its log:\n{end}"))
}
