//! A hash over everything that the store holds: two stores that were given the same commands have the same.

use redb::ReadableDatabase;

use crate::error::StoreError;
use crate::store::Store;
use crate::table::Table;
use crate::tables::{NEXT, ReadTables};

impl Store {
    /// Every table's rows in order of their keys, after the heads have been written down. Reads the whole file.
    pub fn content_hash(&mut self) -> Result<u64, StoreError> {
        self.checkpoint()?;
        let Some(database) = &self.database else { return Err(StoreError::Closed) };
        let tables = ReadTables::new(database.begin_read().map_err(StoreError::disk)?);
        let mut hash = Fnv::default();
        for table in Table::ALL {
            hash.update(&[*table as u8]);
            tables.scan(*table, &[], None, &mut |key, value| {
                hash.update(&(key.len() as u64).to_le_bytes());
                hash.update(key);
                hash.update(&(value.len() as u64).to_le_bytes());
                hash.update(value);
                Ok(NEXT)
            })?;
        }
        Ok(hash.0)
    }
}

/// FNV-1a: the same on every machine and with every compiler.
struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}
