//! Presence: which devices were connected, and which are new. Sets, so that a mark that is repeated changes nothing.

use std::collections::BTreeMap;

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;

use super::{Batch, Decided};
use crate::error::ReadError;
use crate::ids::{AppNumber, DeviceNumber};
use crate::key::Key;
use crate::outcome::Answer;
use crate::rows::chunk::{
    Chunk, ChunkRow, DormantChunk, PlatformChunk, PresenceChunk, chunk_of, dormant_key, platform_chunk_key,
};
use crate::rows::presence::{
    Span, Use, counted_as, hour_of, presence_key, presence_prefix, presence_span_key, use_hour_key, use_key,
};
use crate::rows::push_count::{Counted, NO_PLATFORM, PushCount, push_count_hour_key, push_count_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Rows that one command removes.
const CUT_ROWS_MAX: usize = 1000;
/// Days that may pass between looking for dormant devices and writing them down; the job repeats it every day.
const DAYS_BETWEEN_MAX: u32 = 7;

impl Batch<'_> {
    /// The devices were connected at `seen_ms`.
    pub(super) fn mark_present(
        &mut self,
        app: AppNumber,
        seen_ms: TimeMs,
        devices: &[DeviceNumber],
    ) -> Decided<Answer> {
        self.mark_in(&[Span::Online, Span::Lately, Span::Day], app, seen_ms, devices)?;
        for (number, present) in by_chunk(devices) {
            self.change_chunk::<DormantChunk>(&dormant_key(app, number), |dormant| {
                let before = dormant.len();
                dormant.subtract(&present);
                dormant.len() != before
            })?;
        }
        Ok(Answer::Done)
    }

    /// These devices of a chunk were not seen for long, as far as was known at `as_of_ms`; the others of the chunk are not
    /// dormant.
    pub(super) fn set_dormant(
        &mut self,
        app: AppNumber,
        number: u32,
        devices: &[DeviceNumber],
        as_of_ms: TimeMs,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let mut dormant = Chunk::EMPTY;
        devices.iter().filter(|device| chunk_of(**device) == number).for_each(|device| {
            dormant.insert(*device);
        });
        // Who came back since; what a mark says may be some hours old.
        let first = Span::Day.number(as_of_ms).saturating_sub(1);
        for day in first..=Span::Day.number(self.now_ms()).max(first).min(first + DAYS_BETWEEN_MAX) {
            for (platform, _) in Platform::NAMES {
                for span in Span::DAYS {
                    let key = presence_key(app, span, day, platform, number);
                    if let Some(row) = self.row::<PresenceChunk>(&key)? {
                        dormant.subtract(&row.chunk());
                    }
                }
            }
        }
        self.change_chunk::<DormantChunk>(&dormant_key(app, number), |known| {
            let has_changed = *known != dormant;
            *known = dormant;
            has_changed
        })?;
        Ok(Answer::Done)
    }

    /// On these devices the application was in front at `seen_ms`.
    pub(super) fn mark_active(&mut self, app: AppNumber, seen_ms: TimeMs, devices: &[DeviceNumber]) -> Decided<Answer> {
        self.mark_in(&[Span::Active], app, seen_ms, devices)
    }

    fn mark_in(
        &mut self,
        spans: &[Span],
        app: AppNumber,
        seen_ms: TimeMs,
        devices: &[DeviceNumber],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let seen_ms = seen_ms.min(self.now_ms());
        for (number, present) in by_chunk(devices) {
            for (platform, present) in self.by_platform(app, number, present)? {
                for span in spans {
                    let span = *span;
                    let key = presence_key(app, span, span.number(seen_ms), platform, number);
                    self.change_chunk::<PresenceChunk>(&key, |known| known.union(&present))?;
                }
            }
        }
        Ok(Answer::Done)
    }

    /// The application was used so much more in the hour of `at_ms`.
    pub(super) fn mark_used(&mut self, app: AppNumber, at_ms: TimeMs, uses: &[(Platform, Use)]) -> Decided<Answer> {
        self.require_app(app)?;
        let hour = hour_of(at_ms.min(self.now_ms()));
        for (platform, more) in uses {
            let key = use_key(app, hour, counted_as(*platform));
            let known = self.row::<Use>(&key)?.unwrap_or_default();
            self.put(&key, &known.plus(*more))?;
        }
        Ok(Answer::Done)
    }

    /// A push was accepted.
    pub(super) fn count_sent(&mut self, app: AppNumber) -> Result<(), ReadError> {
        self.count_pushes(app, Counted::Sent, NO_PLATFORM, 1)
    }

    /// These devices of a chunk are new among those of which this is known of some push.
    pub(super) fn count_devices(
        &mut self,
        app: AppNumber,
        counted: Counted,
        number: u32,
        new: Chunk,
    ) -> Result<(), ReadError> {
        for (platform, devices) in self.by_platform(app, number, new)? {
            self.count_pushes(app, counted, platform, devices.len())?;
        }
        Ok(())
    }

    pub(super) fn count_pushes(
        &mut self,
        app: AppNumber,
        counted: Counted,
        platform: Platform,
        more: u64,
    ) -> Result<(), ReadError> {
        let key = push_count_key(app, hour_of(self.now_ms()), counted, platform);
        let known = self.row::<PushCount>(&key)?.unwrap_or_default();
        self.put(&key, &PushCount(known.0.saturating_add(more)))
    }

    /// The device is being registered.
    pub(super) fn mark_new(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        platform: Platform,
    ) -> Result<(), ReadError> {
        for span in [Span::New, Span::NewDay] {
            let number = span.number(self.now_ms());
            let key = presence_key(app, span, number, counted_as(platform), chunk_of(device));
            self.change_chunk::<PresenceChunk>(&key, |known| known.insert(device))?;
        }
        Ok(())
    }

    /// Removes the oldest of what has been kept for long enough.
    pub(super) fn cut_presence(&mut self, app: AppNumber) -> Decided<Answer> {
        self.require_app(app)?;
        let mut left = CUT_ROWS_MAX;
        for span in Span::ALL {
            let first_kept = span.number(self.now_ms().saturating_sub(span.kept_ms()));
            let keys = self.presence_before(app, span, first_kept, left)?;
            for key in &keys {
                self.remove_bytes(Table::Presence, key)?;
            }
            left -= keys.len();
            if left == 0 {
                return Ok(Answer::Continue);
            }
        }
        left -= self.cut_counts(app, left)?;
        if left == 0 {
            return Ok(Answer::Continue);
        }
        let first_kept = hour_of(self.now_ms().saturating_sub(Span::Active.kept_ms()));
        for (table, to) in
            [(Table::Uses, use_hour_key(app, first_kept)), (Table::PushCounts, push_count_hour_key(app, first_kept))]
        {
            let keys = self.keys_between(table, &Key::app(app), &to, left)?;
            for key in &keys {
                self.remove_bytes(table, key)?;
            }
            left -= keys.len();
            if left == 0 {
                return Ok(Answer::Continue);
            }
        }
        Ok(Answer::Done)
    }

    fn presence_before(
        &self,
        app: AppNumber,
        span: Span,
        first_kept: u32,
        limit: usize,
    ) -> Result<Vec<Vec<u8>>, ReadError> {
        let (from, to) = (presence_prefix(app, span), presence_span_key(app, span, first_kept));
        self.keys_between(Table::Presence, &from, &to, limit)
    }

    fn keys_between(&self, table: Table, from: &Key, to: &Key, limit: usize) -> Result<Vec<Vec<u8>>, ReadError> {
        let mut keys = Vec::new();
        self.scan(table, from.as_bytes(), Some(to.as_bytes()), &mut |key, _| {
            keys.push(key.to_vec());
            Ok(if keys.len() < limit { NEXT } else { STOP })
        })?;
        Ok(keys)
    }

    /// Who of a chunk is of which platform; those of platforms without a name count as "other".
    fn by_platform(&self, app: AppNumber, number: u32, all: Chunk) -> Result<Vec<(Platform, Chunk)>, ReadError> {
        let mut found = Vec::new();
        let mut left = all;
        for (platform, _) in Platform::NAMES {
            if left.is_empty() {
                break;
            }
            if let Some(row) = self.row::<PlatformChunk>(&platform_chunk_key(app, platform, number))? {
                let mut of_platform = row.chunk();
                of_platform.intersect(&left);
                left.subtract(&of_platform);
                found.push((platform, of_platform));
            }
        }
        found.push((Platform::OTHER, left));
        found.retain(|(_, devices)| !devices.is_empty());
        Ok(found)
    }
}

pub(super) fn by_chunk(devices: &[DeviceNumber]) -> BTreeMap<u32, Chunk> {
    let mut chunks = BTreeMap::new();
    for device in devices {
        chunks.entry(chunk_of(*device)).or_insert(Chunk::EMPTY).insert(*device);
    }
    chunks
}
