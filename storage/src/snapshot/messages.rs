//! Reports over messages: which ones lie in a time, and what is told of each.
//!
//! A query may have millions of records to look at. All that looks at many does so in slices, so that no snapshot is
//! held for long: it says how far it came, and is asked again with another snapshot.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use anser_protocol::content::{Content, Platform};
use anser_protocol::ids::{GroupId, OutboxNumber, Position, RoomId, TimeMs};

use super::Snapshot;
use crate::across;
use crate::command::Class;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, ChainNumber, DeviceNumber, UserNumber};
use crate::key::u64_at;
use crate::row;
use crate::rows::app::app_key;
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversations_prefix};
use crate::rows::chunk::{ChunkRow, HourChunk, chunk_of};
use crate::rows::message_count::{HourCounts, HourSet, hour_counts_key, hour_in, hour_set_key};
use crate::rows::presence::hour_of;
use crate::rows::record::{Body, MessageRecord, Record, RoomRecord, Sent, log_key, log_prefix};
use crate::rows::told::Told;
use crate::rows::user::User;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Records that one slice looks at.
const SLICE_RECORDS: usize = 4096;
/// Classes that hold messages.
const CLASSES: [Class; 2] = [Class::Chat, Class::Room];

/// Which messages of an app are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Messages {
    All,
    /// What this user sent to groups and rooms; the rest of what a user sent lies in single chats.
    ToManyFrom(UserNumber),
    /// What the user sent, or was sent in single chats.
    Of {
        user: UserNumber,
        sent: bool,
        received: bool,
    },
    /// Of this chain, which is a single chat, a group or a room.
    Chain(ChainNumber),
}

/// A part of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub range: Range<Position>,
    /// How many messages lie in it; nothing when they are still to be counted.
    pub messages: Option<u64>,
}

/// What a slice found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundMessages {
    /// Ascending, but for a chain walked back.
    pub positions: Vec<Position>,
    /// Where to go on; nothing when the end was reached.
    pub next: Option<Position>,
}

