//! A batch under way: rows in a write transaction, and beside it an overlay of heads and counters. Both become true with
//! the commit, or not at all.

use std::cell::RefCell;
use std::collections::BTreeMap;

use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};
use redb::WriteTransaction;

use super::message_count::Counting;
use super::{Decided, MemberLists, Stop, WordFilters};
use crate::error::ReadError;
use crate::find;
use crate::heads::Head;
use crate::ids::{AppNumber, ChainNumber};
use crate::key::Key;
use crate::options::Options;
use crate::outcome::{Appended, Refusal, Route};
use crate::row::Row;
use crate::rows::app::App;
use crate::rows::meta::Counters;
use crate::shared::Shared;
use crate::snapshot::PushCache;
use crate::table::Table;
use crate::tables::{ReadRow, Tables, WriteTables, head_key};

/// Of the ids below 2^31 that groups and rooms share.
const GROUP_IDS_HALF: u32 = 1 << 30;

pub(crate) struct Batch<'t> {
    tables: WriteTables<'t>,
    shared: &'t Shared,
    pub(super) options: &'t Options,
    overlay: Overlay,
    written: Counters,
    appended: Vec<Appended>,
    pub(super) counting: Counting,
    pub(super) members: &'t RefCell<MemberLists>,
    pub(super) filters: &'t RefCell<WordFilters>,
}

/// What a committed batch changes in memory.
pub(crate) struct Overlay {
    pub heads: BTreeMap<ChainNumber, Head>,
    pub counters: Counters,
    pub log_bytes: u64,
}

impl<'t> Batch<'t> {
    pub fn new(
        transaction: &'t WriteTransaction,
        shared: &'t Shared,
        options: &'t Options,
        counters: Counters,
        members: &'t RefCell<MemberLists>,
        filters: &'t RefCell<WordFilters>,
    ) -> Self {
        Self {
            tables: WriteTables::new(transaction),
            shared,
            options,
            overlay: Overlay { heads: BTreeMap::new(), counters, log_bytes: 0 },
            written: counters,
            appended: Vec::new(),
            counting: Counting::default(),
            members,
            filters,
        }
    }

    /// Writes what is still in the overlay only, and closes the tables.
    pub fn finish(mut self) -> Result<Overlay, ReadError> {
        self.write_counts()?;
        if self.overlay.counters != self.written {
            let counters = self.overlay.counters;
            self.put(&Counters::key(), &counters)?;
        }
        Ok(self.overlay)
    }

    pub(super) fn put<R: Row>(&mut self, key: &Key, row: &R) -> Result<(), ReadError> {
        let bytes = self.tables.put(key, row)?;
        if R::TABLE == Table::Log {
            self.overlay.log_bytes += bytes as u64;
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, table: Table, key: &Key) -> Result<(), ReadError> {
        self.tables.remove(table, key.as_bytes())
    }

    pub(super) fn remove_bytes(&mut self, table: Table, key: &[u8]) -> Result<(), ReadError> {
        self.tables.remove(table, key)
    }

    pub(super) fn set_head(&mut self, chain: ChainNumber, head: Head) {
        self.overlay.heads.insert(chain, head);
    }

    /// The chain is gone. Its row goes at once: recovery reads of new heads in the log, but never of lost ones.
    pub(super) fn forget_head(&mut self, chain: ChainNumber) -> Result<(), ReadError> {
        self.set_head(chain, Head::default());
        self.remove(Table::Heads, &head_key(chain))
    }

    /// Writes a head down at once, because its record goes and recovery would not find it.
    pub(super) fn write_head(&mut self, chain: ChainNumber) -> Result<(), ReadError> {
        match self.head(chain)? {
            Some(head) => self.put(&head_key(chain), &head),
            None => Ok(()),
        }
    }

    pub(super) fn advance_clock(&mut self, at_ms: TimeMs) {
        self.overlay.counters.at_ms = self.overlay.counters.at_ms.max(at_ms);
    }

    /// The time of the command being carried out.
    pub(super) fn now_ms(&self) -> TimeMs {
        self.overlay.counters.at_ms
    }

    pub(super) fn take_position(&mut self) -> Position {
        let position = self.overlay.counters.position;
        self.overlay.counters.position.0 += 1;
        position
    }

    pub(super) fn next_position(&self) -> Position {
        self.overlay.counters.position
    }

    /// The end of what was committed before this batch.
    pub(super) fn committed_end(&self) -> Position {
        Position(self.written.position.0 - 1)
    }

    /// Pushes that were read lately.
    pub(super) fn pushes(&self) -> &PushCache {
        &self.shared.pushes
    }

    pub(super) fn jump(&mut self, positions: u64) {
        self.overlay.counters.position.0 += positions;
    }

    /// Not into the upper half of the ids: a thousand restores leave room for new groups.
    pub(super) fn jump_groups(&mut self, groups: u32) {
        let next = &mut self.overlay.counters.group.0;
        *next = next.checked_add(groups).filter(|next| *next <= GROUP_IDS_HALF).unwrap_or(*next);
    }

    pub(super) fn take_chain(&mut self) -> ChainNumber {
        let chain = self.overlay.counters.chain;
        self.overlay.counters.chain.0 += 1;
        chain
    }

    pub(super) fn take_app(&mut self) -> AppNumber {
        let app = self.overlay.counters.app;
        self.overlay.counters.app.0 += 1;
        app
    }

    pub(super) fn take_group(&mut self) -> GroupId {
        let group = self.overlay.counters.group;
        self.overlay.counters.group.0 += 1;
        group
    }

    /// Rooms and groups are counted together.
    pub(super) fn take_room(&mut self) -> RoomId {
        RoomId(self.take_group().0)
    }

    /// Notes a record for the switchboard.
    pub(super) fn announce(&mut self, app: AppNumber, position: Position, route: Route) {
        let at_ms = self.now_ms();
        self.appended.push(Appended { app, position, at_ms, route });
    }

    pub(super) fn take_appended(&mut self) -> Vec<Appended> {
        std::mem::take(&mut self.appended)
    }

    pub(super) fn require_app(&self, app: AppNumber) -> Decided<App> {
        find::app(self, app)?.ok_or(Stop::Refused(Refusal::AppUnknown))
    }
}

impl Tables for Batch<'_> {
    fn value<T>(&self, table: Table, key: &[u8], read: impl FnOnce(&[u8]) -> T) -> Result<Option<T>, ReadError> {
        self.tables.value(table, key, read)
    }

    fn scan(&self, table: Table, from: &[u8], to: Option<&[u8]>, read: &mut ReadRow<'_>) -> Result<(), ReadError> {
        self.tables.scan(table, from, to, read)
    }

    fn scan_back(&self, table: Table, from: &[u8], to: Option<&[u8]>, read: &mut ReadRow<'_>) -> Result<(), ReadError> {
        self.tables.scan_back(table, from, to, read)
    }

    fn dirty_head(&self, chain: ChainNumber) -> Option<Head> {
        self.overlay.heads.get(&chain).copied().or_else(|| self.shared.head(chain))
    }
}
