//! What an app's server is told of besides messages: events in the log, and those that were put down for it.

use std::collections::BTreeMap;
use std::ops::Range;

use anser_protocol::content::{AmendmentKind, GroupEventKind};
use anser_protocol::group_details::GroupDetails;
use anser_protocol::ids::{GroupId, Position, RoomId, TimeMs};

use super::Snapshot;
use super::messages::{ReportTarget, ReportUser};
use crate::command::{Class, EventFamilies, EventFamily};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u64_at;
use crate::row;
use crate::rows::app::app_key;
use crate::rows::chat::Chat;
use crate::rows::record::{AmendedRecord, Body, ChangeRecord, EventRecord, Record, log_key, log_prefix};
use crate::rows::told::{EventRow, EventsTold, NotedKind, event_key, events_prefix};
use crate::rows::user::User;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Records of the log that one slice looks at.
const SLICE_RECORDS: usize = 4096;

/// An event as an app's server is told of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AppEvent {
    pub position: Position,
    pub at_ms: TimeMs,
    /// Nobody: an app server.
    pub by: Option<ReportUser>,
    /// Whom it concerns.
    pub users: Vec<ReportUser>,
    pub what: AppEventKind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AppEventKind {
    Group {
        kind: GroupEventKind,
        group: GroupId,
        /// As they are now.
        name: String,
        avatar: String,
        new_owner: Option<ReportUser>,
        details: Box<GroupDetails>,
    },
    Amended {
        kind: AmendmentKind,
        message: Position,
        /// The sender of the message, unless retention has cut it.
        from: Option<ReportUser>,
        to: ReportTarget,
    },
    Noted {
        kind: NotedKind,
        /// With its name as it is now, as of rooms.
        group: Option<(GroupId, String)>,
        room: Option<(RoomId, String)>,
        text: String,
        request: Option<Position>,
    },
}

/// What a slice found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundEvents {
    pub events: Vec<AppEvent>,
    /// Everything below was looked at.
    pub next: Position,
    pub is_more: bool,
}

/// The names of users, each read once.
type Names = BTreeMap<UserNumber, ReportUser>;

impl Snapshot {
    /// From where on the app's server is still to be told of events, and of which; nothing when it is not told of them.
    pub fn events_told_up_to(&self, app: AppNumber) -> Result<Option<(Position, EventFamilies)>, ReadError> {
        Ok(self.row::<EventsTold>(&app_key(app))?.map(|told| (told.next, told.families)))
    }

