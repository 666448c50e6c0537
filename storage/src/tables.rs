//! Reading and writing rows, in a snapshot or inside a batch: the narrow module between us and redb.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata, WriteTransaction};

use crate::error::{ReadError, is_damage};
use crate::heads::Head;
use crate::ids::ChainNumber;
use crate::key::{Key, behind_prefix};
use crate::row::{self, Row};
use crate::table::Table;

type Bytes = &'static [u8];

/// Is shown each key with its value.
pub(crate) type ReadRow<'r> = dyn FnMut(&[u8], &[u8]) -> Result<Flow, ReadError> + 'r;

pub(crate) type Flow = ControlFlow<()>;
pub(crate) const NEXT: Flow = ControlFlow::Continue(());
pub(crate) const STOP: Flow = ControlFlow::Break(());

/// Read access to all tables and heads, at one moment.
pub(crate) trait Tables {
    /// Shows the value to `read`, if there is one.
    fn value<T>(&self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, ReadError>;

    /// Shows the rows from `from` (with it) to `to` (without it) until `read` has seen enough.
    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, read: &mut ReadRow<'_>) -> Result<(), ReadError>;

    /// The same from behind: the row with the highest key comes first.
    fn scan_back(&self, table: Table, from: &[u8], to: Option<&[u8]>, read: &mut ReadRow<'_>) -> Result<(), ReadError>;

    /// A head that is newer than its table.
    fn dirty_head(&self, chain: ChainNumber) -> Option<Head>;

    fn row<R: Row>(&self, key: &Key) -> Result<Option<R>, ReadError> {
        self.value(R::TABLE, key.as_bytes(), |value| row::decode(key.as_bytes(), value))?.transpose()
    }

    fn has(&self, table: Table, key: &Key) -> Result<bool, ReadError> {
        Ok(self.value(table, key.as_bytes(), |_| ())?.is_some())
    }

    /// The rows whose keys begin with `prefix`.
    fn rows<R: Row>(
        &self,
        prefix: &Key,
        mut read: impl FnMut(&[u8], R) -> Result<Flow, ReadError>,
    ) -> Result<(), ReadError> {
        self.scan(R::TABLE, prefix.as_bytes(), behind_prefix(prefix.as_bytes()).as_deref(), &mut |key, value| {
            read(key, row::decode(key, value)?)
        })
    }

    /// The keys that begin with `prefix`, at most `limit`; the values are not looked at.
    fn keys(&self, table: Table, prefix: &Key, limit: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut keys = Vec::new();
        if limit == 0 {
            return Ok(keys);
        }
        let to = behind_prefix(prefix.as_bytes());
        self.scan(table, prefix.as_bytes(), to.as_deref(), &mut |key, _| {
            keys.push(key.to_vec());
            Ok(if keys.len() < limit { NEXT } else { STOP })
        })?;
        Ok(keys)
    }

    /// The newest record of a chain; nothing when it has none.
    fn head(&self, chain: ChainNumber) -> Result<Option<Head>, ReadError> {
        let head = match self.dirty_head(chain) {
            Some(head) => Some(head),
            None => self.row(&head_key(chain))?,
        };
        Ok(head.filter(|head| head.seq > 0))
    }
}

pub(crate) fn head_key(chain: ChainNumber) -> Key {
    Key::empty().u64(chain.0)
}

/// The tables of a read transaction, opened when first needed.
pub(crate) struct ReadTables {
    transaction: ReadTransaction,
    open: [OnceLock<ReadOnlyTable<Bytes, Bytes>>; Table::SLOTS],
}

impl ReadTables {
    pub fn new(transaction: ReadTransaction) -> Self {
        Self { transaction, open: [const { OnceLock::new() }; Table::SLOTS] }
    }

    fn table(&self, table: Table) -> Result<&ReadOnlyTable<Bytes, Bytes>, ReadError> {
        let slot = &self.open[table.slot()];
        if let Some(open) = slot.get() {
            return Ok(open);
        }
        let opened = self.transaction.open_table(table.definition()).map_err(ReadError::disk)?;
        Ok(slot.get_or_init(|| opened))
    }

    pub fn value<T>(&self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, ReadError> {
        unharmed(table, key, || {
            let value = self.table(table)?.get(key).map_err(ReadError::disk)?;
            Ok(value.map(|value| read(value.value())))
        })
    }

    /// How many rows the table says that it has.
    pub fn count(&self, table: Table) -> Result<u64, ReadError> {
        unharmed(table, &[], || self.table(table)?.len().map_err(ReadError::disk))
    }

    pub fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, read: &mut ReadRow<'_>) -> Result<(), ReadError> {
        unharmed(table, from, || scan(self.table(table)?, Way::Up, from, to, read))
    }

    pub fn scan_back(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        read: &mut ReadRow<'_>,
    ) -> Result<(), ReadError> {
        unharmed(table, from, || scan(self.table(table)?, Way::Down, from, to, read))
    }
}

/// redb trusts its pages and may panic on a damaged one: that is one failed read, not the end of the reader.
fn unharmed<T>(table: Table, key: &[u8], read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    let damaged = || ReadError::Damaged { table, key: key.to_vec() };
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Err(ReadError::Disk(error))) if is_damage(&error) => Err(damaged()),
        Ok(result) => result,
        Err(_) => Err(damaged()),
    }
}

