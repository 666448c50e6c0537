//! A store made of rows that were copied from another one: the last step of a restore, an import and a rescue.
//!
//! Rows are taken as they lay there, in any order and in commits of some MiB. The file has a name that no daemon opens
//! until it is whole and on disk; dropped before that, it is removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anser_protocol::ids::TimeMs;
use redb::{Database, ReadableDatabase};
use thiserror::Error;

use super::made_up::MadeUp;
use super::{FILE, FILE_BEING_MADE, begin_file, name_file, upgrade};
use crate::command::{Command, Stamped, SystemCommand};
use crate::error::{OpenError, StoreError, hex};
use crate::options::Options;
use crate::store::Store;
use crate::table::Table;
use crate::tables::{ReadTables, WriteTables};

/// Rows in one commit.
const COMMIT_BYTES: usize = 8 << 20;

#[derive(Debug, Error)]
pub enum RebuildError {
    #[error("there is a store in {} already", .0.display())]
    Exists(PathBuf),
    #[error("the row {key} of table {} comes twice", table.name())]
    Twice { table: Table, key: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Open(#[from] OpenError),
}

pub struct Rebuild {
    folder: PathBuf,
    options: Options,
    database: Option<Database>,
    /// Not committed yet.
    waiting: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    waiting_bytes: usize,
    /// What is committed, to see whether a row has come before.
    known: Option<ReadTables>,
}

impl Rebuild {
    /// Begins an empty store in a folder that has none.
    pub fn begin(folder: &Path, options: Options) -> Result<Self, RebuildError> {
        if folder.join(FILE).exists() {
            return Err(RebuildError::Exists(folder.to_owned()));
        }
        let database = Some(begin_file(folder, &options)?);
        let folder = folder.to_owned();
        let mut begun = Self { folder, options, database, waiting: BTreeMap::new(), waiting_bytes: 0, known: None };
        begun.write(|tables| {
            let made = Table::ALL.iter().try_for_each(|table| tables.ensure_open(*table));
            Ok(made.map_err(StoreError::from)?)
        })?;
        Ok(begun)
    }

    /// Takes a row that comes once.
    pub fn add(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), RebuildError> {
        if self.waiting.insert((table, key.to_vec()), value.to_vec()).is_some() {
            return Err(RebuildError::Twice { table, key: hex(key) });
        }
        self.waiting_bytes += key.len() + value.len();
        if self.waiting_bytes < COMMIT_BYTES { Ok(()) } else { self.commit() }
    }

    /// The same for rows that may have come before: the first one stays. Says whether this one is it.
    pub fn add_first(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool, RebuildError> {
        if self.waiting.contains_key(&(table, key.to_vec())) || self.is_known(table, key)? {
            return Ok(false);
        }
        self.add(table, key, value)?;
        Ok(true)
    }

    fn is_known(&mut self, table: Table, key: &[u8]) -> Result<bool, RebuildError> {
        let known = match &self.known {
            Some(known) => known,
            None => {
                let database = self.database.as_ref().ok_or(StoreError::Closed)?;
                self.known.insert(ReadTables::new(database.begin_read().map_err(StoreError::disk)?))
            }
        };
        let found = known.value(table, key, |_| ()).map_err(StoreError::from)?;
        Ok(found.is_some())
    }

    fn commit(&mut self) -> Result<(), RebuildError> {
        let waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        self.known = None;
        self.write(|tables| {
            for ((table, key), value) in waiting {
                if !tables.put_copied(table, &key, &value).map_err(StoreError::from)? {
                    return Err(RebuildError::Twice { table, key: hex(&key) });
                }
            }
            Ok(())
        })
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut WriteTables<'_>) -> Result<(), RebuildError>,
    ) -> Result<(), RebuildError> {
        let database = self.database.as_ref().ok_or(StoreError::Closed)?;
        let transaction = database.begin_write().map_err(StoreError::disk)?;
        let mut tables = WriteTables::new(&transaction);
        write(&mut tables)?;
        drop(tables);
        Ok(transaction.commit().map_err(StoreError::disk)?)
    }

    /// Makes up what every store has, where it was not saved. Returns the names of what was missing.
    pub fn make_up(&mut self) -> Result<Vec<String>, RebuildError> {
        self.commit()?;
        let database = self.database.as_ref().ok_or(StoreError::Closed)?;
        let made_up = MadeUp::of(database)?;
        let mut names = Vec::new();
        self.write(|tables| Ok(made_up.write(tables, &mut names).map_err(StoreError::from)?))?;
        Ok(names)
    }

    /// Makes it a store of its own: brought to this program's format, and with positions that nobody has met. It gets its
    /// name last.
    pub fn finish(mut self, now_ms: TimeMs) -> Result<(), RebuildError> {
        self.commit()?;
        let database = self.database.take().ok_or(StoreError::Closed)?;
        upgrade(&database)?;
        let mut store = Store::of_database(database, self.options.clone())?;
        store.apply(&[Stamped { at_ms: now_ms, command: Command::System(SystemCommand::Restored) }])?;
        store.shut_down()?;
        Ok(name_file(&self.folder, &self.folder.join(FILE))?)
    }
}

impl Drop for Rebuild {
    fn drop(&mut self) {
        self.known = None;
        self.database = None;
        // Finished, it has another name by now; what cannot be removed is removed by the next attempt.
        let _ = fs::remove_file(self.folder.join(FILE_BEING_MADE));
    }
}
