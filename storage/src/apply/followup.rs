//! What follows when targets of a push did not receive it: text messages, and events for the callback.
//!
//! Whom the push was for is known from its releases; where these do not name everybody (a push without lifetime goes to
//! those who are connected), the audience is written down beside them. What is due, and how far it has come, are rows: a
//! job goes on with them, also after a restart.

use anser_protocol::ids::Position;
use roaring::RoaringBitmap;

use super::presence::by_chunk;
use super::{Batch, Decided};
use crate::command::{Class, NextLook, Submit};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::outcome::Answer;
use crate::rows::callback::{CallbackEvent, CallbackKind, CallbackRow, callback_event_key, callback_key};
use crate::rows::chunk::{CHUNK_DEVICES, Chunk, ChunkRow, ReportChunk, chunk_of, report_chunk_key};
use crate::rows::followup::{Followup, FollowupId, FollowupKind, FollowupState, followup_due_key};
use crate::rows::push::{Report, push_key};
use crate::rows::record::{Body, Release, ReleaseTo};
use crate::snapshot::followup_audience;
use crate::table::Table;
use crate::tables::Tables;

/// A device that got the push at the last moment has so long to say so.
const SAYING_MS: u64 = 60_000;
/// Rows that one command touches.
const ROWS_MAX: usize = 1_000;

