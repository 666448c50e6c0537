//! What is due for those who did not receive a push, and who of them gets a text message.

use std::collections::BTreeSet;

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use roaring::RoaringBitmap;

use super::Snapshot;
use super::pushes::{PushCache, is_cut, release_step, released_devices};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::row;
use crate::rows::chunk::{CHUNK_DEVICES, Chunk, ChunkRow, PresenceChunk, ReportChunk, chunk_of, report_chunk_key};
use crate::rows::device::DeviceRow;
use crate::rows::followup::{Followup, FollowupId, FollowupKind, FollowupState};
use crate::rows::presence::{Span, counted_as, presence_key};
use crate::rows::push::{Report, push_key, slice_of};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Devices that one call looks at, and what is left of the last chunk.
const DEVICES_MAX: usize = 4_096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DueFollowup {
    pub id: FollowupId,
    pub state: FollowupState,
}

/// A device that is to get a text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsTarget {
    pub device: DeviceNumber,
    pub registration_id: String,
    pub mobile: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmsTargets {
    /// In order of the devices.
    pub targets: Vec<SmsTarget>,
    /// With which device to go on; nothing at the end.
    pub next: Option<DeviceNumber>,
}

impl Snapshot {
    /// What is due, the longest due first. Damaged rows are left to the scrub: they hold nobody up.
    pub fn due_followups(&self, now_ms: TimeMs, limit: usize) -> Result<Vec<DueFollowup>, ReadError> {
        let mut due = Vec::new();
        self.scan(Table::FollowupsDue, &[], None, &mut |key, value| {
            let Some(id) = FollowupId::of_key(key) else { return Ok(NEXT) };
            if id.due_ms > now_ms || due.len() == limit {
                return Ok(STOP);
            }
            due.extend(row::decode(key, value).ok().map(|state| DueFollowup { id, state }));
            Ok(NEXT)
        })?;
        Ok(due)
    }

    /// Those from `from` on that have a mobile number, did not receive the push, and got no text message for it, at most
    /// `limit`. Nothing when there is nobody to be told any more: it was withdrawn or replaced, or is forgotten.
    pub fn sms_targets(
        &self,
        due: &DueFollowup,
        from: DeviceNumber,
        limit: usize,
        now_ms: TimeMs,
    ) -> Result<Option<SmsTargets>, ReadError> {
        let FollowupId { app, push, kind, slice, .. } = due.id;
        let (Some(_), Some(state)) = (find::app(self, app)?, find::push_state(self, app, push)?) else {
            return Ok(None);
        };
        let order = self.row::<Followup>(&push_key(app, push))?.and_then(|followup| followup.sms);
        let Some(order) = order.filter(|_| kind == FollowupKind::Sms) else { return Ok(None) };
        if state.is_withdrawn || state.replaced_by.is_some() {
            return Ok(None);
        }
        let audience = followup_audience(self, &self.shared.pushes, self.end, app, push)?;
        let Some(audience) = audience else { return Ok(None) };
        let mut left = slice_of(&audience, slice, due.state.slices);
        left.remove_range(..from.0);
        let mut found = SmsTargets::default();
        let mut looked_at = 0;
        while let Some(first) = left.min().map(DeviceNumber) {
            if looked_at >= DEVICES_MAX || found.targets.len() >= limit {
                found.next = Some(first);
                break;
            }
            let number = chunk_of(first);
            let done = self.done_with(app, push, number)?;
            let behind = (number + 1).saturating_mul(CHUNK_DEVICES);
            let (mut reachable, mut last) = (Vec::new(), first);
            for device in left.iter().take_while(|device| *device < behind).map(DeviceNumber) {
                (last, looked_at) = (device, looked_at + 1);
                if !done.contains(device)
                    && let Some(row) = find::device(self, app, device)?.filter(|row| row.mobile.is_some())
                {
                    reachable.push((device, row));
                }
                if found.targets.len() + reachable.len() >= limit {
                    break;
                }
            }
            left.remove_range(..=last.0);
            if order.only_active {
                let inactive = self.not_seen_lately(app, number, &reachable, now_ms)?;
                reachable.retain(|(device, _)| !inactive.contains(device));
            }
            found.targets.extend(reachable.into_iter().filter_map(|(device, row)| {
                let mobile = row.mobile?;
                Some(SmsTarget { device, registration_id: row.registration_id, mobile })
            }));
        }
        Ok(Some(found))
    }

    /// Devices of a chunk that need no text message about a push any more.
    fn done_with(&self, app: AppNumber, push: Position, chunk: u32) -> Result<Chunk, ReadError> {
        let mut done = Chunk::EMPTY;
        for report in [Report::Received, Report::Texted, Report::TextRefused] {
            if let Some(row) = self.row::<ReportChunk>(&report_chunk_key(app, push, report, chunk))? {
                done.union(&row.chunk());
            }
        }
        Ok(done)
    }

    /// Those of a chunk that neither connected nor were registered for as long as presence is kept.
    fn not_seen_lately(
        &self,
        app: AppNumber,
        chunk: u32,
        devices: &[(DeviceNumber, DeviceRow)],
        now_ms: TimeMs,
    ) -> Result<BTreeSet<DeviceNumber>, ReadError> {
        let since_ms = now_ms.saturating_sub(Span::Online.kept_ms());
        let old = || devices.iter().filter(|(_, row)| row.created_ms < since_ms);
        let mut unseen: BTreeSet<DeviceNumber> = old().map(|(device, _)| *device).collect();
        let platforms: BTreeSet<Platform> = old().map(|(_, row)| counted_as(row.platform)).collect();
        for hour in (Span::Online.number(since_ms)..=Span::Online.number(now_ms)).rev() {
            for platform in &platforms {
                if unseen.is_empty() {
                    return Ok(unseen);
                }
                let key = presence_key(app, Span::Online, hour, *platform, chunk);
                if let Some(seen) = self.row::<PresenceChunk>(&key)? {
                    let seen = seen.chunk();
                    unseen.retain(|device| !seen.contains(*device));
                }
            }
        }
        Ok(unseen)
    }

    /// Devices for which a text message about the push was handed over, and those for which it was refused.
    pub fn texted(&self, app: AppNumber, push: Position) -> Result<(u64, u64), ReadError> {
        Ok((self.reports(app, push, Report::Texted, None)?, self.reports(app, push, Report::TextRefused, None)?))
    }
}

/// Everybody whom a push with follow-ups is for; nothing when it has none or is forgotten.
pub(crate) fn followup_audience(
    tables: &impl Tables,
    cache: &PushCache,
    committed: Position,
    app: AppNumber,
    push: Position,
) -> Result<Option<RoaringBitmap>, ReadError> {
    let Some(followup) = tables.row::<Followup>(&push_key(app, push))? else { return Ok(None) };
    let Some(state) = find::push_state(tables, app, push)? else { return Ok(None) };
    let Some(position) = followup.audience else {
        return released_devices(tables, cache, committed, app, &state).map(Some);
    };
    let mut devices = RoaringBitmap::new();
    if is_cut(tables, app, position)? {
        return Ok(Some(devices));
    }
    if let Some(step) = release_step(tables, cache, committed, app, position)? {
        step.add_devices_to(&mut devices);
    }
    Ok(Some(devices))
}
