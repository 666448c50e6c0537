//! Taking a push back, and putting another one in its place.

use std::sync::Arc;

use anser_protocol::ids::Position;

use super::{Batch, Decided};
use crate::command::{Class, Submit};
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::outcome::{Answer, Refusal, Route};
use crate::rows::push::{PushState, push_key};

/// A push may be changed for so long after it was accepted.
const CHANGEABLE_MS: u64 = 24 * 60 * 60 * 1000;
/// Pushes of which each replaced the one before, that one more replaces all together.
const REPLACED_MAX: usize = 32;

impl Batch<'_> {
    pub(super) fn withdraw_push(&mut self, app: AppNumber, push: Position) -> Decided<Answer> {
        self.require_app(app)?;
        let state = self.changeable_push(app, push)?.ok_or(Refusal::PushUnknown)?;
        if state.is_withdrawn {
            return Ok(Answer::Done);
        }
        self.put(&push_key(app, push), &PushState { is_withdrawn: true, ..state })?;
        self.stop_slow_push(app, push)?;
        self.end_life_now(app, push)?;
        let devices = self.released_devices(app, &state)?;
        if !devices.is_empty() {
            let position = self.take_position();
            self.announce(app, position, Route::Withdrawn { push, devices: Arc::new(devices) });
        }
        Ok(Answer::Done)
    }

    pub(super) fn check_replaced(&self, submit: &Submit) -> Decided<()> {
        let Some(push) = submit.replaces else { return Ok(()) };
        match self.changeable_push(submit.app, push)? {
            Some(state) if !state.is_withdrawn => Ok(()),
            _ => Err(Refusal::PushUnknown.into()),
        }
    }

    /// `new` takes the place of a push, and of those that took its place before.
    pub(super) fn replace_push(&mut self, app: AppNumber, push: Position, new: Position) -> Result<(), ReadError> {
        let mut next = Some(push);
        for _ in 0..REPLACED_MAX {
            let Some(push) = next else { break };
            let Some(state) = find::push_state(self, app, push)? else { break };
            next = state.replaced_by;
            self.put(&push_key(app, push), &PushState { replaced_by: Some(new), ..state })?;
            self.stop_slow_push(app, push)?;
            self.end_life_now(app, push)?;
        }
        Ok(())
    }

    fn changeable_push(&self, app: AppNumber, push: Position) -> Result<Option<PushState>, ReadError> {
        let Some(state) = find::push_state(self, app, push)? else { return Ok(None) };
        let accepted_ms = find::record(self, app, Class::Push, push)?.map(|record| record.at_ms);
        Ok(accepted_ms.filter(|at_ms| at_ms + CHANGEABLE_MS >= self.now_ms()).map(|_| state))
    }
}
