//! Rows of apps.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, ChainNumber, DeviceNumber, TagNumber, UserNumber};
use crate::key::Key;
use crate::row::serde_row;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    pub name: String,
    pub app_key: String,
    pub master_secret: String,
    pub created_ms: TimeMs,
    /// The chain of releases to many devices.
    pub broadcasts: ChainNumber,
    /// Deleted: nobody finds it any more, and its rows go in slices.
    pub is_deleted: bool,
}
serde_row!(App, Apps);

pub(crate) fn app_key(app: AppNumber) -> Key {
    Key::app(app)
}

/// From an app key or a name to the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ByAppKey(pub AppNumber);
serde_row!(ByAppKey, AppKeys);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ByAppName(pub AppNumber);
serde_row!(ByAppName, AppNames);

pub(crate) fn text_key(text: &str) -> Key {
    Key::empty().bytes(text.as_bytes())
}

/// The numbers that an app hands out next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AppCounters {
    pub user: UserNumber,
    pub device: DeviceNumber,
    pub tag: TagNumber,
}
serde_row!(AppCounters, AppCounters);

impl AppCounters {
    pub fn first() -> Self {
        Self { user: UserNumber(1), device: DeviceNumber(0), tag: TagNumber(1) }
    }
}

/// What the operator lets an app's servers do. An app without a row may do everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// All calls are refused and nothing scheduled is sent.
    pub is_blocked: bool,
    /// Only callers from here are answered; empty lets everybody call.
    pub addresses: Vec<AddressRange>,
    /// Calls in a minute, by a family of calls that the store does not look into; others have the daemon's setting.
    pub rates: Vec<(u8, u32)>,
}
serde_row!(Access, Access);

/// Addresses that begin with the same bits. IPv4 stands in its mapped form (`::ffff:a.b.c.d`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressRange {
    pub address: [u8; 16],
    pub bits: u8,
}
