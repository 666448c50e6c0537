//! A store in one redb file.
//!
//! | Table | Key | Value |
//! |---|---|---|
//! | `meta` | name | format, identity, push cursor, next outbox number, next local id |
//! | `tokens` | user | token |
//! | `cursors` | user | position |
//! | `holes` | user, chat | the chat's holes |
//! | `conversations` | user, chat | what the server last said of it |
//! | `messages` | user, chat, position | the record |
//! | `amendments` | user, chat, position | what stands in the place of the message from now on, and which record told it |
//! | `chats` | user, chat | newest position not of this device's own, up to where records were taken, number of records |
//! | `outbox` | local id | the entry |
//! | `failed` | local id | an entry that was refused for good; the last thousand |
//! | `unsure` | local id | an entry that the server may have, until the application is told |
//! | `pushes` | arrival | pushes that the application has not taken |
//! | `push_ids` | arrival | msg_id; the last thousand |
//! | `heartbeats`, `winners` | network | what was learned there |
//! | `settings` | name | whether pushes are stopped, push time, silence time, notifications that stay, badge, next notice id |
//! | `notices` | notice id | which push stands there in the status bar |
//! | `local_notices` | number | a notification that the application planned |
//! | `marks` | user, chat | up to where the user has read, how far the server has that, and what was set by hand |
//! | `reads` | user, position | a message that was read and asked for it, of which the server is to be told |
//! | `receipts` | user, chat, position | how many have not read this message of the user's own, and since when |
//! | `cleared` | user, chat | everything up to this position was deleted here |
//! | `deleted` | user, chat, position | a message above that which was deleted; the last thousand of a chat |
//! | `extras`, `drafts` | user, chat | what the application keeps with the conversation |
//! | `sent` | local id | user, chat and position of a message that was sent; the last ten thousand |
//!
//! `settings`, `notices` and `local_notices` came after 0.1.0; `failed` and all from `marks` on after 0.2.0: a store that has none
//! gets them when it is opened, and earlier versions leave them alone.
//!
//! Rules:
//! - One process at a time: a file beside the store is locked as long as it is open.
//! - Every value carries a checksum. A store with a damaged one is made anew when it is opened next (see [`rebuild`]); a
//!   mark beside it says so when the damage was found while reading. All that a session must know is walked over when the
//!   store is opened; messages and pushes are looked at when they are read.
//! - A store is made under another name and moved to its place when it is whole, so that a kill in between leaves nothing
//!   that could be mistaken for one. The same goes for one that is made anew.

mod local;
mod reading;
mod rebuild;
mod rows;
mod tables;
#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::io;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anser_protocol::ids::Position;
use anser_protocol::names::Chat;
use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, ReadableDatabase, StorageError, TableError, TransactionError};

use self::tables::Tables;
use super::{
    ConversationRow, ConversationText, LocalId, LocalMessage, Message, Rebuilt, ReceiptCount, Release, Released,
    Retention, Store, StoreError, Stored, Write,
};

const FORMAT: u32 = 2;
/// How the first format, which had no checksums, wrote its number.
const FIRST_FORMAT: [u8; 2] = [1, 1];
/// redb's own default is a gigabyte.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// The store.
pub struct FileStore {
    database: Opened,
    path: PathBuf,
    retention: Retention,
    rebuilt: Option<Rebuilt>,
    /// Held until the database is closed.
    lock: Option<Lock>,
}

/// A database that may be damaged: redb writes when it closes, and panics when it meets damage then.
struct Opened(Option<Database>);

impl Deref for Opened {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.0.as_ref().expect("it is taken only when this is dropped")
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        let database = self.0.take();
        if catch_unwind(AssertUnwindSafe(|| drop(database))).is_err() {
            log::warn!("a store was damaged, which was found only when it was closed");
        }
    }
}

/// Reading and writing go wrong in two ways.
#[derive(Debug)]
enum Failed {
    /// In this table.
    Damaged(&'static str),
    Redb(redb::Error),
}

impl FileStore {
    /// Opens the store in this file, or makes it. One process at a time.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, Retention::default())
    }

    /// Opens the store with another retention than the default.
    pub fn open_with(path: &Path, retention: Retention) -> Result<Self, StoreError> {
        let lock = Some(Lock::take(path)?);
        let disk = |error: &dyn std::fmt::Display| disk(path, error);
        if !path.exists() {
            make(path, |_| Ok(())).map_err(|error| disk(&error))?;
        }
        let store = match open_database(path)? {
            Some(database) => Self { database, path: path.to_owned(), retention, rebuilt: None, lock },
            None => {
                // Nothing in it can be read: it is kept for whoever knows more, and a new one is begun.
                std::fs::rename(path, path.with_extension("damaged")).map_err(|error| disk(&error))?;
                make(path, |_| Ok(())).map_err(|error| disk(&error))?;
                let database = open_database(path)?.ok_or_else(|| damaged(path, "pages"))?;
                let rebuilt = Some(Rebuilt { rows_lost: 1 });
                Self { database, path: path.to_owned(), retention, rebuilt, lock }
            }
        };
        if let Err(error) = store.unharmed(|| make_later_tables(&store.database))
            && !matches!(error, StoreError::Damaged { .. })
        {
            return Err(error);
        }
        match store.check() {
            Ok(()) => Ok(store),
            Err(StoreError::Damaged { .. }) => store.rebuild(),
            Err(error) => Err(error),
        }
    }

