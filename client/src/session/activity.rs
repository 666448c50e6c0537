//! How the application is used, as it says itself: reports that are repeated until they are answered, one at a time. What
//! happens while one is on its way waits for the next, so that any time without a link costs a single report.
//!
//! It is kept in memory only: a process that dies without a link takes with it what was not told.

use std::time::Duration;

use anser_protocol::extension::Extensions;
use anser_protocol::frame::ClientFrame;
use anser_protocol::frame::push;
use anser_protocol::limits::{OPENS_MAX, USE_SECONDS_MAX};

use super::Session;
use super::action::RequestId;

#[derive(Debug, Default)]
pub(crate) struct Activity {
    in_front_since: Option<Duration>,
    opens: u32,
    used: Duration,
    report: Option<Report>,
}

#[derive(Debug)]
struct Report {
    frame: push::Activity,
    is_in_flight: bool,
}

impl Activity {
    fn came(&mut self, now: Duration) {
        if self.in_front_since.is_none() {
            self.in_front_since = Some(now);
            self.opens = (self.opens + 1).min(OPENS_MAX);
        }
    }

    fn went(&mut self, now: Duration) {
        if let Some(since) = self.in_front_since.take() {
            self.used = (self.used + now.saturating_sub(since)).min(Duration::from_secs(USE_SECONDS_MAX.into()));
        }
    }

    fn is_due(&self) -> bool {
        match &self.report {
            Some(report) => !report.is_in_flight,
            None => self.opens > 0 || self.used.as_secs() > 0,
        }
    }

    /// Begins the next report; parts of a second stay for the one after it.
    fn begin(&mut self, request: RequestId, number: u64) {
        let seconds = u32::try_from(self.used.as_secs()).unwrap_or(USE_SECONDS_MAX);
        self.used -= Duration::from_secs(seconds.into());
        let opens = std::mem::take(&mut self.opens);
        let frame = push::Activity { request, number, opens, seconds, extensions: Extensions::default() };
        self.report = Some(Report { frame, is_in_flight: false });
    }

    pub(crate) fn handle_unlinked(&mut self) {
        if let Some(report) = &mut self.report {
            report.is_in_flight = false;
        }
    }

    /// The server has it, or will never take it.
    pub(crate) fn complete(&mut self, request: RequestId) -> bool {
        self.report.take_if(|report| report.frame.request == request).is_some()
    }

    pub(crate) fn is_about(&self, request: RequestId) -> bool {
        self.report.as_ref().is_some_and(|report| report.frame.request == request)
    }
}

impl Session {
    /// The application came to the front: a user sees it.
    pub fn in_front(&mut self, now: Duration) {
        self.now = now;
        self.activity.came(now);
        self.drive();
    }

    /// It is not in front any more.
    pub fn gone(&mut self, now: Duration) {
        self.now = now;
        self.activity.went(now);
        self.drive();
    }

    pub(super) fn report_activity(&mut self) {
        if !self.is_welcomed() || !self.activity.is_due() {
            return;
        }
        if self.activity.report.is_none() {
            let (request, number) = (self.requests.take_id(), u64::from_le_bytes(self.random.bytes()));
            self.activity.begin(request, number);
        }
        if let Some(report) = &mut self.activity.report {
            report.is_in_flight = true;
            let frame = ClientFrame::Activity(report.frame.clone());
            self.transmit(&frame);
        }
    }
}
