//! Callbacks: what became of a push on a device waits here until the app's server was told.
//!
//! A row for each device and event, but only of pushes with a callback, and only until it is told or too old to be of use.

use anser_protocol::ids::Position;

use super::{Batch, Decided};
use crate::error::ReadError;
use crate::ids::{AppNumber, DeviceNumber};
use crate::outcome::Answer;
use crate::rows::callback::{Callback, CallbackEvent, CallbackKind, CallbackRow, callback_event_key, callback_key};
use crate::rows::chunk::{Chunk, ChunkRow, ReportChunk};
use crate::rows::push::{Report, report_prefix};
use crate::rows::push_count::Counted;
use crate::table::Table;
use crate::tables::Tables;

impl Batch<'_> {
    pub(super) fn order_callback(
        &mut self,
        app: AppNumber,
        push: Position,
        callback: &Callback,
    ) -> Result<(), ReadError> {
        self.put(&callback_key(app, push), &CallbackRow::Order(callback.clone()))
    }

    /// The devices report it for the first time.
    pub(super) fn note_for_callback(
        &mut self,
        app: AppNumber,
        push: Position,
        report: Report,
        devices: &[DeviceNumber],
    ) -> Result<(), ReadError> {
        let Some(kind) = self.callback_kind(app, push, report)? else { return Ok(()) };
        for device in devices {
            let event = CallbackEvent { at_ms: self.now_ms(), push, device: *device, kind };
            self.put(&callback_event_key(app, &event), &CallbackRow::Waiting)?;
        }
        Ok(())
    }

    /// Adds devices of one chunk to those that reported something, and notes the new ones for the callback.
    pub(super) fn add_reports(
        &mut self,
        app: AppNumber,
        push: Position,
        report: Report,
        chunk: u32,
        devices: &Chunk,
    ) -> Result<(), ReadError> {
        let key = report_prefix(app, push, report).u32(chunk);
        let mut new = devices.clone();
        let has_changed = self.change_chunk::<ReportChunk>(&key, |known| {
            new.subtract(known);
            known.union(devices)
        })?;
        if !has_changed {
            return Ok(());
        }
        if self.callback_kind(app, push, report)?.is_some() {
            let told = self.without_others(app, push, report, &Report::PUSHED, chunk, &new)?;
            let devices: Vec<_> = told.devices(chunk).map(DeviceNumber).collect();
            self.note_for_callback(app, push, report, &devices)?;
        }
        match Counted::of_report(report) {
            Some(counted) => {
                let new = self.without_others(app, push, report, &Report::BRIDGED, chunk, &new)?;
                self.count_devices(app, counted, chunk, new)
            }
            None => Ok(()),
        }
    }

    /// Of several ways in which a push comes to a device only the first is news.
    fn without_others(
        &self,
        app: AppNumber,
        push: Position,
        report: Report,
        ways: &[Report],
        chunk: u32,
        devices: &Chunk,
    ) -> Result<Chunk, ReadError> {
        let mut left = devices.clone();
        for other in ways.iter().filter(|way| ways.contains(&report) && **way != report) {
            if let Some(row) = self.row::<ReportChunk>(&report_prefix(app, push, *other).u32(chunk))? {
                left.subtract(&row.chunk());
            }
        }
        Ok(left)
    }

    fn callback_kind(&self, app: AppNumber, push: Position, report: Report) -> Result<Option<CallbackKind>, ReadError> {
        let Some(kind) = CallbackKind::of_report(report) else { return Ok(None) };
        match self.row(&callback_key(app, push))? {
            Some(CallbackRow::Order(callback)) if callback.wants(kind) => Ok(Some(kind)),
            _ => Ok(None),
        }
    }

    /// The server was told of the events, or will not be any more.
    pub(super) fn callbacks_told(&mut self, app: AppNumber, events: &[CallbackEvent]) -> Decided<Answer> {
        self.require_app(app)?;
        for event in events {
            self.remove(Table::Callbacks, &callback_event_key(app, event))?;
        }
        Ok(Answer::Done)
    }
}
