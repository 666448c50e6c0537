//! Looking for damage before a user meets it, a chunk of rows at a time, each with a fresh snapshot.
//!
//! Three kinds of damage are found: a row whose checksum fails; a table that has another number of rows than it says
//! (where it fits into one chunk); and a row that another one names but that is not there. What nothing names and no
//! count covers (a cursor in a large table) costs no message when it is lost.

use std::collections::BTreeMap;

use anser_protocol::ids::Position;

use super::Snapshot;
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::{Key, u32_at, u64_at};
use crate::row;
use crate::rows::named::rows_named_by;
use crate::rows::push::GROUP_EXPIRIES;
use crate::rows::record::{Body, Record, amendment_key, log_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Where a scrub goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScrubPlace {
    table: Table,
    key: Vec<u8>,
}

/// What a chunk of a scrub found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scrubbed {
    /// Rows that were looked at.
    pub rows: u64,
    pub findings: Vec<Finding>,
    /// Nothing when the whole store has been looked at.
    pub next: Option<ScrubPlace>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub table: Table,
    pub key: Vec<u8>,
    pub damage: Damage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The row cannot be read, or is not what was written.
    Broken,
    /// Another row says that it is there.
    Missing,
    /// The table says that it has another number of rows. The key is empty.
    Count,
}

impl Snapshot {
    /// Looks at up to `rows_max` rows, from the beginning or where the chunk before ended.
    pub fn scrub(&self, from: Option<&ScrubPlace>, rows_max: usize) -> Result<Scrubbed, ReadError> {
        let table = from.map_or(Table::ALL[0], |place| place.table);
        let key = from.map_or(&[][..], |place| &place.key);
        let mut scrub = Scrub { snapshot: self, done: Scrubbed::default(), live: BTreeMap::new() };
        match scrub.look_at(table, key, rows_max) {
            Ok(next) => scrub.done.next = next,
            Err(ReadError::Damaged { table, key }) => {
                scrub.find(table, key, Damage::Broken);
                scrub.done.next = beginning_after(table);
            }
            Err(error) => return Err(error),
        }
        Ok(scrub.done)
    }

    /// How many rows each table says that it has.
    pub fn row_counts(&self) -> Result<Vec<(Table, u64)>, ReadError> {
        Table::ALL.iter().map(|table| Ok((*table, self.tables.count(*table)?))).collect()
    }
}

fn beginning_after(table: Table) -> Option<ScrubPlace> {
    let next = Table::ALL.iter().find(|next| **next > table)?;
    Some(ScrubPlace { table: *next, key: Vec::new() })
}

struct Scrub<'s> {
    snapshot: &'s Snapshot,
    done: Scrubbed,
    /// Apps that are not being deleted: in those that are, rows may be gone that others still name.
    live: BTreeMap<AppNumber, bool>,
}

