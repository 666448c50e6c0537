//! Opening and creating the file.
//!
//! A crash while redb creates its file can leave one that never opens. So a new store is made under another name, and
//! gets its own only when it is whole and on disk.

#[cfg(feature = "simulation")]
pub mod crash;
mod loose;
mod made_up;
mod rebuild;
mod salvage;
mod upgrade;

pub use rebuild::{Rebuild, RebuildError};
pub use salvage::{Salvaged, SeeRow, salvage};

use std::fs::{self, File};
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{Builder, Database, ReadOnlyDatabase, ReadableDatabase, StorageBackend};

use crate::crash_point::{CrashPoint, pass};
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
    open_existing(folder, options)
}

/// Opens a store that was there before. A missing file is none to be made: its disk may be gone.
pub(crate) fn open_existing(folder: &Path, options: &Options) -> Result<Database, OpenError> {
    let path = folder.join(FILE);
    refuse_newer_untouched(&path, options)?;
    let database = builder(options).open(&path).map_err(OpenError::from_redb)?;
    upgrade(&database)?;
    Ok(database)
}

/// Opens the store on a backend; an empty one becomes a new store.
pub(crate) fn open_backend(backend: impl StorageBackend, options: &Options) -> Result<Database, OpenError> {
    let is_new = backend.len().map_err(|error| OpenError::Disk(error.to_string()))? == 0;
    let database = builder(options).create_with_backend(backend).map_err(OpenError::from_redb)?;
    if is_new {
        write_first_rows(&database)?;
    }
    upgrade(&database)?;
    Ok(database)
}

/// An open database whose closing harms nobody: it writes once more, and redb may panic when it meets a damaged page.
pub(crate) struct OpenDatabase(Option<Database>);

impl OpenDatabase {
    pub fn new(database: Database) -> Self {
        Self(Some(database))
    }
}

impl Deref for OpenDatabase {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl Drop for OpenDatabase {
    fn drop(&mut self) {
        let database = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            log::error!("the store's file could not be closed in order, it is damaged; look at it with `anserd scrub`");
        }
    }
}

fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder
}

fn create_file(folder: &Path, path: &Path, options: &Options) -> Result<(), OpenError> {
    let database = begin_file(folder, options)?;
    pass(CrashPoint::StoreBegun);
    write_first_rows(&database)?;
    pass(CrashPoint::StoreFilled);
    finish_file(database, folder, path)
}

/// An empty file under the name that no daemon opens.
fn begin_file(folder: &Path, options: &Options) -> Result<Database, OpenError> {
    let unfinished = folder.join(FILE_BEING_MADE);
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(disk(&unfinished, error)),
        _ => {}
    }
    let file = create_private(&unfinished).map_err(|error| disk(&unfinished, error))?;
    let backend = FileBackend::new(file).map_err(OpenError::from_redb)?;
    builder(options).create_with_backend(backend).map_err(OpenError::from_redb)
}

fn finish_file(database: Database, folder: &Path, path: &Path) -> Result<(), OpenError> {
    database.close().map_err(OpenError::from_redb)?;
    name_file(folder, path)
}

/// A closed file gets its name once it is on disk.
fn name_file(folder: &Path, path: &Path) -> Result<(), OpenError> {
    let unfinished = folder.join(FILE_BEING_MADE);
    File::open(&unfinished).and_then(|file| file.sync_all()).map_err(|error| disk(&unfinished, error))?;
    pass(CrashPoint::StoreWhole);
    fs::rename(&unfinished, path).map_err(|error| disk(path, error))?;
    pass(CrashPoint::StoreNamed);
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
        make_tables(&mut tables)?;
        let counters = Counters::first();
        tables.put(&Counters::key(), &counters)?;
        tables.put(&Checkpoint::key(), &Checkpoint { replay_from: counters.position })?;
    }
    transaction.commit().map_err(OpenError::from_redb)
}

/// All tables of this format, and its version.
fn make_tables(tables: &mut WriteTables<'_>) -> Result<(), OpenError> {
    for table in Table::ALL {
        tables.ensure_open(*table)?;
    }
    tables.put(&Format::key(), &Format { version: FORMAT_VERSION })?;
    Ok(())
}

/// A store of an earlier format gets the tables that came later, and what they are to hold, in one commit. A newer one is refused.
fn upgrade(database: &Database) -> Result<(), OpenError> {
    let version = check_format(database)?;
    if version == FORMAT_VERSION {
        return Ok(());
    }
    pass(CrashPoint::UpgradeBegun);
    let transaction = database.begin_write().map_err(OpenError::from_redb)?;
    let mut tables = WriteTables::new(&transaction);
    make_tables(&mut tables)?;
    pass(CrashPoint::TablesMade);
    if version < 3 {
        upgrade::list_users(&mut tables)?;
        upgrade::list_groups(&mut tables)?;
    }
    drop(tables);
    pass(CrashPoint::RowsListed);
    transaction.commit().map_err(OpenError::from_redb)?;
    pass(CrashPoint::Upgraded);
    log::info!(
        "the store was brought from format {version} to {FORMAT_VERSION}; earlier programs do not open it any more"
    );
    Ok(())
}

/// Opening for writing may change the file, so a file that was closed in order is looked at without writing first. One
/// that was not cannot be read that way; it is checked after its recovery.
fn refuse_newer_untouched(path: &Path, options: &Options) -> Result<(), OpenError> {
    let read_only = builder(options).open_read_only(path);
    match read_only {
        Ok(database) => check_read_only(&database).map(drop),
        Err(_) => Ok(()),
    }
}