/// The tables of a write transaction, opened when first needed.
pub(crate) struct WriteTables<'t> {
    transaction: &'t WriteTransaction,
    open: [RefCell<Option<redb::Table<'t, Bytes, Bytes>>>; Table::SLOTS],
    encoded: Vec<u8>,
}

impl<'t> WriteTables<'t> {
    pub fn new(transaction: &'t WriteTransaction) -> Self {
        Self { transaction, open: [const { RefCell::new(None) }; Table::SLOTS], encoded: Vec::with_capacity(512) }
    }

    /// Writes a row and returns its size.
    pub fn put<R: Row>(&mut self, key: &Key, row: &R) -> Result<usize, ReadError> {
        let mut encoded = std::mem::take(&mut self.encoded);
        row::encode(key.as_bytes(), row, &mut encoded);
        self.ensure_open(R::TABLE)?;
        if let Some(table) = self.open[R::TABLE.slot()].get_mut() {
            table.insert(key.as_bytes(), encoded.as_slice()).map_err(ReadError::disk)?;
        }
        self.encoded = encoded;
        Ok(key.as_bytes().len() + self.encoded.len())
    }

    /// Writes a value as it lay in another store; returns whether it is the first under this key.
    pub fn put_copied(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<bool, ReadError> {
        self.ensure_open(table)?;
        match self.open[table.slot()].get_mut() {
            Some(table) => Ok(table.insert(key, value).map_err(ReadError::disk)?.is_none()),
            None => Ok(true),
        }
    }

    pub fn remove(&mut self, table: Table, key: &[u8]) -> Result<(), ReadError> {
        self.ensure_open(table)?;
        if let Some(table) = self.open[table.slot()].get_mut() {
            table.remove(key).map_err(ReadError::disk)?;
        }
        Ok(())
    }

    pub fn ensure_open(&self, table: Table) -> Result<(), ReadError> {
        let slot = &self.open[table.slot()];
        // Looked at first: a scan that is under way holds the slot, and its table is open.
        let is_open = slot.borrow().is_some();
        if !is_open {
            *slot.borrow_mut() = Some(self.transaction.open_table(table.definition()).map_err(ReadError::disk)?);
        }
        Ok(())
    }

    pub fn value<T>(&self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, ReadError> {
        self.ensure_open(table)?;
        match &*self.open[table.slot()].borrow() {
            Some(table) => Ok(table.get(key).map_err(ReadError::disk)?.map(|value| read(value.value()))),
            None => Ok(None),
        }
    }

    pub fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, read: &mut ReadRow<'_>) -> Result<(), ReadError> {
        self.ensure_open(table)?;
        match &*self.open[table.slot()].borrow() {
            Some(table) => scan(table, Way::Up, from, to, read),
            None => Ok(()),
        }
    }

    pub fn scan_back(
        &self,
        table: Table,
        from: &[u8],
        to: Option<&[u8]>,
        read: &mut ReadRow<'_>,
    ) -> Result<(), ReadError> {
        self.ensure_open(table)?;
        match &*self.open[table.slot()].borrow() {
            Some(table) => scan(table, Way::Down, from, to, read),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

fn scan(
    table: &impl ReadableTable<Bytes, Bytes>,
    way: Way,
    from: &[u8],
    to: Option<&[u8]>,
    read: &mut ReadRow<'_>,
) -> Result<(), ReadError> {
    let mut range = match to {
        Some(to) if to <= from => return Ok(()),
        Some(to) => table.range::<&[u8]>(from..to),
        None => table.range::<&[u8]>(from..),
    }
    .map_err(ReadError::disk)?;
    loop {
        let entry = match way {
            Way::Up => range.next(),
            Way::Down => range.next_back(),
        };
        let Some(entry) = entry else { return Ok(()) };
        let (key, value) = entry.map_err(ReadError::disk)?;
        if read(key.value(), value.value())?.is_break() {
            return Ok(());
        }
    }
}
