//! What a device tells of itself in its hello, so that an app server can choose devices by it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::extension::{Extensions, tag};

/// Longest trait, in bytes of UTF-8.
pub const TRAIT_BYTES_MAX: usize = 64;

/// What a trait says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TraitKind {
    /// The version of the application: numbers with dots between them.
    AppVersion,
    /// The version of the operating system: numbers with dots between them.
    OsVersion,
    /// The model of the device, as its maker writes it.
    Model,
    /// A language tag such as `zh-CN`.
    Language,
    /// The store, or whatever else the application came from.
    Channel,
}

impl TraitKind {
    /// In order of their extension tags.
    pub const ALL: [Self; 5] = [Self::AppVersion, Self::OsVersion, Self::Model, Self::Language, Self::Channel];

    pub fn name(self) -> &'static str {
        match self {
            Self::AppVersion => "app_version",
            Self::OsVersion => "os_version",
            Self::Model => "model",
            Self::Language => "language",
            Self::Channel => "channel",
        }
    }

    fn tag(self) -> u16 {
        match self {
            Self::AppVersion => tag::APP_VERSION,
            Self::OsVersion => tag::OS_VERSION,
            Self::Model => tag::MODEL,
            Self::Language => tag::LANGUAGE,
            Self::Channel => tag::CHANNEL,
        }
    }
}

/// The traits of a device; one that is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traits([String; TraitKind::ALL.len()]);

/// A trait cannot be like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTrait(pub TraitKind);

impl fmt::Display for InvalidTrait {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.0.name();
        write!(out, "{name} must be a text of at most {TRAIT_BYTES_MAX} bytes without control characters")
    }
}

impl core::error::Error for InvalidTrait {}

impl Traits {
    /// Empty: it is not known.
    pub fn get(&self, kind: TraitKind) -> &str {
        &self.0[kind as usize]
    }

    pub fn with(mut self, kind: TraitKind, text: &str) -> Result<Self, InvalidTrait> {
        if text.len() > TRAIT_BYTES_MAX || text.chars().any(char::is_control) {
            return Err(InvalidTrait(kind));
        }
        self.0[kind as usize] = text.to_owned();
        Ok(self)
    }

    /// Is none known?
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(String::is_empty)
    }

    /// The traits that a hello names.
    pub fn of(extensions: &Extensions) -> Result<Self, InvalidTrait> {
        let mut traits = Self::default();
        for kind in TraitKind::ALL {
            if let Some(value) = extensions.value(kind.tag()) {
                let text = core::str::from_utf8(value).map_err(|_| InvalidTrait(kind))?;
                traits = traits.with(kind, text)?;
            }
        }
        Ok(traits)
    }

    /// Adds those that are known.
    pub fn add_to(&self, extensions: Extensions) -> Extensions {
        let known = TraitKind::ALL.into_iter().filter(|kind| !self.get(*kind).is_empty());
        known.fold(extensions, |extensions, kind| extensions.with(kind.tag(), self.get(kind).as_bytes().to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn what_is_told_is_read_back_and_what_is_unknown_is_not_told() {
        let traits = Traits::default().with(TraitKind::Model, "Pixel 8").expect("a model");
        let traits = traits.with(TraitKind::Language, "zh-CN").expect("a language");
        let told = traits.add_to(Extensions::default());
        assert_eq!(told.0.len(), 2);
        assert_eq!(Traits::of(&told), Ok(traits));
    }

    #[test]
    fn what_is_no_short_text_is_refused_by_its_name() {
        let long = "x".repeat(TRAIT_BYTES_MAX);
        assert!(Traits::default().with(TraitKind::Channel, &long).is_ok());
        for value in [vec![b'x'; TRAIT_BYTES_MAX + 1], b"a\nb".to_vec(), vec![0xff]] {
            let told = Extensions::default().with(tag::CHANNEL, value);
            assert_eq!(Traits::of(&told), Err(InvalidTrait(TraitKind::Channel)));
        }
    }
}
