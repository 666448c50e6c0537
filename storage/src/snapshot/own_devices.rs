//! What a user is told of their own devices: of each kind the one that was used last.

use anser_protocol::content::{DeviceKind, Platform};
use anser_protocol::ids::TimeMs;

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::u32_at;
use crate::rows::device::DeviceRow;
use crate::rows::user::{ChatCursor, Token, token_key, user_key};
use crate::tables::{NEXT, STOP, Tables};

const KINDS: [DeviceKind; 3] = [DeviceKind::Phone, DeviceKind::Computer, DeviceKind::Browser];
/// Logins, and devices that the user ever was on, of which keys are read.
const READ_MAX: usize = 1_000;
/// Devices without a login that are looked at, those that were used last first.
const LOOKED_AT_MAX: usize = 64;

/// A device of the user.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnDevice {
    pub device: DeviceNumber,
    pub registration_id: String,
    pub platform: Platform,
    pub is_logged_in: bool,
    pub was_pushed_off: bool,
    /// As [`Snapshot::last_seen`] has it; nothing where the user has logged out, because somebody else may be there now.
    pub seen_ms: Option<TimeMs>,
}

impl Snapshot {
    /// Of each kind one: the device that the login of the asking device pushed off; else the other one on which the user is
    /// logged in, by the rule of who makes room; else the asking one; else where the user was last.
    pub fn own_devices(
        &self,
        app: AppNumber,
        user: UserNumber,
        asking: DeviceNumber,
        pushed_off: Option<DeviceNumber>,
        now_ms: TimeMs,
    ) -> Result<Vec<OwnDevice>, ReadError> {
        let logins = self.logins_by_use(app, user, now_ms)?;
        let mut found: Vec<(DeviceNumber, DeviceRow, bool)> = Vec::new();
        let mut take = |device, is_logged_in| {
            let Some(row) = find::device(self, app, device)? else { return Ok::<_, ReadError>(found.len()) };
            let kind = row.platform.device_kind();
            if found.iter().all(|(_, known, _)| known.platform.device_kind() != kind) {
                found.push((device, row, is_logged_in));
            }
            Ok(found.len())
        };
        if let Some(device) = pushed_off {
            take(device, logins.contains(&device))?;
        }
        for device in
            logins.iter().filter(|device| **device != asking).chain(logins.contains(&asking).then_some(&asking))
        {
            take(*device, true)?;
        }
        for device in self.visited(app, user)?.into_iter().take(LOOKED_AT_MAX) {
            if take(device, false)? == KINDS.len() {
                break;
            }
        }
        found.sort_by_key(|(_, row, _)| KINDS.iter().position(|kind| *kind == row.platform.device_kind()));
        let shown = found.into_iter().map(|(device, row, is_logged_in)| {
            let was_pushed_off = pushed_off == Some(device) && !is_logged_in;
            let seen_ms = match is_logged_in || was_pushed_off {
                true => self.last_seen(app, device, now_ms)?,
                false => None,
            };
            let DeviceRow { registration_id, platform, .. } = row;
            Ok(OwnDevice { device, registration_id, platform, is_logged_in, was_pushed_off, seen_ms })
        });
        shown.collect()
    }

    /// Where the user is logged in, the login that was used last first.
    fn logins_by_use(&self, app: AppNumber, user: UserNumber, now_ms: TimeMs) -> Result<Vec<DeviceNumber>, ReadError> {
        let mut logins = Vec::new();
        for (device, hash) in find::sessions(self, app, user, READ_MAX)? {
            let token = self.row::<Token>(&token_key(app, &hash))?;
            logins.extend(token.filter(|token| token.expires_ms > now_ms).map(|token| (token.expires_ms, device)));
        }
        logins.sort_unstable_by(|one, other| other.cmp(one));
        Ok(logins.into_iter().map(|(_, device)| device).collect())
    }

    /// Where the user has stored chats, the device that got furthest first.
    fn visited(&self, app: AppNumber, user: UserNumber) -> Result<Vec<DeviceNumber>, ReadError> {
        let prefix = user_key(app, user);
        let device_at = prefix.as_bytes().len();
        let mut visited = Vec::new();
        self.rows::<ChatCursor>(&prefix, |key, cursor| {
            visited.extend(u32_at(key, device_at).map(|device| (cursor.0, DeviceNumber(device))));
            Ok(if visited.len() < READ_MAX { NEXT } else { STOP })
        })?;
        visited.sort_unstable_by(|one, other| other.cmp(one));
        Ok(visited.into_iter().map(|(_, device)| device).collect())
    }
}