/// The format of the store in a folder, found without writing; nothing where there is none. A store that a crash left cannot
/// be looked at this way: it says so.
pub fn format_of(folder: &Path) -> Result<Option<u32>, OpenError> {
    let path = folder.join(FILE);
    if !path.try_exists().map_err(|error| disk(&path, error))? {
        return Ok(None);
    }
    let looked = catch_unwind(|| {
        let database = builder(&Options { cache_bytes: 1 << 20, ..Options::default() }).open_read_only(&path);
        check_read_only(&database.map_err(OpenError::from_redb)?)
    });
    looked.unwrap_or_else(|_| Err(OpenError::Damaged("looking at its format panicked".into()))).map(Some)
}

/// The newest format that this program knows.
pub const FORMAT: u32 = FORMAT_VERSION;

/// Where the store lies in its folder.
pub fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

fn check_read_only(database: &ReadOnlyDatabase) -> Result<u32, OpenError> {
    check_format(database)
}

fn check_format(database: &impl ReadableDatabase) -> Result<u32, OpenError> {
    let transaction = database.begin_read().map_err(OpenError::from_redb)?;
    let key = Format::key();
    let format = ReadTables::new(transaction)
        .value(Table::Meta, key.as_bytes(), |value| row::decode::<Format>(key.as_bytes(), value))?
        .ok_or_else(|| OpenError::Damaged("its format row is missing".into()))??;
    if format.version > FORMAT_VERSION {
        return Err(OpenError::NewerFormat { found: format.version, known: FORMAT_VERSION });
    }
    Ok(format.version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("a temporary folder can be made"))
        }

        fn with_store() -> Self {
            let folder = Self::new();
            folder.open().expect("it is made").shut_down().expect("the disk is well");
            folder
        }

        fn open(&self) -> Result<Store, OpenError> {
            Store::open(self.0.path(), Options::default())
        }

        fn file(&self) -> PathBuf {
            self.0.path().join(FILE)
        }

        fn bytes(&self) -> Vec<u8> {
            fs::read(self.file()).expect("it can be read")
        }
    }

    #[test]
    fn a_store_of_a_newer_format_is_refused_untouched() {
        let folder = Folder::with_store();
        let database = builder(&Options::default()).open(folder.file()).expect("it opens");
        let transaction = database.begin_write().expect("the disk is well");
        let mut tables = WriteTables::new(&transaction);
        tables.put(&Format::key(), &Format { version: FORMAT_VERSION + 1 }).expect("the disk is well");
        drop(tables);
        transaction.commit().expect("the disk is well");
        drop(database);
        let before = folder.bytes();

        let error = folder.open().err();

        let expected = (FORMAT_VERSION + 1, FORMAT_VERSION);
        assert!(
            matches!(error, Some(OpenError::NewerFormat { found, known }) if (found, known) == expected),
            "{error:?}"
        );
        assert!(folder.bytes() == before);
    }

    #[test]
    fn a_store_of_an_earlier_format_gets_the_tables_that_came_later() {
        let folder = Folder::with_store();
        let database = builder(&Options::default()).open(folder.file()).expect("it opens");
        let transaction = database.begin_write().expect("the disk is well");
        let mut tables = WriteTables::new(&transaction);
        tables.put(&Format::key(), &Format { version: FORMAT_VERSION - 1 }).expect("the disk is well");
        drop(tables);
        let newest = *Table::ALL.last().expect("there are tables");
        transaction.delete_table(newest.definition()).expect("it was there");
        transaction.commit().expect("the disk is well");
        drop(database);

        let store = folder.open().expect("it is brought up to date");

        let counts =
            store.reader().snapshot().and_then(|snapshot| snapshot.row_counts()).expect("every table can be read");
        assert!(counts.contains(&(newest, 0)), "{counts:?}");
        store.shut_down().expect("the disk is well");
        let database = builder(&Options::default()).open(folder.file()).expect("it opens");
        assert_eq!(check_format(&database).expect("it is known"), FORMAT_VERSION);
    }

    #[test]
    fn a_file_that_is_no_store_is_damage_with_a_way_out_and_stays_as_it_is() {
        for content in [Vec::new(), vec![7; 100], vec![0; 100_000]] {
            let folder = Folder::new();
            fs::write(folder.file(), &content).expect("it can be written");

            let error = folder.open().err().map(|error| error.to_string()).unwrap_or_default();

            assert!(error.contains("anserd rescue") && error.contains("anserd restore"), "{error}");
            assert!(folder.bytes() == content);
        }
    }

    #[test]
    fn a_store_is_opened_by_one_process_at_a_time() {
        let folder = Folder::with_store();
        let _first = folder.open().expect("it opens");
        assert!(matches!(folder.open(), Err(OpenError::InUse)));
    }

    #[test]
    fn a_store_whose_making_was_interrupted_is_made_anew() {
        let folder = Folder::new();
        fs::write(folder.0.path().join(FILE_BEING_MADE), b"half").expect("it can be written");
        assert!(folder.open().is_ok());
        assert!(!folder.0.path().join(FILE_BEING_MADE).exists());
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = Folder::with_store();
        let mode = fs::metadata(folder.file()).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
