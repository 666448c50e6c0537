//! What the bridges to sleeping devices ask for.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber};
use crate::rows::bridge::{Channel, PushToken};
use crate::rows::callback::CallbackEvent;
use crate::rows::followup::FollowupId;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BridgeCommand {
    /// Where the device can be reached without a link; nothing forgets it. Another device with this token loses it.
    SetToken { app: AppNumber, device: DeviceNumber, token: PushToken },
    /// The device's token of this kind, or of those that share a place with it, is taken back.
    ForgetToken { app: AppNumber, device: DeviceNumber, kind: u8 },
    /// The bridge says that the token is good no more; a newer one stays.
    DropToken { app: AppNumber, device: DeviceNumber, token: PushToken },
    /// Whether the device wants no pushes: then no bridge brings it any.
    StopPushes { app: AppNumber, device: DeviceNumber, is_stopped: bool },
    /// What the icon shows: 0 to 99,999.
    SetBadge { app: AppNumber, device: DeviceNumber, badge: u32 },
    /// Changes the badges of at most 256 devices for a push, once each; the answer says all of them.
    CountBadges { app: AppNumber, push: Position, devices: Vec<DeviceNumber>, change: BadgeChange },
    /// A bridge took this part of the push for these devices. At most 4,096.
    HandedOver { app: AppNumber, push: Position, channel: Channel, devices: Vec<DeviceNumber> },
    /// The app's server was told of these events, or will not be any more. At most 1,000.
    CallbacksTold { app: AppNumber, events: Vec<CallbackEvent> },
    /// Text messages for these devices were handed over, or refused for good. At most 4,096.
    Texted { app: AppNumber, push: Position, devices: Vec<DeviceNumber>, is_refused: bool },
    /// This was looked at, and is looked at again, or never; nothing happens when it was moved before.
    FollowedUp { id: FollowupId, next: Option<NextLook> },
    /// Notes for the callback who did not receive the push, up to 1,000 rows; the answer says whether there is more.
    NoteUnreceived { id: FollowupId },
    /// All releases up to here are dealt with.
    Advance { app: AppNumber, position: Position },
}

/// Where a look goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextLook {
    pub due_ms: TimeMs,
    pub from: DeviceNumber,
    /// What was tried in vain before it.
    pub unfinished: Option<DeviceNumber>,
    pub failures: u32,
}

impl BridgeCommand {
    pub(super) fn app(&self) -> AppNumber {
        match self {
            Self::SetToken { app, .. }
            | Self::ForgetToken { app, .. }
            | Self::DropToken { app, .. }
            | Self::StopPushes { app, .. }
            | Self::SetBadge { app, .. }
            | Self::CountBadges { app, .. }
            | Self::HandedOver { app, .. }
            | Self::CallbacksTold { app, .. }
            | Self::Texted { app, .. }
            | Self::Advance { app, .. } => *app,
            Self::FollowedUp { id, .. } | Self::NoteUnreceived { id } => id.app,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum BadgeChange {
    To(u32),
    By(i32),
}
