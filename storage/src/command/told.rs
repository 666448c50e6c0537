//! How far app servers have been told of the log.

use serde::{Deserialize, Serialize};

use anser_protocol::ids::Position;

use crate::ids::AppNumber;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToldCommand {
    /// The app's server has heard everything below `next`. Only moves forward.
    Advance { app: AppNumber, next: Position },
    /// The app's server is not told any more.
    Forget { app: AppNumber },
}

impl ToldCommand {
    pub fn app(&self) -> AppNumber {
        let (Self::Advance { app, .. } | Self::Forget { app }) = self;
        *app
    }
}
