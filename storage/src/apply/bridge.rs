//! What the bridges need: tokens of devices, badges, and what was handed over.

use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::Position;

use super::presence::by_chunk;
use super::{Batch, Decided};
use crate::command::{BadgeChange, BridgeCommand};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::outcome::{Answer, Refusal};
use crate::rows::app::app_key;
use crate::rows::bridge::{
    Badge, BridgeCursor, PushToken, TokenOwner, push_token_key, token_chunk_key, token_owner_key,
};
use crate::rows::chunk::{ReportChunk, StopChunk, TokenChunk, chunk_of, report_chunk_key, stop_chunk_key};
use crate::rows::device::device_key;
use crate::rows::push::Report;
use crate::table::Table;
use crate::tables::Tables;

/// What an icon can show.
const BADGE_MAX: u32 = 99_999;

impl Batch<'_> {
    pub(super) fn bridge(&mut self, command: &BridgeCommand) -> Decided<Answer> {
        match command {
            BridgeCommand::SetToken { app, device, token } => self.set_push_token(*app, *device, token),
            BridgeCommand::ForgetToken { app, device, kind } => self.forget_push_token(*app, *device, TokenKind(*kind)),
            BridgeCommand::DropToken { app, device, token } => self.drop_push_token(*app, *device, token),
            BridgeCommand::StopPushes { app, device, is_stopped } => self.stop_pushes(*app, *device, *is_stopped),
            BridgeCommand::SetBadge { app, device, badge } => self.set_badge(*app, *device, *badge),
            BridgeCommand::CountBadges { app, push, devices, change } => {
                self.count_badges(*app, *push, devices, *change)
            }
            BridgeCommand::HandedOver { app, push, channel, devices } => {
                self.require_app(*app)?;
                self.mark_bridged(*app, *push, channel.report(), devices)?;
                Ok(Answer::Done)
            }
            BridgeCommand::CallbacksTold { app, events } => self.callbacks_told(*app, events),
            BridgeCommand::Texted { app, push, devices, is_refused } => {
                self.mark_texted(*app, *push, devices, *is_refused)
            }
            BridgeCommand::FollowedUp { id, next } => self.followed_up(id, *next),
            BridgeCommand::NoteUnreceived { id } => self.note_unreceived(id),
            BridgeCommand::Advance { app, position } => {
                self.require_app(*app)?;
                self.put(&app_key(*app), &BridgeCursor(*position))?;
                Ok(Answer::Done)
            }
        }
    }

    fn set_push_token(&mut self, app: AppNumber, device: DeviceNumber, token: &PushToken) -> Decided<Answer> {
        self.require_app(app)?;
        if find::device(self, app, device)?.is_none() {
            return Err(Refusal::DeviceUnknown.into());
        }
        let key = push_token_key(app, device, TokenKind(token.kind));
        let known = self.row::<PushToken>(&key)?;
        if known.as_ref() == Some(token) {
            return Ok(Answer::Done);
        }
        if let Some(known) = known {
            self.remove_push_token(app, device, &known)?;
        }
        // An app that was installed anew is another device with the same token; the old one is gone.
        let owner_key = token_owner_key(app, token.kind, &token.token);
        if let Some(TokenOwner(former)) = self.row(&owner_key)? {
            self.remove_push_token(app, former, token)?;
        }
        self.put(&owner_key, &TokenOwner(device))?;
        self.put(&key, token)?;
        let chunk = token_chunk_key(app, token.kind, chunk_of(device));
        self.change_chunk::<TokenChunk>(&chunk, |with| with.insert(device))?;
        Ok(Answer::Done)
    }

    fn forget_push_token(&mut self, app: AppNumber, device: DeviceNumber, kind: TokenKind) -> Decided<Answer> {
        self.require_app(app)?;
        if find::device(self, app, device)?.is_none() {
            return Err(Refusal::DeviceUnknown.into());
        }
        if let Some(known) = self.row::<PushToken>(&push_token_key(app, device, kind))? {
            self.remove_push_token(app, device, &known)?;
        }
        Ok(Answer::Done)
    }

    /// A token that its bridge does not know any more; one that came meanwhile stays.
    fn drop_push_token(&mut self, app: AppNumber, device: DeviceNumber, token: &PushToken) -> Decided<Answer> {
        self.require_app(app)?;
        if self.row::<PushToken>(&push_token_key(app, device, TokenKind(token.kind)))?.as_ref() == Some(token) {
            self.remove_push_token(app, device, token)?;
        }
        Ok(Answer::Done)
    }

    fn remove_push_token(&mut self, app: AppNumber, device: DeviceNumber, token: &PushToken) -> Result<(), ReadError> {
        self.remove(Table::PushTokens, &push_token_key(app, device, TokenKind(token.kind)))?;
        self.remove(Table::TokenOwners, &token_owner_key(app, token.kind, &token.token))?;
        let chunk = token_chunk_key(app, token.kind, chunk_of(device));
        self.change_chunk::<TokenChunk>(&chunk, |with| with.remove(device))?;
        Ok(())
    }

    fn stop_pushes(&mut self, app: AppNumber, device: DeviceNumber, is_stopped: bool) -> Decided<Answer> {
        self.require_app(app)?;
        if find::device(self, app, device)?.is_none() {
            return Err(Refusal::DeviceUnknown.into());
        }
        let key = stop_chunk_key(app, chunk_of(device));
        self.change_chunk::<StopChunk>(&key, |stopped| match is_stopped {
            true => stopped.insert(device),
            false => stopped.remove(device),
        })?;
        Ok(Answer::Done)
    }

    fn set_badge(&mut self, app: AppNumber, device: DeviceNumber, badge: u32) -> Decided<Answer> {
        self.require_app(app)?;
        if find::device(self, app, device)?.is_none() {
            return Err(Refusal::DeviceUnknown.into());
        }
        self.put_badge(app, device, badge)?;
        Ok(Answer::Done)
    }

    fn put_badge(&mut self, app: AppNumber, device: DeviceNumber, badge: u32) -> Result<(), ReadError> {
        match badge.min(BADGE_MAX) {
            0 => self.remove(Table::Badges, &device_key(app, device)),
            badge => self.put(&device_key(app, device), &Badge(badge)),
        }
    }

    /// Once for each device and push, however often it is asked: a bridge may have to try again.
    fn count_badges(
        &mut self,
        app: AppNumber,
        push: Position,
        devices: &[DeviceNumber],
        change: BadgeChange,
    ) -> Decided<Answer> {
        self.require_app(app)?;
        let is_known = find::push_state(self, app, push)?.is_some();
        let mut badges = Vec::with_capacity(devices.len());
        for device in devices {
            let key = report_chunk_key(app, push, Report::BadgeCounted, chunk_of(*device));
            let is_new = is_known && self.change_chunk::<ReportChunk>(&key, |counted| counted.insert(*device))?;
            let mut badge = self.row::<Badge>(&device_key(app, *device))?.map_or(0, |badge| badge.0);
            if is_new {
                badge = change.of(badge).min(BADGE_MAX);
                self.put_badge(app, *device, badge)?;
            }
            badges.push(badge);
        }
        Ok(Answer::Badges(badges))
    }

    fn mark_bridged(
        &mut self,
        app: AppNumber,
        push: Position,
        report: Report,
        devices: &[DeviceNumber],
    ) -> Result<(), ReadError> {
        if find::push_state(self, app, push)?.is_none() {
            return Ok(());
        }
        for (number, bridged) in by_chunk(devices) {
            self.add_reports(app, push, report, number, &bridged)?;
        }
        Ok(())
    }
}

impl BadgeChange {
    fn of(self, badge: u32) -> u32 {
        match self {
            Self::To(badge) => badge,
            Self::By(change) => badge.saturating_add_signed(change),
        }
    }
}
