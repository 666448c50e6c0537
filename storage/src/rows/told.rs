//! How far an app's server has been told of the log.

use anser_protocol::ids::Position;
use serde::{Deserialize, Serialize};

use crate::row::serde_row;

/// Everything below was told, or given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub next: Position,
}
serde_row!(Told, MessageCallbacks);
