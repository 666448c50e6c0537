//! Rows of devices, their tags and aliases.

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, ChainNumber, DeviceNumber, TagNumber};
use crate::key::Key;
use crate::row::serde_row;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceRow {
    pub registration_id: String,
    pub secret_hash: [u8; 32],
    pub platform: Platform,
    pub alias: Option<String>,
    pub mobile: Option<String>,
    pub created_ms: TimeMs,
    /// Nothing before it was for this device.
    pub created_at: Position,
    /// The chain of what it sent.
    pub sent: ChainNumber,
    /// The chain of releases to it alone.
    pub pushes: ChainNumber,
}
serde_row!(DeviceRow, Devices);

pub(crate) fn device_key(app: AppNumber, device: DeviceNumber) -> Key {
    Key::app(app).u32(device.0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ByRegistrationId(pub DeviceNumber);
serde_row!(ByRegistrationId, RegistrationIds);

pub(crate) fn registration_id_key(app: AppNumber, registration_id: &str) -> Key {
    Key::app(app).bytes(registration_id.as_bytes())
}

/// The tags of a device, in order of their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceTags(pub Vec<TagNumber>);
serde_row!(DeviceTags, DeviceTags);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub name: String,
}
serde_row!(Tag, Tags);

pub(crate) fn tag_key(app: AppNumber, tag: TagNumber) -> Key {
    Key::app(app).u32(tag.0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ByTagName(pub TagNumber);
serde_row!(ByTagName, TagNames);

pub(crate) fn tag_name_key(app: AppNumber, name: &str) -> Key {
    Key::app(app).bytes(name.as_bytes())
}

/// That a tag was deleted whose number still stands in some devices' lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetiredTag;
serde_row!(RetiredTag, RetiredTags);

/// A device that pushes are tried out on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestDevice {
    pub name: String,
    pub created_ms: TimeMs,
}
serde_row!(TestDevice, TestDevices);

/// That a device has an alias.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AliasBinding;
serde_row!(AliasBinding, Aliases);

pub(crate) fn alias_prefix(app: AppNumber, alias: &str) -> Key {
    Key::app(app).text(alias)
}

pub(crate) fn alias_key(app: AppNumber, alias: &str, device: DeviceNumber) -> Key {
    alias_prefix(app, alias).u32(device.0)
}

/// How far a device has stored its pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushCursor(pub Position);
serde_row!(PushCursor, PushCursors);
