//! What is done with an app's list of sensitive words.

use serde::{Deserialize, Serialize};

use crate::ids::AppNumber;

/// Words were checked at the edge: none is empty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum WordCommand {
    /// Those that are there stay as they are. Refused as a whole (`TooManyWords`) when there would be more than `words_max`.
    Add { app: AppNumber, words: Vec<String>, words_max: u32 },
    /// Nothing happens when the old word is not there.
    Replace { app: AppNumber, old: String, new: String },
    /// Those that are not there are no error.
    Remove { app: AppNumber, words: Vec<String> },
    /// Whether messages with a word are stopped, and whether they are masked instead of refused; absent stays as it is.
    SetFilter { app: AppNumber, is_on: bool, is_masking: Option<bool> },
}

impl WordCommand {
    pub(super) fn app(&self) -> AppNumber {
        match self {
            Self::Add { app, .. }
            | Self::Replace { app, .. }
            | Self::Remove { app, .. }
            | Self::SetFilter { app, .. } => *app,
        }
    }
}
