//! Pushes: interim.

use super::{Batch, Decided};
use crate::command::PushCommand;
use crate::outcome::{Answer, Refusal};

impl Batch<'_> {
    pub(super) fn push(&mut self, _command: &PushCommand) -> Decided<Answer> {
        Err(Refusal::Internal.into())
    }
}
