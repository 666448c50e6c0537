//! Rows that know when they are damaged: behind each value stands a checksum over its table, its key and itself.
//!
//! redb checks its own checksums only when it repairs, not when it reads.

use redb::{
    AccessGuard, Key, ReadTransaction, ReadableTable, StorageError, Table, TableDefinition, TableError,
    WriteTransaction,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Failed;
use crate::store::encoding::{decode, encode};

pub(super) type Bytes = &'static [u8];
pub(super) type Kind<K> = TableDefinition<'static, K, Bytes>;
pub(super) type Row<'t, K> = (AccessGuard<'t, K>, AccessGuard<'t, Bytes>);

const CHECKSUM_BYTES: usize = 4;

/// A table, open for writing.
pub(super) struct Rows<'t, K: Key + 'static> {
    name: &'static str,
    pub(super) table: Table<'t, K, Bytes>,
}

impl<'t, K: Key + 'static> Rows<'t, K> {
    pub(super) fn open(transaction: &'t WriteTransaction, kind: (Kind<K>, &'static str)) -> Result<Self, TableError> {
        Ok(Self { name: kind.1, table: transaction.open_table(kind.0)? })
    }

    pub(super) fn put(&mut self, key: K::SelfType<'_>, value: &impl Serialize) -> Result<(), StorageError> {
        let sealed = seal(self.name, K::as_bytes(&key).as_ref(), value);
        self.table.insert(&key, &sealed[..])?;
        Ok(())
    }

    pub(super) fn get<T: DeserializeOwned>(&self, key: K::SelfType<'_>) -> Result<Option<T>, Failed> {
        let Some(value) = self.table.get(&key)? else { return Ok(None) };
        open_seal(self.name, K::as_bytes(&key).as_ref(), value.value()).map(Some)
    }

    pub(super) fn remove(&mut self, key: K::SelfType<'_>) -> Result<(), StorageError> {
        self.table.remove(&key)?;
        Ok(())
    }
}

/// One value of a table that is read.
pub(super) fn read<K: Key + 'static, T: DeserializeOwned>(
    transaction: &ReadTransaction,
    kind: (Kind<K>, &'static str),
    key: K::SelfType<'_>,
) -> Result<Option<T>, Failed> {
    let table = transaction.open_table(kind.0)?;
    let Some(value) = table.get(&key)? else { return Ok(None) };
    open_seal(kind.1, K::as_bytes(&key).as_ref(), value.value()).map(Some)
}

/// The value of a row that was walked to.
pub(super) fn value_of<K: Key + 'static, T: DeserializeOwned>(
    name: &'static str,
    (key, value): &Row<'_, K>,
) -> Result<T, Failed> {
    open_seal(name, K::as_bytes(&key.value()).as_ref(), value.value())
}

fn seal(table: &str, key: &[u8], value: &impl Serialize) -> Vec<u8> {
    let mut sealed = encode(value);
    sealed.extend_from_slice(&checksum(table, key, &sealed).to_le_bytes());
    sealed
}

fn open_seal<T: DeserializeOwned>(table: &'static str, key: &[u8], sealed: &[u8]) -> Result<T, Failed> {
    let whole = sealed.split_last_chunk::<CHECKSUM_BYTES>();
    let whole = whole.filter(|(value, sum)| checksum(table, key, value) == u32::from_le_bytes(**sum));
    whole.and_then(|(value, _)| decode(value)).ok_or(Failed::Damaged(table))
}

fn checksum(table: &str, key: &[u8], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for part in [table.as_bytes(), key] {
        // Its length keeps a part apart from the next one.
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.update(value);
    hasher.finalize()
}

/// The name of a table, for its checksums and for whoever is told of damage.
pub(super) const fn kind<K: Key + 'static>(name: &'static str) -> (Kind<K>, &'static str) {
    (TableDefinition::new(name), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_anywhere_in_a_value_is_found() {
        let sealed = seal("messages", b"key", &"hello");
        assert_eq!(open_seal::<String>("messages", b"key", &sealed).ok().as_deref(), Some("hello"));
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(open_seal::<String>("messages", b"key", &damaged).is_err(), "bit {bit}");
        }
        for short in 0..sealed.len() {
            assert!(open_seal::<String>("messages", b"key", &sealed[..short]).is_err(), "{short} bytes");
        }
    }

    #[test]
    fn a_value_in_another_place_is_found() {
        let sealed = seal("messages", b"key", &"hello");
        assert!(open_seal::<String>("pushes", b"key", &sealed).is_err());
        assert!(open_seal::<String>("messages", b"kez", &sealed).is_err());
    }
}
