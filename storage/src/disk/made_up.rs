//! What every store has and a saved one may lack: its format, what it hands out next, and where recovery begins.
//!
//! Counters begin above everything that was saved, with room for what was not: numbers are never given twice.

use std::collections::BTreeMap;

use anser_protocol::ids::{GroupId, Position};
use redb::{Database, ReadableDatabase};

use crate::error::{OpenError, ReadError};
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, TagNumber, UserNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::row::{self, Row};
use crate::rows::app::{AppCounters, app_key};
use crate::rows::meta::{Checkpoint, Counters, FORMAT_VERSION, Format};
use crate::rows::record::Record;
use crate::table::Table;
use crate::tables::{NEXT, ReadTables, WriteTables};

/// Numbers that may have been given to what was lost.
const ROOM: u32 = 4096;
/// The same of what is plentiful.
const WIDE_ROOM: u64 = 1 << 32;

pub(super) struct MadeUp {
    has_format: bool,
    counters: Option<Counters>,
    app_counters: BTreeMap<AppNumber, AppCounters>,
}

impl MadeUp {
    pub fn of(database: &Database) -> Result<Self, OpenError> {
        let tables = ReadTables::new(database.begin_read().map_err(OpenError::from_redb)?);
        let has_format = row_of::<Format>(&tables, &Format::key())?.is_some();
        let counters = match row_of::<Counters>(&tables, &Counters::key())? {
            Some(_) => None,
            None => Some(counters(&tables)?),
        };
        Ok(Self { has_format, counters, app_counters: app_counters(&tables)? })
    }

    /// Tells what it was.
    pub fn write(&self, tables: &mut WriteTables<'_>, names: &mut Vec<String>) -> Result<(), ReadError> {
        if !self.has_format {
            tables.put(&Format::key(), &Format { version: FORMAT_VERSION })?;
            names.push("the format".to_owned());
        }
        if let Some(counters) = &self.counters {
            tables.put(&Counters::key(), counters)?;
            names.push("the counters".to_owned());
        }
        for (app, counters) in &self.app_counters {
            tables.put(&app_key(*app), counters)?;
            names.push(format!("the counters of app {}", app.0));
        }
        // Heads may be lost, or older than their log: all that the log knows of are found there again.
        tables.put(&Checkpoint::key(), &Checkpoint { replay_from: Position::START })?;
        Ok(())
    }
}

fn row_of<R: Row>(tables: &ReadTables, key: &Key) -> Result<Option<R>, ReadError> {
    // The whole table may be missing.
    match tables.value(R::TABLE, key.as_bytes(), |value| row::decode::<R>(key.as_bytes(), value)) {
        Ok(found) => Ok(found.and_then(Result::ok)),
        Err(ReadError::Damaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn each(tables: &ReadTables, table: Table, see: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), ReadError> {
    match tables.scan(table, &[], None, &mut |key, value| {
        see(key, value);
        Ok(NEXT)
    }) {
        Err(ReadError::Damaged { .. }) => Ok(()),
        seen => seen,
    }
}

fn counters(tables: &ReadTables) -> Result<Counters, ReadError> {
    let (mut position, mut chain, mut app, mut group) = (0, 0, 0, GroupId::FIRST.0);
    let mut at_ms = 0;
    each(tables, Table::Log, &mut |key, value| {
        position = position.max(u64_at(key, 5).unwrap_or_default());
        if let Ok(record) = row::decode::<Record>(key, value) {
            chain = record.chains().map(|chain| chain.0).fold(chain, u64::max);
            at_ms = at_ms.max(record.at_ms);
        }
    })?;
    each(tables, Table::Heads, &mut |key, _| chain = chain.max(u64_at(key, 0).unwrap_or_default()))?;
    for table in [Table::Apps, Table::AppCounters, Table::Users, Table::Devices] {
        each(tables, table, &mut |key, _| app = app.max(u32_at(key, 0).unwrap_or_default()))?;
    }
    for table in [Table::Groups, Table::Rooms, Table::Members, Table::RoomMembers] {
        each(tables, table, &mut |key, _| group = group.max(u32_at(key, 4).unwrap_or_default()))?;
    }
    Ok(Counters {
        position: Position(position + 1),
        chain: ChainNumber(chain + WIDE_ROOM),
        app: AppNumber(app + ROOM),
        group: GroupId(group + 1),
        at_ms,
    })
}

/// Of apps whose row of counters is lost.
fn app_counters(tables: &ReadTables) -> Result<BTreeMap<AppNumber, AppCounters>, ReadError> {
    let mut made_up = BTreeMap::new();
    each(tables, Table::Apps, &mut |key, _| {
        made_up.extend(u32_at(key, 0).map(|app| (AppNumber(app), AppCounters::first())));
    })?;
    each(tables, Table::AppCounters, &mut |key, value| {
        if row::decode::<AppCounters>(key, value).is_ok() {
            made_up.retain(|app, _| Some(app.0) != u32_at(key, 0));
        }
    })?;
    for table in [Table::Users, Table::Devices, Table::Tags] {
        each(tables, table, &mut |key, _| {
            let (Some(app), Some(number)) = (u32_at(key, 0), u32_at(key, 4)) else { return };
            let Some(counters) = made_up.get_mut(&AppNumber(app)) else { return };
            let next = number.saturating_add(ROOM);
            match table {
                Table::Users => counters.user = counters.user.max(UserNumber(next)),
                Table::Devices => counters.device = counters.device.max(DeviceNumber(next)),
                _ => counters.tag = counters.tag.max(TagNumber(next)),
            }
        })?;
    }
    Ok(made_up)
}
