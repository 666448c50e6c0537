//! The data folder: made private, locked by one daemon at a time, its small files written whole or not at all.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anser_storage::crash_point::{CrashPoint, pass};
use thiserror::Error;

/// What a restore, an import or a rescue works in. While it is there, the data folder is not whole.
pub const UNFINISHED: &str = "unfinished";

/// The folder, held by this process until dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The operating system drops the lock with the process, however it ends.
    _lock: File,
}

#[derive(Debug, Error)]
pub enum DataDirError {
    #[error("cannot make the data folder {}: {source}. {}, or name another with --data-dir", path.display(), remedy(source))]
    Make { path: PathBuf, source: io::Error },
    #[error("cannot write in the data folder {}: {source}. {}, or name another with --data-dir", path.display(), remedy(source))]
    Write { path: PathBuf, source: io::Error },
    #[error("another anserd (process {pid}) already runs on the data folder {}. Stop it first, or name another folder with --data-dir", path.display())]
    InUse { path: PathBuf, pid: String },
    #[error("a restore, an import or a rescue in the data folder {0} was interrupted, and what is there is not whole. Carry it out again; the documents on backups say how", path.display())]
    Unfinished { path: PathBuf },
}

impl DataDir {
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|source| DataDirError::Make { path: path.to_owned(), source })?;
        pass(CrashPoint::FolderMade);
        let lock = lock(path)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing may be opened, or made anew, in a folder that is half restored.
    pub fn require_finished(&self) -> Result<(), DataDirError> {
        match self.path.join(UNFINISHED).exists() {
            true => Err(DataDirError::Unfinished { path: self.path.clone() }),
            false => Ok(()),
        }
    }
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "Make room on its disk (`df -h` shows it)",
        io::ErrorKind::ReadOnlyFilesystem => "Mount its disk for writing",
        _ => "Give it to this user (`chown`)",
    }
}

fn lock(dir: &Path) -> Result<File, DataDirError> {
    let failed = |source| DataDirError::Write { path: dir.to_owned(), source };
    let path = dir.join("anserd.lock");
    let mut options = OpenOptions::new();
    // Not truncated on opening: the number inside belongs to whoever holds the lock.
    let mut file =
        options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut pid = String::new();
            let _ = file.take(20).read_to_string(&mut pid);
            return Err(DataDirError::InUse { path: dir.to_owned(), pid: pid.trim().to_owned() });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// Writes a file that only its owner may read: under another name, synced, then renamed into place.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, 0o600)
}

/// The same for what everybody may read.
pub fn write_public(path: &Path, content: &[u8]) -> io::Result<()> {
    write(path, content, 0o644)
}

fn write(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let temporary = path.with_file_name(name);
    // A left-over of a crash may have another mode.
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    pass(CrashPoint::FileWritten);
    std::fs::rename(&temporary, path)?;
    pass(CrashPoint::FileNamed);
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_second_daemon_on_the_same_folder_is_told_which_process_holds_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = DataDir::open(dir.path()).expect("free");
        let refused = DataDir::open(dir.path()).expect_err("held");
        assert!(refused.to_string().contains(&format!("process {}", std::process::id())), "{refused}");
        drop(first);
        DataDir::open(dir.path()).expect("free again");
    }

    #[test]
    fn a_full_disk_is_not_mistaken_for_a_lack_of_rights() {
        let told = |kind: io::ErrorKind| DataDirError::Write { path: "/d".into(), source: kind.into() }.to_string();
        assert!(told(io::ErrorKind::StorageFull).contains("Make room"));
        assert!(told(io::ErrorKind::PermissionDenied).contains("chown"));
    }

    #[test]
    fn the_folder_and_its_private_files_are_for_the_owner_only() {
        let dir = tempfile::tempdir().expect("a folder");
        let data = DataDir::open(&dir.path().join("data")).expect("made");
        write_private(&data.path().join("secret"), b"x").expect("written");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.path().join("secret")), 0o600);
    }
}
