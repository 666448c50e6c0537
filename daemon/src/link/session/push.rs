//! A device's pushes on one session, and its reports about them.

use std::sync::Arc;

use anser_protocol::content::Platform;
use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::ServerFrame;
use anser_protocol::frame::push::{
    PushAck, PushClicked, PushCovered, PushDeliver, PushReport, PushResume, PushState, PushStop, PushWithdrawn,
};
use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::planted::{Fault, is_planted};
use anser_storage::command::{BridgeCommand, Command, MarkCommand, PushCommand, Reported};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Push;

use super::request::Pending;
use super::{Action, Session, Stage};
use crate::link::query::{Answer, Query};

/// The device of a session, and how far it has been told of its pushes.
#[derive(Debug)]
pub(super) struct DeviceFlow {
    pub(super) number: DeviceNumber,
    platform: Platform,
    /// The release to which the last delivering frame led.
    delivered: Position,
    acknowledged: Position,
    /// Where the session began, and the newest release that it told.
    began_at: Position,
    told: Position,
    progress: Progress,
    /// The device wants no pushes: they wait as for one that is away.
    pub(super) is_stopped: bool,
    /// It knows the chat of notices.
    pub(super) takes_notices: bool,
    /// It knows read marks and receipts.
    pub(super) takes_reads: bool,
    pub(super) takes_profiles: bool,
    /// The store refused to keep that, or the opposite: the bridges do not know of it.
    is_stop_unkept: bool,
    /// Live copies were lost after the snapshot that is being read may have been taken.
    has_missed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Behind,
    Asking,
    Live,
}

impl DeviceFlow {
    pub(super) fn new(number: DeviceNumber, platform: Platform, cursor: Position) -> Self {
        let delivered = if is_planted(Fault::PushCursorIgnored) { Position::START } else { cursor };
        Self {
            number,
            platform,
            delivered,
            acknowledged: cursor,
            began_at: cursor,
            told: cursor,
            progress: Progress::Behind,
            is_stopped: false,
            takes_notices: false,
            takes_reads: false,
            takes_profiles: false,
            is_stop_unkept: false,
            has_missed: false,
        }
    }

    pub(super) fn platform(&self) -> Platform {
        self.platform
    }

    pub(super) fn is_live(&self) -> bool {
        self.is_stopped || self.progress == Progress::Live
    }

    /// Goes on from what the device has stored. An answer that is on its way tells of a time before.
    fn resume(&mut self, cursor: Option<Position>) {
        self.is_stopped = false;
        self.delivered = cursor.unwrap_or(self.acknowledged);
        self.fall_behind();
    }

    pub(super) fn fall_behind(&mut self) {
        match self.progress {
            Progress::Live => self.progress = Progress::Behind,
            Progress::Asking => self.has_missed = true,
            Progress::Behind => {}
        }
    }

    /// What was waiting has been told: it stands at the end, unless more was missed meanwhile.
    fn arrive(&mut self) {
        self.progress = if std::mem::take(&mut self.has_missed) { Progress::Behind } else { Progress::Live };
    }

    pub(super) fn cursor_mark(&self, app: AppNumber) -> Option<MarkCommand> {
        is_worth_a_mark(self.began_at, self.told, self.acknowledged).then_some(MarkCommand::PushCursor {
            app,
            device: self.number,
            position: self.acknowledged,
        })
    }
}

/// A cursor is written down when the link ends, if that spares the device something when it returns: records that it
/// was told, or a long way through records that were not for it. Most links end without either, and a storm of
/// reconnects then writes nothing.
pub(super) fn is_worth_a_mark(began_at: Position, told: Position, acknowledged: Position) -> bool {
    const LONG_WAY: u64 = 4096;
    acknowledged > began_at && (told > began_at || acknowledged.0 - began_at.0 >= LONG_WAY)
}

