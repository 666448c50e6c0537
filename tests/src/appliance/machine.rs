//! A system that was booted in a folder, with a network of its own and nobody else on it.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tempfile::TempDir;

/// Longer than any boot takes on a loaded machine.
const BOOTED_WITHIN: Duration = Duration::from_secs(120);

/// Dropping it ends all that runs in it.
#[derive(Debug)]
pub struct Machine {
    root: PathBuf,
    nspawn: Child,
    /// The first process in it, as seen from here.
    leader: Pid,
    network: File,
}

impl Machine {
    /// Returns when it has booted.
    pub fn boot(root: &Path) -> io::Result<Self> {
        let folder = TempDir::new()?;
        let news = UnixDatagram::bind(folder.path().join("notify"))?;
        news.set_read_timeout(Some(BOOTED_WITHIN))?;
        let mut nspawn = Command::new("systemd-nspawn")
            .args(["--quiet", "--boot", "--register=no", "--keep-unit", "--private-network", "--notify-ready=yes"])
            .args(["--console=pipe", "--directory"])
            .arg(root)
            .env("NOTIFY_SOCKET", folder.path().join("notify"))
            .stdin(Stdio::null())
            .stdout(File::create(root.with_extension("console"))?)
            .stderr(Stdio::inherit())
            .spawn()?;
        match booted(&news).and_then(|leader| Ok((leader, File::open(network_of(leader))?))) {
            Ok((leader, network)) => Ok(Self { root: root.to_owned(), nspawn, leader, network }),
            Err(error) => {
                let _ = nspawn.kill();
                let _ = nspawn.wait();
                let console = std::fs::read_to_string(root.with_extension("console")).unwrap_or_default();
                Err(io::Error::other(format!("the system did not boot: {error}\n{console}")))
            }
        }
    }

    /// Where its files lie, as seen from here.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Runs a command in it, as its administrator would.
    pub fn output(&self, command: &[&str]) -> Output {
        Command::new("nsenter")
            .args(["--all", "--target", &self.leader.as_raw_nonzero().to_string(), "env", "-i"])
            .args(["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home", "LC_ALL=C.UTF-8"])
            .args(command)
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("nsenter does not start: {error}"))
    }

    /// What it printed.
    ///
    /// # Panics
    ///
    /// When it failed, with what it said.
    pub fn run(&self, command: &[&str]) -> String {
        let output = self.output(command);
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{} failed ({}): {said}", command.join(" "), output.status);
        said
    }

    /// Does something on a thread in its network.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let entered = || {
            move_into_link_name_space(self.network.as_fd(), Some(LinkNameSpaceType::Network)).expect("root may enter");
            work()
        };
        std::thread::scope(|scope| scope.spawn(entered).join().unwrap_or_else(|panic| resume_unwind(panic)))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // With its first process all others end.
        let _ = kill_process(self.leader, Signal::KILL);
        let _ = self.nspawn.wait();
    }
}

/// What the container's manager tells: the process first, readiness once it has booted.
fn booted(news: &UnixDatagram) -> io::Result<Pid> {
    let (mut leader, mut is_ready, mut buffer) = (None, false, [0; 4096]);
    loop {
        if let (Some(leader), true) = (leader, is_ready) {
            return Ok(leader);
        }
        let length = news.recv(&mut buffer)?;
        for line in String::from_utf8_lossy(&buffer[..length]).lines() {
            if let Some(number) = line.strip_prefix("X_NSPAWN_LEADER_PID=") {
                leader = number.parse().ok().and_then(Pid::from_raw);
            }
            is_ready |= line == "READY=1";
        }
    }
}

fn network_of(leader: Pid) -> PathBuf {
    format!("/proc/{}/ns/net", leader.as_raw_nonzero()).into()
}
