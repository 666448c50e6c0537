//! What one user's data are, for export and erasure; how long apps keep what; apps that are being deleted.

use anser_protocol::ids::{Position, TimeMs};

use super::{Messages, Snapshot};
use crate::command::{Amended, Class};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::{Key, behind_prefix, u32_at, u64_at};
use crate::media::{MediaId, MediaName};
use crate::row;
use crate::rows::app::{App, app_key};
use crate::rows::chat::{Chat, Conversation, conversations_prefix};
use crate::rows::data::{AppRetention, Erasure, is_said_by};
use crate::rows::group::member_key;
use crate::rows::media::{Media, media_key};
use crate::rows::people::UserState;
use crate::rows::record::{Amendment, Record, amendment_key, log_key, log_prefix};
use crate::rows::standing::NicknameRow;
use crate::rows::user::{User, user_key};
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Records that one slice looks at.
const SLICE_RECORDS: usize = 4096;
/// Records that one slice finds.
const FOUND_MAX: usize = 100;

/// A slice of the walk over what an erased user said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasureSlice {
    pub erasure: Erasure,
    /// In order.
    pub records: Vec<Position>,
    /// Where the walk goes on; nothing when the class is done.
    pub next: Option<Position>,
}

/// Where a page of conversations ends: kind and chain of the last one.
type ConversationPlace = (u8, u64);

/// A conversation as an export shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversationShown {
    pub chat: Chat,
    /// The peer's username, or the group's name.
    pub name: String,
    pub is_open: bool,
    pub read_up_to: Position,
    /// In a group: what the user is called there.
    pub nickname: Option<String>,
}

/// A medium as an export shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnMedia {
    pub name: MediaName,
    pub media: Media,
}

impl Snapshot {
    /// Erasures under way, of living apps, in order of app and user.
    pub fn erasures(&self) -> Result<Vec<(AppNumber, UserNumber, Erasure)>, ReadError> {
        let mut found = Vec::new();
        self.rows::<Erasure>(&Key::empty(), |key, erasure| {
            if let (Some(app), Some(user)) = (u32_at(key, 0), u32_at(key, 4)) {
                found.push((AppNumber(app), UserNumber(user), erasure));
            }
            Ok(NEXT)
        })?;
        let mut living = Vec::with_capacity(found.len());
        for entry in found {
            if find::app(self, entry.0)?.is_some() {
                living.push(entry);
            }
        }
        Ok(living)
    }

    /// The next slice of an erasure; nothing when it is over, or media are its turn. The whole log of the app is walked:
    /// sent chains name what devices sent, but not what app servers sent in the user's name, nor reasons and announcements.
    pub fn erasure_slice(&self, app: AppNumber, user: UserNumber) -> Result<Option<ErasureSlice>, ReadError> {
        let Some(erasure) = self.row::<Erasure>(&user_key(app, user))? else { return Ok(None) };
        let Some(class) = erasure.class else { return Ok(None) };
        let begin = erasure.next.max(find::floor(self, app, class)?);
        let (from, to) = (log_key(app, class, begin), log_key(app, class, erasure.end));
        let (mut looked_at, mut records, mut next) = (0, Vec::new(), None);
        self.scan(Table::Log, from.as_bytes(), Some(to.as_bytes()), &mut |key, value| {
            let position = Position(u64_at(key, log_prefix(app, class).as_bytes().len()).unwrap_or_default());
            if looked_at == SLICE_RECORDS || records.len() == FOUND_MAX {
                next = Some(position);
                return Ok(STOP);
            }
            looked_at += 1;
            // Of a damaged record nobody reads anything; the scrub tells of it.
            if row::decode::<Record>(key, value).is_ok_and(|record| is_said_by(&record.body, user)) {
                records.push(position);
            }
            Ok(NEXT)
        })?;
        Ok(Some(ErasureSlice { erasure, records, next }))
    }

    /// Of `limit` media behind `after` those that the user uploaded, and where to go on.
    pub fn media_by(
        &self,
        app: AppNumber,
        user: UserNumber,
        after: Option<MediaId>,
        limit: usize,
    ) -> Result<(Vec<OwnMedia>, Option<MediaId>), ReadError> {
        let prefix = Key::app(app);
        let from = after.map_or_else(|| prefix.clone(), |after| media_key(app, after).u8(0));
        let (mut found, mut seen, mut last) = (Vec::new(), 0, None);
        self.scan(Table::Media, from.as_bytes(), behind_prefix(prefix.as_bytes()).as_deref(), &mut |key, value| {
            seen += 1;
            last = key.get(prefix.as_bytes().len()..).and_then(|id| id.try_into().ok()).map(MediaId);
            let media: Media = row::decode(key, value)?;
            if let (Some(id), true) = (last, media.by == Some(user)) {
                found.push(OwnMedia { name: MediaName { kind: media.kind, id }, media });
            }
            Ok(if seen < limit { NEXT } else { STOP })
        })?;
        Ok((found, last.filter(|_| seen >= limit)))
    }

