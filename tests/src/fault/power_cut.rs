//! A disk whose power can be cut: a file system on a loop device, told to forget at once all that was not synced.
//!
//! Needs root and loop devices. The cut itself is an `ioctl` made by `cut_power.py`, since no code here may be unsafe;
//! the helper is started beforehand, so that between the decision and the cut there is only a line through a pipe.

use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// See the [module](self). Dropping it unmounts and removes it; whoever uses its files must be gone by then.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    breaker: Option<Breaker>,
}

/// The process that holds the disk open and waits for the word.
#[derive(Debug)]
struct Breaker {
    process: Child,
    word: ChildStdin,
    done: BufReader<ChildStdout>,
}

impl Disk {
    /// Why there can be no such disk on this machine, if so.
    pub fn why_not() -> Option<&'static str> {
        if !rustix::process::geteuid().is_root() {
            return Some("mounting needs root");
        }
        if !Path::new("/dev/loop-control").exists() {
            return Some("there are no loop devices");
        }
        None
    }

    /// Makes an ext4 file system and mounts it.
    pub fn new(bytes: u64) -> io::Result<Self> {
        let mut disk = Self { folder: tempfile::tempdir()?, breaker: None };
        std::fs::File::create(disk.image())?.set_len(bytes)?;
        std::fs::create_dir(disk.path())?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()))?;
        disk.power_on()?;
        Ok(disk)
    }

    /// Where it is mounted.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    /// Cuts the power: what is not synced when this returns never will be. Everything fails until [`Self::power_on`].
    pub fn cut(&mut self) -> io::Result<()> {
        let mut breaker = self.breaker.take().ok_or_else(|| io::Error::other("the disk has no power"))?;
        breaker.word.write_all(b"cut\n")?;
        let mut answer = String::new();
        breaker.done.read_line(&mut answer)?;
        breaker.process.wait()?;
        match &*answer {
            "done\n" => Ok(()),
            _ => Err(io::Error::other(format!("the power was not cut: {answer:?}"))),
        }
    }

    /// Mounts what the cut left. All users of the disk must be gone.
    pub fn power_on(&mut self) -> io::Result<()> {
        if self.is_mounted()? {
            run(Command::new("umount").arg(self.path()))?;
        }
        run(Command::new("mount").args(["-t", "ext4", "-o", "loop"]).arg(self.image()).arg(self.path()))?;
        self.breaker = Some(Breaker::hold(&self.path())?);
        Ok(())
    }

    fn is_mounted(&self) -> io::Result<bool> {
        let path = self.path();
        Ok(std::fs::read_to_string("/proc/mounts")?
            .lines()
            .any(|line| line.split(' ').nth(1).map(Path::new) == Some(&path)))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The helper holds the disk open.
        if let Some(mut breaker) = self.breaker.take() {
            drop(breaker.word);
            // It ends by itself when its input does; an error here leaves at worst a mount in a temporary folder.
            let _ = breaker.process.wait();
        }
        let _ = run(Command::new("umount").arg("--lazy").arg(self.path()));
    }
}

impl Breaker {
    fn hold(disk: &Path) -> io::Result<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/fault/cut_power.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(disk)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| io::Error::other(format!("python3 does not start: {error}")))?;
        let word = process.stdin.take().expect("standard input was asked to be a pipe");
        let mut done = BufReader::new(process.stdout.take().expect("standard output was asked to be a pipe"));
        let mut answer = String::new();
        done.read_line(&mut answer)?;
        match &*answer {
            "holding\n" => Ok(Self { process, word, done }),
            _ => Err(io::Error::other("the helper that cuts the power did not start")),
        }
    }
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.output().map_err(|error| io::Error::other(format!("{command:?}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}
