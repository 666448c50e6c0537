//! What tables that came later are to hold in a store of an earlier format.

use std::collections::BTreeMap;

use crate::error::ReadError;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::row;
use crate::rows::chunk::{Chunk, ChunkRow, UserChunk};
use crate::rows::people::{UserClass, in_chunk, user_chunk_key};
use crate::rows::user::User;
use crate::table::Table;
use crate::tables::{NEXT, WriteTables};

/// From 2 to 3: users and admins are listed. One whose row is damaged is left out, and the scrub tells of it.
pub(super) fn list_users(tables: &mut WriteTables<'_>) -> Result<(), ReadError> {
    let mut chunks = BTreeMap::<Key, Chunk>::new();
    tables.scan(Table::Users, &[], None, &mut |key, value| {
        let numbers = (u32_at(key, 0), u32_at(key, 4));
        if let (Ok(user), (Some(app), Some(number))) = (row::decode::<User>(key, value), numbers) {
            let number = UserNumber(number);
            let chunk = user_chunk_key(AppNumber(app), UserClass::of(user.is_admin), number);
            chunks.entry(chunk).or_insert(Chunk::EMPTY).insert(in_chunk(number));
        }
        Ok(NEXT)
    })?;
    for (key, chunk) in chunks {
        tables.put(&key, &UserChunk::new(chunk))?;
    }
    Ok(())
}
