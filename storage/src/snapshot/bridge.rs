//! What the bridges ask: which releases are theirs, and what is to be said to whom.

use std::collections::BTreeSet;
use std::sync::Arc;

use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{Position, TimeMs};
use roaring::RoaringBitmap;

use super::{BridgePush, BridgeRelease, BridgeReleases, Snapshot};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::{Key, behind_prefix, u32_at, u64_at};
use crate::row;
use crate::rows::app::app_key;
use crate::rows::bridge::{Badge, BridgeCursor, Channel, PushToken, push_token_key, token_chunk_key};
use crate::rows::chunk::{
    CHUNK_DEVICES, Chunk, ChunkRow, ReportChunk, StopChunk, TokenChunk, chunk_of, stop_chunk_key,
};
use crate::rows::device::device_key;
use crate::rows::push::{PushTargets, Report, push_key, report_prefix};
use crate::rows::record::{Body, Record, ReleaseTo, log_key, log_prefix};
use crate::rows::user::session_key;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Devices of one user that are told of what they missed.
const DEVICES_OF_USER_MAX: usize = 64;
/// Records that one call looks at.
const STEPS_MAX: usize = 1_000;

impl Snapshot {
    /// The token for notifications.
    pub fn push_token(&self, app: AppNumber, device: DeviceNumber) -> Result<Option<PushToken>, ReadError> {
        self.row(&device_key(app, device))
    }

    /// The token in the place where one of this kind is kept, of whichever environment it is.
    pub fn push_token_like(
        &self,
        app: AppNumber,
        device: DeviceNumber,
        kind: TokenKind,
    ) -> Result<Option<PushToken>, ReadError> {
        self.row(&push_token_key(app, device, kind))
    }

    pub fn has_stopped_pushes(&self, app: AppNumber, device: DeviceNumber) -> Result<bool, ReadError> {
        let row = self.row::<StopChunk>(&stop_chunk_key(app, chunk_of(device)))?;
        Ok(row.is_some_and(|row| row.chunk().contains(device)))
    }

    /// All devices that want no pushes.
    pub fn devices_without_pushes(&self, app: AppNumber) -> Result<RoaringBitmap, ReadError> {
        let (mut devices, prefix) = (RoaringBitmap::new(), Key::app(app));
        self.rows::<StopChunk>(&prefix, |key, row| {
            devices.extend(row.chunk().devices(u32_at(key, prefix.as_bytes().len()).unwrap_or_default()));
            Ok(NEXT)
        })?;
        Ok(devices)
    }

    pub fn badge(&self, app: AppNumber, device: DeviceNumber) -> Result<u32, ReadError> {
        Ok(self.row::<Badge>(&device_key(app, device))?.map_or(0, |badge| badge.0))
    }

