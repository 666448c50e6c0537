//! Reading: a snapshot of the store at one moment, taken without stopping the writer.
//!
//! A snapshot pins pages of the file while it lives: take it, read, drop it. Never hold one across a wait.

mod accounts;
mod acquaintances;
mod across;
mod age;
mod bridge;
mod callbacks;
mod conversations;
mod copy;
mod data;
mod events;
mod files;
mod followups;
mod groups;
mod history;
mod labels;
mod lists;
mod media;
mod message_counts;
mod messages;
mod operators;
mod own_devices;
mod people;
mod presence;
mod pushes;
mod reads;
mod reports;
mod rooms;
mod schedules;
mod scrub;
mod trace;
mod traits;
mod users;
mod view;
mod walk;

pub use accounts::GroupPushShown;
pub use across::{JoinedGroup, LinkedPerson};
pub(crate) use bridge::with_token;
pub use callbacks::{WaitingCallback, WaitingCallbacks};
pub use conversations::PlannedChat;
pub use copy::{is_whole_row, media_body_of};
pub use data::{ConversationShown, ErasureSlice, OwnMedia};
pub use events::{AppEvent, AppEventKind, FoundEvents};
pub use files::{File, UsableFile};
pub(crate) use followups::followup_audience;
pub use followups::{DueFollowup, SmsTarget, SmsTargets};
pub use groups::{GroupPage, JoinRequest, Silence, Standing};
pub use lists::{ListedPush, Part, PushStanding, TagShown};
pub use media::{AvatarPlace, UnmentionedMedia};
pub use messages::{FoundMessages, Messages, ReportMessage, ReportTarget, ReportUser, Stretch};
pub use own_devices::OwnDevice;
pub use presence::{Presence, Present};
pub(crate) use pushes::{PushCache, release_step, released_devices, released_to};
pub use reads::{Readers, ReceiptPage, Unread};
pub use rooms::{RoomMember, RoomMemberPage, RoomPage, SilencePage};
pub use schedules::{DueSchedule, Schedule, SchedulePage};
pub use scrub::{Damage, Finding, ScrubPlace, Scrubbed, app_of_row};
pub use trace::{AmendedHow, DeviceTrace, MessageTrace, PushSteps, PushTrace};
pub use users::{Friend, Mutes, Relations, UserPage};
pub use view::{
    BridgePush, BridgeRelease, BridgeReleases, ConversationRow, Delivery, Device, DueSlice, HistoryPage, Member,
    PendingPush, PlatformReport, PushCounts, PushReport, ReadRecord, TestDeviceShown, Told,
};
pub use walk::Viewer;
pub(crate) use walk::{newest_visible, shows};

use std::sync::Arc;

use anser_protocol::ids::Position;

use crate::error::ReadError;
use crate::heads::{DirtyHeads, Head};
use crate::ids::ChainNumber;
use crate::shared::{Moment, Shared};
use crate::table::Table;
use crate::tables::{ReadRow, ReadTables, Tables};

/// While the disk is full the store is opened again and again, with growing pauses; a slow question may meet several.
const ATTEMPTS: usize = 4;

/// Hands out snapshots. Cheap to clone, and it stays valid when the store is opened again after a disk error.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// The store at one moment.
pub struct Snapshot {
    tables: ReadTables,
    heads: DirtyHeads,
    end: Position,
    opening: u64,
    shared: Arc<Shared>,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// May wait up to a second while a [`Writer`](crate::Writer) opens the store again after a disk error.
    pub fn snapshot(&self) -> Result<Snapshot, ReadError> {
        let Moment { opening, heads, end, transaction } = self.shared.snapshot()?;
        Ok(Snapshot { tables: ReadTables::new(transaction), heads, end, opening, shared: self.shared.clone() })
    }

    /// Asks a fresh snapshot, and another one when the disk failed, or the store was opened again, while it was asked.
    pub fn read<T>(&self, query: impl Fn(&Snapshot) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.ask(&query) {
                Err(error) if error.is_of_device() && attempts < ATTEMPTS => {}
                found => return found,
            }
        }
    }

    fn ask<T>(&self, query: impl Fn(&Snapshot) -> Result<T, ReadError>) -> Result<T, ReadError> {
        let snapshot = self.snapshot()?;
        query(&snapshot).inspect_err(|error| {
            if error.is_of_device() {
                self.shared.report(snapshot.opening);
            }
        })
    }
}

impl Snapshot {
    /// The highest position handed out when it was taken: whoever reads it has been told everything up to here.
    pub fn end(&self) -> Position {
        self.end
    }
}

/// A key with its value.
#[cfg(feature = "simulation")]
pub type RawRow = (Vec<u8>, Vec<u8>);

/// What lies in the tables, for tests that damage them.
#[cfg(feature = "simulation")]
impl Snapshot {
    /// The value if it is whole.
    pub fn raw_value(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, ReadError> {
        let value = self.value(table, key, |value| whole(table, key, value))?;
        value.transpose()
    }

    /// Whole rows, in order of their keys.
    pub fn raw_rows(&self, table: Table) -> Result<Vec<RawRow>, ReadError> {
        let mut rows = Vec::new();
        self.scan(table, &[], None, &mut |key, value| {
            rows.push((key.to_vec(), whole(table, key, value)?));
            Ok(crate::tables::NEXT)
        })?;
        Ok(rows)
    }
}

#[cfg(feature = "simulation")]
fn whole(table: Table, key: &[u8], value: &[u8]) -> Result<Vec<u8>, ReadError> {
    match crate::row::is_whole(table, key, value) {
        true => Ok(value.to_vec()),
        false => Err(ReadError::Damaged { table, key: key.to_vec() }),
    }
}

impl Tables for Snapshot {
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
        self.heads.get(chain)
    }
}
