//! Noting how far an app's server has been told of the log.

use super::{Batch, Decided};
use crate::command::ToldCommand;
use crate::outcome::Answer;
use crate::rows::app::app_key;
use crate::rows::told::Told;
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn told(&mut self, command: &ToldCommand) -> Decided<Answer> {
        let key = app_key(command.app());
        self.require_app(command.app())?;
        match command {
            ToldCommand::Advance { next, .. } => {
                if self.row::<Told>(&key)?.is_none_or(|told| told.next < *next) {
                    self.put(&key, &Told { next: *next })?;
                }
            }
            ToldCommand::Forget { .. } => self.remove(Table::MessageCallbacks, &key)?,
        }
        Ok(Answer::Done)
    }
}