/// A message as reports show it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportMessage {
    pub position: Position,
    pub at_ms: TimeMs,
    pub from: ReportUser,
    /// Of the device that sent it; nothing for an app server.
    pub platform: Option<Platform>,
    pub to: ReportTarget,
    /// The key of the app where the group or room is, if that is another one.
    pub target_app: Option<String>,
    /// As it was sent, whatever became of it; empty when it was erased.
    pub content: Content,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportUser {
    pub username: String,
    pub nickname: String,
    pub is_admin: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReportTarget {
    User(String),
    Group(GroupId),
    Room(RoomId),
}

impl Snapshot {
    /// The positions of what was accepted at these times; nothing behind what there is now.
    pub fn positions_between(&self, app: AppNumber, times: Range<TimeMs>) -> Result<Range<Position>, ReadError> {
        // Times and positions grow together: what lies below the higher one is older in both classes.
        let first = |at_ms: TimeMs| {
            let found = CLASSES.map(|class| self.first_since(app, class, at_ms));
            let [chat, room] = found;
            Ok::<_, ReadError>(chat?.max(room?))
        };
        let (from, to) = (first(times.start)?, first(times.end)?);
        Ok(from..to.max(from))
    }

    /// The whole range in parts, in order, as the counts of the hours divide it; hours of which it is known that the user
    /// sent nothing to many are left out.
    pub fn stretches(
        &self,
        app: AppNumber,
        times: &Range<TimeMs>,
        range: &Range<Position>,
        user: Option<UserNumber>,
    ) -> Result<Vec<Stretch>, ReadError> {
        let floor = find::floor(self, app, Class::Chat)?.max(find::floor(self, app, Class::Room)?);
        let mut hours: Vec<(u32, HourCounts)> = Vec::new();
        let from = hour_counts_key(app, hour_of(times.start));
        self.scan(Table::HourCounts, from.as_bytes(), hour_counts_end(app).as_deref(), &mut |key, value| {
            let counts: HourCounts = row::decode(key, value)?;
            if counts.first >= range.end {
                return Ok(STOP);
            }
            if let (Some(hour), true) = (hour_in(key), counts.first != Position::START) {
                hours.push((hour, counts));
            }
            Ok(NEXT)
        })?;
        let mut stretches = Vec::new();
        let mut at = range.start;
        for (index, (hour, counts)) in hours.iter().enumerate() {
            // Before the first that was counted lies what an earlier release took in.
            push(&mut stretches, at..counts.first.min(range.end), None);
            let (begin, is_last) = (counts.first, index + 1 == hours.len());
            let end = match hours.get(index + 1) {
                Some((_, next)) => next.first,
                None => range.end,
            };
            // The last hour may go on behind the range.
            let is_whole = begin >= range.start && begin >= floor && (!is_last || self.is_behind(app, *hour, range)?);
            let is_of_interest = match user {
                Some(user) => self.sent_to_many_in(app, *hour, user)?,
                None => true,
            };
            at = at.max(begin);
            if is_of_interest {
                let messages = (user.is_none() && is_whole).then(|| counts.messages());
                push(&mut stretches, at..end, messages);
            }
            at = at.max(end);
        }
        push(&mut stretches, at..range.end, None);
        Ok(stretches)
    }

    /// Does everything of this hour lie before the end of the range?
    fn is_behind(&self, app: AppNumber, hour: u32, range: &Range<Position>) -> Result<bool, ReadError> {
        let mut next = None;
        let from = hour_counts_key(app, hour.saturating_add(1));
        self.scan(Table::HourCounts, from.as_bytes(), hour_counts_end(app).as_deref(), &mut |key, value| {
            let counts: HourCounts = row::decode(key, value)?;
            next = Some(counts.first).filter(|first| *first != Position::START);
            Ok(if next.is_some() { STOP } else { NEXT })
        })?;
        Ok(range.end >= next.unwrap_or(Position(self.end().0 + 1)))
    }

    /// Anything to groups or rooms; also to users, which is in the same set.
    fn sent_to_many_in(&self, app: AppNumber, hour: u32, user: UserNumber) -> Result<bool, ReadError> {
        let number = DeviceNumber(user.0);
        for set in [HourSet::Senders, HourSet::RoomSenders] {
            let row: Option<HourChunk> = self.row(&hour_set_key(app, set, hour, chunk_of(number)))?;
            if row.is_some_and(|row| row.chunk().contains(number)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first messages of a range, in order, at most `limit`.
    pub fn find_messages(
        &self,
        app: AppNumber,
        messages: Messages,
        range: Range<Position>,
        limit: usize,
    ) -> Result<FoundMessages, ReadError> {
        let mut found: Vec<Position> = Vec::new();
        let mut to = range.end;
        for class in CLASSES {
            let (mut looked_at, mut here) = (0, Vec::new());
            let (from, end) = (log_key(app, class, range.start), log_key(app, class, to));
            let mut stopped_at = None;
            self.scan(Table::Log, from.as_bytes(), Some(end.as_bytes()), &mut |key, value| {
                let record: Record = row::decode(key, value)?;
                let position = Position(u64_at(key, log_prefix(app, class).as_bytes().len()).unwrap_or_default());
                if looked_at == SLICE_RECORDS || here.len() == limit {
                    stopped_at = Some(position);
                    return Ok(STOP);
                }
                looked_at += 1;
                if messages.has(&record) {
                    here.push(position);
                }
                Ok(NEXT)
            })?;
            if let Some(position) = stopped_at {
                to = position;
            }
            found.extend(here);
        }
        found.retain(|position| *position < to);
        found.sort_unstable();
        let mut next = (to < range.end).then_some(to);
        if let Some(first_left) = found.get(limit) {
            next = Some(*first_left);
            found.truncate(limit);
        }
        Ok(FoundMessages { positions: found, next })
    }

    /// The newest messages of a chain below `before` that lie in a range, newest first: one slice of its records. Nothing
    /// as `before` begins at the chain's end.
    pub fn walk_chain(
        &self,
        app: AppNumber,
        class: Class,
        chain: ChainNumber,
        range: &Range<Position>,
        before: Option<Position>,
    ) -> Result<FoundMessages, ReadError> {
        let mut next = match before {
            Some(position) => Some(position),
            None => self.head(chain)?.map(|head| head.last),
        };
        let mut found = FoundMessages::default();
        for _ in 0..SLICE_RECORDS {
            let Some(position) = next.filter(|at| *at >= range.start && *at != Position::START) else {
                return Ok(found);
            };
            // Cut by retention: the chain ends here.
            let Some(record) = find::record(self, app, class, position)? else { return Ok(found) };
            if position < range.end && matches!(record.body, Body::Message(_) | Body::Room(_)) {
                found.positions.push(position);
            }
            next = Some(record.prev);
        }
        found.next = next;
        Ok(found)
    }

    /// The chains of a user's single chats, without those in which nothing was said since `from`.
    pub fn single_chats_since(
        &self,
        app: AppNumber,
        user: UserNumber,
        from: Position,
    ) -> Result<Vec<ChainNumber>, ReadError> {
        let prefix = conversations_prefix(app, user).u8(ConversationKind::Single as u8);
        let mut chains = Vec::new();
        self.rows::<Conversation>(&prefix, |key, _| {
            chains.extend(u64_at(key, prefix.as_bytes().len()).map(ChainNumber));
            Ok(NEXT)
        })?;
        let mut alive = Vec::with_capacity(chains.len());
        for chain in chains {
            if self.head(chain)?.is_some_and(|head| head.last >= from) {
                alive.push(chain);
            }
        }
        Ok(alive)
    }

    /// Those messages of the user's single chats that the user sent, or was sent.
    pub fn messages_of(
        &self,
        app: AppNumber,
        positions: &[Position],
        user: UserNumber,
        is_sent: bool,
    ) -> Result<Vec<Position>, ReadError> {
        let mut found = Vec::with_capacity(positions.len());
        for position in positions {
            if let Some((_, message)) = self.message_at(app, *position)?
                && (if is_sent { message.from == user } else { message.to == SaidTo::Chat(Chat::User(user)) })
            {
                found.push(*position);
            }
        }
        Ok(found)
    }

    /// Was a message with this outbox number of the device accepted? As far as a repeat of it would be told so.
    pub fn is_sent(&self, app: AppNumber, device: DeviceNumber, outbox: OutboxNumber) -> Result<bool, ReadError> {
        let Some(row) = find::device(self, app, device)? else { return Ok(false) };
        let mut position = self.head(row.sent)?.map_or(Position::START, |head| head.last);
        while position != Position::START {
            let Some(record) = find::sent_record(self, app, position)? else { return Ok(false) };
            let sent = match record.body {
                Body::Message(message) => message.sent,
                Body::Room(message) => message.sent,
                _ => None,
            };
            let Some(sent) = sent else { return Ok(false) };
            if sent.outbox == outbox {
                return Ok(true);
            }
            if sent.outbox + sent.behind < outbox {
                return Ok(false);
            }
            position = sent.prev;
        }
        Ok(false)
    }

    /// From where on the app's server is still to be told of messages; nothing when it is not told of them.
    pub fn told_up_to(&self, app: AppNumber) -> Result<Option<Position>, ReadError> {
        Ok(self.row::<Told>(&app_key(app))?.map(|told| told.next))
    }

    /// What is told of these messages; without those that retention has cut.
    pub fn report_messages(&self, app: AppNumber, positions: &[Position]) -> Result<Vec<ReportMessage>, ReadError> {
        let mut users = BTreeMap::<UserNumber, User>::new();
        let mut platforms = BTreeMap::<DeviceNumber, Platform>::new();
        let mut told = Vec::with_capacity(positions.len());
        for position in positions {
            let Some((at_ms, message)) = self.message_at(app, *position)? else { continue };
            let from = self.known_user(app, message.from, &mut users)?;
            let from = ReportUser {
                username: from.username.clone(),
                nickname: from.profile.nickname.clone(),
                is_admin: from.is_admin,
            };
            let platform = match message.sent {
                None => None,
                Some(sent) => Some(match platforms.get(&sent.device) {
                    Some(platform) => *platform,
                    None => {
                        let device = find::device(self, app, sent.device)?;
                        let platform = device.map_or(Platform::OTHER, |device| device.platform);
                        platforms.insert(sent.device, platform);
                        platform
                    }
                }),
            };
            let to = match message.to {
                SaidTo::Chat(Chat::User(user)) => {
                    ReportTarget::User(self.known_user(app, user, &mut users)?.username.clone())
                }
                SaidTo::Chat(Chat::Group(group)) => ReportTarget::Group(group),
                // Nobody sends there.
                SaidTo::Chat(Chat::Notices) => continue,
                SaidTo::Room(room) => ReportTarget::Room(room),
            };
            let home = match &to {
                ReportTarget::Group(group) => across::home_of_group(self, app, *group)?,
                ReportTarget::User(_) | ReportTarget::Room(_) => None,
            };
            // An app that is gone has no key any more.
            let target_app = home.map(|home| find::app(self, home)).transpose()?.flatten().map(|app| app.app_key);
            let content = message.content;
            told.push(ReportMessage { position: *position, at_ms, from, platform, to, target_app, content });
        }
        Ok(told)
    }

    fn known_user<'u>(
        &self,
        app: AppNumber,
        number: UserNumber,
        known: &'u mut BTreeMap<UserNumber, User>,
    ) -> Result<&'u User, ReadError> {
        Ok(match known.entry(number) {
            Entry::Occupied(user) => user.into_mut(),
            Entry::Vacant(place) => place.insert(across::shown(self, app, number)?),
        })
    }

    /// Nothing where no message is any more.
    fn message_at(&self, app: AppNumber, position: Position) -> Result<Option<(TimeMs, Said)>, ReadError> {
        for class in CLASSES {
            let record: Option<Record> = self.row(&log_key(app, class, position))?;
            if let Some((at_ms, said)) = record.and_then(|record| Some((record.at_ms, Said::of(record.body)?))) {
                return Ok(Some((at_ms, said)));
            }
        }
        Ok(None)
    }
}

impl Messages {
    fn has(self, record: &Record) -> bool {
        let message = match &record.body {
            Body::Message(message) => message,
            Body::Room(message) => {
                return match self {
                    Self::All => true,
                    Self::ToManyFrom(user) => message.from == user,
                    Self::Of { user, sent, .. } => sent && message.from == user,
                    Self::Chain(chain) => record.chain == chain,
                };
            }
            _ => return false,
        };
        match self {
            Self::All => true,
            Self::ToManyFrom(user) => message.from == user && !matches!(message.to, Chat::User(_)),
            Self::Of { user, sent, received } => {
                (sent && message.from == user) || (received && message.to == Chat::User(user))
            }
            Self::Chain(chain) => record.chain == chain,
        }
    }
}

fn push(stretches: &mut Vec<Stretch>, range: Range<Position>, messages: Option<u64>) {
    if range.start < range.end {
        stretches.push(Stretch { range, messages });
    }
}

fn hour_counts_end(app: AppNumber) -> Option<Vec<u8>> {
    crate::key::behind_prefix(crate::key::Key::app(app).as_bytes())
}

/// What somebody said, to whomever.
struct Said {
    from: UserNumber,
    to: SaidTo,
    sent: Option<Sent>,
    content: Content,
}

#[derive(PartialEq, Eq)]
enum SaidTo {
    Chat(Chat),
    Room(RoomId),
}

impl Said {
    fn of(body: Body) -> Option<Self> {
        match body {
            Body::Message(MessageRecord { from, to, sent, content }) => {
                Some(Self { from, to: SaidTo::Chat(to), sent, content })
            }
            Body::Room(RoomRecord { from, room, sent, content }) => {
                Some(Self { from, to: SaidTo::Room(room), sent, content })
            }
            _ => None,
        }
    }
}
