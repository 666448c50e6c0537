//! The command line of `anserd`.

mod app;
mod app_group;
mod backup;
mod ca;
mod callback;
mod check;
mod developer;
mod doctor;
mod import;
mod inside;
mod link;
mod manual;
mod operator;
mod reload;
mod retention;
mod scrub;
mod segment;
mod serve;
mod status;
mod store;
mod top;
mod user;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::admin::{self, Reply, Request};
use crate::config::{self, Flags, Mistake};

/// sysexits: the settings, or something else that a restart cannot cure.
const EXIT_CONFIG: u8 = 78;

/// Push and chat for one organisation, on its own box.
#[derive(Debug, Parser)]
#[command(name = "anserd", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the daemon
    Serve(serve::ServeArgs),
    /// Makes and manages apps on the running daemon
    App {
        #[command(subcommand)]
        command: app::AppCommand,
    },
    /// Makes and manages groups of apps, which one push can reach together
    AppGroup {
        #[command(subcommand)]
        command: app_group::AppGroupCommand,
    },
    /// Makes and deletes the credentials of developers, who make and delete apps by REST
    Developer {
        #[command(subcommand)]
        command: developer::DeveloperCommand,
    },
    /// Makes and deletes segments: devices of an app that a push can name by what is known of them
    Segment {
        #[command(subcommand)]
        command: segment::SegmentCommand,
    },
    /// Brings an app along from JMessage, JPush or another Anser
    Import {
        #[command(subcommand)]
        command: import::ImportCommand,
    },
    /// Shows how many devices of an app are new and online, and what they tell of themselves
    Stats(segment::StatsArgs),
    /// Tries out the servers that are told of messages and events
    Callback {
        #[command(subcommand)]
        command: callback::CallbackCommand,
    },
    /// Makes and removes those who may use the console
    Operator {
        #[command(subcommand)]
        command: operator::OperatorCommand,
    },
    /// Writes down or erases what is stored of one user
    User {
        #[command(subcommand)]
        command: user::UserCommand,
    },
    /// Shows how the running daemon is
    Status(status::StatusArgs),
    /// Shows what the running daemon does, every second anew
    Top(top::TopArgs),
    /// Lists and ends the links of devices
    Link {
        #[command(subcommand)]
        command: link::LinkCommand,
    },
    /// Tells what became of a push or message: why did this phone not get it?
    Trace(inside::TraceArgs),
    /// Prints all figures as Prometheus reads them
    Metrics(inside::MetricsArgs),
    /// Shows or changes how much the running daemon logs
    LogLevel(inside::LogLevelArgs),
    /// Examines this machine and the settings, and says what to do; exit code 1 when something fails
    Doctor(doctor::DoctorArgs),
    /// Lets the running daemon read its settings and certificates again; no link is dropped
    Reload(reload::ReloadArgs),
    /// Looks at every stored row of the running daemon; exit code 1 when something is damaged
    Scrub(scrub::ScrubArgs),
    /// Writes everything that the running daemon keeps into one file
    Backup(backup::BackupArgs),
    /// Reads a backup to its end and says what is in it; exit code 1 when it cannot be used
    Verify(backup::VerifyArgs),
    /// Makes a data folder of a backup
    Restore(backup::RestoreArgs),
    /// Writes the tables of a store into a file that every later version reads; the daemon must not run
    ExportStore(store::ExportArgs),
    /// Makes a store of such a file, or of the tables of a backup; the daemon must not run
    ImportStore(store::ImportArgs),
    /// Saves what is readable of a damaged store into a new one; the daemon must not run
    Rescue(store::RescueArgs),
    /// Shows what clients are to trust: the certificate, and the fingerprint of its key
    Ca(ca::CaArgs),
    /// Checks the settings and reports every mistake
    Check(check::CheckArgs),
    /// Writes manual pages and completions
    #[command(hide = true)]
    Manual(manual::ManualArgs),
}