    /// Where a user is logged in, with or without a link.
    pub fn devices_of_user(&self, app: AppNumber, user: UserNumber) -> Result<Vec<DeviceNumber>, ReadError> {
        let prefix = Key::app(app).u32(user.0);
        let keys = self.keys(Table::Sessions, &prefix, DEVICES_OF_USER_MAX)?;
        Ok(keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len()).map(DeviceNumber)).collect())
    }

    /// Was the user logged out on this device because another of its kind came, and did not log in on it since?
    pub fn gave_way(&self, app: AppNumber, user: UserNumber, device: DeviceNumber) -> Result<bool, ReadError> {
        self.has(Table::GaveWay, &session_key(app, user, device))
    }

    /// Up to where an app's releases were looked at; nothing before its first bridge.
    pub fn bridge_cursor(&self, app: AppNumber) -> Result<Option<Position>, ReadError> {
        Ok(self.row::<BridgeCursor>(&app_key(app))?.map(|cursor| cursor.0))
    }

    /// Releases above `after` to devices that have a token, a push once.
    pub fn bridge_releases(&self, app: AppNumber, after: Position) -> Result<BridgeReleases, ReadError> {
        let from = log_key(app, Class::Push, Position(after.0 + 1));
        let to = behind_prefix(log_prefix(app, Class::Push).as_bytes());
        let position_at = log_prefix(app, Class::Push).as_bytes().len();
        let mut found = BridgeReleases { releases: Vec::new(), reached: after, is_complete: true };
        let mut steps = 0;
        let mut released: Vec<(Position, RoaringBitmap)> = Vec::new();
        self.scan(Table::Log, from.as_bytes(), to.as_deref(), &mut |key, value| {
            steps += 1;
            if steps > STEPS_MAX {
                found.is_complete = false;
                return Ok(STOP);
            }
            found.reached = u64_at(key, position_at).map_or(found.reached, Position);
            // A damaged record is told of by the scrub; it must not hold up all that come after it.
            // One on no chain hands nothing out: the slices of a slow push come as releases of their own.
            if let Ok(Record { seq: 1.., body: Body::Release(release), .. }) = row::decode::<Record>(key, value) {
                let mut devices = RoaringBitmap::new();
                match release.to {
                    ReleaseTo::Device(device) => drop(devices.insert(device.0)),
                    ReleaseTo::Many(bytes) => {
                        devices |= RoaringBitmap::deserialize_from(bytes.as_slice()).unwrap_or_default();
                    }
                }
                match released.iter_mut().find(|(push, _)| *push == release.push) {
                    Some((_, known)) => *known |= devices,
                    None => released.push((release.push, devices)),
                }
            }
            Ok(NEXT)
        })?;
        for (push, devices) in released {
            for channel in Channel::ALL {
                let devices = with_token(self, app, &devices, channel.kinds())?;
                if !devices.is_empty() {
                    found.releases.push(BridgeRelease { push, channel, devices });
                }
            }
        }
        Ok(found)
    }

    /// Devices that need not be told this part of a push any more: a bridge took it for them, or they have what the link
    /// brings in its place.
    pub fn bridged(&self, app: AppNumber, push: Position, channel: Channel) -> Result<RoaringBitmap, ReadError> {
        let mut devices = RoaringBitmap::new();
        let received = (channel == Channel::Notice).then_some(Report::Received);
        for report in received.into_iter().chain([channel.report()]) {
            let prefix = report_prefix(app, push, report);
            let chunk_at = prefix.as_bytes().len();
            self.rows::<ReportChunk>(&prefix, |key, row| {
                devices.extend(row.chunk().devices(u32_at(key, chunk_at).unwrap_or_default()));
                Ok(NEXT)
            })?;
        }
        Ok(devices)
    }

    /// Nothing when it was withdrawn or replaced, has expired, or is unknown. One without lifetime is kept from links,
    /// but a bridge has as long for it as for any other (the push API: no effect on notifications of iOS).
    pub fn bridge_push(
        &self,
        app: AppNumber,
        msg_id: Position,
        now_ms: TimeMs,
    ) -> Result<Option<BridgePush>, ReadError> {
        const DAY_MS: u64 = 86_400_000;
        let Some(state) = find::push_state(self, app, msg_id)? else { return Ok(None) };
        let at_ms = self.row::<PushTargets>(&push_key(app, msg_id))?.map(|targets| targets.at_ms);
        let expires_ms = match at_ms {
            Some(at_ms) if state.is_live_only => at_ms + DAY_MS,
            _ => state.expires_ms,
        };
        if state.is_withdrawn || state.replaced_by.is_some() || expires_ms <= now_ms {
            return Ok(None);
        }
        let Some(push) = find::push_payload(self, app, msg_id, &state)?.map(Arc::new) else { return Ok(None) };
        let kept = self.push_kept(app, msg_id)?.unwrap_or_default();
        let at_ms = at_ms.unwrap_or_default();
        Ok(Some(BridgePush { push, kept, at_ms, expires_ms, is_live_only: state.is_live_only }))
    }
}

/// Those of the devices that have a token of one of the kinds.
pub(crate) fn with_token(
    tables: &impl Tables,
    app: AppNumber,
    devices: &RoaringBitmap,
    kinds: &[TokenKind],
) -> Result<RoaringBitmap, ReadError> {
    let mut found = RoaringBitmap::new();
    for chunk in chunks_with_token(tables, app, kinds)? {
        let first = chunk * CHUNK_DEVICES;
        if devices.range_cardinality(first..first + CHUNK_DEVICES) == 0 {
            continue;
        }
        let mut any = Chunk::EMPTY;
        for kind in kinds {
            if let Some(row) = tables.row::<TokenChunk>(&token_chunk_key(app, kind.0, chunk))? {
                any.union(&row.chunk());
            }
        }
        found.extend(any.devices(chunk).filter(|device| devices.contains(*device)));
    }
    Ok(found)
}

fn chunks_with_token(tables: &impl Tables, app: AppNumber, kinds: &[TokenKind]) -> Result<BTreeSet<u32>, ReadError> {
    let mut chunks = BTreeSet::new();
    for kind in kinds {
        let prefix = Key::app(app).u8(kind.0);
        let keys = tables.keys(Table::TokenChunks, &prefix, usize::MAX)?;
        chunks.extend(keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len())));
    }
    Ok(chunks)
}
