//! `anserd import …`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{AdminArgs, Failure, print_json};
use crate::bridge::Url;
use crate::bridge::source::{Source, SourceOrder};
use crate::import::jmessage::{self, Jmessage};
use crate::import::journal::{Import, Journal};
use crate::import::jpush::{self, Jpush};
use crate::import::{ImportError, Progress, Target};

/// A secret, a line break and some room for mistakes.
const SECRET_BYTES_MAX: u64 = 1024;

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Reads users, friends, blacklists, groups and chat rooms of an app through its REST API
    ///
    /// Users come without their passwords, which no API tells: see [[password_callback]] in the settings. Groups and rooms get
    /// other ids here; the report says which. Stopped at any moment, the same command goes on where it was.
    Jmessage(JmessageArgs),
    /// Takes tags, aliases and mobile numbers of devices, by a file of their registration ids
    ///
    /// They wait under these ids until the devices, with our client in the application, say them (imports.adopt_days). Each line
    /// is an id; behind tabs or commas it may have alias, tags with semicolons between them, and mobile number. What is known of
    /// an id alone is asked of the source.
    Jpush(JpushArgs),
}

#[derive(Debug, Args)]
pub struct JmessageArgs {
    /// Name or key of the app here; make it first
    #[arg(long, value_name = "APP")]
    app: String,
    /// Address of the REST API that it comes from
    #[arg(long, value_name = "URL", default_value = "https://api.im.jpush.cn")]
    from: String,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
pub struct JpushArgs {
    /// Name or key of the app here; make it first
    #[arg(long, value_name = "APP")]
    app: String,
    /// The file of registration ids
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Address of the device API that knows them, such as https://device.jpush.cn; without it the file says everything
    #[arg(long, value_name = "URL", requires = "source_key")]
    from: Option<String>,
    #[command(flatten)]
    source: SourceArgs,
    #[command(flatten)]
    files: FileArgs,
    #[command(flatten)]
    admin: AdminArgs,
}

#[derive(Debug, Args)]
struct SourceArgs {
    /// The app's key there
    #[arg(long, value_name = "KEY")]
    source_key: Option<String>,
    /// File with the app's master secret there
    #[arg(long, value_name = "FILE")]
    source_secret_file: Option<PathBuf>,
    /// Requests in a second (5/s) or in a minute (300/m); more than the source allows is waited for
    #[arg(long, value_name = "RATE", default_value = "5/s")]
    rate: String,
    /// PEM file of authorities to trust in place of the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct FileArgs {
    /// Reads and checks everything, and changes nothing
    #[arg(long)]
    dry_run: bool,
    /// File that says how far it has come [default: import-KIND-APPKEY.json beside the admin socket]
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// JSON lines: old and new ids, and what did not come along [default: the name of the state file with .report.jsonl]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub fn run(command: ImportCommand) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("anserd: {error}")))?;
    runtime.block_on(async {
        match command {
            ImportCommand::Jmessage(args) => jmessage(args).await,
            ImportCommand::Jpush(args) => jpush(args).await,
        }
    })
}

async fn jmessage(args: JmessageArgs) -> Result<(), Failure> {
    let JmessageArgs { app, from, source, files, admin } = args;
    let source = source.open(&from)?;
    let target = Target { socket: admin.socket()?, app, is_dry: files.dry_run };
    let from = format!("{} {}", source.order().url, source.order().app_key);
    let opened = files.open("jmessage", from, &target).await?;
    let Opened { mut journal, report } = opened;
    let mut progress = progress(&admin);
    let run = Jmessage { source: &source, target: &target, journal: &mut journal, progress: &mut progress };
    let done = run.run().await;
    progress.clear();
    summary(&admin, &done.map_err(failed)?, report.as_deref(), &jmessage::NOT_CARRIED, files.dry_run);
    Ok(())
}

async fn jpush(args: JpushArgs) -> Result<(), Failure> {
    let JpushArgs { app, file, from, source, files, admin } = args;
    let source = from.map(|from| source.open(&from)).transpose()?;
    let target = Target { socket: admin.socket()?, app, is_dry: files.dry_run };
    let from = jpush::named(&file, source.as_ref()).map_err(failed)?;
    let opened = files.open("jpush", from, &target).await?;
    let Opened { mut journal, report } = opened;
    let mut progress = progress(&admin);
    let run = Jpush { source: source.as_ref(), target: &target, journal: &mut journal, progress: &mut progress };
    let done = run.run(&file).await;
    progress.clear();
    summary(&admin, &done.map_err(failed)?, report.as_deref(), &jpush::NOT_CARRIED, files.dry_run);
    Ok(())
}

struct Opened {
    journal: Journal,
    report: Option<PathBuf>,
}

impl FileArgs {
    /// Also asks the daemon for the app, before anything else happens.
    async fn open(&self, kind: &str, from: String, target: &Target) -> Result<Opened, Failure> {
        let app_key = target.app_key().await.map_err(failed)?;
        let import = Import { kind: kind.to_owned(), app_key: app_key.clone(), from };
        if self.dry_run {
            let journal = Journal::dry(import, self.report.as_deref()).map_err(failed)?;
            return Ok(Opened { journal, report: self.report.clone() });
        }
        let folder = target.socket.parent().unwrap_or(Path::new("."));
        let state = self.state.clone().unwrap_or_else(|| folder.join(format!("import-{kind}-{app_key}.json")));
        let report = self.report.clone().unwrap_or_else(|| {
            let mut name = state.as_os_str().to_owned();
            name.push(".report.jsonl");
            PathBuf::from(name)
        });
        let journal = Journal::open(&state, &report, import).map_err(failed)?;
        Ok(Opened { journal, report: Some(report) })
    }
}

impl SourceArgs {
    fn open(&self, from: &str) -> Result<Source, Failure> {
        let usage = |text: &str| Failure { text: format!("anserd: {text}"), code: 2 };
        let url = Url::parse(from).filter(Url::is_loopback_or_tls);
        let url = url.ok_or_else(|| usage("--from must be https://…, or http://… on this machine"))?;
        let app_key = self.source_key.clone().ok_or_else(|| usage("--source-key is missing"))?;
        let file = self.source_secret_file.as_ref().ok_or_else(|| usage("--source-secret-file is missing"))?;
        let interval = interval(&self.rate).ok_or_else(|| usage("--rate must look like 5/s or 300/m"))?;
        let order = SourceOrder { url, app_key, master_secret: secret(file)?, interval, pause: Duration::from_secs(1) };
        Source::new(order, self.ca.as_deref()).map_err(|error| Failure::new(format!("anserd: {error}")))
    }
}

fn secret(path: &Path) -> Result<String, Failure> {
    let wrong = |why: &str| Failure::new(format!("anserd: {}: {why}", path.display()));
    let found = std::fs::metadata(path).map_err(|error| wrong(&error.to_string()))?;
    if found.len() > SECRET_BYTES_MAX {
        return Err(wrong("it is too long for a master secret"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
    match text.trim() {
        "" => Err(wrong("it is empty")),
        text => Ok(text.to_owned()),
    }
}

/// From one request to the next.
fn interval(rate: &str) -> Option<Duration> {
    let (number, unit) = rate.split_once('/')?;
    let number: u32 = number.trim().parse().ok().filter(|number| (1..=10_000).contains(number))?;
    let unit = match unit.trim() {
        "s" => Duration::from_secs(1),
        "m" | "min" => Duration::from_secs(60),
        _ => return None,
    };
    Some(unit / number)
}

fn progress(admin: &AdminArgs) -> Progress {
    if admin.json { Progress::hidden() } else { Progress::on_terminal() }
}

fn summary(
    admin: &AdminArgs,
    counts: &BTreeMap<String, u64>,
    report: Option<&Path>,
    not_carried: &[&str],
    is_dry: bool,
) {
    if admin.json {
        return print_json(&json!({
            "dry_run": is_dry, "counts": counts, "report": report, "not_carried": not_carried,
        }));
    }
    println!("{}", if is_dry { "this would come along:" } else { "this is here now:" });
    counts.iter().for_each(|(what, count)| println!("  {count:>9}  {what}"));
    println!("this does not come along:");
    not_carried.iter().for_each(|what| println!("  {what}"));
    match report {
        Some(report) => println!("old and new ids, and what was left out and why: {}", report.display()),
        None => println!("--report FILE lists what would be left out, and why"),
    }
}

fn failed(error: ImportError) -> Failure {
    Failure::new(format!("anserd: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_so_many_requests_in_a_second_or_minute() {
        assert_eq!(interval("5/s"), Some(Duration::from_millis(200)));
        assert_eq!(interval("300/m"), Some(Duration::from_millis(200)));
        for wrong in ["", "5", "0/s", "-1/s", "5/h", "x/s", "99999999/s"] {
            assert_eq!(interval(wrong), None, "{wrong}");
        }
    }
}
