//! What becomes of stored messages that are taken back, edited or erased.
//!
//! The server tells of it by a record of kind 34 in the same chat. From then on the store shows the message as it is now,
//! whichever of the two came first, and however often: a page of history may have been read on the server before the
//! message was amended and arrive after it. What a message said before stays nowhere, also not inside an older notice.

use anser_protocol::content::{Amendment, AmendmentKind, Content, ContentKind};
use anser_protocol::extension::Extensions;
use anser_protocol::frame::chat::Record;
use anser_protocol::ids::Position;
use anser_protocol::planted::{Fault, is_planted};
use serde::{Deserialize, Serialize};

/// What stands in the place of a message from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Standing {
    /// Position of the record that told it.
    pub(super) told_at: Position,
    pub(super) content: Content,
}

/// One chat of one user in a store.
pub(super) trait Place {
    type Error;

    /// The content of a stored message.
    fn content(&self, position: Position) -> Result<Option<Content>, Self::Error>;
    /// Gives a stored message another content.
    fn replace(&mut self, position: Position, content: Content) -> Result<(), Self::Error>;
    fn standing(&self, position: Position) -> Result<Option<Standing>, Self::Error>;
    fn put_standing(&mut self, position: Position, standing: Standing) -> Result<(), Self::Error>;
    /// The user has deleted the message here.
    fn is_deleted(&self, position: Position) -> Result<bool, Self::Error>;
}

/// With what content a record that is not in the store yet is to be stored. If it tells of another one, that one is changed.
pub(super) fn receive<P: Place>(place: &mut P, record: &Record) -> Result<Content, P::Error> {
    match told_by(record) {
        Some(told) => amend(place, record, told),
        None => as_it_stands(place, record),
    }
}

fn told_by(record: &Record) -> Option<Amendment> {
    // Nobody but the server tells of amendments.
    let is_told = record.content.kind == ContentKind::AMENDED && record.from.is_empty();
    is_told.then(|| Amendment::from_bytes(&record.content.body)).flatten()
}

fn as_it_stands<P: Place>(place: &P, record: &Record) -> Result<Content, P::Error> {
    Ok(match place.standing(record.position)? {
        Some(standing) if !is_gone(&record.content) => standing.content,
        _ => record.content.clone(),
    })
}

fn amend<P: Place>(place: &mut P, record: &Record, told: Amendment) -> Result<Content, P::Error> {
    // One that is not known, or an edit that the server has taken out since: what is to stand there is told by another.
    let Some(content) = content_of(&told) else { return Ok(record.content.clone()) };
    if place.is_deleted(told.position)? {
        return Ok(notice(Amendment { content: None, ..told }));
    }
    let earlier = place.standing(told.position)?;
    let stored = place.content(told.position)?;
    let is_newest = earlier.as_ref().is_none_or(|earlier| earlier.told_at <= record.position);
    let comes_back = !is_gone(&content)
        && (stored.as_ref().is_some_and(is_gone) || earlier.as_ref().is_some_and(|earlier| is_gone(&earlier.content)));
    if !is_newest || comes_back {
        return Ok(notice(Amendment { content: None, ..told }));
    }
    if let Some(earlier) = earlier {
        take_out(place, earlier.told_at)?;
    }
    if stored.is_some() && !is_planted(Fault::AmendmentForgotten) {
        place.replace(told.position, content.clone())?;
    }
    place.put_standing(told.position, Standing { told_at: record.position, content })?;
    Ok(record.content.clone())
}

/// The user deletes a message: what it said goes out of the notice of its last edit as well.
pub(super) fn forget<P: Place>(place: &mut P, position: Position) -> Result<(), P::Error> {
    match place.standing(position)? {
        Some(standing) => take_out(place, standing.told_at),
        None => Ok(()),
    }
}

/// The notice of an older edit does not go on saying what nobody is to read any more.
fn take_out<P: Place>(place: &mut P, told_at: Position) -> Result<(), P::Error> {
    let notice_there = place.content(told_at)?.filter(|content| content.kind == ContentKind::AMENDED);
    match notice_there.and_then(|content| Amendment::from_bytes(&content.body)) {
        Some(told) if told.content.is_some() => place.replace(told_at, notice(Amendment { content: None, ..told })),
        _ => Ok(()),
    }
}

fn content_of(told: &Amendment) -> Option<Content> {
    match told.kind {
        AmendmentKind::RETRACTED | AmendmentKind::ERASED => Some(gone()),
        AmendmentKind::EDITED => told.content.clone(),
        _ => None,
    }
}

fn gone() -> Content {
    Content { kind: ContentKind::RETRACTED, body: Vec::new(), extensions: Extensions::default() }
}

fn is_gone(content: &Content) -> bool {
    content.kind == ContentKind::RETRACTED
}

fn notice(told: Amendment) -> Content {
    Content { kind: ContentKind::AMENDED, body: told.to_bytes(), extensions: Extensions::default() }
}

#[cfg(test)]
mod tests;
