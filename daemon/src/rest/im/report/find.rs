//! Finding the messages that a query is about, in slices of the store, and reading pages of them.
//!
//! A group, a room and a user's own messages are found along their chains and listed. All messages of an app, and lists
//! that would be too long to keep, are looked for in the log again with each page.

use std::ops::Range;
use std::sync::Arc;

use anser_protocol::ids::{Position, TimeMs};
use anser_storage::command::Class;
use anser_storage::ids::{AppNumber, ChainNumber, UserNumber};
use anser_storage::{Messages, ReadError, ReportMessage, Snapshot};

use super::packed::{Packed, PackedPlace};
use crate::context::Context;
use crate::ledger::Unavailable;

/// Positions of one query that are listed; about 3 MiB at the most usual density, and 8 while they are gathered.
const LISTED_MAX: usize = 1 << 20;
const LISTED_BYTES_MAX: usize = 4 << 20;
/// Messages of a page that are read in one snapshot.
const PAGE_SLICE: usize = 250;

/// Whose messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    App,
    User { user: UserNumber, sent: bool, received: bool },
    Chain { class: Class, chain: ChainNumber },
}

/// What a query found.
#[derive(Debug)]
pub struct Found {
    pub total: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Listed(Packed),
    Log {
        messages: Messages,
        range: Range<Position>,
        /// With how many messages lie in each, if that was counted so.
        parts: Vec<(Range<Position>, u64)>,
    },
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Listed(PackedPlace),
    Log(Position),
}

impl Found {
    /// Bytes that it keeps.
    pub fn size(&self) -> usize {
        match &self.source {
            Source::Listed(packed) => packed.size(),
            Source::Log { .. } => 0,
        }
    }

    #[cfg(test)]
    pub fn empty() -> Self {
        Self { total: 0, source: Source::Listed(Packed::default()) }
    }

    pub fn begin(&self) -> Place {
        match &self.source {
            Source::Listed(_) => Place::Listed(PackedPlace::default()),
            Source::Log { range, .. } => Place::Log(range.start),
        }
    }
}

/// Looks for everything that was accepted at these times.
pub async fn find(context: &Context, app: AppNumber, set: Set, times: Range<TimeMs>) -> Result<Found, Unavailable> {
    let asked = times.clone();
    let range = slice(context, move |snapshot| snapshot.positions_between(app, asked.clone())).await?;
    match set {
        Set::App => all(context, app, times, range).await,
        Set::Chain { class, chain } => {
            let mut listed = Listed::default();
            along_chain(context, app, class, chain, &range, &mut listed, None).await?;
            Ok(listed.found(Messages::Chain(chain), range))
        }
        Set::User { user, sent, received } => {
            let of_user = Messages::Of { user, sent, received };
            let listed = of_a_user(context, app, of_user, times, &range).await?;
            Ok(listed.found(of_user, range))
        }
    }
}

async fn all(
    context: &Context,
    app: AppNumber,
    times: Range<TimeMs>,
    range: Range<Position>,
) -> Result<Found, Unavailable> {
    let asked = range.clone();
    let stretches = slice(context, move |snapshot| snapshot.stretches(app, &times, &asked, None)).await?;
    let mut parts = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let count = match stretch.messages {
            Some(count) => count,
            None => {
                let mut count = 0;
                in_log(context, app, Messages::All, stretch.range.clone(), |found| count += found.len() as u64).await?;
                count
            }
        };
        parts.push((stretch.range, count));
    }
    let total = parts.iter().map(|(_, count)| count).sum();
    Ok(Found { total, source: Source::Log { messages: Messages::All, range, parts } })
}

/// Single chats along their chains; what went to many in the hours in which the user sent anything.
async fn of_a_user(
    context: &Context,
    app: AppNumber,
    of_user: Messages,
    times: Range<TimeMs>,
    range: &Range<Position>,
) -> Result<Listed, Unavailable> {
    let mut listed = Listed::default();
    let Messages::Of { user, sent, received } = of_user else { return Ok(listed) };
    let from = range.start;
    let chains = slice(context, move |snapshot| snapshot.single_chats_since(app, user, from)).await?;
    for chain in chains {
        // Of a chat with oneself both are true.
        let only = (sent != received).then_some((user, sent));
        along_chain(context, app, Class::Chat, chain, range, &mut listed, only).await?;
    }
    if sent {
        let asked = range.clone();
        let stretches = slice(context, move |snapshot| snapshot.stretches(app, &times, &asked, Some(user))).await?;
        for stretch in stretches {
            in_log(context, app, Messages::ToManyFrom(user), stretch.range, |found| listed.add(found)).await?;
        }
    }
    Ok(listed)
}

