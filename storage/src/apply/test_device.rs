//! Devices that pushes are tried out on.

use super::{Batch, Decided};
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::key::Key;
use crate::outcome::{Answer, Refusal};
use crate::rows::device::{TestDevice, device_key};
use crate::table::Table;
use crate::tables::Tables;

/// Of an app: they are people's phones on a desk.
pub(super) const TEST_DEVICES_MAX: usize = 1000;

impl Batch<'_> {
    pub(super) fn set_test_device(
        &mut self,
        app: AppNumber,
        device: DeviceNumber,
        name: &str,
        must_be_one: bool,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        if find::device(self, app, device)?.is_none() {
            return Err(Refusal::DeviceUnknown.into());
        }
        let known = find::known_test_device(self, app, device)?;
        if known.is_none() && must_be_one {
            return Err(Refusal::NotATestDevice.into());
        }
        if known.is_none() && self.keys(Table::TestDevices, &Key::app(app), TEST_DEVICES_MAX)?.len() == TEST_DEVICES_MAX
        {
            return Err(Refusal::TooManyTestDevices.into());
        }
        let created_ms = known.map_or(self.now_ms(), |known| known.created_ms);
        self.put(&device_key(app, device), &TestDevice { name: name.into(), created_ms })?;
        Ok(Answer::Done)
    }

    pub(super) fn remove_test_device(&mut self, app: AppNumber, device: DeviceNumber) -> Decided<Answer> {
        self.require_app(app)?;
        self.remove(Table::TestDevices, &device_key(app, device))?;
        Ok(Answer::Done)
    }
}