    /// The store was damaged and has been made anew by this opening: the device is a new one to the server, without its tags
    /// and alias.
    pub fn rebuilt(&self) -> Option<Rebuilt> {
        self.rebuilt
    }

    /// Can the store be gone on with?
    fn check(&self) -> Result<(), StoreError> {
        match self.unharmed(|| format(&self.database))? {
            Format::Number(FORMAT) => {}
            Format::Number(_) => return Err(StoreError::Newer { path: self.name() }),
            Format::First => return Err(StoreError::Older { path: self.name() }),
        }
        if mark(&self.path).exists() {
            return Err(damaged(&self.path, "found earlier"));
        }
        self.unharmed(|| reading::load(&self.database)).map(drop)
    }

    fn rebuild(self) -> Result<Self, StoreError> {
        let Self { database, path, retention, lock, .. } = self;
        let mut rebuilt = Rebuilt { rows_lost: 0 };
        let made = make(&path, |new| {
            rebuilt = rebuild::salvage(&database, new)?;
            // The old file is closed before another takes its place.
            drop(database);
            Ok(())
        });
        made.map_err(|error| disk(&path, error))?;
        if mark(&path).exists() {
            std::fs::remove_file(mark(&path)).map_err(|error| disk(&path, error))?;
        }
        log::warn!("{} was damaged and has been made anew; {} rows are lost", path.display(), rebuilt.rows_lost);
        let database = open_database(&path)?.ok_or_else(|| damaged(&path, "pages"))?;
        let store = Self { database, path, retention, rebuilt: Some(rebuilt), lock };
        store.check().map(|()| store)
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads or writes. redb may panic on a damaged page: that is damage, and not the end of whoever asks.
    fn unharmed<T>(&self, act: impl FnOnce() -> Result<T, Failed>) -> Result<T, StoreError> {
        let what = match catch_unwind(AssertUnwindSafe(act)) {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(Failed::Redb(error))) if !matches!(error, redb::Error::Corrupted(_)) => {
                return Err(disk(&self.path, error));
            }
            Ok(Err(Failed::Damaged(what))) => what,
            Ok(Err(Failed::Redb(_))) | Err(_) => "pages",
        };
        // If even this cannot be written, the damage is found again.
        if let Err(error) = std::fs::write(mark(&self.path), []) {
            log::warn!("{} is damaged, which cannot be noted: {error}", self.name());
        }
        Err(damaged(&self.path, what))
    }

