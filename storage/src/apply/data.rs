//! Erasing one user's data, and how long apps keep what.
//!
//! Snapshots find what is the user's, off the writer's thread; here it goes. How far that has come stands in a row, so
//! that a crash costs nothing but time. The user is deleted with the first command and says nothing more, so what is found
//! later is all of it.

use anser_protocol::content::Content;
use anser_protocol::extension::Extensions;
use anser_protocol::ids::Position;

use super::{Batch, Decided, Stop};
use crate::command::{Actor, Amend, Amended, Class, DataCommand, Keep, Profile};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u32_at;
use crate::media::MediaId;
use crate::outcome::{Answer, Refusal};
use crate::rows::across::{GuestNumber, guest_numbers_prefix};
use crate::rows::app::app_key;
use crate::rows::chat::Chat;
use crate::rows::data::{AppRetention, Erasure, is_said_by};
use crate::rows::group::member_key;
use crate::rows::media::{Media, media_key};
use crate::rows::people::UserState;
use crate::rows::record::{Body, ChangeDetail, Record, RoomRecord, log_key};
use crate::rows::standing::{AnnouncementRow, announcement_key};
use crate::rows::user::{User, user_key};
use crate::table::Table;
use crate::tables::Tables;

/// Rows that one command touches.
const ROWS_MAX: usize = 1000;
/// What a record costs at least: itself, what became of it, the record that tells of it, its receipt, its mentions.
const ROWS_PER_RECORD: usize = 10;
const MEDIA_MAX: usize = 100;