    /// The first events of a range, in order, at most `limit`.
    pub fn find_events(
        &self,
        app: AppNumber,
        families: EventFamilies,
        range: Range<Position>,
        limit: usize,
    ) -> Result<FoundEvents, ReadError> {
        let (mut events, mut names, mut end) = (Vec::new(), Names::new(), range.end);
        let (mut looked_at, mut cut) = (0, None);
        let (from, to) = (log_key(app, Class::Chat, range.start), log_key(app, Class::Chat, end));
        self.scan(Table::Log, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            let record: Record = row::decode(key, value)?;
            let position = Position(u64_at(key, log_prefix(app, Class::Chat).as_bytes().len()).unwrap_or_default());
            if looked_at == SLICE_RECORDS || events.len() == limit {
                cut = Some(position);
                return Ok(STOP);
            }
            looked_at += 1;
            events.extend(self.logged_event(app, families, position, record, &mut names)?);
            Ok(NEXT)
        })?;
        end = cut.unwrap_or(end);
        let (from, to) = (event_key(app, range.start), event_key(app, end));
        let (mut noted, mut looked_at, mut cut) = (Vec::new(), 0, None);
        self.scan(Table::AppEvents, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            let position = Position(u64_at(key, events_prefix(app).as_bytes().len()).unwrap_or_default());
            if looked_at == SLICE_RECORDS || noted.len() == limit {
                cut = Some(position);
                return Ok(STOP);
            }
            looked_at += 1;
            let event: EventRow = row::decode(key, value)?;
            if families.contains(event.kind.family()) {
                noted.push(self.noted_event(app, position, event, &mut names)?);
            }
            Ok(NEXT)
        })?;
        end = cut.unwrap_or(end);
        events.extend(noted);
        events.retain(|event: &AppEvent| event.position < end);
        events.sort_unstable_by_key(|event| event.position);
        if let Some(first_left) = events.get(limit) {
            end = first_left.position;
            events.truncate(limit);
        }
        Ok(FoundEvents { events, next: end, is_more: end < range.end })
    }

    fn logged_event(
        &self,
        app: AppNumber,
        families: EventFamilies,
        position: Position,
        record: Record,
        names: &mut Names,
    ) -> Result<Option<AppEvent>, ReadError> {
        let family = match &record.body {
            Body::Event(_) | Body::Change(_) => EventFamily::Groups,
            Body::Amended(_) => EventFamily::Messages,
            Body::Message(_) | Body::Push(_) | Body::Release(_) | Body::Notice(_) | Body::Room(_) => return Ok(None),
        };
        if !families.contains(family) {
            return Ok(None);
        }
        let found = match record.body {
            Body::Event(event) => self.group_event(app, &event, GroupDetails::default(), names)?,
            Body::Change(change) => self.group_change(app, &change, names)?,
            Body::Amended(amended) => Some(self.amended_event(app, &amended, names)?),
            _ => None,
        };
        let event = |(by, users, what)| AppEvent { position, at_ms: record.at_ms, by, users, what };
        Ok(found.map(event))
    }

    fn group_change(
        &self,
        app: AppNumber,
        change: &ChangeRecord,
        names: &mut Names,
    ) -> Result<Option<Said>, ReadError> {
        let details = find::group_change(self, app, change)?.details;
        self.group_event(app, &change.event, details, names)
    }

    fn group_event(
        &self,
        app: AppNumber,
        event: &EventRecord,
        details: GroupDetails,
        names: &mut Names,
    ) -> Result<Option<Said>, ReadError> {
        let Chat::Group(group) = event.to else { return Ok(None) };
        let nameplate = find::group_nameplate(self, app, group)?;
        let (name, avatar) = nameplate.map(|group| (group.name, group.avatar)).unwrap_or_default();
        let new_owner = self.named_user(app, event.new_owner, names)?;
        let what = AppEventKind::Group { kind: event.kind, group, name, avatar, new_owner, details: Box::new(details) };
        Ok(Some((self.named_user(app, event.by, names)?, self.named_users(app, &event.users, names)?, what)))
    }

    fn amended_event(&self, app: AppNumber, amended: &AmendedRecord, names: &mut Names) -> Result<Said, ReadError> {
        let message = find::record(self, app, Class::Chat, amended.position)?;
        let from = match message.map(|record| record.body) {
            Some(Body::Message(message)) => Some(message.from),
            _ => None,
        };
        let to = match amended.to {
            Chat::User(user) => ReportTarget::User(find::username(self, app, user)?.to_string()),
            Chat::Group(group) => ReportTarget::Group(group),
            Chat::Notices => ReportTarget::User(String::new()),
        };
        let from = self.named_user(app, from, names)?;
        let what = AppEventKind::Amended { kind: amended.kind, message: amended.position, from, to };
        Ok((self.named_user(app, amended.by, names)?, Vec::new(), what))
    }

    fn noted_event(
        &self,
        app: AppNumber,
        position: Position,
        event: EventRow,
        names: &mut Names,
    ) -> Result<AppEvent, ReadError> {
        let group = match event.group {
            Some(id) => Some((id, find::group_nameplate(self, app, id)?.map(|row| row.name).unwrap_or_default())),
            None => None,
        };
        let room = match event.room {
            Some(id) => Some((id, find::room_nameplate(self, app, id)?.map(|row| row.name).unwrap_or_default())),
            None => None,
        };
        let by = self.named_user(app, event.by, names)?;
        let users = self.named_users(app, &event.users, names)?;
        let what = AppEventKind::Noted { kind: event.kind, group, room, text: event.text, request: event.request };
        Ok(AppEvent { position, at_ms: event.at_ms, by, users, what })
    }

    fn named_users(
        &self,
        app: AppNumber,
        users: &[UserNumber],
        names: &mut Names,
    ) -> Result<Vec<ReportUser>, ReadError> {
        let mut named = Vec::with_capacity(users.len());
        for user in users {
            named.extend(self.named_user(app, Some(*user), names)?);
        }
        Ok(named)
    }

    fn named_user(
        &self,
        app: AppNumber,
        user: Option<UserNumber>,
        names: &mut Names,
    ) -> Result<Option<ReportUser>, ReadError> {
        let Some(user) = user else { return Ok(None) };
        if let Some(known) = names.get(&user) {
            return Ok(Some(known.clone()));
        }
        let row: User = find::required(self, crate::rows::user::user_key(app, user))?;
        let named = ReportUser { username: row.username, nickname: row.profile.nickname, is_admin: row.is_admin };
        names.insert(user, named.clone());
        Ok(Some(named))
    }
}

/// By whom, whom it concerns, and what it is.
type Said = (Option<ReportUser>, Vec<ReportUser>, AppEventKind);