    fn apply_all(&self, writes: &[Write]) -> Result<(), Failed> {
        let transaction = self.database.begin_write()?;
        {
            let mut tables = Tables::open(&transaction)?;
            for write in writes {
                tables.write(write, self.retention)?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

impl Store for FileStore {
    fn load(&self) -> Result<Stored, StoreError> {
        self.unharmed(|| reading::load(&self.database))
    }

    fn apply(&mut self, writes: Vec<Write>) -> Result<(), StoreError> {
        self.unharmed(|| self.apply_all(&writes))
    }

    fn waiting(&self, release: &Release, above: u64, limit: usize) -> Result<Vec<Released>, StoreError> {
        self.unharmed(|| match release {
            Release::Messages { user, chat, to } => {
                reading::waiting_messages(&self.database, (user, chat), above, *to, limit)
            }
            Release::Pushes => reading::waiting_pushes(&self.database, above, limit),
        })
    }

    fn messages(&self, user: &str, chat: &Chat, before: Position, limit: usize) -> Result<Vec<Message>, StoreError> {
        self.unharmed(|| reading::newest_messages(&self.database, (user, chat), before, limit))
    }

    fn messages_after(
        &self,
        user: &str,
        chat: &Chat,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Message>, StoreError> {
        self.unharmed(|| local::messages_after(&self.database, (user, chat), after, limit))
    }

    fn message(&self, user: &str, chat: &Chat, position: Position) -> Result<Option<Message>, StoreError> {
        self.unharmed(|| local::message(&self.database, (user, chat), position))
    }

    fn local_message(&self, id: LocalId) -> Result<Option<LocalMessage>, StoreError> {
        self.unharmed(|| local::local_message(&self.database, id))
    }

    fn conversation_text(
        &self,
        user: &str,
        chat: &Chat,
        which: ConversationText,
    ) -> Result<Option<String>, StoreError> {
        self.unharmed(|| local::conversation_text(&self.database, (user, chat), which))
    }

    fn conversation_texts(&self, user: &str, which: ConversationText) -> Result<Vec<(Chat, String)>, StoreError> {
        self.unharmed(|| local::conversation_texts(&self.database, user, which))
    }

    fn conversations(&self, user: &str) -> Result<Vec<ConversationRow>, StoreError> {
        self.unharmed(|| reading::conversations(&self.database, user))
    }

    fn unread(&self, user: &str, chat: &Chat) -> Result<u32, StoreError> {
        self.unharmed(|| reading::unread(&self.database, user, chat))
    }

    fn unread_chats(&self, user: &str) -> Result<Vec<(Chat, u32)>, StoreError> {
        self.unharmed(|| reading::unread_chats(&self.database, user))
    }

    fn receipt(&self, user: &str, chat: &Chat, message: Position) -> Result<Option<ReceiptCount>, StoreError> {
        self.unharmed(|| reading::receipt(&self.database, user, chat, message))
    }
}

fn disk(path: &Path, error: impl std::fmt::Display) -> StoreError {
    StoreError::Disk { path: path.display().to_string(), reason: error.to_string() }
}

fn damaged(path: &Path, what: &'static str) -> StoreError {
    StoreError::Damaged { path: path.display().to_string(), what }
}

/// Stands beside a store that is to be made anew.
fn mark(path: &Path) -> PathBuf {
    path.with_extension("rebuild")
}

/// Says that a process has the store open.
struct Lock(File);

impl Lock {
    fn take(path: &Path) -> Result<Self, StoreError> {
        let file = private_file().create(true).truncate(false).open(path.with_extension("lock"));
        let file = file.map_err(|error| disk(path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.display().to_string() }),
            // Some file systems have no locks; redb has the same trouble there, and the same answer.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(Self(file)),
            Err(TryLockError::Error(error)) => Err(disk(path, error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would not do: a process that was just forked off holds a copy until it runs another program.
        if let Err(error) = self.0.unlock() {
            log::warn!("the lock of a store could not be given back: {error}");
        }
    }
}

fn private_file() -> std::fs::OpenOptions {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// The database of a file that is there; nothing when it is damaged beyond reading.
fn open_database(path: &Path) -> Result<Option<Opened>, StoreError> {
    match catch_unwind(AssertUnwindSafe(|| builder().open(path))) {
        Ok(Ok(database)) => Ok(Some(Opened(Some(database)))),
        Ok(Err(DatabaseError::DatabaseAlreadyOpen)) => Err(StoreError::InUse { path: path.display().to_string() }),
        Ok(Err(DatabaseError::Storage(StorageError::Corrupted(_)))) | Err(_) => Ok(None),
        Ok(Err(error)) => Err(disk(path, error)),
    }
}

/// A store that an earlier version made lacks the tables that came later.
fn make_later_tables(database: &Database) -> Result<(), Failed> {
    let lacks_some = tables::lacks_later_ones(&database.begin_read()?)?;
    if lacks_some && matches!(format(database), Ok(Format::Number(FORMAT))) {
        let transaction = database.begin_write()?;
        tables::make_later_ones(&transaction)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Makes a store in this place, whole or not at all.
fn make(path: &Path, fill: impl FnOnce(&Database) -> Result<(), Failed>) -> Result<(), Box<dyn std::error::Error>> {
    let unfinished = path.with_extension("new");
    if unfinished.exists() {
        std::fs::remove_file(&unfinished)?;
    }
    let file = private_file().create_new(true).open(&unfinished)?;
    let database = builder().create_with_backend(FileBackend::new(file)?)?;
    let transaction = database.begin_write()?;
    Tables::open(&transaction)?.meta.put("format", &FORMAT)?;
    transaction.commit()?;
    fill(&database).map_err(|failed| match failed {
        Failed::Redb(error) => error.to_string(),
        Failed::Damaged(what) => format!("a new row is damaged ({what})"),
    })?;
    drop(database);
    std::fs::rename(&unfinished, path)?;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

enum Format {
    Number(u32),
    First,
}

fn format(database: &Database) -> Result<Format, Failed> {
    let transaction = database.begin_read()?;
    let table = transaction.open_table(tables::META.0)?;
    if table.get("format")?.is_some_and(|value| value.value() == FIRST_FORMAT) {
        return Ok(Format::First);
    }
    let number = rows::read(&transaction, tables::META, "format")?;
    number.map(Format::Number).ok_or(Failed::Damaged(tables::META.1))
}

impl From<redb::Error> for Failed {
    fn from(error: redb::Error) -> Self {
        Self::Redb(error)
    }
}

impl From<StorageError> for Failed {
    fn from(error: StorageError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<TransactionError> for Failed {
    fn from(error: TransactionError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<redb::CommitError> for Failed {
    fn from(error: redb::CommitError) -> Self {
        Self::Redb(error.into())
    }
}

impl From<TableError> for Failed {
    fn from(error: TableError) -> Self {
        match error {
            TableError::Storage(error) => error.into(),
            // Every store has all tables.
            TableError::TableDoesNotExist(_) => Self::Damaged("tables"),
            error => Self::Redb(error.into()),
        }
    }
}
