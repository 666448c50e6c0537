//! Reading what is kept of one push or one message, for an operator who asks what became of it. Never what it says.

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};

use super::pushes::released_to;
use super::{ReportTarget, Snapshot};
use crate::command::{Amended, Class};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::rows::chunk::{ChunkRow, ReportChunk, chunk_of, report_chunk_key};
use crate::rows::push::{PushTargets, Report, SlowPush, push_key};
use crate::rows::receipt::{Receipt, ReceiptReaders, receipt_key};
use crate::rows::record::{Amendment, Record, amendment_key, log_key};
use crate::tables::Tables;

/// A push, and how many devices are how far with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushTrace {
    pub accepted_ms: TimeMs,
    pub expires_ms: TimeMs,
    /// Without lifetime: only for those who were connected when it was accepted.
    pub is_live_only: bool,
    pub is_withdrawn: bool,
    pub replaced_by: Option<Position>,
    /// Of a slow push: how many of its parts were released, and of how many.
    pub parts: Option<(u32, u32)>,
    /// The devices that were chosen, and those of each platform among them.
    pub targets: u64,
    pub platforms: Vec<(Platform, u64)>,
    pub counts: PushSteps<u64>,
}

/// What is known of a push on its way: as counts, or of one device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushSteps<T> {
    /// It was connected when the push was released.
    pub reached: T,
    pub received: T,
    pub shown: T,
    pub clicked: T,
    pub bridged: T,
    pub texted: T,
    pub text_refused: T,
}

/// One device, and how far it is with a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceTrace {
    pub device: DeviceNumber,
    pub platform: Platform,
    pub registered_ms: TimeMs,
    /// It was registered after the push was accepted.
    pub is_younger: bool,
    /// Nothing when retention has cut what would tell.
    pub is_target: Option<bool>,
    pub steps: PushSteps<bool>,
    pub has_stopped_pushes: bool,
    pub is_dormant: bool,
    /// Up to where it has acknowledged, as far as that was written down.
    pub cursor: Position,
}

/// A message to a user, a group or a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageTrace {
    pub accepted_ms: TimeMs,
    pub from: String,
    pub to: ReportTarget,
    /// Of the device that sent it; nothing for an app server.
    pub platform: Option<Platform>,
    pub amended: Option<(AmendedHow, TimeMs)>,
    /// Of one that asked for receipts: to how many it was given, and how many have read it.
    pub receipts: Option<(u64, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmendedHow {
    Retracted,
    Edited,
    Erased,
}

impl Snapshot {
    /// Nothing when the push is unknown or too old.
    pub fn push_trace(&self, app: AppNumber, msg_id: Position) -> Result<Option<PushTrace>, ReadError> {
        let Some(state) = find::push_state(self, app, msg_id)? else { return Ok(None) };
        let targets = self.row::<PushTargets>(&push_key(app, msg_id))?;
        let slow = self.row::<SlowPush>(&push_key(app, msg_id))?;
        let count = |report| self.reports(app, msg_id, report, None);
        let counts = PushSteps {
            reached: count(Report::Reached)?,
            received: count(Report::Received)?,
            shown: count(Report::Shown)? + count(Report::MessageShown)?,
            clicked: count(Report::Clicked)? + count(Report::MessageClicked)?,
            bridged: count(Report::Bridged)? + count(Report::CallBridged)? + count(Report::ActivityBridged)?,
            texted: count(Report::Texted)?,
            text_refused: count(Report::TextRefused)?,
        };
        let platforms = targets.iter().flat_map(|targets| &targets.platforms);
        Ok(Some(PushTrace {
            accepted_ms: targets.as_ref().map_or(0, |targets| targets.at_ms),
            expires_ms: state.expires_ms,
            is_live_only: state.is_live_only,
            is_withdrawn: state.is_withdrawn,
            replaced_by: state.replaced_by,
            parts: slow.map(|slow| (slow.next, slow.slices)),
            targets: state.targets,
            platforms: platforms.map(|of| (of.platform, of.targets)).collect(),
            counts,
        }))
    }

    /// How far one device is with a push; nothing when the push or the device is unknown.
    pub fn device_trace(
        &self,
        app: AppNumber,
        msg_id: Position,
        device: DeviceNumber,
    ) -> Result<Option<DeviceTrace>, ReadError> {
        let (Some(row), Some(state)) = (find::device(self, app, device)?, find::push_state(self, app, msg_id)?) else {
            return Ok(None);
        };
        let has = |report| -> Result<bool, ReadError> {
            let chunk = self.row::<ReportChunk>(&report_chunk_key(app, msg_id, report, chunk_of(device)))?;
            Ok(chunk.is_some_and(|row| row.chunk().contains(device)))
        };
        let any = |reports: &[Report]| -> Result<bool, ReadError> {
            for report in reports {
                if has(*report)? {
                    return Ok(true);
                }
            }
            Ok(false)
        };
        let steps = PushSteps {
            reached: has(Report::Reached)?,
            received: has(Report::Received)?,
            shown: any(&[Report::Shown, Report::MessageShown])?,
            clicked: any(&[Report::Clicked, Report::MessageClicked])?,
            bridged: any(&Report::BRIDGED)?,
            texted: has(Report::Texted)?,
            text_refused: has(Report::TextRefused)?,
        };
        Ok(Some(DeviceTrace {
            device,
            platform: row.platform,
            registered_ms: row.created_ms,
            is_younger: row.created_at > msg_id,
            is_target: released_to(self, &self.shared.pushes, self.end, app, &state, device)?,
            steps,
            has_stopped_pushes: self.has_stopped_pushes(app, device)?,
            is_dormant: self.is_dormant(app, device)?,
            cursor: self.push_cursor(app, device)?.unwrap_or(Position::START),
        }))
    }

    /// Nothing when no message stands there, or not any more.
    pub fn message_trace(&self, app: AppNumber, msg_id: Position) -> Result<Option<MessageTrace>, ReadError> {
        let is_there = |class| Ok::<_, ReadError>(self.row::<Record>(&log_key(app, class, msg_id))?.is_some());
        if !is_there(Class::Chat)? && !is_there(Class::Room)? {
            return Ok(None);
        }
        let Some(message) = self.report_messages(app, &[msg_id])?.pop() else { return Ok(None) };
        let amended = self.row::<Amendment>(&amendment_key(app, msg_id))?.map(|amendment| {
            let how = match amendment.what {
                Amended::Retracted => AmendedHow::Retracted,
                Amended::Edited(_) => AmendedHow::Edited,
                Amended::Erased => AmendedHow::Erased,
            };
            (how, amendment.at_ms)
        });
        let receipts = match self.row::<Receipt>(&receipt_key(app, msg_id))? {
            None => None,
            Some(receipt) => {
                let readers: ReceiptReaders = find::required(self, receipt_key(app, msg_id))?;
                Some((receipt.members.len(), readers.users.len()))
            }
        };
        Ok(Some(MessageTrace {
            accepted_ms: message.at_ms,
            from: message.from.username,
            to: message.to,
            platform: message.platform,
            amended,
            receipts,
        }))
    }
}
