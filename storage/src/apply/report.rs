//! What is known of devices and pushes: each device once for each push, and what it reports only if the push was for it.

use anser_protocol::content::Platform;
use anser_protocol::ids::Position;

use super::presence::by_chunk;
use super::{Batch, Decided};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::outcome::Answer;
use crate::rows::chunk::{ReportChunk, chunk_of, report_chunk_key};
use crate::rows::presence::counted_as;
use crate::rows::push::{PushState, Report};
use crate::rows::push_count::Counted;
use crate::snapshot::released_to;

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
                if self.change_chunk::<ReportChunk>(&key, |reported| reported.insert(device))? {
                    self.note_for_callback(app, *push, report, &[device])?;
                    if let Some(counted) = Counted::of_report(report) {
                        let platform = find::device(self, app, device)?.map(|row| counted_as(row.platform));
                        self.count_pushes(app, counted, platform.unwrap_or(Platform::OTHER), 1)?;
                    }
                }
            }
        }
        Ok(Answer::Done)
    }

    /// The devices were connected when the pushes were released to them.
    pub(super) fn mark_reached(&mut self, app: AppNumber, pushes: &[(Position, Vec<DeviceNumber>)]) -> Decided<Answer> {
        self.require_app(app)?;
        for (push, devices) in pushes {
            if find::push_state(self, app, *push)?.is_none() {
                continue;
            }
            for (number, reached) in by_chunk(devices) {
                self.add_reports(app, *push, Report::Reached, number, &reached)?;
            }
        }
        Ok(Answer::Done)
    }

    /// Once retention has cut the releases nobody can tell any more: then it was not.
    fn was_released_to(&self, app: AppNumber, state: &PushState, device: DeviceNumber) -> Result<bool, ReadError> {
        let released = released_to(self, self.pushes(), self.committed_end(), app, state, device)?;
        Ok(released.unwrap_or(false))
    }
}
