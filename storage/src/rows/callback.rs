//! Rows of callbacks: which pushes an app's server wants to hear of, and what it has not been told yet.

use anser_protocol::ids::{Position, TimeMs};
use serde::{Deserialize, Serialize};

use super::push::Report;
use crate::ids::{AppNumber, DeviceNumber};
use crate::key::{Key, u32_at, u64_at};
use crate::row::serde_row;

/// Where an app's server wants to hear what becomes of a push.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    pub url: String,
    /// JSON object, or empty: given back with each event.
    pub params: String,
    pub wants_received: bool,
    pub wants_clicked: bool,
    /// A device was connected when it was pushed, or a bridge took it.
    pub wants_pushed: bool,
    /// A device had not received it when its life ended.
    pub wants_unreceived: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum CallbackKind {
    Received = 1,
    Clicked = 2,
    Pushed = 3,
    Unreceived = 4,
}

/// What happened on a device, for the server that wants to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackEvent {
    pub at_ms: TimeMs,
    pub push: Position,
    pub device: DeviceNumber,
    pub kind: CallbackKind,
}

/// Both kinds of rows of the table; the key says which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CallbackRow {
    /// A push's callback.
    Order(Callback),
    /// That an event waits to be told.
    Waiting,
}
serde_row!(CallbackRow, Callbacks);

const ORDERS: u8 = 0;
const EVENTS: u8 = 1;

pub(crate) fn callback_key(app: AppNumber, push: Position) -> Key {
    Key::app(app).u8(ORDERS).u64(push.0)
}

pub(crate) fn callback_events_prefix(app: AppNumber) -> Key {
    Key::app(app).u8(EVENTS)
}

/// Of what happened to the push of `event` at the same moment.
pub(crate) fn callback_moment_prefix(app: AppNumber, event: &CallbackEvent) -> Key {
    callback_events_prefix(app).u64(event.at_ms).u64(event.push.0)
}

/// In order of time.
pub(crate) fn callback_event_key(app: AppNumber, event: &CallbackEvent) -> Key {
    callback_moment_prefix(app, event).u32(event.device.0).u8(event.kind as u8)
}

impl CallbackKind {
    const ALL: [Self; 4] = [Self::Received, Self::Clicked, Self::Pushed, Self::Unreceived];

    /// Nothing for reports that no callback tells of.
    pub(crate) fn of_report(report: Report) -> Option<Self> {
        match report {
            Report::Received => Some(Self::Received),
            // The contract knows one kind of click.
            Report::Clicked | Report::MessageClicked => Some(Self::Clicked),
            Report::Reached | Report::Bridged | Report::CallBridged | Report::ActivityBridged => Some(Self::Pushed),
            Report::Shown | Report::MessageShown | Report::BadgeCounted | Report::Texted | Report::TextRefused => None,
        }
    }
}

impl Callback {
    pub(crate) fn wants(&self, kind: CallbackKind) -> bool {
        match kind {
            CallbackKind::Received => self.wants_received,
            CallbackKind::Clicked => self.wants_clicked,
            CallbackKind::Pushed => self.wants_pushed,
            CallbackKind::Unreceived => self.wants_unreceived,
        }
    }
}

impl CallbackEvent {
    /// Nothing for the key of another row.
    pub(crate) fn of_key(key: &[u8]) -> Option<Self> {
        if *key.get(4)? != EVENTS {
            return None;
        }
        let kind = *key.get(25)?;
        Some(Self {
            at_ms: u64_at(key, 5)?,
            push: Position(u64_at(key, 13)?),
            device: DeviceNumber(u32_at(key, 21)?),
            kind: CallbackKind::ALL.into_iter().find(|known| *known as u8 == kind)?,
        })
    }
}
