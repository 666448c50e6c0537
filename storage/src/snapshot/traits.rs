//! Reading what devices told of themselves, and the segments of an app.

use anser_protocol::traits::{TraitKind, Traits};

use super::Snapshot;
use crate::error::ReadError;
use crate::ids::{AppNumber, DeviceNumber, SegmentId};
use crate::key::{Key, u64_at};
use crate::rows::device::device_key;
use crate::rows::traits::{DeviceTraits, Segment, TraitValue, segment_key, trait_prefix, value_of};
use crate::tables::{NEXT, Tables};

impl Snapshot {
    pub fn traits_of_device(&self, app: AppNumber, device: DeviceNumber) -> Result<Traits, ReadError> {
        Ok(self.row::<DeviceTraits>(&device_key(app, device))?.unwrap_or_default().traits())
    }

    /// How many devices have each value; the most first. An empty value stands for all that are not counted by themselves.
    pub fn trait_counts(&self, app: AppNumber, kind: TraitKind) -> Result<Vec<(String, u32)>, ReadError> {
        let mut counts = Vec::new();
        self.rows::<TraitValue>(&trait_prefix(app, kind), |key, row| {
            counts.extend(value_of(key).map(|value| (value.to_owned(), row.devices)));
            Ok(NEXT)
        })?;
        counts.sort_by(|(left, few), (right, many)| many.cmp(few).then_with(|| left.cmp(right)));
        Ok(counts)
    }

    pub fn segment(&self, app: AppNumber, segment: SegmentId) -> Result<Option<Segment>, ReadError> {
        self.row(&segment_key(app, segment))
    }

    /// The oldest first.
    pub fn segments(&self, app: AppNumber) -> Result<Vec<(SegmentId, Segment)>, ReadError> {
        let mut segments = Vec::new();
        self.rows::<Segment>(&Key::app(app), |key, row| {
            segments.extend(u64_at(key, 4).map(|number| (SegmentId(number), row)));
            Ok(NEXT)
        })?;
        Ok(segments)
    }
}
