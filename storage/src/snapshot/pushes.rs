//! Reading pushes: what waits for a device, and what became of a push.

use std::cmp::Ordering;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::planted::{Fault, is_planted};
use roaring::RoaringBitmap;

use super::{DueSlice, PendingPush, PushCounts, Snapshot};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::outcome::Push;
use crate::rows::chunk::{ChunkRow, PlatformChunk, ReportChunk, platform_chunk_key};
use crate::rows::push::{PushState, Report, SliceDue, report_prefix};
use crate::rows::record::{Body, Record, Release, ReleaseTo, log_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Releases that one call looks at on a chain, the newest first.
const STEPS_MAX: usize = 10_000;

impl Snapshot {
    /// The newest `limit` pushes that wait for a device above `since`, oldest first: not expired, not withdrawn, and with
    /// something for the platform.
    pub fn pending_pushes(
        &self,
        app: AppNumber,
        device: DeviceNumber,
        platform: Platform,
        since: Position,
        now_ms: TimeMs,
        limit: usize,
    ) -> Result<Vec<PendingPush>, ReadError> {
        let (Some(app_row), Some(row)) = (self.app(app)?, find::device(self, app, device)?) else {
            return Ok(Vec::new());
        };
        let since = since.max(row.created_at);
        let mut pending = self.pending_on(app, row.pushes, device, platform, since, now_ms, limit)?;
        pending.extend(self.pending_on(app, app_row.broadcasts, device, platform, since, now_ms, limit)?);
        pending.sort_by_key(|push| push.position);
        let surplus = pending.len().saturating_sub(limit);
        pending.drain(..surplus);
        Ok(pending)
    }

    #[expect(clippy::too_many_arguments, reason = "one call, twice, for two chains")]
    fn pending_on(
        &self,
        app: AppNumber,
        chain: ChainNumber,
        device: DeviceNumber,
        platform: Platform,
        since: Position,
        now_ms: TimeMs,
        limit: usize,
    ) -> Result<Vec<PendingPush>, ReadError> {
        let mut pending = Vec::new();
        let mut next = self.head(chain)?.unwrap_or_default().last;
        for _ in 0..STEPS_MAX {
            if next <= since || pending.len() == limit {
                break;
            }
            let Some(step) = release_step(self, &self.shared.pushes, self.end, app, next)? else { break };
            if step.is_for(device)
                && let Some(push) = self.deliverable(app, step.push, now_ms)?
                && push.contents.iter().any(|(target, _)| *target == platform)
            {
                pending.push(PendingPush { position: next, at_ms: step.at_ms, push });
            }
            next = step.prev;
        }
        Ok(pending)
    }

    /// The push, unless it must not be delivered (any more).
    fn deliverable(&self, app: AppNumber, msg_id: Position, now_ms: TimeMs) -> Result<Option<Arc<Push>>, ReadError> {
        let Some(state) = find::push_state(self, app, msg_id)? else { return Ok(None) };
        let has_expired = state.expires_ms <= now_ms && !is_planted(Fault::ExpiredDelivered);
        if state.is_live_only || state.is_withdrawn || state.replaced_by.is_some() || has_expired {
            return Ok(None);
        }
        self.push(app, msg_id, &state)
    }

    fn push(&self, app: AppNumber, msg_id: Position, state: &PushState) -> Result<Option<Arc<Push>>, ReadError> {
        if let Some(push) = self.shared.pushes.payload(app, msg_id) {
            return Ok(Some(push));
        }
        let push = find::push_payload(self, app, msg_id, state)?.map(Arc::new);
        if let Some(push) = push.as_ref().filter(|_| msg_id <= self.end) {
            self.shared.pushes.remember_payload(app, push.clone());
        }
        Ok(push)
    }

    /// What was kept of a push beside its contents: a JSON object, or empty. Nothing when the push is unknown or its
    /// record was cut.
    pub fn push_kept(&self, app: AppNumber, msg_id: Position) -> Result<Option<String>, ReadError> {
        if find::push_state(self, app, msg_id)?.is_none() {
            return Ok(None);
        }
        let record = find::record(self, app, Class::Push, msg_id)?;
        Ok(record.map(|record| match record.body {
            Body::Push(push) => push.kept,
            _ => String::new(),
        }))
    }

    /// Slices of slow pushes that are due, the longest due first.
    pub fn due_slices(&self, now_ms: TimeMs, limit: usize) -> Result<Vec<DueSlice>, ReadError> {
        let mut due = Vec::new();
        self.rows::<SliceDue>(&Key::empty(), |key, _| {
            let (Some(due_ms), Some(app), Some(push)) = (u64_at(key, 0), u32_at(key, 8), u64_at(key, 12)) else {
                return Ok(NEXT);
            };
            if due_ms > now_ms || due.len() == limit {
                return Ok(STOP);
            }
            let (app, push) = (AppNumber(app), Position(push));
            let state = find::push_state(self, app, push)?;
            due.push(DueSlice { app, push, due_ms, is_live_only: state.is_some_and(|state| state.is_live_only) });
            Ok(NEXT)
        })?;
        Ok(due)
    }

    /// What became of a push; nothing when it is unknown or too old.
    pub fn push_counts(&self, app: AppNumber, msg_id: Position) -> Result<Option<PushCounts>, ReadError> {
        let Some(state) = find::push_state(self, app, msg_id)? else { return Ok(None) };
        let mut received = Vec::new();
        for (platform, _) in Platform::NAMES.into_iter().chain([(Platform::OTHER, "")]) {
            let count = self.reports(app, msg_id, Report::Received, Some(platform))?;
            if count > 0 {
                received.push((platform, count));
            }
        }
        received.sort_unstable();
        let clicked = self.reports(app, msg_id, Report::Clicked, None)?;
        Ok(Some(PushCounts { targets: state.targets, received, clicked }))
    }

    /// How many devices (of one platform) reported it.
    pub(super) fn reports(
        &self,
        app: AppNumber,
        push: Position,
        report: Report,
        platform: Option<Platform>,
    ) -> Result<u64, ReadError> {
        let prefix = report_prefix(app, push, report);
        let chunk_at = prefix.as_bytes().len();
        let mut count = 0;
        self.rows::<ReportChunk>(&prefix, |key, row| {
            let mut reported = row.chunk();
            if let (Some(platform), Some(chunk)) = (platform, u32_at(key, chunk_at)) {
                match self.row::<PlatformChunk>(&platform_chunk_key(app, platform, chunk))? {
                    Some(of_platform) => reported.intersect(&of_platform.chunk()),
                    None => return Ok(NEXT),
                }
            }
            count += reported.len();
            Ok(NEXT)
        })?;
        Ok(count)
    }
}

/// Is the device among those that a push was released to? Nothing when retention has cut the releases: then nobody can tell
/// any more.
pub(crate) fn released_to(
    tables: &impl Tables,
    cache: &PushCache,
    committed: Position,
    app: AppNumber,
    state: &PushState,
    device: DeviceNumber,
) -> Result<Option<bool>, ReadError> {
    if is_cut(tables, app, state.release)? {
        return Ok(None);
    }
    let (mut low, mut high) = (0, u64::from(state.release_count));
    // Releases on the devices' own chains follow one another in order of the devices.
    while low < high {
        let middle = low + (high - low) / 2;
        let position = Position(state.release.0 + middle);
        let Some(step) = release_step(tables, cache, committed, app, position)? else { return Ok(None) };
        match step.compare(device) {
            Ordering::Equal => return Ok(Some(true)),
            Ordering::Less => high = middle,
            Ordering::Greater => low = middle + 1,
        }
    }
    Ok(Some(false))
}

/// Devices to which a push was released, or will be.
pub(crate) fn released_devices(
    tables: &impl Tables,
    cache: &PushCache,
    committed: Position,
    app: AppNumber,
    state: &PushState,
) -> Result<RoaringBitmap, ReadError> {
    let mut devices = RoaringBitmap::new();
    for offset in 0..u64::from(state.release_count) {
        let position = Position(state.release.0 + offset);
        if is_cut(tables, app, position)? {
            continue;
        }
        if let Some(step) = release_step(tables, cache, committed, app, position)? {
            step.add_devices_to(&mut devices);
        }
    }
    Ok(devices)
}

/// What retention has cut may still be remembered, or not: it must not be asked for.
pub(crate) fn is_cut(tables: &impl Tables, app: AppNumber, position: Position) -> Result<bool, ReadError> {
    Ok(position < find::floor(tables, app, Class::Push)?)
}

/// A release; nothing when retention has cut it. One for many devices is remembered if it is committed, that is not above
/// `committed`.
pub(crate) fn release_step(
    tables: &impl Tables,
    cache: &PushCache,
    committed: Position,
    app: AppNumber,
    position: Position,
) -> Result<Option<Arc<ReleaseStep>>, ReadError> {
    if let Some(step) = cache.release(app, position) {
        return Ok(Some(step));
    }
    let Some(record) = find::record(tables, app, Class::Push, position)? else { return Ok(None) };
    let is_shared = matches!(&record.body, Body::Release(Release { to: ReleaseTo::Many(_), .. }));
    let step = ReleaseStep::new(record)
        .ok_or_else(|| find::missing(Table::Log, log_key(app, Class::Push, position)))
        .map(Arc::new)?;
    if is_shared && position <= committed {
        cache.remember_release(app, position, step.clone());
    }
    Ok(Some(step))
}

/// A release as the walk over its chain needs it.
pub(crate) struct ReleaseStep {
    push: Position,
    prev: Position,
    at_ms: TimeMs,
    to: StepTo,
}

enum StepTo {
    Device(DeviceNumber),
    Many(RoaringBitmap),
}

impl ReleaseStep {
    fn new(record: Record) -> Option<Self> {
        let Body::Release(release) = record.body else { return None };
        let to = match release.to {
            ReleaseTo::Device(device) => StepTo::Device(device),
            ReleaseTo::Many(bytes) => StepTo::Many(RoaringBitmap::deserialize_from(bytes.as_slice()).ok()?),
        };
        Some(Self { push: release.push, prev: record.prev, at_ms: record.at_ms, to })
    }

    /// Where the device stands beside those of this release: among them is equal.
    pub fn compare(&self, device: DeviceNumber) -> Ordering {
        match &self.to {
            StepTo::Device(named) => device.cmp(named),
            StepTo::Many(devices) if devices.contains(device.0) => Ordering::Equal,
            StepTo::Many(_) => Ordering::Greater,
        }
    }

    pub fn add_devices_to(&self, set: &mut RoaringBitmap) {
        match &self.to {
            StepTo::Device(device) => {
                set.insert(device.0);
            }
            StepTo::Many(devices) => *set |= devices,
        }
    }

    fn is_for(&self, device: DeviceNumber) -> bool {
        match &self.to {
            StepTo::Device(named) => *named == device,
            StepTo::Many(_) if is_planted(Fault::BroadcastToEverybody) => true,
            StepTo::Many(devices) => devices.contains(device.0),
        }
    }
}

/// Payloads and broadcast releases that were read lately: after a broadcast, every returning device reads the same ones.
/// Records never change, so an entry is never wrong; only committed ones come in.
#[derive(Default)]
pub(crate) struct PushCache {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    payloads: VecDeque<(AppNumber, Arc<Push>)>,
    releases: VecDeque<(AppNumber, Position, Arc<ReleaseStep>)>,
}

/// Of each kind. A release to 100,000 scattered devices takes about 200 KB.
const KEPT_MAX: usize = 32;

impl PushCache {
    pub fn clear(&self) {
        *self.lock() = Kept::default();
    }

    fn payload(&self, app: AppNumber, msg_id: Position) -> Option<Arc<Push>> {
        let kept = self.lock();
        kept.payloads.iter().find(|(of, push)| *of == app && push.msg_id == msg_id).map(|(_, push)| push.clone())
    }

    fn remember_payload(&self, app: AppNumber, push: Arc<Push>) {
        let mut kept = self.lock();
        kept.payloads.push_front((app, push));
        kept.payloads.truncate(KEPT_MAX);
    }

    fn release(&self, app: AppNumber, position: Position) -> Option<Arc<ReleaseStep>> {
        let kept = self.lock();
        kept.releases.iter().find(|(of, at, _)| (*of, *at) == (app, position)).map(|(.., step)| step.clone())
    }

    fn remember_release(&self, app: AppNumber, position: Position, step: Arc<ReleaseStep>) {
        let mut kept = self.lock();
        kept.releases.push_front((app, position, step));
        kept.releases.truncate(KEPT_MAX);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
