//! Reading presence: how many devices were there, and when one was last seen.

use std::collections::BTreeMap;
use std::ops::Range;

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use anser_protocol::traits::TraitKind;

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::row;
use crate::rows::app::{AppCounters, app_key};
use crate::rows::chunk::{
    CHUNK_DEVICES, Chunk, ChunkRow, DormantChunk, PlatformChunk, PresenceChunk, TraitChunk, chunk_of, dormant_key,
    platform_chunk_key,
};
use crate::rows::presence::{
    HOUR_MS, Span, TEN_MINUTES_MS, Use, counted_as, oldest, platform_and_chunk, presence_key, presence_span_key,
    use_hour_key,
};
use crate::rows::push_count::{Counted, PushCount, counted_in, push_count_hour_key};
use crate::rows::traits::trait_chunk_key;
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// Hours that are looked through for one device: two days and the one that has begun.
const LAST_SEEN_HOURS: u32 = 49;

/// What is asked about the devices of an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Had a connection.
    Online,
    /// Registered for the first time.
    New,
    /// Had the application in front.
    Active,
}

/// Devices that were there at some time, each once, by platform.
#[derive(Clone, Debug, Default)]
pub struct Present(BTreeMap<(Platform, u32), Chunk>);

impl Present {
    /// Leaves those that are in the other as well.
    pub fn intersect(&mut self, other: &Self) {
        for (place, devices) in &mut self.0 {
            devices.intersect(other.0.get(place).unwrap_or(&Chunk::EMPTY));
        }
    }

    /// Of this platform.
    pub fn of_platform(&self, platform: Platform) -> Self {
        Self(self.0.iter().filter(|((of, _), _)| *of == platform).map(|(place, set)| (*place, set.clone())).collect())
    }

    /// In order of the platforms' numbers; without those that have none.
    pub fn counts(&self) -> Vec<(Platform, u64)> {
        let mut counts = BTreeMap::<Platform, u64>::new();
        for ((platform, _), devices) in &self.0 {
            *counts.entry(*platform).or_default() += devices.len();
        }
        counts.into_iter().filter(|(_, count)| *count > 0).collect()
    }
}

impl Snapshot {
    /// Adds the devices of some hours, counted from 1970. For many hours, ask in slices with fresh snapshots.
    pub fn add_present(
        &self,
        app: AppNumber,
        what: Presence,
        hours: Range<u32>,
        present: &mut Present,
    ) -> Result<(), ReadError> {
        let span = match what {
            Presence::Online => Span::Online,
            Presence::New => Span::New,
            Presence::Active => Span::Active,
        };
        for hour in hours {
            self.rows::<PresenceChunk>(&presence_span_key(app, span, hour), |key, row| {
                if let Some(place) = platform_and_chunk(key) {
                    present.0.entry(place).or_insert(Chunk::EMPTY).union(&row.chunk());
                }
                Ok(NEXT)
            })?;
        }
        Ok(())
    }

    /// How much the application was used in some hours, counted from 1970, by platform.
    pub fn uses(&self, app: AppNumber, hours: Range<u32>) -> Result<BTreeMap<Platform, Use>, ReadError> {
        let mut uses = BTreeMap::<Platform, Use>::new();
        for hour in hours {
            self.rows::<Use>(&use_hour_key(app, hour), |key, row| {
                if let Some(platform) = key.get(8) {
                    let sum = uses.entry(Platform(*platform)).or_default();
                    *sum = sum.plus(row);
                }
                Ok(NEXT)
            })?;
        }
        Ok(uses)
    }

    /// The same for those devices only that have this value of a trait now, counted by itself.
    pub fn keep_with_trait(
        &self,
        app: AppNumber,
        kind: TraitKind,
        value: &str,
        present: &mut Present,
    ) -> Result<(), ReadError> {
        for ((_, chunk), devices) in &mut present.0 {
            let with: Option<TraitChunk> = self.row(&trait_chunk_key(app, kind, value, *chunk))?;
            devices.intersect(&with.map_or(Chunk::EMPTY, ChunkRow::chunk));
        }
        Ok(())
    }

