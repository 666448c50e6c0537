//! The devices of the user who is logged in.

use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

use crate::content::Platform;
use crate::extension::Extensions;
use crate::limits;
use crate::wire;

/// On which devices is the user logged in?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevicesAsk {
    pub request: u32,
    pub extensions: Extensions,
}

/// The answer to [`OwnDevicesAsk`]: at most one device of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevices {
    pub request: u32,
    #[serde(deserialize_with = "wire::list::<{ limits::OWN_DEVICES_MAX }, _, _>")]
    pub devices: Vec<OwnDevice>,
    pub extensions: Extensions,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDevice {
    pub registration_id: String,
    pub platform: Platform,
    pub is_logged_in: bool,
    /// It holds a link on which the user is logged in.
    pub is_online: bool,
    /// In seconds, to ten minutes; 0: more than two days ago, or the user logged out there.
    pub seen_s: u64,
    /// The login of the one who asks ended the user's login there.
    pub was_pushed_off: bool,
    pub extensions: Extensions,
}
