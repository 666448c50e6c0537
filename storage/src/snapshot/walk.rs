//! Walking a chain backwards through a user's windows.

use std::cell::RefCell;
use std::sync::Arc;

use anser_protocol::ids::Position;
use anser_protocol::planted::{Fault, is_planted};

use super::{ReadRecord, Snapshot};
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::heads::Head;
use crate::ids::{AppNumber, UserNumber};
use crate::rows::chat::{Window, WindowKind};
use crate::rows::record::{Body, Record};

/// More are looked up again: searching a long list costs as much.
const NAMES_MAX: usize = 16;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub user: UserNumber,
    /// Messages of others that are for those who are connected only are shown above this.
    pub present_since: Position,
}

/// A reader who was not there.
impl From<UserNumber> for Viewer {
    fn from(user: UserNumber) -> Self {
        Self { user, present_since: Position(u64::MAX) }
    }
}

/// The records of one chain that a user may see, from the newest down.
pub(super) struct Walk<'s> {
    snapshot: &'s Snapshot,
    app: AppNumber,
    viewer: Viewer,
    windows: &'s [Window],
    /// The next record to look at; nothing when the chain has ended.
    next: Option<Position>,
    /// Of those whose messages were read: a few users wrote them all.
    names: RefCell<Vec<(UserNumber, Arc<str>)>>,
}

impl<'s> Walk<'s> {
    /// Begins at the last record that the user may see.
    pub fn from_newest(
        snapshot: &'s Snapshot,
        app: AppNumber,
        viewer: Viewer,
        windows: &'s [Window],
        head: Option<Head>,
    ) -> Self {
        let next = newest_visible(windows, head).map(|(position, _)| position);
        Self { snapshot, app, viewer, windows, next, names: RefCell::default() }
    }

    /// Begins at a position of the chain.
    pub fn from_position(
        snapshot: &'s Snapshot,
        app: AppNumber,
        viewer: Viewer,
        windows: &'s [Window],
        next: Position,
    ) -> Self {
        let next = Some(next).filter(|next| *next != Position::START);
        Self { snapshot, app, viewer, windows, next, names: RefCell::default() }
    }

    /// The place of the next step.
    pub fn next_position(&self) -> Option<Position> {
        self.next
    }

    /// Goes one record down. `Ok(None)`: the chain has ended. `Ok(Some(None))`: that record was not for the user.
    pub fn step(&mut self) -> Result<Option<Option<(Position, Record)>>, ReadError> {
        let Some(position) = self.next else { return Ok(None) };
        let Some(record) = find::record(self.snapshot, self.app, Class::Chat, position)? else {
            self.next = None;
            return Ok(None);
        };
        let is_visible = is_visible(self.windows, &record) && !is_missed(self.viewer, position, &record);
        self.next = self.below(&record);
        Ok(Some(is_visible.then_some((position, record))))
    }

    /// Where to look after this record: its predecessor, or the end of an earlier window when it lies in none.
    fn below(&self, record: &Record) -> Option<Position> {
        let prev = Some(record.prev).filter(|prev| *prev != Position::START);
        if is_planted(Fault::WindowIgnored) {
            return prev;
        }
        let prev_seq = record.seq - 1;
        match self.windows.iter().rev().find(|window| window.first_seq <= prev_seq) {
            Some(window) if window.last_seq < prev_seq => Some(window.last),
            Some(_) => prev,
            None => None,
        }
    }

    /// Resolves a record's names.
    pub fn read(&self, position: Position, record: Record) -> Result<ReadRecord, ReadError> {
        let from = match &record.body {
            Body::Message(message) => Some((message.from, self.name(message.from)?)),
            _ => None,
        };
        let at_ms = record.at_ms;
        let message = find::message(self.snapshot, self.app, position, record)?.ok_or_else(|| {
            find::missing(crate::table::Table::Log, crate::rows::record::log_key(self.app, Class::Chat, position))
        })?;
        Ok(ReadRecord { position, at_ms, from, message: Arc::new(message) })
    }

    fn name(&self, user: UserNumber) -> Result<Arc<str>, ReadError> {
        let mut names = self.names.borrow_mut();
        if let Some((_, name)) = names.iter().find(|(known, _)| *known == user) {
            return Ok(Arc::clone(name));
        }
        let name = find::username(self.snapshot, self.app, user)?;
        if names.len() < NAMES_MAX {
            names.push((user, Arc::clone(&name)));
        }
        Ok(name)
    }
}

/// Where the last visible record stands, and its number.
pub(crate) fn newest_visible(windows: &[Window], head: Option<Head>) -> Option<(Position, u64)> {
    let head = head?;
    if is_planted(Fault::WindowIgnored) {
        return Some((head.last, head.seq));
    }
    let window = windows.iter().rev().find(|window| window.first_seq <= head.seq)?;
    Some(if window.last_seq < head.seq { (window.last, window.last_seq) } else { (head.last, head.seq) })
}

/// Do the windows show the message of this number?
pub(crate) fn shows(windows: &[Window], seq: u64) -> bool {
    windows.iter().any(|window| window.holds(seq) && window.kind == WindowKind::All)
}

/// Was it for those who were connected, of whom the reader was none?
fn is_missed(viewer: Viewer, position: Position, record: &Record) -> bool {
    match &record.body {
        Body::Message(message) if !is_planted(Fault::LiveOnlyKept) => {
            position <= viewer.present_since && message.from != viewer.user && message.content.is_live_only()
        }
        _ => false,
    }
}

fn is_visible(windows: &[Window], record: &Record) -> bool {
    if is_planted(Fault::WindowIgnored) {
        return true;
    }
    let Some(window) = windows.iter().find(|window| window.holds(record.seq)) else { return false };
    match &record.body {
        Body::Event(_) | Body::Change(_) => true,
        Body::Amended(amended) => window.kind == WindowKind::All && shows(windows, amended.seq),
        _ => window.kind == WindowKind::All || is_planted(Fault::ShieldForgotten),
    }
}