/// Walks a chain down to the beginning of the range; `only` those that the user sent, or was sent.
async fn along_chain(
    context: &Context,
    app: AppNumber,
    class: Class,
    chain: ChainNumber,
    range: &Range<Position>,
    listed: &mut Listed,
    only: Option<(UserNumber, bool)>,
) -> Result<(), Unavailable> {
    let mut before = None;
    loop {
        let asked = range.clone();
        let found = slice(context, move |snapshot| {
            let mut found = snapshot.walk_chain(app, class, chain, &asked, before)?;
            if let Some((user, wants_sent)) = only {
                let kept = snapshot.messages_of(app, &found.positions, user, wants_sent)?;
                found.positions = kept;
            }
            Ok(found)
        });
        let found = found.await?;
        listed.add(&found.positions);
        match found.next {
            Some(next) => before = Some(next),
            None => return Ok(()),
        }
    }
}

async fn in_log(
    context: &Context,
    app: AppNumber,
    messages: Messages,
    mut range: Range<Position>,
    mut take: impl FnMut(&[Position]),
) -> Result<(), Unavailable> {
    loop {
        let asked = range.clone();
        let found =
            slice(context, move |snapshot| snapshot.find_messages(app, messages, asked.clone(), usize::MAX)).await?;
        take(&found.positions);
        match found.next {
            Some(next) => range.start = next,
            None => return Ok(()),
        }
    }
}

/// Positions as they are gathered: counted all, kept while they are not too many.
#[derive(Default)]
struct Listed {
    total: u64,
    positions: Vec<Position>,
}

impl Listed {
    fn add(&mut self, positions: &[Position]) {
        self.total += positions.len() as u64;
        if self.total <= LISTED_MAX as u64 {
            self.positions.extend_from_slice(positions);
        } else {
            self.positions = Vec::new();
        }
    }

    fn found(mut self, messages: Messages, range: Range<Position>) -> Found {
        self.positions.sort_unstable();
        let packed = Packed::new(&self.positions);
        let is_kept = self.total == self.positions.len() as u64 && packed.size() <= LISTED_BYTES_MAX;
        let source = match is_kept {
            true => Source::Listed(packed),
            false => Source::Log { messages, range, parts: Vec::new() },
        };
        Found { total: self.total, source }
    }
}

/// The place of the message with so many before it.
pub async fn skip(context: &Context, app: AppNumber, found: &Found, mut left: u64) -> Result<Place, Unavailable> {
    let (messages, range, parts) = match &found.source {
        Source::Listed(packed) => return Ok(Place::Listed(packed.skip(PackedPlace::default(), left))),
        Source::Log { messages, range, parts } => (*messages, range, parts),
    };
    let mut next = range.start;
    for (part, count) in parts {
        if *count > left {
            break;
        }
        left -= count;
        next = part.end;
    }
    while left > 0 {
        let (asked, limit) = (next..range.end, usize::try_from(left).unwrap_or(usize::MAX));
        let slice = slice(context, move |snapshot| snapshot.find_messages(app, messages, asked.clone(), limit)).await?;
        left -= slice.positions.len() as u64;
        match slice.next {
            Some(place) => next = place,
            None => return Ok(Place::Log(range.end)),
        }
    }
    Ok(Place::Log(next))
}

/// At most `count` messages from a place on, and the place of the next page.
pub async fn page(
    context: &Context,
    app: AppNumber,
    found: &Arc<Found>,
    place: Place,
    count: usize,
) -> Result<(Vec<ReportMessage>, Place), Unavailable> {
    let (positions, next) = match (&found.source, place) {
        (Source::Listed(packed), Place::Listed(place)) => {
            let (positions, next) = packed.take(place, count);
            (positions, Place::Listed(next))
        }
        (Source::Log { messages, range, .. }, Place::Log(from)) => {
            let (messages, mut positions, mut from) = (*messages, Vec::new(), from);
            while positions.len() < count && from < range.end {
                let (asked, limit) = (from..range.end, count - positions.len());
                let found =
                    slice(context, move |snapshot| snapshot.find_messages(app, messages, asked.clone(), limit)).await?;
                positions.extend(found.positions);
                from = found.next.unwrap_or(range.end);
            }
            (positions, Place::Log(from))
        }
        // A place is always of the query that made it.
        (_, place) => (Vec::new(), place),
    };
    let mut told = Vec::with_capacity(positions.len());
    for some in positions.chunks(PAGE_SLICE) {
        let some = some.to_vec();
        told.extend(slice(context, move |snapshot| snapshot.report_messages(app, &some)).await?);
    }
    Ok((told, next))
}

/// One question to one snapshot. Few are asked at the same time, so that reports leave the disk to others.
async fn slice<T: Send + 'static>(
    context: &Context,
    query: impl Fn(&Snapshot) -> Result<T, ReadError> + Send + 'static,
) -> Result<T, Unavailable> {
    // It is never closed.
    let _turn = context.walks.turns.acquire().await;
    context.ledger.read(query).await
}
