//! Segments: rules that name devices by what is known of them.

use std::cmp::Ordering;

use anser_protocol::content::Platform;
use anser_protocol::traits::TraitKind;
use serde::{Deserialize, Serialize};

/// Days that a rule may look back: presence is kept a little longer.
pub const DAYS_MAX: u16 = 60;

/// One condition of a rule; a device is in the segment when all are true. Kept in rows: variants are only ever added at
/// the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    Platform(Vec<Platform>),
    /// The version compared, part by part, as numbers.
    Version {
        of: TraitKind,
        compare: Compare,
        with: String,
    },
    /// Exactly one of these texts.
    Trait {
        of: TraitKind,
        any: Vec<String>,
    },
    AnyTag(Vec<String>),
    AllTags(Vec<String>),
    NoTag(Vec<String>),
    /// Connected at some time of the last days.
    SeenWithin {
        days: u16,
    },
    /// The opposite.
    NotSeenFor {
        days: u16,
    },
    RegisteredWithin {
        days: u16,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Compare {
    Less,
    AtMost,
    Equal,
    AtLeast,
    Greater,
}

impl Compare {
    pub const NAMES: [(Self, &'static str); 5] =
        [(Self::Less, "<"), (Self::AtMost, "<="), (Self::Equal, "="), (Self::AtLeast, ">="), (Self::Greater, ">")];

    pub fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::AtLeast => order.is_ge(),
            Self::Greater => order.is_gt(),
        }
    }
}

/// A version: numbers with dots between them, where `1.2` and `1.2.0` are the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<u64>);

impl Version {
    /// Nothing for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |part: &str| match part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => part.parse::<u64>().ok(),
            false => None,
        };
        let mut parts: Vec<u64> = text.split('.').map(number).collect::<Option<_>>()?;
        while parts.last() == Some(&0) {
            parts.pop();
        }
        Some(Self(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |text| Version::parse(text).expect("a version");
        assert!(version("2.9.1") < version("2.10"));
        assert!(version("2") < version("2.0.1"));
        assert_eq!(version("1.2"), version("1.2.0"));
        assert_eq!(version("0"), version("0.0"));
        for text in ["", ".", "1.", "1.x", "1.2-beta", "+1", "99999999999999999999"] {
            assert_eq!(Version::parse(text), None, "{text:?}");
        }
    }
}
