//! Reading media, and what a sweep has to look at.

use anser_protocol::ids::{Position, TimeMs};

use super::Snapshot;
use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::{Key, behind_prefix, u64_at};
use crate::media::{MediaId, MediaName};
use crate::row;
use crate::rows::app::app_key;
use crate::rows::group::Group;
use crate::rows::media::{
    BodyHash, Media, MediaContent, MediaIdle, MediaMention, MediaSpace, MediaThumb, media_body_key, media_key,
};
use crate::rows::user::User;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// A medium that no kept message names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnmentionedMedia {
    pub id: MediaId,
    /// A sweep has noted so before, or it is new.
    pub is_idle: bool,
    /// It was so for as long as was asked for.
    pub is_due: bool,
}

/// Where the next part of a walk over avatars begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvatarPlace {
    table: Table,
    from: Vec<u8>,
}

impl Snapshot {
    pub fn media(&self, app: AppNumber, name: &MediaName) -> Result<Option<Media>, ReadError> {
        Ok(self.media_by_id(app, name.id)?.filter(|media| media.kind == name.kind))
    }

    /// A medium of the app, or of one that is linked with it, whose users send theirs to this one's; with the app that
    /// keeps it.
    pub fn media_in_reach(&self, app: AppNumber, name: &MediaName) -> Result<Option<(AppNumber, Media)>, ReadError> {
        if let Some(media) = self.media(app, name)? {
            return Ok(Some((app, media)));
        }
        for other in across::linked_apps(self, app)? {
            if let Some(media) = self.media(other, name)? {
                return Ok(Some((other, media)));
            }
        }
        Ok(None)
    }

    pub fn media_by_id(&self, app: AppNumber, media: MediaId) -> Result<Option<Media>, ReadError> {
        self.row(&media_key(app, media))
    }

    pub fn media_thumb(&self, app: AppNumber, media: MediaId) -> Result<Option<MediaContent>, ReadError> {
        Ok(self.row::<MediaThumb>(&media_key(app, media))?.map(|thumb| thumb.0))
    }

    /// Does anything of the app have these bytes?
    pub fn has_media_body(&self, app: AppNumber, body: &BodyHash) -> Result<bool, ReadError> {
        self.has(Table::MediaBodies, &media_body_key(app, body))
    }

    pub fn media_space(&self, app: AppNumber) -> Result<MediaSpace, ReadError> {
        Ok(self.row(&app_key(app))?.unwrap_or_default())
    }

    /// Looks at `limit` media behind `after`: those that no kept message names, and where to go on.
    pub fn unmentioned_media(
        &self,
        app: AppNumber,
        after: Option<MediaId>,
        limit: usize,
        idle_ms: TimeMs,
        now_ms: TimeMs,
    ) -> Result<(Vec<UnmentionedMedia>, Option<MediaId>), ReadError> {
        let prefix = Key::app(app);
        let from = after.map_or_else(|| prefix.clone(), |after| media_key(app, after).u8(0));
        let mut ids = Vec::new();
        self.scan(Table::Media, from.as_bytes(), behind_prefix(prefix.as_bytes()).as_deref(), &mut |key, _| {
            ids.extend(key.get(prefix.as_bytes().len()..).and_then(|id| id.try_into().ok()).map(MediaId));
            Ok(if ids.len() < limit { NEXT } else { STOP })
        })?;
        let next = ids.last().copied().filter(|_| ids.len() >= limit);
        let mut unmentioned = Vec::new();
        for id in ids {
            if !self.is_mentioned(app, id)? {
                let idle = self.row::<MediaIdle>(&media_key(app, id))?.map(|idle| idle.0);
                let is_due = idle.is_some_and(|since_ms| since_ms + idle_ms <= now_ms);
                unmentioned.push(UnmentionedMedia { id, is_idle: idle.is_some(), is_due });
            }
        }
        Ok((unmentioned, next))
    }

    fn is_mentioned(&self, app: AppNumber, media: MediaId) -> Result<bool, ReadError> {
        let prefix = media_key(app, media);
        let mut is_mentioned = false;
        self.rows::<MediaMention>(&prefix, |key, MediaMention(class)| {
            let position = Position(u64_at(key, prefix.as_bytes().len()).unwrap_or_default());
            is_mentioned = position >= find::floor(self, app, class)?;
            Ok(if is_mentioned { STOP } else { NEXT })
        })?;
        Ok(is_mentioned)
    }

    /// The media that avatars of `limit` users or groups name, and where to go on. A damaged row names nobody knows what:
    /// it is an error, and nothing must be removed for lack of it.
    pub fn avatars(
        &self,
        app: AppNumber,
        place: Option<AvatarPlace>,
        limit: usize,
    ) -> Result<(Vec<MediaId>, Option<AvatarPlace>), ReadError> {
        let prefix = Key::app(app);
        let place = place.unwrap_or_else(|| AvatarPlace { table: Table::Users, from: prefix.as_bytes().to_vec() });
        let (mut media, mut seen, mut last) = (Vec::new(), 0, None);
        let to = behind_prefix(prefix.as_bytes());
        self.scan(place.table, &place.from, to.as_deref(), &mut |key, value| {
            let avatar = match place.table {
                Table::Users => row::decode::<User>(key, value)?.profile.avatar,
                _ => row::decode::<Group>(key, value)?.avatar,
            };
            media.extend(MediaName::parse(&avatar).map(|name| name.id));
            seen += 1;
            last = Some(key.to_vec());
            Ok(if seen < limit { NEXT } else { STOP })
        })?;
        let next = match last.filter(|_| seen >= limit) {
            Some(last) => Some(AvatarPlace { table: place.table, from: [&last[..], &[0]].concat() }),
            None if place.table == Table::Users => {
                Some(AvatarPlace { table: Table::Groups, from: prefix.as_bytes().to_vec() })
            }
            None => None,
        };
        Ok((media, next))
    }
}