impl Batch<'_> {
    pub(super) fn data(&mut self, command: &DataCommand) -> Decided<Answer> {
        self.require_app(command.app())?;
        match command {
            DataCommand::BeginErasure { app, user } => self.begin_erasure(*app, *user),
            DataCommand::EraseRecords { app, user, class, records, next } => {
                self.erase_records((*app, *user), *class, records, *next)
            }
            DataCommand::EraseNextClass { app, user, done } => {
                let mut erasure = self.erasure(*app, *user)?;
                if erasure.class == Some(*done) {
                    erasure.class = class_after(*done);
                    erasure.next = Position::START;
                    self.put(&user_key(*app, *user), &erasure)?;
                }
                Ok(Answer::Done)
            }
            DataCommand::EraseMedia { app, user, media, shown } => self.erase_media(*app, *user, media, shown),
            DataCommand::EndErasure { app, user } => {
                let key = user_key(*app, *user);
                self.erasure(*app, *user)?;
                // The name goes last: servers that are told of the deletion hear it.
                let row: User = find::required(self, key.clone())?;
                self.put(&key, &User { username: nameless(*user), profile: Profile::default(), ..row })?;
                self.remove(Table::Erasures, &key)?;
                Ok(Answer::Done)
            }
            DataCommand::SetRetention { app, class, keep } => self.set_retention(*app, *class, *keep),
        }
    }

    fn erasure(&self, app: AppNumber, user: UserNumber) -> Decided<Erasure> {
        self.row(&user_key(app, user))?.ok_or(Stop::Refused(Refusal::ErasureUnknown))
    }

    /// In the user's own app, and wherever they are a guest: each walks its own log.
    fn begin_erasure(&mut self, app: AppNumber, number: UserNumber) -> Decided<Answer> {
        let unknown = || Refusal::UserUnknown { username: String::new() };
        let user = find::user(self, app, number)?.ok_or_else(unknown)?;
        // Guests go with the user at home.
        if crate::across::guest(self, app, number)?.is_some() {
            return Err(unknown().into());
        }
        if self.has(Table::Erasures, &user_key(app, number))? {
            return Ok(Answer::Done);
        }
        if find::user_state(self, app, number)? != Some(UserState::Deleted) {
            self.delete_for_good(app, number, &user)?;
        }
        self.begin_walk(app, number)?;
        let prefix = guest_numbers_prefix(app, number);
        let mut abroad = Vec::new();
        self.rows::<GuestNumber>(&prefix, |key, guest| {
            abroad.extend(u32_at(key, prefix.as_bytes().len()).map(|there| (AppNumber(there), guest.0)));
            Ok(crate::tables::NEXT)
        })?;
        for (there, guest) in abroad {
            if find::app(self, there)?.is_some() {
                self.begin_walk(there, guest)?;
            }
        }
        Ok(Answer::Done)
    }

    fn begin_walk(&mut self, app: AppNumber, number: UserNumber) -> Decided<()> {
        let (begun_ms, end) = (self.now_ms(), self.next_position());
        let (class, next) = (Some(Class::Chat), Position::START);
        self.put(&user_key(app, number), &Erasure { begun_ms, class, next, end, records: 0, media: 0 })?;
        Ok(())
    }

    fn erase_records(
        &mut self,
        (app, user): (AppNumber, UserNumber),
        class: Class,
        records: &[Position],
        next: Position,
    ) -> Decided<Answer> {
        let mut erasure = self.erasure(app, user)?;
        if erasure.class != Some(class) || next < erasure.next {
            // A repeat of what was done.
            return Ok(Answer::Done);
        }
        let mut left = ROWS_MAX;
        for (index, position) in records.iter().enumerate() {
            let record: Option<Record> = self.row(&log_key(app, class, *position))?;
            let Some(record) = record else { continue };
            let cost = self.erasing_costs(app, &record)?;
            if index > 0 && cost > left {
                erasure.next = *position;
                self.put(&user_key(app, user), &erasure)?;
                return Ok(Answer::Continue);
            }
            left = left.saturating_sub(cost);
            erasure.records += u64::from(self.erase_record((app, user), class, *position, record)?);
        }
        erasure.next = next;
        self.put(&user_key(app, user), &erasure)?;
        Ok(Answer::Done)
    }

    /// Those who are told at once are looked up among all members.
    fn erasing_costs(&self, app: AppNumber, record: &Record) -> Result<usize, ReadError> {
        let Body::Message(message) = &record.body else { return Ok(ROWS_PER_RECORD) };
        Ok(match message.to {
            Chat::Group(group) => ROWS_PER_RECORD + self.members_lists(app, group)?.readers.len(),
            Chat::User(_) | Chat::Notices => ROWS_PER_RECORD,
        })
    }

    /// Returns whether it said something.
    fn erase_record(
        &mut self,
        (app, user): (AppNumber, UserNumber),
        class: Class,
        position: Position,
        record: Record,
    ) -> Decided<bool> {
        if !is_said_by(&record.body, user) {
            return Ok(false);
        }
        let body = match record.body {
            Body::Message(_) => {
                let (by, what) = (Actor::Server, Amended::Erased);
                let amend = Amend { app, by, through_server: true, message: position, what, within_ms: None };
                return match self.amend(&amend) {
                    Ok(answer) => Ok(matches!(answer, Answer::Amended { is_repeat: false, .. })),
                    // Cut meanwhile.
                    Err(Stop::Refused(_)) => Ok(false),
                    Err(failed) => Err(failed),
                };
            }
            Body::Room(message) => {
                self.forget_mentions(app, position, &message.content)?;
                let kind = message.content.kind;
                let content = Content { kind, body: Vec::new(), extensions: Extensions::default() };
                Body::Room(RoomRecord { content, ..message })
            }
            Body::Notice(mut notice) => {
                if let (Some(group), Some(_)) = (notice.group, notice.request) {
                    self.remove(Table::JoinRequests, &member_key(app, group, user))?;
                }
                if notice.text.is_empty() {
                    return Ok(false);
                }
                notice.text = String::new();
                Body::Notice(notice)
            }
            Body::Change(mut change) => {
                match (&mut change.detail, change.event.to) {
                    (ChangeDetail::Announcement { id, row }, Chat::Group(group)) => {
                        let kept = announcement_key(app, group, *id);
                        if self.row::<AnnouncementRow>(&kept)?.is_some_and(|row| row.by == Some(user)) {
                            self.remove(Table::Announcements, &kept)?;
                        }
                        row.text = String::new();
                    }
                    (ChangeDetail::Nickname { old, new }, _) => (*old, *new) = (String::new(), String::new()),
                    _ => return Ok(false),
                }
                Body::Change(change)
            }
            Body::Event(_) | Body::Push(_) | Body::Release(_) | Body::Amended(_) => return Ok(false),
        };
        self.put(&log_key(app, class, position), &Record { body, ..record })?;
        Ok(true)
    }

    fn erase_media(
        &mut self,
        app: AppNumber,
        user: UserNumber,
        media: &[MediaId],
        shown: &[MediaId],
    ) -> Decided<Answer> {
        let mut erasure = self.erasure(app, user)?;
        let (mut freed, mut mentions_left) = (Vec::new(), ROWS_MAX / 2);
        for id in media.iter().chain(shown).take(MEDIA_MAX) {
            let key = media_key(app, *id);
            let row = self.row::<Media>(&key)?.filter(|row| row.by == Some(user));
            let Some(row) = row else { continue };
            erasure.media += 1;
            if shown.contains(id) || self.is_mentioned(app, *id, &mut mentions_left)? {
                self.put(&key, &Media { by: None, name: String::new(), ..row })?;
            } else {
                self.remove_media(app, *id, &row, &mut freed)?;
            }
        }
        self.put(&user_key(app, user), &erasure)?;
        Ok(Answer::MediaFreed(freed))
    }

    fn set_retention(&mut self, app: AppNumber, class: Class, keep: Option<Keep>) -> Decided<Answer> {
        let mut retention = self.row::<AppRetention>(&app_key(app))?.unwrap_or_default();
        retention.set(class, keep);
        match retention == AppRetention::default() {
            true => self.remove(Table::Retention, &app_key(app))?,
            false => self.put(&app_key(app), &retention)?,
        }
        Ok(Answer::Done)
    }
}

fn class_after(class: Class) -> Option<Class> {
    match class {
        Class::Chat => Some(Class::Room),
        // Pushes are nobody's words.
        Class::Room | Class::Push => None,
    }
}

/// What the nameplate of an erased user says: no user name begins so.
fn nameless(user: UserNumber) -> String {
    format!("_erased.{}", user.0)
}
