//! How the application is used on the device of a session.

use anser_protocol::error::ErrorCode;
use anser_protocol::frame::push::Activity;
use anser_protocol::limits::{OPENS_MAX, USE_SECONDS_MAX};
use anser_storage::Use;

use super::{Action, Session, Stage};

impl Session {
    /// It is noted in memory, and told to the store with what else was noted; so it costs no commit of its own.
    pub(super) fn note_activity(&mut self, body: Activity) {
        let Activity { request, number, opens, seconds, .. } = body;
        let Stage::Ready(ready) = &self.stage else { return };
        if opens > OPENS_MAX || seconds > USE_SECONDS_MAX {
            return self.fail(
                request,
                ErrorCode::INVALID,
                "at most 10000 opens and 604800 seconds can be reported at once",
            );
        }
        let (app, device, platform) = (ready.app, ready.device.number, ready.device.platform());
        let used = Use { opens: opens.into(), seconds: seconds.into() };
        self.actions.push_back(Action::NoteUse { app, device, platform, number, used });
        self.done(request);
    }
}
