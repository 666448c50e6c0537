//! A small Debian with systemd in a folder. It is made once, of what this machine's apt is set up to fetch, and kept
//! beside what cargo builds.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workspace;

/// What a minimal host has; its release is this machine's.
const INCLUDED: &str = "systemd,systemd-sysv,dbus";

/// Unpacks it into an empty folder.
pub fn unpack(folder: &Path) -> io::Result<()> {
    let archive = archive()?;
    run(Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder))?;
    // An installer would have written it.
    fs::write(folder.join("etc/hosts"), "127.0.0.1 localhost\n::1 localhost\n")
}

fn archive() -> io::Result<PathBuf> {
    let release = release()?;
    let cache = workspace::root().join("target/debian");
    let archive = cache.join(format!("{release}.tar"));
    if !archive.exists() {
        fs::create_dir_all(&cache)?;
        // Whole or not at all, whoever interrupts it.
        let half = cache.join(format!("{release}-{}.tar", std::process::id()));
        let made = run(Command::new("mmdebstrap")
            .args(["--quiet", "--variant=minbase"])
            .arg(format!("--include={INCLUDED}"))
            .arg(&release)
            .arg(&half));
        if let Err(error) = made {
            let _ = fs::remove_file(&half);
            return Err(error);
        }
        fs::rename(&half, &archive)?;
    }
    Ok(archive)
}

/// The code name of this machine's Debian.
fn release() -> io::Result<String> {
    let told = fs::read_to_string("/etc/os-release")?;
    let name = told.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.map(|name| name.trim_matches('"').to_owned()).ok_or_else(|| io::Error::other("this machine is no Debian"))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr))))
}
