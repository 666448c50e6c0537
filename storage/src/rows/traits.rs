//! Rows of what devices tell of themselves, and of segments.

use anser_protocol::ids::TimeMs;
use anser_protocol::traits::{TraitKind, Traits};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, SegmentId};
use crate::key::Key;
use crate::row::serde_row;
use crate::segment::Condition;

/// The traits of a device that are known, in order of their kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceTraits(pub Vec<(TraitKind, String)>);
serde_row!(DeviceTraits, DeviceTraits);

impl DeviceTraits {
    pub fn of(traits: &Traits) -> Self {
        let known = TraitKind::ALL.into_iter().filter(|kind| !traits.get(*kind).is_empty());
        Self(known.map(|kind| (kind, traits.get(kind).to_owned())).collect())
    }

    pub fn traits(&self) -> Traits {
        // They were checked before they were stored.
        self.0.iter().fold(Traits::default(), |traits, (kind, text)| traits.clone().with(*kind, text).unwrap_or(traits))
    }
}

/// How many devices have a value of a trait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TraitValue {
    pub devices: u32,
}
serde_row!(TraitValue, TraitValues);

/// Stands for all values beyond those that are counted by themselves; no trait is an empty text.
pub(crate) const OTHER: &str = "";

pub(crate) fn trait_prefix(app: AppNumber, kind: TraitKind) -> Key {
    Key::app(app).u8(kind as u8 + 1)
}

pub(crate) fn trait_value_key(app: AppNumber, kind: TraitKind, value: &str) -> Key {
    trait_prefix(app, kind).bytes(value.as_bytes())
}

pub(crate) fn trait_chunk_key(app: AppNumber, kind: TraitKind, value: &str, chunk: u32) -> Key {
    trait_prefix(app, kind).text(value).u32(chunk)
}

/// The value that the key of a count names.
pub(crate) fn value_of(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.get(5..)?).ok()
}

/// The key of the count that belongs to the key of a chunk: without the length before the value and the chunk behind it.
pub(crate) fn count_of_chunk(key: &[u8]) -> Option<Key> {
    let value = key.get(7..key.len().checked_sub(4)?)?;
    Some(Key::empty().bytes(key.get(..5)?).bytes(value))
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    pub name: String,
    pub conditions: Vec<Condition>,
    pub created_ms: TimeMs,
}
serde_row!(Segment, Segments);

pub(crate) fn segment_key(app: AppNumber, segment: SegmentId) -> Key {
    Key::app(app).u64(segment.0)
}