    /// Deleted users who bore this name, among `limit` users from `from` on, and where to go on.
    pub fn deleted_users_named(
        &self,
        app: AppNumber,
        username: &str,
        from: UserNumber,
        limit: usize,
    ) -> Result<(Vec<UserNumber>, Option<UserNumber>), ReadError> {
        let (mut named, mut seen, mut last) = (Vec::new(), 0, None);
        let begin = user_key(app, from);
        let end = behind_prefix(Key::app(app).as_bytes());
        self.scan(Table::Users, begin.as_bytes(), end.as_deref(), &mut |key, value| {
            seen += 1;
            last = u32_at(key, 4).map(UserNumber);
            // A damaged nameplate bears no name.
            let is_named = row::decode::<User>(key, value).is_ok_and(|user| user.username == username);
            named.extend(last.filter(|_| is_named));
            Ok(if seen < limit { NEXT } else { STOP })
        })?;
        let mut deleted = Vec::new();
        for user in named {
            if find::user_state(self, app, user)? == Some(UserState::Deleted) {
                deleted.push(user);
            }
        }
        let next = last.filter(|_| seen >= limit).and_then(|last| last.0.checked_add(1)).map(UserNumber);
        Ok((deleted, next))
    }

    /// A page of the user's conversations in the order of their chains, and the last of them when there may be more. Chats
    /// that were left are in it.
    pub fn all_conversations(
        &self,
        app: AppNumber,
        user: UserNumber,
        after: Option<ConversationPlace>,
        limit: usize,
    ) -> Result<(Vec<ConversationShown>, Option<ConversationPlace>), ReadError> {
        let prefix = conversations_prefix(app, user);
        let from = match after {
            None => prefix.clone(),
            Some((kind, chain)) => prefix.clone().u8(kind).u64(chain).u8(0),
        };
        let mut rows = Vec::new();
        let end = behind_prefix(prefix.as_bytes());
        self.scan(Table::Conversations, from.as_bytes(), end.as_deref(), &mut |key, value| {
            let kind_at = prefix.as_bytes().len();
            if let (Some(kind), Some(chain)) = (key.get(kind_at), u64_at(key, kind_at + 1)) {
                rows.push(((*kind, chain), row::decode::<Conversation>(key, value)?));
            }
            Ok(if rows.len() < limit { NEXT } else { STOP })
        })?;
        let next = rows.last().map(|(place, _)| *place).filter(|_| rows.len() >= limit);
        let mut shown = Vec::with_capacity(rows.len());
        for (_, row) in rows {
            let nickname = match row.chat {
                Chat::Group(group) => self.row::<NicknameRow>(&member_key(app, group, user))?.map(|name| name.0),
                Chat::User(_) | Chat::Notices => None,
            };
            let name = match row.chat {
                Chat::Notices => continue,
                chat => self.chat_name(app, chat)?,
            };
            shown.push(ConversationShown {
                chat: row.chat,
                name,
                is_open: row.is_open(),
                read_up_to: row.read_mark,
                nickname,
            });
        }
        Ok((shown, next))
    }

    /// What the user sent, in one slice from `from` on: where it stands, and where to go on.
    pub fn sent_by(
        &self,
        app: AppNumber,
        user: UserNumber,
        from: Position,
        limit: usize,
    ) -> Result<(Vec<Position>, Option<Position>), ReadError> {
        let sent = Messages::Of { user, sent: true, received: false };
        let found = self.find_messages(app, sent, from..Position(self.end().0 + 1), limit)?;
        Ok((found.positions, found.next))
    }

    /// What became of a message.
    pub fn amended(&self, app: AppNumber, message: Position) -> Result<Option<Amended>, ReadError> {
        Ok(self.row::<Amendment>(&amendment_key(app, message))?.map(|amendment| amendment.what))
    }

    pub fn app_retention(&self, app: AppNumber) -> Result<AppRetention, ReadError> {
        Ok(self.row(&app_key(app))?.unwrap_or_default())
    }

    /// When the oldest record that is kept was written; nothing when there is none.
    pub fn oldest_kept(&self, app: AppNumber, class: Class) -> Result<Option<TimeMs>, ReadError> {
        let floor = find::floor(self, app, class)?;
        Ok(self.record_from(app, class, floor)?.map(|(_, at_ms)| at_ms))
    }

    /// Apps that nobody finds any more and whose rows are still to go.
    pub fn apps_being_deleted(&self) -> Result<Vec<(AppNumber, App)>, ReadError> {
        let mut apps = Vec::new();
        self.rows::<App>(&Key::empty(), |key, app| {
            apps.extend(u32_at(key, 0).filter(|_| app.is_deleted).map(|number| (AppNumber(number), app)));
            Ok(NEXT)
        })?;
        Ok(apps)
    }
}
