//! `anserd doctor`: examines the machine, the settings and the daemon if it runs, and says what to do.
//!
//! Each check is one file: it looks through [`Surroundings`], which tests replace, and judges what it saw. Nothing is
//! changed, but for one small file that is written and removed to see how fast the disk is.

mod certificate;
mod clock;
mod daemon;
mod disk;
mod folder;
mod kernel;
mod network;
mod ports;

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use anser_protocol::ids::TimeMs;
use serde::Serialize;

use crate::admin::Status;
use crate::clock::now_ms;
use crate::config::Config;
use crate::listen::{self, BindError};
use crate::observe::machine;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    Ok,
    Warn,
    Fail,
}

/// One line of the examination.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub check: &'static str,
    pub verdict: Verdict,
    pub text: String,
    /// What to do; empty where nothing is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cure: String,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, text: text.into(), cure: String::new() }
    }

    fn warn(check: &'static str, text: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Warn, text: text.into(), cure: cure.into() }
    }

    pub(crate) fn fail(check: &'static str, text: impl Into<String>, cure: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Fail, text: text.into(), cure: cure.into() }
    }
}

/// What the checks see of the world.
pub struct Surroundings {
    /// `/proc` and `/run`.
    pub proc: PathBuf,
    pub run: PathBuf,
    pub now_ms: TimeMs,
    pub bind: fn(SocketAddr) -> Result<(), BindError>,
    pub bind_tcp: fn(SocketAddr) -> Result<(), BindError>,
    pub resolve: fn(&str, u16) -> io::Result<Vec<SocketAddr>>,
    pub connect: fn(SocketAddr) -> io::Result<()>,
    /// Free room and size.
    pub disk_space: fn(&Path) -> io::Result<(u64, u64)>,
    /// The middle of some writes with a sync.
    pub sync_time: fn(&Path) -> io::Result<Duration>,
}

impl Surroundings {
    pub fn real() -> Self {
        Self {
            proc: PathBuf::from("/proc"),
            run: PathBuf::from("/run"),
            now_ms: now_ms(),
            bind: |address| listen::bind(address).map(drop),
            bind_tcp: |address| listen::bind_tcp(address).map(drop),
            resolve,
            connect: |address| TcpStream::connect_timeout(&address, CONNECT_WITHIN).map(drop),
            disk_space: machine::disk_space,
            sync_time: disk::sync_time,
        }
    }

    fn number(&self, path: &str) -> Option<u64> {
        std::fs::read_to_string(self.proc.join(path)).ok()?.trim().parse().ok()
    }
}

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const RESOLVE_WITHIN: Duration = Duration::from_secs(5);

/// The system's way has no time limit of its own.
fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (found, wait) = mpsc::channel();
    let host = host.to_owned();
    std::thread::spawn(move || drop(found.send((host.as_str(), port).to_socket_addrs().map(Iterator::collect))));
    wait.recv_timeout(RESOLVE_WITHIN).unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// All checks, in the order in which an operator cures them. `status` is that of the daemon, if it runs.
pub fn examine(config: &Config, status: Option<&Status>, around: &Surroundings) -> Vec<Finding> {
    let mut findings = vec![Finding::ok("settings", "valid")];
    findings.extend(daemon::check(status));
    findings.extend(folder::check(config, status.is_some()));
    findings.extend(disk::check(config, around));
    findings.extend(ports::check(config, status, around));
    findings.extend(certificate::check(config, around));
    findings.extend(clock::check(config, status, around));
    findings.extend(kernel::check(config, status, around));
    findings.extend(network::check(config, around));
    findings
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::config::{Flags, read_text};

    /// Where everything is well.
    pub fn well(folder: &Path) -> Surroundings {
        Surroundings {
            proc: folder.join("proc"),
            run: folder.join("run"),
            now_ms: now_ms(),
            bind: |_| Ok(()),
            bind_tcp: |_| Ok(()),
            resolve: |_, port| Ok(vec![([127, 0, 0, 1], port).into()]),
            connect: |_| Ok(()),
            disk_space: |_| Ok((50 << 30, 100 << 30)),
            sync_time: |_| Ok(Duration::from_millis(2)),
        }
    }

    pub fn config(folder: &Path, text: &str) -> Config {
        let flags = Flags { data_dir: Some(folder.join("data")), ..Flags::default() };
        read_text(text, "anserd.toml".to_owned(), &flags, std::iter::empty()).expect("valid settings")
    }

    /// The findings that are not fine, as verdict, text and cure.
    pub fn troubles(findings: &[Finding]) -> Vec<String> {
        let bad = findings.iter().filter(|finding| finding.verdict != Verdict::Ok);
        bad.map(|finding| format!("{:?} {}: {}; {}", finding.verdict, finding.check, finding.text, finding.cure))
            .collect()
    }

    /// Exactly one trouble, with all these words, and it says what to do.
    #[track_caller]
    pub fn the_trouble(findings: &[Finding], words: &[&str]) {
        let told = troubles(findings);
        assert_eq!(told.len(), 1, "{told:#?}");
        words.iter().for_each(|word| assert!(told[0].contains(word), "{word:?} is not in {:?}", told[0]));
        assert!(findings.iter().all(|finding| finding.verdict == Verdict::Ok || !finding.cure.is_empty()), "{told:?}");
    }
}
