//! When there is no backup: a new store of what can be read of a damaged one. The damaged file stays beside it.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::path::{Path, PathBuf};

use anser_storage::disk::{Rebuild, RebuildError, salvage};
use anser_storage::{OpenError, Options, ReadError, Store, StoreError, app_of_row};
use serde::Serialize;
use thiserror::Error;

use crate::clock::now_ms;
use crate::data_dir::{DataDir, DataDirError, UNFINISHED};

const STORE: &str = "store.redb";
/// Rows of the new store that one look is about.
const SCRUB_ROWS: usize = 10_000;

#[derive(Debug, Error)]
pub enum RescueError {
    #[error(transparent)]
    DataDir(#[from] DataDirError),
    #[error("there is no store in {}", .0.display())]
    NoStore(PathBuf),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the new store cannot be made: {0}")]
    Rebuild(#[from] RebuildError),
    #[error("the new store cannot be read: {0}")]
    Read(#[from] ReadError),
    #[error("the new store cannot be written: {0}")]
    Store(#[from] StoreError),
    #[error("{} cannot be written: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
}

/// What a rescue saved and what it did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rescued {
    pub rows: u64,
    /// Tables with a loss, by name.
    pub tables: BTreeMap<&'static str, Loss>,
    /// Rows that others name and that are not there, and rows that were seen to be damaged: by the app's name, or its number
    /// where the name is lost.
    pub apps: BTreeMap<String, u64>,
    /// What every store has, and had to be made up.
    pub made_up: Vec<String>,
    /// Where the damaged store is now.
    pub damaged: PathBuf,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Loss {
    /// As far as the table could say how many rows it had.
    pub lost: u64,
    /// Saved from pages that nothing led to: perhaps older than what was lost, or removed before.
    pub loose: u64,
    /// Named by other rows, and not there.
    pub missing: u64,
    /// It could not be asked how many it had.
    pub is_unknown: bool,
}

impl Rescued {
    /// Was everything saved, as far as can be said?
    pub fn is_complete(&self) -> bool {
        self.tables.is_empty() && self.made_up.is_empty()
    }
}

/// Puts a new store in the place of a damaged one.
pub fn rescue(data_dir: &Path) -> Result<Rescued, RescueError> {
    let _held = DataDir::open(data_dir)?;
    let store = data_dir.join(STORE);
    let owner = match fs::metadata(&store) {
        Ok(found) => (found.uid(), found.gid()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RescueError::NoStore(data_dir.to_owned())),
        Err(source) => return Err(RescueError::Write { path: store, source }),
    };
    let unfinished = data_dir.join(UNFINISHED);
    clear(&unfinished)?;
    DirBuilder::new().mode(0o700).create(&unfinished).map_err(write_error(&unfinished))?;
    let rescued = build(data_dir, &unfinished);
    let mut rescued = match rescued {
        Ok(rescued) => rescued,
        Err(error) => {
            clear(&unfinished)?;
            return Err(error);
        }
    };
    let new = unfinished.join(STORE);
    // Only root gives a file away, and only root has to.
    if fs::metadata(&new).is_ok_and(|made| (made.uid(), made.gid()) != owner) {
        chown(&new, Some(owner.0), Some(owner.1)).map_err(write_error(&new))?;
    }
    rescued.damaged = free_name(data_dir);
    fs::rename(&store, &rescued.damaged).map_err(write_error(&rescued.damaged))?;
    fs::rename(&new, &store).map_err(write_error(&store))?;
    sync(data_dir)?;
    clear(&unfinished)?;
    sync(data_dir)?;
    Ok(rescued)
}

fn build(data_dir: &Path, unfinished: &Path) -> Result<Rescued, RescueError> {
    let mut rebuild = Rebuild::begin(unfinished, Options::default())?;
    let salvaged = salvage(data_dir, unfinished, &mut |table, key, value| {
        rebuild.add_first(table, key, value).map_err(RescueError::from)
    })?;
    let mut rescued = Rescued { made_up: rebuild.make_up()?, ..Rescued::default() };
    rebuild.finish(now_ms())?;
    let mut lost_by_app = BTreeMap::<_, u64>::new();
    for (table, found) in salvaged {
        rescued.rows += found.saved + found.loose;
        let lost = found.said.map_or(0, |said| said.saturating_sub(found.saved + found.loose));
        let loss = Loss { lost, loose: found.loose, missing: 0, is_unknown: found.said.is_none() };
        // Of a table that came with a later version nothing is known, and nothing is missing.
        let is_empty = loss == Loss { is_unknown: true, ..Loss::default() } && found.damaged.is_empty();
        if loss != Loss::default() && !is_empty {
            rescued.tables.insert(table.name(), loss);
        }
        for key in found.damaged {
            *lost_by_app.entry(app_of_row(table, &key)).or_default() += 1;
        }
    }
    let store = Store::open(unfinished, Options::default())?;
    let snapshot = store.reader().snapshot()?;
    let mut place = None;
    loop {
        let looked = snapshot.scrub(place.as_ref(), SCRUB_ROWS)?;
        for finding in looked.findings {
            rescued.tables.entry(finding.table.name()).or_default().missing += 1;
            *lost_by_app.entry(app_of_row(finding.table, &finding.key)).or_default() += 1;
        }
        place = looked.next;
        if place.is_none() {
            break;
        }
    }
    let names: BTreeMap<_, _> = snapshot.apps().unwrap_or_default().into_iter().collect();
    drop(snapshot);
    store.shut_down()?;
    for (app, rows) in lost_by_app {
        let name = match app {
            Some(number) => names.get(&number).map_or_else(|| format!("app {}", number.0), |app| app.name.clone()),
            None => "no app".to_owned(),
        };
        *rescued.apps.entry(name).or_default() += rows;
    }
    Ok(rescued)
}

fn free_name(data_dir: &Path) -> PathBuf {
    let names = (1_u32..).map(|count| if count == 1 { String::new() } else { format!(".{count}") });
    let mut paths = names.map(|count| data_dir.join(format!("{STORE}.damaged{count}")));
    paths.find(|path| !path.exists()).unwrap_or_else(|| data_dir.join(format!("{STORE}.damaged")))
}

fn clear(folder: &Path) -> Result<(), RescueError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(write_error(folder)(error)),
        _ => Ok(()),
    }
}

fn sync(folder: &Path) -> Result<(), RescueError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(write_error(folder))
}

fn write_error(path: &Path) -> impl FnOnce(io::Error) -> RescueError {
    let path = path.to_owned();
    move |source| RescueError::Write { path, source }
}
