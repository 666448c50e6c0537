//! What a session answers about the devices of its user.

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::device::{OwnDevice, OwnDevices, OwnDevicesAsk};
use anser_protocol::ids::TimeMs;
use anser_storage::OwnDevice as FoundDevice;
use anser_storage::ids::UserNumber;

use super::request::Pending;
use super::{Action, Session, Stage, Ticket};
use crate::link::query::{Answer, Query};

impl Session {
    pub(super) fn ask_own_devices(&mut self, body: OwnDevicesAsk) {
        let Stage::Ready(ready) = &self.stage else { return };
        let Some(user) = &ready.user else { return self.fail(body.request, ErrorCode::NOT_LOGGED_IN, "") };
        let query = Query::OwnDevices {
            app: ready.app,
            user: user.number,
            device: ready.device.number,
            pushed_off: user.pushed_off,
        };
        self.query(Pending::OwnDevices { request: body.request, user: user.number }, query);
    }

    /// Which of them hold a link is not in the store.
    pub(super) fn own_devices_read(
        &mut self,
        (request, user): (u32, UserNumber),
        answer: Result<Answer, ErrorCode>,
        now: TimeMs,
    ) {
        let found = match answer {
            Ok(Answer::OwnDevices(found)) => found,
            Ok(_) => return self.fail(request, ErrorCode::INTERNAL, ""),
            Err(code) => return self.fail(request, code, ""),
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let (app, devices) = (ready.app, found.iter().map(|found| found.device).collect());
        let ticket = self.ask(Pending::FindOnline { request, found, now });
        self.actions.push_back(Action::FindOnline { ticket, app, user, devices });
    }

    pub(super) fn online_found(&mut self, ticket: Ticket, online: &[bool]) {
        let Some(Pending::FindOnline { request, found, now }) = self.take_pending(ticket) else { return };
        let devices = found.into_iter().zip(online).map(|(found, is_online)| shown(found, *is_online, now)).collect();
        self.send(&ServerFrame::OwnDevices(OwnDevices { request, devices, extensions: Extensions::default() }));
    }
}

fn shown(found: FoundDevice, is_online: bool, now: TimeMs) -> OwnDevice {
    // A link that ends may still be there when its login is not.
    let is_online = is_online && found.is_logged_in;
    let seen_ms = if is_online { now } else { found.seen_ms.unwrap_or_default() };
    OwnDevice {
        registration_id: found.registration_id,
        platform: found.platform,
        is_logged_in: found.is_logged_in,
        is_online,
        seen_s: seen_ms / 1_000,
        was_pushed_off: found.was_pushed_off,
        extensions: Extensions::default(),
    }
}
