//! Who is connected here, and who gets what was appended.

use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Appended;

/// Nobody can connect yet.
#[derive(Default)]
pub struct Switchboard {}

impl Switchboard {
    /// Called by the writer with each batch, in position order.
    pub fn deliver(&self, _appended: &[Appended]) {}

    /// The devices of an app that are connected now, in order of their numbers.
    pub fn connected_devices(&self, _app: AppNumber) -> Vec<DeviceNumber> {
        Vec::new()
    }
}