/// Which running daemon is meant, and how it answers.
#[derive(Debug, Args)]
struct AdminArgs {
    /// The data folder of the daemon
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The admin socket of the daemon [default: admin.sock in its data folder]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// The settings file that names the data folder [default: /etc/anser/anserd.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "ANSER_CONFIG")]
    config: Option<PathBuf>,
    /// Answers in JSON
    #[arg(long)]
    json: bool,
}

/// A command that failed: what to say, and the exit code.
struct Failure {
    text: String,
    code: u8,
}

impl Cli {
    pub fn run(self) -> ExitCode {
        let done = match self.command {
            Command::Serve(args) => serve::run(&args),
            Command::App { command } => app::run(command),
            Command::AppGroup { command } => app_group::run(command),
            Command::Developer { command } => developer::run(command),
            Command::Segment { command } => segment::run(command),
            Command::Import { command } => import::run(command),
            Command::Stats(args) => segment::stats(args),
            Command::Callback { command } => callback::run(command),
            Command::User { command } => user::run(command),
            Command::Operator { command } => operator::run(command),
            Command::Status(args) => status::run(&args),
            Command::Top(args) => top::run(&args),
            Command::Link { command } => link::run(command),
            Command::Trace(args) => inside::trace(&args),
            Command::Metrics(args) => inside::metrics(&args),
            Command::LogLevel(args) => inside::log_level(&args),
            Command::Doctor(args) => doctor::run(&args),
            Command::Reload(args) => reload::run(&args),
            Command::Scrub(args) => scrub::run(&args),
            Command::Backup(args) => backup::run(&args),
            Command::Verify(args) => backup::verify(&args),
            Command::Restore(args) => backup::restore(&args),
            Command::ExportStore(args) => store::export(&args),
            Command::ImportStore(args) => store::import(&args),
            Command::Rescue(args) => store::rescue(&args),
            Command::Ca(args) => ca::run(&args),
            Command::Check(args) => check::run(&args),
            Command::Manual(args) => manual::run(&args),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("{}", failure.text);
                ExitCode::from(failure.code)
            }
        }
    }
}

impl AdminArgs {
    fn ask(&self, request: &Request) -> Result<Reply, Failure> {
        let reply = admin::ask(&self.socket()?, request).map_err(|error| Failure::new(format!("anserd: {error}")))?;
        match reply {
            Reply::Refused(why) => Err(Failure::new(format!("anserd: {why}"))),
            reply => Ok(reply),
        }
    }

    fn socket(&self) -> Result<PathBuf, Failure> {
        let folder = match (&self.socket, &self.data_dir) {
            (Some(socket), _) => return Ok(socket.clone()),
            (None, Some(folder)) => folder.clone(),
            (None, None) => settings(&Flags { config: self.config.clone(), ..Flags::default() })?.data_dir,
        };
        Ok(folder.join(admin::SOCKET))
    }
}

fn settings(flags: &Flags) -> Result<config::Config, Failure> {
    config::read(flags, environment()).map_err(|mistakes| Failure::lasting(lines(&mistakes)))
}

/// Variables that are text; ours always are.
fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

impl Failure {
    fn new(text: String) -> Self {
        Self { text, code: 1 }
    }

    /// A restart would not cure it.
    fn lasting(text: String) -> Self {
        Self { text, code: EXIT_CONFIG }
    }
}

/// An answer of another kind than asked for: the daemon is of another version.
fn strange() -> Failure {
    Failure::new("anserd: the running daemon answered something else; restart it after an upgrade".to_owned())
}

fn print_json(value: &impl serde::Serialize) {
    if let Ok(text) = serde_json::to_string(value) {
        println!("{text}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_does_not_start_again_what_a_restart_cannot_cure() {
        let unit = include_str!("../../../systemd/anserd.service");
        assert!(unit.lines().any(|line| line == format!("RestartPreventExitStatus={EXIT_CONFIG}")));
    }
}
