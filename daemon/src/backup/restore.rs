//! A data folder made of a backup, or a store made of its tables.
//!
//! Everything is made in the folder `unfinished` inside the data folder, and moved to its place when the backup has been
//! read to its end; the folder goes last. A daemon does not start beside it, so what an interrupted restore leaves is
//! never served.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Component, Path, PathBuf};

use anser_storage::crash_point::{CrashPoint, pass};
use anser_storage::disk::{Rebuild, RebuildError};
use anser_storage::{Options, Table};
use thiserror::Error;

use super::age::Identity;
use super::contents::{Receive, Summary};
use super::file;
use super::format::{BackupError, Begin, FileHead, Kind, MediumHead};
use crate::clock::now_ms;
use crate::data_dir::{DataDir, DataDirError, UNFINISHED};
use crate::media::body::body_path;

const STORE: &str = "store.redb";
/// What a restore that was interrupted, or is about to begin, leaves in an empty folder.
const NOTHING: [&str; 3] = [UNFINISHED, "anserd.lock", "lost+found"];

#[derive(Debug, Error)]
pub enum RestoreError {
    #[error(transparent)]
    Backup(#[from] BackupError),
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("the data folder {} is not empty: a restore never mixes with what is there. Move it away, or name another with --data-dir", .0.display())]
    NotEmpty(PathBuf),
    #[error("there is a store in {} already: move its store.redb away first", .0.display())]
    HasStore(PathBuf),
    #[error("the file holds the tables of a store alone: `anserd import-store` reads it")]
    OnlyStore,
    #[error("the backup names a file outside of the data folder: {0:?}")]
    Outside(String),
    #[error("the store cannot be made: {0}")]
    Rebuild(#[from] RebuildError),
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// Makes a data folder of a backup. The folder must be empty, or not there.
pub fn restore(input: impl Read, identities: &[Identity], data_dir: &Path) -> Result<Summary, RestoreError> {
    let held = DataDir::open(data_dir)?;
    let names = names_in(data_dir)?;
    if names.iter().any(|name| !NOTHING.contains(&&**name)) {
        return Err(RestoreError::NotEmpty(data_dir.to_owned()));
    }
    let mut restoring = Restoring::begin(held.path(), true)?;
    pass(CrashPoint::RestoreBegun);
    let summary = file::read(input, identities, &mut restoring)?;
    pass(CrashPoint::RestoreRead);
    restoring.finish()?;
    Ok(summary)
}

/// Makes the store of a data folder of the tables of a backup or export. What else lies there stays.
pub fn import_store(input: impl Read, identities: &[Identity], data_dir: &Path) -> Result<Summary, RestoreError> {
    let held = DataDir::open(data_dir)?;
    if data_dir.join(STORE).exists() {
        return Err(RestoreError::HasStore(data_dir.to_owned()));
    }
    let mut restoring = Restoring::begin(held.path(), false)?;
    let summary = file::read(input, identities, &mut restoring)?;
    restoring.finish()?;
    Ok(summary)
}

struct Restoring {
    data_dir: PathBuf,
    unfinished: PathBuf,
    rebuild: Option<Rebuild>,
    /// Keys and media as well.
    wants_files: bool,
    file: Option<(PathBuf, File)>,
    owner: Option<(u32, u32)>,
    /// From here on the folder must stay until it is done: it says that the data folder is not whole.
    is_moving: bool,
}

impl Drop for Restoring {
    fn drop(&mut self) {
        self.rebuild = None;
        if !self.is_moving {
            // Nothing of a backup that could not be read to its end is of use.
            let _ = fs::remove_dir_all(&self.unfinished);
        }
    }
}

impl Restoring {
    fn begin(data_dir: &Path, wants_files: bool) -> Result<Self, RestoreError> {
        let unfinished = data_dir.join(UNFINISHED);
        match fs::remove_dir_all(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(write_error(&unfinished)(error)),
            _ => {}
        }
        make_folder(&unfinished)?;
        let rebuild = Some(Rebuild::begin(&unfinished, Options::default())?);
        let owner = other_owner(data_dir)?;
        Ok(Self {
            data_dir: data_dir.to_owned(),
            unfinished,
            rebuild,
            wants_files,
            file: None,
            owner,
            is_moving: false,
        })
    }

    fn create(&mut self, path: PathBuf) -> Result<(), RestoreError> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        self.file = Some((path.clone(), opened.map_err(write_error(&path))?));
        Ok(())
    }

    fn finish(mut self) -> Result<(), RestoreError> {
        if let Some(rebuild) = self.rebuild.take() {
            rebuild.finish(now_ms())?;
        }
        pass(CrashPoint::RestoreRebuilt);
        give_to(&self.unfinished, self.owner)?;
        sync_folders(&self.unfinished)?;
        pass(CrashPoint::RestoreSynced);
        let mut names = names_in(&self.unfinished)?;
        // The store comes last: without it the folder is no data folder yet.
        names.sort_by_key(|name| (name == STORE, name.clone()));
        self.is_moving = true;
        for name in &names {
            let to = self.data_dir.join(name);
            fs::rename(self.unfinished.join(name), &to).map_err(write_error(&to))?;
            pass(CrashPoint::RestoreMovedOne);
        }
        pass(CrashPoint::RestoreMovedAll);
        sync(&self.data_dir)?;
        fs::remove_dir(&self.unfinished).map_err(write_error(&self.unfinished))?;
        pass(CrashPoint::RestoreDone);
        give(&self.data_dir.join("anserd.lock"), self.owner)?;
        sync(&self.data_dir)
    }
}

impl Receive for Restoring {
    type Error = RestoreError;

