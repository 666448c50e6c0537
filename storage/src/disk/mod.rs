//! Opening and creating the file.
//!
//! A crash while redb creates its file can leave one that never opens. So a new store is made under another name, and
//! gets its own only when it is whole and on disk.

#[cfg(feature = "simulation")]
pub mod crash;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadOnlyDatabase, ReadableDatabase, StorageBackend};

use crate::error::OpenError;
use crate::options::Options;
use crate::row;
use crate::rows::meta::{Checkpoint, Counters, FORMAT_VERSION, Format};
use crate::table::Table;
use crate::tables::{ReadTables, WriteTables};

const FILE: &str = "store.redb";
const FILE_BEING_MADE: &str = "store.redb.new";

/// Opens the store in a folder, or makes it.
pub(crate) fn open_folder(folder: &Path, options: &Options) -> Result<Database, OpenError> {
    let path = folder.join(FILE);
    if !path.try_exists().map_err(|error| disk(&path, error))? {
        create_file(folder, &path, options)?;
    }
    refuse_newer_untouched(&path, options)?;
    let database = builder(options).open(&path).map_err(OpenError::from_redb)?;
    check_format(&database)?;
    Ok(database)
}

/// Opens the store on a backend; an empty one becomes a new store.
pub(crate) fn open_backend(backend: impl StorageBackend, options: &Options) -> Result<Database, OpenError> {
    let is_new = backend.len().map_err(|error| OpenError::Disk(error.to_string()))? == 0;
    let database = builder(options).create_with_backend(backend).map_err(OpenError::from_redb)?;
    if is_new {
        write_first_rows(&database)?;
    }
    check_format(&database)?;
    Ok(database)
}

fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder
}

fn create_file(folder: &Path, path: &Path, options: &Options) -> Result<(), OpenError> {
    let unfinished = folder.join(FILE_BEING_MADE);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(&unfinished, error)),
        _ => {}
    }
    let file = create_private(&unfinished).map_err(|error| disk(&unfinished, error))?;
    let backend = FileBackend::new(file).map_err(OpenError::from_redb)?;
    let database = builder(options).create_with_backend(backend).map_err(OpenError::from_redb)?;
    write_first_rows(&database)?;
    database.close().map_err(OpenError::from_redb)?;
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(|error| disk(&unfinished, error))?;
    fs::rename(&unfinished, path).map_err(|error| disk(path, error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| disk(folder, error))
}

/// Messages and secrets are nobody else's to read.
fn create_private(path: &PathBuf) -> std::io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn disk(path: &Path, error: std::io::Error) -> OpenError {
    OpenError::Disk(format!("{}: {error}", path.display()))
}

fn write_first_rows(database: &Database) -> Result<(), OpenError> {
    let transaction = database.begin_write().map_err(OpenError::from_redb)?;
    {
        let mut tables = WriteTables::new(&transaction);
        for table in Table::ALL {
            tables.ensure_open(*table)?;
        }
        tables.put(&Format::key(), &Format { version: FORMAT_VERSION })?;
        let counters = Counters::first();
        tables.put(&Counters::key(), &counters)?;
        tables.put(&Checkpoint::key(), &Checkpoint { replay_from: counters.position })?;
    }
    transaction.commit().map_err(OpenError::from_redb)
}

/// Opening for writing may change the file, so a file that was closed in order is looked at without writing first. One
/// that was not cannot be read that way; it is checked after its recovery.
fn refuse_newer_untouched(path: &Path, options: &Options) -> Result<(), OpenError> {
    let read_only = builder(options).open_read_only(path);
    match read_only {
        Ok(database) => check_read_only(&database),
        Err(_) => Ok(()),
    }
}

fn check_read_only(database: &ReadOnlyDatabase) -> Result<(), OpenError> {
    check_format(database)
}

fn check_format(database: &impl ReadableDatabase) -> Result<(), OpenError> {
    let transaction = database.begin_read().map_err(OpenError::from_redb)?;
    let key = Format::key();
    let format = ReadTables::new(transaction)
        .value(Table::Meta, key.as_bytes(), |value| row::decode::<Format>(key.as_bytes(), value))
        .map_err(not_a_store)?
        .ok_or_else(|| OpenError::Damaged("its format row is missing".into()))??;
    if format.version > FORMAT_VERSION {
        return Err(OpenError::NewerFormat { found: format.version, known: FORMAT_VERSION });
    }
    Ok(())
}

fn not_a_store(error: crate::error::ReadError) -> OpenError {
    match error {
        crate::error::ReadError::Disk(error) if matches!(*error, redb::Error::TableDoesNotExist(_)) => {
            OpenError::Damaged("a table is missing".into())
        }
        other => other.into(),
    }
}
