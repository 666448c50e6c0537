//! What became of a push, by platform and by kind, and whether one device got it.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use anser_protocol::frame::push::TokenKind;
use anser_protocol::ids::{Position, TimeMs};

use super::pushes::released_to;
use super::{Delivery, PlatformReport, PushReport, Snapshot, Told};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber};
use crate::key::u32_at;
use crate::rows::bridge::token_chunk_key;
use crate::rows::chunk::{
    Chunk, ChunkRow, PlatformChunk, ReportChunk, TokenChunk, chunk_of, platform_chunk_key, report_chunk_key,
};
use crate::rows::push::{PlatformTargets, PushTargets, Report, push_key};
use crate::tables::{NEXT, Tables};

/// What the devices of one chunk reported.
struct ChunkReports([Chunk; Report::ALL.len()]);

impl ChunkReports {
    const NOTHING: Self = Self([Chunk::EMPTY; Report::ALL.len()]);

    fn of(&self, report: Report) -> &Chunk {
        &self.0[report as usize - 1]
    }

    /// What those of some devices reported of the notification that a bridge took it to.
    fn told(&self, of: &Chunk) -> Told {
        let both = |report| {
            let mut both = self.of(Report::Bridged).clone();
            both.intersect(of);
            both.intersect(self.of(report));
            both.len()
        };
        Told { received: both(Report::Received), shown: both(Report::Shown), clicked: both(Report::Clicked) }
    }

    /// Devices of a platform that reported any of these.
    fn count(&self, reports: &[Report], of_platform: &Chunk) -> u64 {
        let mut any = Chunk::EMPTY;
        reports.iter().for_each(|report| {
            any.union(self.of(*report));
        });
        any.intersect(of_platform);
        any.len()
    }
}

impl Snapshot {
    /// Nothing when the push is unknown or too old.
    pub fn push_report(&self, app: AppNumber, msg_id: Position) -> Result<Option<PushReport>, ReadError> {
        let Some(targets) = self.row::<PushTargets>(&push_key(app, msg_id))? else { return Ok(None) };
        let reported = self.reported(app, msg_id)?;
        let mut platforms = Vec::with_capacity(targets.platforms.len());
        for of in &targets.platforms {
            let mut report = PlatformReport::of(of);
            for (number, reported) in &reported {
                let key = platform_chunk_key(app, of.platform, *number);
                if let Some(of_platform) = self.row::<PlatformChunk>(&key)? {
                    let of_platform = of_platform.chunk();
                    report.add(reported, &of_platform);
                    if let Some(fcm) = self.row::<TokenChunk>(&token_chunk_key(app, TokenKind::FCM.0, *number))? {
                        let mut fcm = fcm.chunk();
                        fcm.intersect(&of_platform);
                        report.by_fcm += reported.count(&[Report::Bridged], &fcm);
                        report.of_fcm += reported.told(&fcm);
                    }
                }
            }
            platforms.push(report);
        }
        // They need no content for any platform, so they are counted beside the platforms.
        let all = |report| reported.values().map(|reported| reported.of(report).len()).sum();
        let (calls_bridged, activities_bridged) = (all(Report::CallBridged), all(Report::ActivityBridged));
        Ok(Some(PushReport { at_ms: targets.at_ms, platforms, calls_bridged, activities_bridged }))
    }

    /// When the push was accepted; nothing when it is unknown or too old.
    pub fn push_accepted_ms(&self, app: AppNumber, msg_id: Position) -> Result<Option<TimeMs>, ReadError> {
        Ok(self.row::<PushTargets>(&push_key(app, msg_id))?.map(|targets| targets.at_ms))
    }

    fn reported(&self, app: AppNumber, msg_id: Position) -> Result<BTreeMap<u32, ChunkReports>, ReadError> {
        let prefix = push_key(app, msg_id);
        let report_at = prefix.as_bytes().len();
        let mut reported = BTreeMap::new();
        self.rows::<ReportChunk>(&prefix, |key, row| {
            let report = key.get(report_at).and_then(|number| Report::from_number(*number));
            if let (Some(report), Some(number)) = (report, u32_at(key, report_at + 1)) {
                reported.entry(number).or_insert(ChunkReports::NOTHING).0[report as usize - 1] = row.chunk();
            }
            Ok(NEXT)
        })?;
        Ok(reported)
    }

    /// Did this device get this push?
    pub fn delivery(&self, app: AppNumber, msg_id: Position, device: DeviceNumber) -> Result<Delivery, ReadError> {
        let key = report_chunk_key(app, msg_id, Report::Received, chunk_of(device));
        if self.row::<ReportChunk>(&key)?.is_some_and(|row| row.chunk().contains(device)) {
            return Ok(Delivery::Received);
        }
        let Some(state) = find::push_state(self, app, msg_id)? else { return Ok(Delivery::NotATarget) };
        Ok(match released_to(self, &self.shared.pushes, self.end, app, &state, device)? {
            Some(true) => Delivery::NotReceived,
            Some(false) => Delivery::NotATarget,
            None => Delivery::Forgotten,
        })
    }
}

impl AddAssign for Told {
    fn add_assign(&mut self, more: Self) {
        self.received += more.received;
        self.shown += more.shown;
        self.clicked += more.clicked;
    }
}

impl PlatformReport {
    fn of(targets: &PlatformTargets) -> Self {
        let PlatformTargets { platform, has_notification, has_message, targets } = *targets;
        Self { platform, has_notification, has_message, targets, ..Self::default() }
    }

    /// A report that does not name a kind is about the notification; where there is none, about the message.
    fn add(&mut self, reported: &ChunkReports, of_platform: &Chunk) {
        let count = |reports: &[Report]| reported.count(reports, of_platform);
        self.reached += count(&[Report::Reached]);
        self.sent += count(&[Report::Reached, Report::Received]);
        self.received += count(&[Report::Received]);
        self.bridged += count(&[Report::Bridged]);
        self.of_bridged += reported.told(of_platform);
        if self.has_notification {
            self.clicked += count(&[Report::Clicked]);
            self.shown += count(&[Report::Shown]);
            self.message_clicked += count(&[Report::MessageClicked]);
            self.message_shown += count(&[Report::MessageShown]);
        } else {
            self.message_clicked += count(&[Report::Clicked, Report::MessageClicked]);
            self.message_shown += count(&[Report::Shown, Report::MessageShown]);
        }
    }
}
