//! How many pushes there were, and what devices reported of them, hour by hour: figures that outlive the pushes' own.

use anser_protocol::content::Platform;
use serde::{Deserialize, Serialize};

use crate::ids::AppNumber;
use crate::key::{Key, u32_at};
use crate::row::serde_row;
use crate::rows::push::Report;

/// Of one kind, in one hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushCount(pub u64);
serde_row!(PushCount, PushCounts);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Counted {
    /// Pushes that were accepted, each once whatever its audience; of no platform.
    Sent = 0,
    /// Devices that received a push, each once for each push; the same below.
    Received = 1,
    Clicked = 2,
    Shown = 3,
    /// A bridge took it for the device.
    Bridged = 8,
    /// A text message was handed over for it.
    Texted = 11,
}

impl Counted {
    pub const ALL: [Self; 6] = [Self::Sent, Self::Received, Self::Clicked, Self::Shown, Self::Bridged, Self::Texted];

    pub(crate) fn of_report(report: Report) -> Option<Self> {
        match report {
            Report::Received => Some(Self::Received),
            Report::Clicked => Some(Self::Clicked),
            Report::Shown => Some(Self::Shown),
            Report::Bridged | Report::CallBridged | Report::ActivityBridged => Some(Self::Bridged),
            Report::Texted => Some(Self::Texted),
            Report::MessageClicked
            | Report::MessageShown
            | Report::Reached
            | Report::BadgeCounted
            | Report::TextRefused => None,
        }
    }
}

/// Stands in the place of a platform where there is none.
pub(crate) const NO_PLATFORM: Platform = Platform(0);

/// The counts of an hour, of all kinds, begin with this.
pub(crate) fn push_count_hour_key(app: AppNumber, hour: u32) -> Key {
    Key::app(app).u32(hour)
}

pub(crate) fn push_count_key(app: AppNumber, hour: u32, counted: Counted, platform: Platform) -> Key {
    push_count_hour_key(app, hour).u8(counted as u8).u8(platform.0)
}

/// Hour, kind and platform that such a key names; nothing for kinds that are not known.
pub(crate) fn counted_in(key: &[u8]) -> Option<(u32, Counted, Platform)> {
    let counted = Counted::ALL.into_iter().find(|counted| Some(&(*counted as u8)) == key.get(8))?;
    Some((u32_at(key, 4)?, counted, Platform(*key.get(9)?)))
}
