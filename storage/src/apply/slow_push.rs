//! Slow pushes: given out part by part, so that those who get one do not all call their server at once.
//!
//! The whole audience is written down when the push is accepted, as a release on no chain. A slice is an equal run of it
//! in order of the devices. The first is released with the push; each of the others when a command says that it is due.

use std::sync::Arc;

use anser_protocol::ids::{Position, TimeMs};
use roaring::RoaringBitmap;

use super::push::among;
use super::{Batch, Decided};
use crate::command::Submit;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber};
use crate::key::Key;
use crate::outcome::{Answer, Push, Refusal};
use crate::rows::push::{PushState, SliceDue, SlowPush, push_key, slice_due_key, slice_of};
use crate::snapshot::{release_step, released_devices};
use crate::table::Table;
use crate::tables::Tables;

/// Of one app, not finished.
const SLOW_PUSHES_MAX: usize = 20;
/// A device that returns looks at the releases on the broadcast chain that it missed: there must not be too many.
const SLICES_MAX: u64 = 144;
/// No slice follows another sooner.
const SLICE_MS_MIN: u64 = 10_000;

impl Batch<'_> {
    pub(super) fn check_slow_pushes(&self, submit: &Submit) -> Decided<()> {
        if submit.spread_s == 0 {
            return Ok(());
        }
        let unfinished = self.keys(Table::SlowPushes, &Key::app(submit.app), SLOW_PUSHES_MAX)?.len();
        if unfinished < SLOW_PUSHES_MAX { Ok(()) } else { Err(Refusal::TooManySlowPushes.into()) }
    }

    /// Writes the audience down and releases the first slice. Returns where the audience stands.
    pub(super) fn begin_slow_push(
        &mut self,
        submit: &Submit,
        broadcasts: ChainNumber,
        push: &Push,
        mut audience: RoaringBitmap,
    ) -> Result<Position, ReadError> {
        let spread_ms = u64::from(submit.spread_s) * 1000;
        let slices = (spread_ms / SLICE_MS_MIN).min(SLICES_MAX).min(audience.len()).max(1);
        audience.optimize();
        let position = self.write_audience_down(submit.app, push.msg_id, &audience)?;
        let slow = SlowPush { started_ms: self.now_ms(), spread_ms, slices: slices as u32, next: 0 };
        self.release_next_slice(submit.app, broadcasts, push, &audience, slow, &submit.connected)?;
        Ok(position)
    }

    pub(super) fn release_due_slice(
        &mut self,
        app: AppNumber,
        push: Position,
        due_ms: TimeMs,
        connected: &[DeviceNumber],
    ) -> Decided<Answer> {
        let due_key = slice_due_key(due_ms, app, push);
        if !self.has(Table::SlicesDue, &due_key)? {
            return Ok(Answer::Done);
        }
        self.remove(Table::SlicesDue, &due_key)?;
        // Of a deleted app, or withdrawn: then only the mark was left.
        let Some(app_row) = find::app(self, app)? else { return Ok(Answer::Done) };
        let Some(slow) = self.row::<SlowPush>(&push_key(app, push))? else { return Ok(Answer::Done) };
        match self.slow_push_to_release(app, push)? {
            Some((push, audience)) => {
                self.release_next_slice(app, app_row.broadcasts, &push, &audience, slow, connected)?;
            }
            None => self.remove(Table::SlowPushes, &push_key(app, push))?,
        }
        Ok(Answer::Done)
    }

    /// The push and its whole audience; nothing when there is no use in releasing more of it.
    fn slow_push_to_release(&self, app: AppNumber, msg_id: Position) -> Decided<Option<(Push, RoaringBitmap)>> {
        let Some(state) = find::push_state(self, app, msg_id)? else { return Ok(None) };
        let has_ended = state.is_withdrawn || state.replaced_by.is_some();
        if has_ended || (!state.is_live_only && state.expires_ms <= self.now_ms()) {
            return Ok(None);
        }
        let Some(push) = find::push_payload(self, app, msg_id, &state)? else { return Ok(None) };
        let step = release_step(self, self.pushes(), self.committed_end(), app, state.release)?;
        let Some(step) = step else { return Ok(None) };
        let mut audience = RoaringBitmap::new();
        step.add_devices_to(&mut audience);
        // What has no lifetime is for those who are connected when their turn comes.
        let expires_ms = if state.is_live_only { self.now_ms() } else { state.expires_ms };
        Ok(Some((Push { expires_ms, ..push }, audience)))
    }

    fn release_next_slice(
        &mut self,
        app: AppNumber,
        broadcasts: ChainNumber,
        push: &Push,
        audience: &RoaringBitmap,
        slow: SlowPush,
        connected: &[DeviceNumber],
    ) -> Result<(), ReadError> {
        let mut devices = slice_of(audience, slow.next, slow.slices);
        if push.expires_ms <= self.now_ms() {
            devices &= among(connected);
        }
        self.release_push(app, broadcasts, &Arc::new(push.clone()), devices)?;
        self.order_sms_of_slice(app, push.msg_id, slow.next, slow.slices)?;
        let slow = SlowPush { next: slow.next + 1, ..slow };
        let key = push_key(app, push.msg_id);
        if slow.next >= slow.slices {
            return self.remove(Table::SlowPushes, &key);
        }
        self.put(&key, &slow)?;
        self.put(&slice_due_key(slow.due_ms(), app, push.msg_id), &SliceDue)
    }

    /// The rest of a slow push is not released any more; nothing happens to others.
    pub(super) fn stop_slow_push(&mut self, app: AppNumber, push: Position) -> Result<(), ReadError> {
        let key = push_key(app, push);
        if let Some(slow) = self.row::<SlowPush>(&key)? {
            self.remove(Table::SlowPushes, &key)?;
            self.remove(Table::SlicesDue, &slice_due_key(slow.due_ms(), app, push))?;
        }
        Ok(())
    }

    /// Devices to which a push was released, or will be.
    pub(super) fn released_devices(&self, app: AppNumber, state: &PushState) -> Result<RoaringBitmap, ReadError> {
        released_devices(self, self.pushes(), self.committed_end(), app, state)
    }
}
