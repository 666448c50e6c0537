//! What devices report about pushes: each device once for each push, and only if the push was for it.

use anser_protocol::ids::Position;

use super::{Batch, Decided};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::outcome::Answer;
use crate::rows::chunk::{ReportChunk, chunk_of, report_chunk_key};
use crate::rows::push::{PushState, Report};
use crate::snapshot::release_step;

impl Batch<'_> {
    pub(super) fn report(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        report: Report,
        pushes: &[Position],
    ) -> Decided<Answer> {
        self.require_app(app)?;
        for push in pushes {
            if let Some(state) = find::push_state(self, app, *push)?
                && self.was_released_to(app, &state, device)?
            {
                let key = report_chunk_key(app, *push, report, chunk_of(device));
                self.change_chunk::<ReportChunk>(&key, |reported| reported.insert(device))?;
            }
        }
        Ok(Answer::Done)
    }

    /// Once retention has cut the releases nobody can tell any more: then it was not.
    fn was_released_to(&self, app: AppNumber, state: &PushState, device: DeviceNumber) -> Result<bool, ReadError> {
        if state.release < find::floor(self, app, Class::Push)? {
            return Ok(false);
        }
        let (mut low, mut high) = (0, u64::from(state.release_count));
        // Releases on the devices' own chains follow one another in order of the devices.
        while low < high {
            let middle = low + (high - low) / 2;
            let position = Position(state.release.0 + middle);
            let Some(step) = release_step(self, self.pushes(), self.committed_end(), app, position)? else {
                return Ok(false);
            };
            match step.compare(device) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => high = middle,
                std::cmp::Ordering::Greater => low = middle + 1,
            }
        }
        Ok(false)
    }
}
