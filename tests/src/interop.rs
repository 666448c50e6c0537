//! What the official SDKs are tried against: a daemon in this process, with an app, its two devices, an app group and a
//! developer, and the names of the vendor's hosts in its certificate.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anser_protocol::content::Platform;
use anser_storage::command::{AccountCommand, AppCommand, Command as Change, DeviceCommand};
use anser_storage::outcome::Answer;
use anserd::config::{self, Flags};
use anserd::serve::Daemon;

pub const APP_KEY: &str = "0123456789abcdef01234567";
pub const MASTER_SECRET: &str = "fedcba9876543210fedcba98";
pub const GROUP_KEY: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";
pub const GROUP_SECRET: &str = "bbbbbbbbbbbbbbbbbbbbbbbb";
pub const DEVELOPER_KEY: &str = "cccccccccccccccccccccccc";
pub const DEVELOPER_SECRET: &str = "dddddddddddddddddddddddd";

/// The hosts that the SDKs name.
const HOSTS: &str = "api.jpush.cn,device.jpush.cn,report.jpush.cn,admin.jpush.cn,api.im.jpush.cn,report.im.jpush.cn";

/// The daemon that an SDK talks to.
pub struct OwnBox {
    folder: tempfile::TempDir,
    daemon: Daemon,
}

impl OwnBox {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let flags = Flags {
            data_dir: Some(folder.path().to_owned()),
            listen: vec!["127.0.0.1:0".to_owned()],
            ..Flags::default()
        };
        let names = [("ANSER_TLS_NAMES".to_owned(), HOSTS.to_owned())];
        let config = config::read(&flags, names.into_iter()).expect("valid settings");
        let daemon = Daemon::start(config).await.expect("the daemon starts");
        let made = Self { folder, daemon };
        made.fill().await;
        made
    }

    async fn fill(&self) {
        let create = AppCommand::Create {
            name: "sdk".to_owned(),
            app_key: APP_KEY.to_owned(),
            master_secret: MASTER_SECRET.to_owned(),
        };
        let Answer::App(app) = self.answer(Change::App(create)).await else { panic!("an app was to be made") };
        for (registration_id, platform) in [("rid-android", Platform::ANDROID), ("rid-ios", Platform::IOS)] {
            let registration_id = registration_id.to_owned();
            let register = DeviceCommand::Register { app, registration_id, secret_hash: [0; 32], platform };
            self.answer(Change::Device(register)).await;
        }
        let (key, secret) = (GROUP_KEY.to_owned(), GROUP_SECRET.to_owned());
        self.account(AccountCommand::CreateAppGroup { name: "sdks".to_owned(), key: key.clone(), secret }).await;
        self.account(AccountCommand::AddToAppGroup { key, app }).await;
        let (key, secret) = (DEVELOPER_KEY.to_owned(), DEVELOPER_SECRET.to_owned());
        self.account(AccountCommand::CreateDeveloper { name: "dev".to_owned(), key, secret }).await;
    }

    async fn account(&self, command: AccountCommand) {
        self.answer(Change::Account(command)).await;
    }

    async fn answer(&self, change: Change) -> Answer {
        let outcome = self.daemon.context().ledger.submit(change).await.expect("the store is there");
        outcome.answer.expect("accepted")
    }

    pub fn port(&self) -> u16 {
        self.daemon.listen()[0].port()
    }

    /// The certificate that clients must trust.
    pub fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Runs a script against this daemon; what it prints is shown if it fails.
    pub async fn run(&self, mut script: Command) {
        let output = tokio::task::spawn_blocking(move || script.output().expect("the program runs"));
        let output = output.await.expect("no panic");
        assert!(output.status.success(), "{}", told(&output));
    }
}

/// Where the scripts lie.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("interop")
}

/// A command with arguments.
pub fn command(program: impl AsRef<OsStr>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Runs a step of an installation.
pub fn succeed(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", told(&output))) }
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}