impl Scrub<'_> {
    fn look_at(&mut self, table: Table, from: &[u8], rows_max: usize) -> Result<Option<ScrubPlace>, ReadError> {
        let mut rows = Vec::new();
        let mut next = None;
        let scanned = self.snapshot.scan(table, from, None, &mut |key, value| {
            if rows.len() == rows_max {
                next = Some(ScrubPlace { table, key: key.to_vec() });
                return Ok(STOP);
            }
            rows.push((key.to_vec(), value.to_vec()));
            Ok(NEXT)
        });
        self.done.rows = rows.len() as u64;
        if from.is_empty() && next.is_none() && scanned.is_ok() {
            self.count(table, rows.len() as u64)?;
        }
        for (key, value) in rows {
            self.look_at_row(table, key, &value)?;
        }
        scanned?;
        Ok(next.or_else(|| beginning_after(table)))
    }

    fn count(&mut self, table: Table, found: u64) -> Result<(), ReadError> {
        if self.snapshot.tables.count(table)? != found {
            self.find(table, Vec::new(), Damage::Count);
        }
        Ok(())
    }

    fn look_at_row(&mut self, table: Table, key: Vec<u8>, value: &[u8]) -> Result<(), ReadError> {
        if !row::is_whole(table, &key, value) {
            self.find(table, key, Damage::Broken);
            return Ok(());
        }
        // Found by walking; is it also found by its key?
        self.expect(table, Key::empty().bytes(&key));
        if !self.is_of_live_app(table, &key)? {
            return Ok(());
        }
        let named = match table {
            Table::Log => self.rows_named_by_record(&key, value),
            _ => rows_named_by(self.snapshot, table, &key, value),
        };
        match named {
            Ok(named) => named.into_iter().for_each(|(table, key)| self.expect(table, key)),
            Err(ReadError::Damaged { table, key }) => self.find(table, key, Damage::Broken),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn rows_named_by_record(&mut self, key: &[u8], value: &[u8]) -> Result<Vec<(Table, Key)>, ReadError> {
        let record: Record = row::decode(key, value)?;
        let (Some(app), Some(class), Some(position)) = (u32_at(key, 0), key.get(4), u64_at(key, 5)) else {
            return Ok(Vec::new());
        };
        let app = AppNumber(app);
        let Some(class) = Class::ALL.into_iter().find(|known| *known as u8 == *class) else { return Ok(Vec::new()) };
        let mut earlier = vec![record.prev];
        let mut sent_before = None;
        match &record.body {
            Body::Message(message) => sent_before = message.sent.map(|sent| sent.prev),
            Body::Room(message) => sent_before = message.sent.map(|sent| sent.prev),
            Body::Release(release) => earlier.push(release.push),
            Body::Amended(_) | Body::Event(_) | Body::Change(_) | Body::Notice(_) | Body::Push(_) => {}
        }
        // Of a batch that is committed but not published the snapshot has the records, and not yet their heads.
        let is_published = position <= self.snapshot.end().0;
        for chain in record.chains() {
            // A record above its chain's head can be reached by nobody.
            if is_published && self.snapshot.head(chain)?.is_none_or(|head| head.last < Position(position)) {
                self.find(Table::Heads, Key::empty().u64(chain.0).into_bytes(), Damage::Missing);
            }
        }
        let floor = find::floor(self.snapshot, app, class)?;
        earlier.retain(|position| *position != Position::START && *position >= floor);
        let mut named: Vec<_> =
            earlier.into_iter().map(|position| (Table::Log, log_key(app, class, position))).collect();
        if let Some(position) = sent_before.filter(|position| *position != Position::START)
            && !find::is_cut_for_senders(self.snapshot, app, position)?
        {
            let in_room = log_key(app, Class::Room, position);
            let is_in_room = self.snapshot.has(Table::Log, &in_room)?;
            named.push((Table::Log, if is_in_room { in_room } else { log_key(app, Class::Chat, position) }));
        }
        // Without it a message that was taken back would be read again.
        if let Body::Amended(amended) = &record.body
            && amended.position >= floor
        {
            named.push((Table::Amendments, amendment_key(app, amended.position)));
        }
        Ok(named)
    }

    fn expect(&mut self, table: Table, key: Key) {
        match self.snapshot.value(table, key.as_bytes(), |_| ()) {
            Ok(Some(())) => {}
            Ok(None) => self.find(table, key.into_bytes(), Damage::Missing),
            Err(_) => self.find(table, key.into_bytes(), Damage::Broken),
        }
    }

    fn is_of_live_app(&mut self, table: Table, key: &[u8]) -> Result<bool, ReadError> {
        if is_of_no_app(table, key) {
            return Ok(true);
        }
        let Some(app) = app_of_row(table, key) else { return Ok(false) };
        if let Some(known) = self.live.get(&app) {
            return Ok(*known);
        }
        let is_live = find::app(self.snapshot, app)?.is_some();
        self.live.insert(app, is_live);
        Ok(is_live)
    }

    fn find(&mut self, table: Table, key: Vec<u8>, damage: Damage) {
        let finding = Finding { table, key, damage };
        if !self.done.findings.contains(&finding) {
            self.done.findings.push(finding);
        }
    }
}

fn is_of_no_app(table: Table, key: &[u8]) -> bool {
    match table {
        Table::Meta
        | Table::Heads
        | Table::AppKeys
        | Table::AppNames
        | Table::AppGroups
        | Table::Developers
        | Table::Operators
        | Table::OperatorSessions
        | Table::SetUp
        | Table::Audit
        | Table::GroupPushes
        | Table::GroupCids => true,
        Table::Expiries => key.get(8).is_some_and(|kind| GROUP_EXPIRIES.contains(kind)),
        _ => false,
    }
}

/// Whose row it is, by its key; nothing for rows of no app.
pub fn app_of_row(table: Table, key: &[u8]) -> Option<AppNumber> {
    let at = match table {
        // Due time and kind come before it.
        Table::Expiries => 9,
        Table::DueSchedules | Table::SlicesDue | Table::FollowupsDue | Table::WaitsOver => 8,
        _ => 0,
    };
    u32_at(key, at).filter(|_| !is_of_no_app(table, key)).map(AppNumber)
}
