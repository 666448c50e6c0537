//! The row of an app's sensitive words.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::row::serde_row;

/// Sensitive words of an app and what is done about them. An app without a row has none, and no filter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WordList {
    pub is_on: bool,
    /// A word in a message is covered by stars; otherwise the message is refused.
    pub is_masking: bool,
    /// In the order in which they came.
    pub words: Vec<SensitiveWord>,
}
serde_row!(WordList, Words);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SensitiveWord {
    pub text: String,
    pub added_ms: TimeMs,
}
