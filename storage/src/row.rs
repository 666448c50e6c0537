//! How a value lies on disk: version byte, body, checksum.
//!
//! redb does not verify its own checksums on ordinary reads, so each value carries one of ours over its table, its key
//! and itself. A value that fails it is never decoded.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ReadError;
use crate::table::Table;

const CHECKSUM_BYTES: usize = 4;

/// What one table stores under one key.
pub(crate) trait Row: Sized {
    const TABLE: Table;
    /// Of the body; a reader knows all versions up to this one.
    const VERSION: u8 = 1;

    fn encode_body(&self, out: &mut Vec<u8>);
    /// Nothing when the bytes are not such a body.
    fn decode_body(version: u8, body: &[u8]) -> Option<Self>;
}

/// Encodes a row for its place; `out` is cleared first.
pub(crate) fn encode<R: Row>(key: &[u8], row: &R, out: &mut Vec<u8>) {
    out.clear();
    out.push(R::VERSION);
    row.encode_body(out);
    let sum = checksum(R::TABLE, key, out);
    out.extend_from_slice(&sum.to_le_bytes());
}

pub(crate) fn decode<R: Row>(key: &[u8], value: &[u8]) -> Result<R, ReadError> {
    try_decode(key, value).ok_or_else(|| ReadError::Damaged { table: R::TABLE, key: key.to_vec() })
}

/// Does the value bear the checksum of its place?
pub(crate) fn is_whole(table: Table, key: &[u8], value: &[u8]) -> bool {
    split(table, key, value).is_some()
}

fn try_decode<R: Row>(key: &[u8], value: &[u8]) -> Option<R> {
    let (version, body) = split(R::TABLE, key, value)?;
    if version == 0 || version > R::VERSION { None } else { R::decode_body(version, body) }
}

fn split<'v>(table: Table, key: &[u8], value: &'v [u8]) -> Option<(u8, &'v [u8])> {
    let (content, sum) = value.split_last_chunk::<CHECKSUM_BYTES>()?;
    if checksum(table, key, content) != u32::from_le_bytes(*sum) {
        return None;
    }
    content.split_first().map(|(version, body)| (*version, body))
}

fn checksum(table: Table, key: &[u8], content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(table as u32);
    // Keys are shorter than 2^32 bytes; the length keeps key and content apart.
    hasher.update(&(key.len() as u32).to_le_bytes());
    hasher.update(key);
    hasher.update(content);
    hasher.finalize()
}

/// The body of most rows.
pub(crate) fn encode_serde<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    struct Tail<'v>(&'v mut Vec<u8>);
    impl postcard::ser_flavors::Flavor for Tail<'_> {
        type Output = ();
        fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
            self.0.push(byte);
            Ok(())
        }
        fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
        fn finalize(self) -> postcard::Result<()> {
            Ok(())
        }
    }
    // Rows hold no type that postcard refuses (maps or sequences of unknown length), and a vector takes every byte.
    postcard::serialize_with_flavor(value, Tail(out)).expect("rows are made of types that postcard can always write");
}

pub(crate) fn decode_serde<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

/// Makes a serde type the row of a table.
macro_rules! serde_row {
    ($type:ty, $table:ident) => {
        impl $crate::row::Row for $type {
            const TABLE: $crate::table::Table = $crate::table::Table::$table;

            fn encode_body(&self, out: &mut Vec<u8>) {
                $crate::row::encode_serde(self, out);
            }

            fn decode_body(_version: u8, body: &[u8]) -> Option<Self> {
                $crate::row::decode_serde(body)
            }
        }
    };
}
pub(crate) use serde_row;
