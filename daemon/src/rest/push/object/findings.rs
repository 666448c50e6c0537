//! What is wrong with a push object, ranked as the contract ranks it.

use std::borrow::Cow;

use crate::rest::lenient::Object;

use super::UnknownKeys;

/// Kinds of mistakes, the first to be reported first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    UnknownKey,
    Missing,
    Invalid,
    TooLarge,
    /// `active_push` together with what it excludes.
    ActivePushConflict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub kind: Kind,
    pub message: Cow<'static, str>,
}

impl Finding {
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind: Kind::Invalid, message: message.into() }
    }
}

/// Keeps the finding to report.
pub(super) struct Findings {
    unknown_keys: UnknownKeys,
    worst: Option<Finding>,
}

impl Findings {
    pub(super) fn new(unknown_keys: UnknownKeys) -> Self {
        Self { unknown_keys, worst: None }
    }

    pub(super) fn missing(&mut self, message: impl Into<Cow<'static, str>>) {
        self.note(Kind::Missing, message);
    }

    pub(super) fn invalid(&mut self, message: impl Into<Cow<'static, str>>) {
        self.note(Kind::Invalid, message);
    }

    pub(super) fn note(&mut self, kind: Kind, message: impl Into<Cow<'static, str>>) {
        if self.worst.as_ref().is_none_or(|worst| kind < worst.kind) {
            self.worst = Some(Finding { kind, message: message.into() });
        }
    }

    pub(super) fn known_keys(&mut self, object: &Object, place: &str, known: &[&str]) {
        if self.unknown_keys == UnknownKeys::Ignore {
            return;
        }
        if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
            let key: String = key.chars().take(60).collect();
            self.note(Kind::UnknownKey, format!("{place} has an unknown key: {key}"));
        }
    }

    pub(super) fn finish(self) -> Result<(), Finding> {
        self.worst.map_or(Ok(()), Err)
    }
}
