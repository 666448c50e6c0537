//! A disk that can be filled: a small tmpfs and a ballast file on it. Needs root.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// See the [module](self). Dropping it unmounts it.
#[derive(Debug)]
pub struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Why there can be no such disk on this machine, if so.
    pub fn why_not() -> Option<&'static str> {
        (!rustix::process::geteuid().is_root()).then_some("mounting needs root")
    }

    pub fn new(bytes: u64) -> io::Result<Self> {
        let disk = Self { folder: tempfile::tempdir()? };
        let size = format!("size={bytes}");
        let status = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(disk.path()).status()?;
        match status.success() {
            true => Ok(disk),
            false => Err(io::Error::other(format!("the small disk cannot be mounted: {status}"))),
        }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Writes until nothing fits any more.
    pub fn fill(&self) -> io::Result<()> {
        let mut ballast = File::options().create(true).append(true).open(self.ballast())?;
        // The last bytes, too: a page at a time after what fits in large pieces.
        for piece in [1 << 20, 1 << 12] {
            let piece = vec![0; piece];
            loop {
                match ballast.write_all(&piece) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::StorageFull => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Gives back what [`Self::fill`] took.
    pub fn free(&self) -> io::Result<()> {
        std::fs::remove_file(self.ballast())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Whoever still uses it keeps it alive; at worst a mount stays in a temporary folder.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
