//! What devices tell of themselves: the texts of each device, and a set of devices for each value.

use anser_protocol::traits::{TraitKind, Traits};

use super::Batch;
use crate::error::ReadError;
use crate::ids::{AppNumber, DeviceNumber};
use crate::rows::chunk::{TraitChunk, chunk_of};
use crate::rows::device::device_key;
use crate::rows::traits::{DeviceTraits, OTHER, TraitValue, trait_chunk_key, trait_prefix, trait_value_key};
use crate::table::Table;
use crate::tables::Tables;

/// Values of one trait that an app's devices are counted and chosen by. Whatever devices claim, it is bounded.
pub(crate) const VALUES_MAX: usize = 1000;

impl Batch<'_> {
    pub(super) fn set_traits(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        traits: &Traits,
    ) -> Result<(), ReadError> {
        let key = device_key(app, device);
        let before = self.row::<DeviceTraits>(&key)?.unwrap_or_default().traits();
        if before == *traits {
            return Ok(());
        }
        for kind in TraitKind::ALL {
            let (old, new) = (before.get(kind), traits.get(kind));
            if old != new {
                self.leave_value(app, device, kind, old)?;
                self.join_value(app, device, kind, new)?;
            }
        }
        match traits.is_empty() {
            true => self.remove(Table::DeviceTraits, &key),
            false => self.put(&key, &DeviceTraits::of(traits)),
        }
    }

    fn leave_value(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        kind: TraitKind,
        value: &str,
    ) -> Result<(), ReadError> {
        // It is counted under its value, or under "other" when there were too many as it came.
        for value in [value, OTHER] {
            let key = trait_chunk_key(app, kind, value, chunk_of(device));
            if self.change_chunk::<TraitChunk>(&key, |set| set.remove(device))? {
                return self.count_value(app, kind, value, |devices| devices.saturating_sub(1));
            }
        }
        Ok(())
    }

    fn join_value(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        kind: TraitKind,
        value: &str,
    ) -> Result<(), ReadError> {
        if value.is_empty() {
            return Ok(());
        }
        let value = if self.has_room_for(app, kind, value)? { value } else { OTHER };
        let key = trait_chunk_key(app, kind, value, chunk_of(device));
        if self.change_chunk::<TraitChunk>(&key, |set| set.insert(device))? {
            self.count_value(app, kind, value, |devices| devices.saturating_add(1))?;
        }
        Ok(())
    }

    fn has_room_for(&self, app: AppNumber, kind: TraitKind, value: &str) -> Result<bool, ReadError> {
        if self.has(Table::TraitValues, &trait_value_key(app, kind, value))? {
            return Ok(true);
        }
        let has_other = self.has(Table::TraitValues, &trait_value_key(app, kind, OTHER))?;
        let rows_max = VALUES_MAX + usize::from(has_other);
        Ok(self.keys(Table::TraitValues, &trait_prefix(app, kind), rows_max)?.len() < rows_max)
    }

    /// A value that no device has is forgotten, and makes room for another.
    fn count_value(
        &mut self,
        app: AppNumber,
        kind: TraitKind,
        value: &str,
        change: impl FnOnce(u32) -> u32,
    ) -> Result<(), ReadError> {
        let key = trait_value_key(app, kind, value);
        let devices = change(self.row::<TraitValue>(&key)?.unwrap_or_default().devices);
        match devices {
            0 => self.remove(Table::TraitValues, &key),
            devices => self.put(&key, &TraitValue { devices }),
        }
    }
}