    fn begin(&mut self, begin: &Begin) -> Result<(), RestoreError> {
        if self.wants_files && begin.kind == Kind::Store {
            return Err(RestoreError::OnlyStore);
        }
        Ok(())
    }

    fn row(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), RestoreError> {
        match &mut self.rebuild {
            Some(rebuild) => Ok(rebuild.add(table, key, value)?),
            None => Ok(()),
        }
    }

    fn file(&mut self, head: &FileHead) -> Result<(), RestoreError> {
        if !self.wants_files {
            return Ok(());
        }
        let path = Path::new(&head.path);
        let mut parts = path.components();
        let is_inside = parts.clone().count() > 0 && parts.all(|part| matches!(part, Component::Normal(_)));
        // These are made by the restore itself.
        if !is_inside || path.starts_with("media") || head.path.starts_with(STORE) {
            return Err(RestoreError::Outside(head.path.clone()));
        }
        self.create(self.unfinished.join(path))
    }

    fn medium(&mut self, head: &MediumHead) -> Result<(), RestoreError> {
        if !self.wants_files {
            return Ok(());
        }
        self.create(body_path(&self.unfinished.join("media"), head.app, &head.body))
    }

    fn data(&mut self, data: &[u8]) -> Result<(), RestoreError> {
        match &mut self.file {
            Some((path, file)) => file.write_all(data).map_err(write_error(path)),
            None => Ok(()),
        }
    }

    fn end_data(&mut self) -> Result<(), RestoreError> {
        match self.file.take() {
            Some((path, file)) => file.sync_all().map_err(write_error(&path)),
            None => Ok(()),
        }
    }
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> RestoreError {
    let path = path.to_owned();
    move |source| RestoreError::Write { path, source }
}

fn make_folder(path: &Path) -> Result<(), RestoreError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(write_error(path))
}

fn names_in(folder: &Path) -> Result<Vec<String>, RestoreError> {
    let entries = fs::read_dir(folder).map_err(write_error(folder))?;
    let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
    names.collect::<io::Result<_>>().map_err(write_error(folder))
}

/// Whose the data folder is, where root restores for the daemon's user.
fn other_owner(data_dir: &Path) -> Result<Option<(u32, u32)>, RestoreError> {
    let of = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.gid())).map_err(write_error(path));
    let (folder, own) = (of(data_dir)?, of(&data_dir.join(UNFINISHED))?);
    Ok((folder != own).then_some(folder))
}

fn give(path: &Path, owner: Option<(u32, u32)>) -> Result<(), RestoreError> {
    match owner {
        Some((user, group)) => chown(path, Some(user), Some(group)).map_err(write_error(path)),
        None => Ok(()),
    }
}

fn give_to(folder: &Path, owner: Option<(u32, u32)>) -> Result<(), RestoreError> {
    if owner.is_none() {
        return Ok(());
    }
    give(folder, owner)?;
    for name in names_in(folder)? {
        let path = folder.join(name);
        if path.is_dir() { give_to(&path, owner)? } else { give(&path, owner)? }
    }
    Ok(())
}

fn sync(folder: &Path) -> Result<(), RestoreError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(write_error(folder))
}

/// The names of files are on disk when their folders are.
fn sync_folders(folder: &Path) -> Result<(), RestoreError> {
    for name in names_in(folder)? {
        let path = folder.join(name);
        if path.is_dir() {
            sync_folders(&path)?;
        }
    }
    sync(folder)
}