    /// What was counted of pushes in some hours, counted from 1970: by hour, kind and platform (0 where there is none).
    pub fn counts_of_pushes(
        &self,
        app: AppNumber,
        hours: Range<u32>,
    ) -> Result<BTreeMap<(u32, Counted, Platform), u64>, ReadError> {
        let mut counts = BTreeMap::new();
        let (from, to) = (push_count_hour_key(app, hours.start), push_count_hour_key(app, hours.end));
        self.scan(Table::PushCounts, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            if let Some(place) = counted_in(key) {
                counts.insert(place, row::decode::<PushCount>(key, value)?.0);
            }
            Ok(NEXT)
        })?;
        Ok(counts)
    }

    /// How many chunks of 4,096 the app's devices fill.
    pub fn device_chunks(&self, app: AppNumber) -> Result<u32, ReadError> {
        let end = self.row::<AppCounters>(&app_key(app))?.map_or(0, |counters| counters.device.0);
        Ok(end.div_ceil(CHUNK_DEVICES))
    }

    /// Devices of a chunk that were not seen for so many days. Nothing when the store cannot tell: it has not looked on for
    /// that long, or there was nobody on its oldest days.
    pub fn unseen_devices(
        &self,
        app: AppNumber,
        chunk: u32,
        days: u32,
        now_ms: TimeMs,
    ) -> Result<Option<Vec<DeviceNumber>>, ReadError> {
        let first = Span::Day.number(now_ms).saturating_sub(days);
        let known_since = [oldest(self, app, Span::Day)?, oldest(self, app, Span::NewDay)?].into_iter().flatten().min();
        if known_since.is_none_or(|oldest| oldest >= first) {
            return Ok(None);
        }
        let mut unseen = Vec::new();
        for (platform, _) in Platform::NAMES {
            let all: Option<PlatformChunk> = self.row(&platform_chunk_key(app, platform, chunk))?;
            let mut left = all.map_or(Chunk::EMPTY, ChunkRow::chunk);
            for day in (first..=Span::Day.number(now_ms)).rev() {
                if left.is_empty() {
                    break;
                }
                for span in Span::DAYS {
                    let seen: Option<PresenceChunk> = self.row(&presence_key(app, span, day, platform, chunk))?;
                    left.subtract(&seen.map_or(Chunk::EMPTY, ChunkRow::chunk));
                }
            }
            unseen.extend(left.devices(chunk).map(DeviceNumber));
        }
        unseen.sort_unstable();
        Ok(Some(unseen))
    }

    /// Those of a chunk that no push is for, in order.
    pub fn dormant_devices(&self, app: AppNumber, chunk: u32) -> Result<Vec<DeviceNumber>, ReadError> {
        let row: Option<DormantChunk> = self.row(&dormant_key(app, chunk))?;
        Ok(row.map_or(Vec::new(), |row| row.chunk().devices(chunk).map(DeviceNumber).collect()))
    }

    /// No push is for it until it is seen again.
    pub fn is_dormant(&self, app: AppNumber, device: DeviceNumber) -> Result<bool, ReadError> {
        let row: Option<DormantChunk> = self.row(&dormant_key(app, chunk_of(device)))?;
        Ok(row.is_some_and(|row| row.chunk().contains(device)))
    }

    /// When the device was last seen, to ten minutes and never later than it was; nothing when that is more than two days
    /// ago.
    pub fn last_seen(&self, app: AppNumber, device: DeviceNumber, now_ms: TimeMs) -> Result<Option<TimeMs>, ReadError> {
        let Some(row) = find::device(self, app, device)? else { return Ok(None) };
        let platform = counted_as(row.platform);
        let is_in = |span: Span, number: u32| {
            let key = presence_key(app, span, number, platform, chunk_of(device));
            Ok::<_, ReadError>(self.row::<PresenceChunk>(&key)?.is_some_and(|row| row.chunk().contains(device)))
        };
        let newest = Span::Online.number(now_ms);
        for hour in (newest.saturating_sub(LAST_SEEN_HOURS - 1)..=newest).rev() {
            if !is_in(Span::Online, hour)? {
                continue;
            }
            let begin_ms = u64::from(hour) * HOUR_MS;
            for ten in (0..HOUR_MS / TEN_MINUTES_MS).rev() {
                let at_ms = begin_ms + ten * TEN_MINUTES_MS;
                if is_in(Span::Lately, Span::Lately.number(at_ms))? {
                    return Ok(Some(at_ms));
                }
            }
            return Ok(Some(begin_ms));
        }
        Ok(None)
    }
}
