//! Reading presence: how many devices were there, and when one was last seen.

use std::collections::BTreeMap;
use std::ops::Range;

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::rows::chunk::{Chunk, ChunkRow, PresenceChunk, chunk_of};
use crate::rows::presence::{
    HOUR_MS, Span, TEN_MINUTES_MS, Use, counted_as, platform_and_chunk, presence_key, presence_span_key, use_hour_key,
};
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
