//! Rows of what follows for the targets of a push that did not receive it: a text message, or the app's server is told.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, DeviceNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::row::serde_row;

/// When devices that did not receive a push are to get a text message, and which of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsOrder {
    /// So long after the push was released to them.
    pub delay_s: u32,
    /// Not those that have not been seen for as long as presence is kept.
    pub only_active: bool,
}

/// What a push has behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Followup {
    /// Where its whole audience is written down; nothing when its releases name all of them.
    pub audience: Option<Position>,
    pub sms: Option<SmsOrder>,
    /// When it is told who did not receive it.
    pub unreceived_ms: Option<TimeMs>,
}
serde_row!(Followup, Followups);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum FollowupKind {
    Sms = 1,
    /// The callback hears who did not receive the push.
    Unreceived = 2,
}

/// Names something that is due for a push, or for the slice of a slow push.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FollowupId {
    pub due_ms: TimeMs,
    pub app: AppNumber,
    pub push: Position,
    pub kind: FollowupKind,
    pub slice: u32,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowupState {
    /// Into how many slices the audience is cut.
    pub slices: u32,
    /// When it was due first.
    pub since_ms: TimeMs,
    /// With which device it goes on.
    pub from: DeviceNumber,
    /// The first device before `from` for which it was tried in vain: a pass goes back to it at its end.
    pub unfinished: Option<DeviceNumber>,
    /// How often it was tried in vain, one time after the other.
    pub failures: u32,
}
serde_row!(FollowupState, FollowupsDue);

/// In order of time.
pub(crate) fn followup_due_key(id: &FollowupId) -> Key {
    Key::empty().u64(id.due_ms).u32(id.app.0).u64(id.push.0).u8(id.kind as u8).u32(id.slice)
}

impl FollowupId {
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        let kind = *key.get(20)?;
        Some(Self {
            due_ms: u64_at(key, 0)?,
            app: AppNumber(u32_at(key, 8)?),
            push: Position(u64_at(key, 12)?),
            kind: [FollowupKind::Sms, FollowupKind::Unreceived].into_iter().find(|known| *known as u8 == kind)?,
            slice: u32_at(key, 21)?,
        })
    }
}

impl FollowupState {
    pub(crate) fn first(id: &FollowupId, slices: u32) -> Self {
        Self { slices, since_ms: id.due_ms, from: DeviceNumber(0), unfinished: None, failures: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_tells_what_is_due() {
        let id = FollowupId {
            due_ms: 5,
            app: AppNumber(7),
            push: Position(1 << 40),
            kind: FollowupKind::Unreceived,
            slice: 143,
        };
        let key = followup_due_key(&id);
        assert_eq!(FollowupId::of_key(key.as_bytes()), Some(id));
        assert_eq!(FollowupId::of_key(&key.as_bytes()[..24]), None);
    }
}
