//! Groups: interim.

use super::{Batch, Decided};
use crate::command::GroupCommand;
use crate::outcome::{Answer, Refusal};

impl Batch<'_> {
    pub(super) fn group(&mut self, _command: &GroupCommand) -> Decided<Answer> {
        Err(Refusal::Internal.into())
    }
}