impl Batch<'_> {
    /// `lives_ms` is how long it is released and delivered.
    pub(super) fn order_followups(
        &mut self,
        submit: &Submit,
        push: Position,
        audience: &RoaringBitmap,
        is_released_to_all: bool,
        lives_ms: u64,
    ) -> Result<(), ReadError> {
        let app = submit.app;
        let wants_unreceived = submit.callback.as_ref().is_some_and(|callback| callback.wants_unreceived);
        if submit.sms.is_none() && !wants_unreceived {
            return Ok(());
        }
        let audience = match is_released_to_all {
            true => None,
            false => Some(self.write_audience_down(app, push, audience)?),
        };
        let unreceived_ms = wants_unreceived.then(|| self.now_ms() + lives_ms + SAYING_MS);
        self.put(&push_key(app, push), &Followup { audience, sms: submit.sms, unreceived_ms })?;
        if let Some(due_ms) = unreceived_ms {
            self.put_due(&FollowupId { due_ms, app, push, kind: FollowupKind::Unreceived, slice: 0 }, 1)?;
        }
        // Each slice of a slow push begins to wait when it is released.
        let is_slow = submit.spread_s > 0 && is_released_to_all;
        if is_slow { Ok(()) } else { self.order_sms_of_slice(app, push, 0, 1) }
    }

    pub(super) fn order_sms_of_slice(
        &mut self,
        app: AppNumber,
        push: Position,
        slice: u32,
        slices: u32,
    ) -> Result<(), ReadError> {
        let Some(order) = self.row::<Followup>(&push_key(app, push))?.and_then(|followup| followup.sms) else {
            return Ok(());
        };
        let due_ms = self.now_ms() + u64::from(order.delay_s) * 1000;
        self.put_due(&FollowupId { due_ms, app, push, kind: FollowupKind::Sms, slice }, slices)
    }

    fn put_due(&mut self, id: &FollowupId, slices: u32) -> Result<(), ReadError> {
        self.put(&followup_due_key(id), &FollowupState::first(id, slices))
    }

    /// As a release that hands nothing out. Returns where it stands.
    pub(super) fn write_audience_down(
        &mut self,
        app: AppNumber,
        push: Position,
        audience: &RoaringBitmap,
    ) -> Result<Position, ReadError> {
        let mut bytes = Vec::with_capacity(audience.serialized_size());
        audience.serialize_into(&mut bytes).expect("a vector takes every byte");
        self.append_loose(app, Class::Push, Body::Release(Release { push, to: ReleaseTo::Many(bytes) }))
    }

    /// The push was withdrawn or replaced: its life has ended.
    pub(super) fn end_life_now(&mut self, app: AppNumber, push: Position) -> Result<(), ReadError> {
        let Some(followup) = self.row::<Followup>(&push_key(app, push))? else { return Ok(()) };
        let due_ms = self.now_ms() + SAYING_MS;
        let Some(planned_ms) = followup.unreceived_ms.filter(|planned_ms| *planned_ms > due_ms) else {
            return Ok(());
        };
        let planned = FollowupId { due_ms: planned_ms, app, push, kind: FollowupKind::Unreceived, slice: 0 };
        if self.has(Table::FollowupsDue, &followup_due_key(&planned))? {
            self.remove(Table::FollowupsDue, &followup_due_key(&planned))?;
            self.put_due(&FollowupId { due_ms, ..planned }, 1)?;
            self.put(&push_key(app, push), &Followup { unreceived_ms: Some(due_ms), ..followup })?;
        }
        Ok(())
    }

    pub(super) fn mark_texted(
        &mut self,
        app: AppNumber,
        push: Position,
        devices: &[DeviceNumber],
        is_refused: bool,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        if find::push_state(self, app, push)?.is_none() {
            return Ok(Answer::Done);
        }
        let report = if is_refused { Report::TextRefused } else { Report::Texted };
        for (number, texted) in by_chunk(devices) {
            self.add_reports(app, push, report, number, &texted)?;
        }
        Ok(Answer::Done)
    }

    /// Also of an app that is gone: only the row was left of it.
    pub(super) fn followed_up(&mut self, id: &FollowupId, next: Option<NextLook>) -> Decided<Answer> {
        let key = followup_due_key(id);
        let Some(state) = self.row::<FollowupState>(&key)? else { return Ok(Answer::Done) };
        self.remove(Table::FollowupsDue, &key)?;
        if let Some(NextLook { due_ms, from, unfinished, failures }) = next
            && find::app(self, id.app)?.is_some()
        {
            let moved = FollowupId { due_ms, ..*id };
            self.put(&followup_due_key(&moved), &FollowupState { from, unfinished, failures, ..state })?;
        }
        Ok(Answer::Done)
    }

    pub(super) fn note_unreceived(&mut self, id: &FollowupId) -> Decided<Answer> {
        let key = followup_due_key(id);
        let Some(state) = self.row::<FollowupState>(&key)? else { return Ok(Answer::Done) };
        let left = match self.wants_unreceived(id)? {
            true => self.note_some_unreceived(id, state.from)?,
            false => None,
        };
        match left {
            Some(from) => {
                self.put(&key, &FollowupState { from, failures: 0, ..state })?;
                Ok(Answer::Continue)
            }
            None => {
                self.remove(Table::FollowupsDue, &key)?;
                Ok(Answer::Done)
            }
        }
    }

    fn wants_unreceived(&self, id: &FollowupId) -> Result<bool, ReadError> {
        if id.kind != FollowupKind::Unreceived || find::app(self, id.app)?.is_none() {
            return Ok(false);
        }
        let order = self.row(&callback_key(id.app, id.push))?;
        Ok(matches!(order, Some(CallbackRow::Order(callback)) if callback.wants_unreceived))
    }

    /// Returns with which device to go on; nothing at the end.
    fn note_some_unreceived(&mut self, id: &FollowupId, from: DeviceNumber) -> Result<Option<DeviceNumber>, ReadError> {
        let FollowupId { app, push, .. } = *id;
        let audience = followup_audience(self, self.pushes(), self.committed_end(), app, push)?;
        let Some(mut left) = audience else { return Ok(None) };
        left.remove_range(..from.0);
        let mut rows = 0;
        while let Some(first) = left.min().map(DeviceNumber) {
            if rows >= ROWS_MAX {
                return Ok(Some(first));
            }
            let key = report_chunk_key(app, push, Report::Received, chunk_of(first));
            let received = self.row::<ReportChunk>(&key)?.map_or(Chunk::EMPTY, ChunkRow::chunk);
            rows += 1;
            let behind = (chunk_of(first) + 1).saturating_mul(CHUNK_DEVICES);
            let in_chunk: Vec<DeviceNumber> =
                left.iter().take_while(|device| *device < behind).map(DeviceNumber).collect();
            for device in in_chunk.into_iter().filter(|device| !received.contains(*device)) {
                if rows >= ROWS_MAX {
                    return Ok(Some(device));
                }
                let event = CallbackEvent { at_ms: self.now_ms(), push, device, kind: CallbackKind::Unreceived };
                self.put(&callback_event_key(app, &event), &CallbackRow::Waiting)?;
                rows += 1;
            }
            left.remove_range(..behind);
        }
        Ok(None)
    }
}

/// Whether the releases of such a push name everybody whom it is for.
pub(super) fn is_released_to_all(submit: &Submit, has_contents: bool) -> bool {
    has_contents && (submit.time_to_live_s > 0 || submit.spread_s > 0)
}
