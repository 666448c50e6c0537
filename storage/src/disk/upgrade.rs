//! What tables that came later are to hold in a store of an earlier format.

use std::collections::BTreeMap;

use anser_protocol::ids::GroupId;

use crate::error::ReadError;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::row;
use crate::rows::chunk::{Chunk, ChunkRow, GroupChunk, UserChunk};
use crate::rows::group::Group;
use crate::rows::people::{UserClass, in_chunk, user_chunk_key};
use crate::rows::standing::{GroupClass, group_chunk_key, in_group_chunk};
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

/// The same for groups that live.
pub(super) fn list_groups(tables: &mut WriteTables<'_>) -> Result<(), ReadError> {
    let mut chunks = BTreeMap::<Key, Chunk>::new();
    tables.scan(Table::Groups, &[], None, &mut |key, value| {
        let numbers = (u32_at(key, 0), u32_at(key, 4));
        if let (Ok(group), (Some(app), Some(id))) = (row::decode::<Group>(key, value), numbers)
            && !group.is_dissolved
        {
            let id = GroupId(id);
            let classes = [Some(GroupClass::Any), group.is_public.then_some(GroupClass::Public)];
            for class in classes.into_iter().flatten() {
                let chunk = group_chunk_key(AppNumber(app), class, id);
                chunks.entry(chunk).or_insert(Chunk::EMPTY).insert(in_group_chunk(id));
            }
        }
        Ok(NEXT)
    })?;
    for (key, chunk) in chunks {
        tables.put(&key, &GroupChunk::new(chunk))?;
    }
    Ok(())
}
