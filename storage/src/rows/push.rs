//! Rows of pushes beside their records in the log.

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};

use crate::command::FileOwner;
use crate::ids::{AppNumber, FileNumber, ScheduleNumber};
use crate::key::Key;
use crate::row::serde_row;
use crate::rows::account::group_cid_key;
use crate::rows::file::file_key;

/// Read before every delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushState {
    pub expires_ms: TimeMs,
    pub is_withdrawn: bool,
    pub replaced_by: Option<Position>,
    pub targets: u64,
    /// Its release, if there is one for all; else the first of those on the devices' own chains.
    pub release: Position,
    pub release_count: u32,
    /// Without lifetime: only for those who were connected when it was accepted.
    pub is_live_only: bool,
}
serde_row!(PushState, PushStates);

pub(crate) fn push_key(app: AppNumber, push: Position) -> Key {
    Key::app(app).u64(push.0)
}

/// Whom a push was for: what its reports are measured against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PushTargets {
    /// When it was accepted.
    pub at_ms: TimeMs,
    /// Only those that had targets.
    pub platforms: Vec<PlatformTargets>,
}
serde_row!(PushTargets, PushTargets);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlatformTargets {
    pub platform: Platform,
    pub has_notification: bool,
    pub has_message: bool,
    pub targets: u64,
}

/// What is known of a device and a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Report {
    Received = 1,
    Clicked = 2,
    Shown = 3,
    MessageClicked = 4,
    MessageShown = 5,
    /// It was connected when the push was released. From here on the daemon tells, not the device.
    Reached = 6,
    /// Its badge was counted for this push.
    BadgeCounted = 7,
    /// A bridge took the push for it.
    Bridged = 8,
    /// The same of the call that the push is, and of what it says to a live activity.
    CallBridged = 9,
    ActivityBridged = 10,
    /// A text message for it was handed over.
    Texted = 11,
    /// A text message for it was refused for good.
    TextRefused = 12,
}

impl Report {
    /// In order of their numbers.
    pub const ALL: [Self; 12] = [
        Self::Received,
        Self::Clicked,
        Self::Shown,
        Self::MessageClicked,
        Self::MessageShown,
        Self::Reached,
        Self::BadgeCounted,
        Self::Bridged,
        Self::CallBridged,
        Self::ActivityBridged,
        Self::Texted,
        Self::TextRefused,
    ];

    /// A bridge took something of the push for it.
    pub const BRIDGED: [Self; 3] = [Self::Bridged, Self::CallBridged, Self::ActivityBridged];
    /// All the ways in which a push comes to a device.
    pub const PUSHED: [Self; 4] = [Self::Reached, Self::Bridged, Self::CallBridged, Self::ActivityBridged];

    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|report| *report as u8 == number)
    }
}

pub(crate) fn report_prefix(app: AppNumber, push: Position, report: Report) -> Key {
    push_key(app, push).u8(report as u8)
}

/// A slow push that has parts left to release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlowPush {
    pub started_ms: TimeMs,
    pub spread_ms: u64,
    pub slices: u32,
    /// Slices below it were released.
    pub next: u32,
}
serde_row!(SlowPush, SlowPushes);

impl SlowPush {
    /// When the next slice is due.
    pub fn due_ms(&self) -> TimeMs {
        self.started_ms + self.spread_ms * u64::from(self.next) / u64::from(self.slices.max(1))
    }
}

/// The devices of a slice. Slices differ by one device at most.
pub(crate) fn slice_of(audience: &RoaringBitmap, slice: u32, slices: u32) -> RoaringBitmap {
    let border = |slice: u32| {
        let rank = audience.len() * u64::from(slice) / u64::from(slices.max(1));
        u32::try_from(rank).ok().and_then(|rank| audience.select(rank))
    };
    let mut devices = audience.clone();
    match border(slice) {
        Some(first) => devices.remove_range(..first),
        None => devices.remove_range(..),
    };
    if let Some(behind) = border(slice + 1) {
        devices.remove_range(behind..);
    }
    devices
}

/// That a slice is due at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SliceDue;
serde_row!(SliceDue, SlicesDue);

pub(crate) fn slice_due_key(due_ms: TimeMs, app: AppNumber, push: Position) -> Key {
    Key::empty().u64(due_ms).u32(app.0).u64(push.0)
}

/// The first answer to a push that named a cid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cid {
    pub msg_id: Position,
    pub sendno: String,
    pub targets: u64,
    pub expires_ms: TimeMs,
}
serde_row!(Cid, Cids);

/// Pushes to all of an app's devices on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Broadcasts {
    /// Since 1970, on the operator's wall clock.
    pub day: i64,
    pub pushes: u32,
}
serde_row!(Broadcasts, Broadcasts);

pub(crate) fn cid_key(app: AppNumber, cid: &str) -> Key {
    Key::app(app).bytes(cid.as_bytes())
}

/// Something to remove when its time has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Expiry {
    Cid { app: AppNumber, cid: String },
    Token { app: AppNumber, hash: [u8; 32] },
    Push { app: AppNumber, push: Position },
    Schedule { app: AppNumber, schedule: ScheduleNumber },
    ScheduleCid { app: AppNumber, cid: String },
    File { owner: FileOwner, file: FileNumber },
    GroupPush { push: Position },
    GroupCid { group: String, cid: String },
}
serde_row!(Expiry, Expiries);

/// The kinds of those that belong to no app.
pub(crate) const GROUP_EXPIRIES: [u8; 2] = [7, 8];

/// In order of time, then of what it is.
pub(crate) fn expiry_key(due_ms: TimeMs, expiry: &Expiry) -> Key {
    let key = Key::empty().u64(due_ms);
    match expiry {
        Expiry::Cid { app, cid } => key.u8(1).u32(app.0).bytes(cid.as_bytes()),
        Expiry::Token { app, hash } => key.u8(2).u32(app.0).bytes(hash),
        Expiry::Push { app, push } => key.u8(3).u32(app.0).u64(push.0),
        Expiry::Schedule { app, schedule } => key.u8(4).u32(app.0).u64(schedule.0),
        Expiry::ScheduleCid { app, cid } => key.u8(5).u32(app.0).bytes(cid.as_bytes()),
        Expiry::File { owner, file } => key.u8(6).bytes(file_key(owner, *file).as_bytes()),
        Expiry::GroupPush { push } => key.u8(GROUP_EXPIRIES[0]).u64(push.0),
        Expiry::GroupCid { group, cid } => key.u8(GROUP_EXPIRIES[1]).bytes(group_cid_key(group, cid).as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_equal_and_together_they_are_the_audience() {
        for (devices, slices) in [(1, 1), (7, 7), (100, 7), (1000, 144), (10, 3)] {
            let audience: RoaringBitmap = (0..devices).map(|number| number * 3 + 5).collect();
            let parts: Vec<RoaringBitmap> = (0..slices).map(|slice| slice_of(&audience, slice, slices)).collect();
            let sizes: Vec<u64> = parts.iter().map(RoaringBitmap::len).collect();
            assert!(sizes.iter().max().expect("some") - sizes.iter().min().expect("some") <= 1, "{sizes:?}");
            assert_eq!(sizes.iter().sum::<u64>(), audience.len());
            assert_eq!(parts.into_iter().fold(RoaringBitmap::new(), |all, part| all | part), audience);
        }
    }
}
