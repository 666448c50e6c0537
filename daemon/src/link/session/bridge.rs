//! How a device is reached while it has no link.

use anser_protocol::error::ErrorCode;
use anser_protocol::frame::push::{Badge, PushToken};
use anser_protocol::limits::{BADGE_MAX, PUSH_TOKEN_BYTES_MAX};
use anser_storage::command::{BridgeCommand, Command};

use super::request::Pending;
use super::{Session, Stage};

impl Session {
    pub(super) fn set_push_token(&mut self, body: PushToken) {
        let PushToken { request, kind, token, .. } = body;
        let Stage::Ready(ready) = &self.stage else { return };
        if !kind.is_known() {
            return self.fail(request, ErrorCode::INVALID, "this kind of push token is not known");
        }
        if token.len() > PUSH_TOKEN_BYTES_MAX || token.chars().any(char::is_control) {
            return self.fail(
                request,
                ErrorCode::INVALID,
                "a push token has at most 1024 bytes and no control characters",
            );
        }
        let (app, device) = (ready.app, ready.device.number);
        let command = match token.is_empty() {
            true => BridgeCommand::ForgetToken { app, device, kind: kind.0 },
            false => BridgeCommand::SetToken { app, device, token: anser_storage::PushToken { kind: kind.0, token } },
        };
        self.submit(Pending::Report(request), Command::Bridge(command));
    }

    pub(super) fn set_badge(&mut self, body: Badge) {
        let Badge { request, badge, .. } = body;
        let Stage::Ready(ready) = &self.stage else { return };
        if badge > BADGE_MAX {
            return self.fail(request, ErrorCode::INVALID, "a badge is a number from 0 to 99999");
        }
        let (app, device) = (ready.app, ready.device.number);
        self.submit(Pending::Report(request), Command::Bridge(BridgeCommand::SetBadge { app, device, badge }));
    }
}