impl Session {
    /// A live release for this device.
    pub(super) fn deliver_push(&mut self, position: Position, at_ms: TimeMs, push: &Arc<Push>) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let device = &mut ready.device;
        if device.is_stopped {
            return;
        }
        let is_outside_the_run = push.expires_ms <= at_ms;
        if is_outside_the_run {
            return self.send_push(position, position, at_ms, push);
        }
        if position <= device.delivered {
            return;
        }
        let after = device.delivered;
        device.delivered = position;
        if self.has_expired(push) {
            return self.send(&ServerFrame::PushCovered(PushCovered { after, to: position }));
        }
        self.send_push(after, position, at_ms, push);
    }

    /// It may have waited, for a slow reader or a busy machine, until it expired.
    fn has_expired(&self, push: &Push) -> bool {
        push.expires_ms <= self.now_ms && !is_planted(Fault::ExpiredDelivered)
    }

    fn send_push(&mut self, after: Position, position: Position, at_ms: TimeMs, push: &Push) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        ready.device.told = ready.device.told.max(position);
        let Some((_, content)) = push.contents.iter().find(|(platform, _)| *platform == ready.device.platform) else {
            // The storage chose this device by its platform; without content there is nothing to say but the position.
            return self.send(&ServerFrame::PushCovered(PushCovered { after, to: position }));
        };
        self.send(&ServerFrame::PushDeliver(PushDeliver {
            after,
            position,
            msg_id: push.msg_id,
            at_ms,
            content: content.clone(),
            extensions: PushDeliver::replacing(push.replaces),
        }));
        self.push_sent(push.msg_id);
    }

    fn push_sent(&mut self, msg_id: Position) {
        let Stage::Ready(ready) = &self.stage else { return };
        let (app, device) = (ready.app, ready.device.number);
        self.actions.push_back(Action::PushSent { app, device, msg_id });
    }

    /// A push was taken back that this device may have.
    pub(super) fn tell_withdrawn(&mut self, msg_id: Position) {
        if matches!(&self.stage, Stage::Ready(ready) if ready.device.is_stopped) {
            return;
        }
        self.send(&ServerFrame::PushWithdrawn(PushWithdrawn { msg_id, extensions: Extensions::default() }));
    }

    pub(super) fn continue_pushes(&mut self) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let device = &mut ready.device;
        if device.progress != Progress::Behind || device.is_stopped {
            return;
        }
        device.progress = Progress::Asking;
        let since = device.delivered;
        let query = Query::Pushes {
            app: ready.app,
            device: device.number,
            platform: device.platform,
            since,
            limit: self.rules.waiting_pushes_max,
        };
        self.query(Pending::Pushes { since }, query);
    }

    pub(super) fn pushes_read(&mut self, since: Position, answer: Result<Answer, ErrorCode>) {
        let (to, pushes) = match answer {
            Ok(Answer::Pushes { to, pushes }) => (to, pushes),
            Ok(_) => return self.end(ErrorCode::INTERNAL, ""),
            Err(code) => return self.end(code, "the log could not be read"),
        };
        if let Stage::Ready(ready) = &mut self.stage
            && (ready.device.is_stopped || ready.device.delivered != since)
        {
            // The device stopped its pushes meanwhile, and may have resumed them from another place.
            ready.device.progress = Progress::Behind;
            ready.device.has_missed = false;
            return self.continue_catch_up();
        }
        let mut after = since;
        for (position, at_ms, push) in pushes {
            if self.has_expired(&push) {
                continue;
            }
            self.send_push(after, position, at_ms, &push);
            after = position;
        }
        let to = to.max(after);
        if to > after {
            self.send(&ServerFrame::PushCovered(PushCovered { after, to }));
        }
        if let Stage::Ready(ready) = &mut self.stage {
            ready.device.delivered = to;
            ready.device.arrive();
        }
        self.continue_catch_up();
    }

    /// The link stops at once; that no bridge brings pushes either is on disk before the answer.
    pub(super) fn stop_pushes(&mut self, body: PushStop) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let (app, device) = (ready.app, ready.device.number);
        if !std::mem::replace(&mut ready.device.is_stopped, true) {
            self.actions.push_back(Action::StopPushes { app, device });
        }
        let command = BridgeCommand::StopPushes { app, device, is_stopped: true };
        self.submit(Pending::Report(body.request), Command::Bridge(command));
    }

    /// The switchboard is told first and the log is read second, as after a hello.
    pub(super) fn resume_pushes(&mut self, body: PushResume) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        if ready.device.is_stopped {
            ready.device.resume(body.push_cursor);
            let (app, device) = (ready.app, ready.device.number);
            self.actions.push_back(Action::ResumePushes { app, device });
            // The answer comes before the pushes, so it cannot wait for this. Refused, it is said again with a heartbeat;
            // lost, the next hello says it again.
            let command = BridgeCommand::StopPushes { app, device, is_stopped: false };
            self.submit(Pending::KeepStop, Command::Bridge(command));
        }
        self.done(body.request);
    }

    pub(super) fn stop_kept(&mut self, is_kept: bool) {
        if let Stage::Ready(ready) = &mut self.stage {
            ready.device.is_stop_unkept = !is_kept;
        }
    }

    /// A store that refused it before may take it now; a heartbeat later is soon enough, and never too often.
    pub(super) fn keep_stop_again(&mut self) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        if std::mem::take(&mut ready.device.is_stop_unkept) {
            let (app, device, is_stopped) = (ready.app, ready.device.number, ready.device.is_stopped);
            self.submit(Pending::KeepStop, Command::Bridge(BridgeCommand::StopPushes { app, device, is_stopped }));
        }
    }

    pub(super) fn acknowledge_pushes(&mut self, body: PushAck) {
        let Stage::Ready(ready) = &mut self.stage else { return };
        let device = &mut ready.device;
        if body.position <= device.delivered {
            device.acknowledged = device.acknowledged.max(body.position);
        }
        if body.received.is_empty() {
            return;
        }
        let command =
            Command::Push(PushCommand::Received { app: ready.app, device: device.number, pushes: body.received });
        // The client does not wait for this; it repeats what a lost link may have swallowed.
        self.submit(Pending::Unheeded, command);
    }

    pub(super) fn report_clicked(&mut self, body: PushClicked) {
        let Stage::Ready(ready) = &self.stage else { return };
        let command =
            Command::Push(PushCommand::Clicked { app: ready.app, device: ready.device.number, pushes: body.pushes });
        self.submit(Pending::Report(body.request), command);
    }

    pub(super) fn report_state(&mut self, body: PushReport) {
        let what = match body.state {
            PushState::CLICKED => {
                let PushReport { request, pushes, extensions, .. } = body;
                return self.report_clicked(PushClicked { request, pushes, extensions });
            }
            PushState::SHOWN => Reported::Shown,
            PushState::MESSAGE_CLICKED => Reported::MessageClicked,
            PushState::MESSAGE_SHOWN => Reported::MessageShown,
            _ => return self.fail(body.request, ErrorCode::INVALID, "this state of a push is not known"),
        };
        let Stage::Ready(ready) = &self.stage else { return };
        let (app, device) = (ready.app, ready.device.number);
        let command = Command::Push(PushCommand::Reported { app, device, what, pushes: body.pushes });
        self.submit(Pending::Report(body.request), command);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_that_spares_nothing_is_not_written_down() {
        let at =
            |began_at, told, acknowledged| is_worth_a_mark(Position(began_at), Position(told), Position(acknowledged));
        assert!(!at(0, 0, 0) && !at(10, 10, 20), "nothing was told");
        assert!(!at(10, 15, 10), "what was told is not stored");
        assert!(at(10, 15, 12) && at(10, 15, 15), "a record was told and some of it stored");
        assert!(at(10, 10, 10 + 4096), "a long way through the records of others");
    }
}
