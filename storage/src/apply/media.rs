//! Media: which are there, how much an app may keep, and when one goes.
//!
//! A medium stays as long as a kept message names it, or somebody's avatar does. Mentions in messages are rows, made with
//! the record; they end when retention has cut it, or when it was erased. Avatars are looked for by the caller of a sweep.
//! What nobody names becomes idle, and goes when it was idle for long enough; whoever names it meanwhile ends that.

use anser_protocol::content::{Content, ContentKind};
use anser_protocol::ids::{Position, TimeMs};

use super::{Batch, Decided};
use crate::command::{Class, MediaCommand, NewMedia};
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::u64_at;
use crate::media::{MediaId, MediaName, named_in};
use crate::outcome::{Answer, Refusal};
use crate::rows::app::app_key;
use crate::rows::media::{
    BodyHash, Media, MediaBody, MediaContent, MediaIdle, MediaMention, MediaSpace, MediaThumb, media_body_key,
    media_key, media_mention_key,
};
use crate::rows::people::UserState;
use crate::table::Table;
use crate::tables::{NEXT, STOP, Tables};

/// Media that one sweep deals with.
pub const SWEPT_MAX: usize = 100;
/// Mentions that one sweep looks at; each medium costs a few rows more.
const MENTIONS_MAX: usize = 300;

impl Batch<'_> {
    pub(super) fn media(&mut self, command: &MediaCommand) -> Decided<Answer> {
        self.require_app(command.app())?;
        match command {
            MediaCommand::Add { app, media, quota_bytes } => self.add_media(*app, media, *quota_bytes),
            MediaCommand::AddThumb { app, media, by, thumb, quota_bytes } => {
                self.add_thumb(*app, *media, *by, thumb, *quota_bytes)
            }
            MediaCommand::SetQuota { app, bytes } => {
                let space = self.media_space(*app)?;
                self.put(&app_key(*app), &MediaSpace { quota_bytes: *bytes, ..space })?;
                Ok(Answer::Done)
            }
            MediaCommand::Sweep { app, named, unnamed, idle_ms } => {
                for media in named.iter().take(SWEPT_MAX) {
                    self.remove(Table::MediaIdle, &media_key(*app, *media))?;
                }
                self.sweep_media(*app, unnamed, *idle_ms)
            }
        }
    }

    fn add_media(&mut self, app: AppNumber, new: &NewMedia, quota_bytes: u64) -> Decided<Answer> {
        if let Some(user) = new.by {
            self.require_uploader(app, user)?;
        }
        let key = media_key(app, new.id);
        let row = Media {
            kind: new.kind,
            content: new.content.clone(),
            name: new.name.clone(),
            created_ms: self.now_ms(),
            by: new.by,
        };
        if let Some(known) = self.row::<Media>(&key)? {
            let is_same = Media { created_ms: row.created_ms, ..known } == row;
            return if is_same { Ok(Answer::Done) } else { Err(Refusal::Internal.into()) };
        }
        let space = self.take_body(app, &new.content, quota_bytes)?;
        self.put(&app_key(app), &MediaSpace { media: space.media + 1, ..space })?;
        self.put(&key, &row)?;
        // Nobody names it yet.
        self.put(&key, &MediaIdle(self.now_ms()))?;
        Ok(Answer::Done)
    }

    fn require_uploader(&self, app: AppNumber, user: UserNumber) -> Decided<()> {
        if find::user(self, app, user)?.is_none() {
            return Err(Refusal::SenderUnknown.into());
        }
        match find::user_state(self, app, user)? {
            None => Ok(()),
            Some(UserState::Disabled) => Err(Refusal::UserDisabled.into()),
            Some(UserState::Deleted) => Err(Refusal::SenderUnknown.into()),
        }
    }

    fn add_thumb(
        &mut self,
        app: AppNumber,
        media: MediaId,
        by: UserNumber,
        thumb: &MediaContent,
        quota_bytes: u64,
    ) -> Decided<Answer> {
        self.require_uploader(app, by)?;
        let key = media_key(app, media);
        if self.row::<Media>(&key)?.is_none_or(|known| known.by != Some(by)) {
            return Err(Refusal::MediaUnknown.into());
        }
        let earlier = self.row::<MediaThumb>(&key)?;
        if earlier.as_ref().is_some_and(|earlier| earlier.0 == *thumb) {
            return Ok(Answer::Done);
        }
        let space = self.take_body(app, thumb, quota_bytes)?;
        self.put(&app_key(app), &space)?;
        self.put(&key, &MediaThumb(thumb.clone()))?;
        let mut freed = Vec::new();
        if let Some(MediaThumb(earlier)) = earlier {
            self.leave_body(app, &earlier.body, &mut freed)?;
        }
        Ok(Answer::MediaFreed(freed))
    }

    /// Counts one more use of the bytes; the space that the app uses then, which is still to be written.
    fn take_body(&mut self, app: AppNumber, content: &MediaContent, quota_bytes: u64) -> Decided<MediaSpace> {
        let key = media_body_key(app, &content.body);
        let mut space = self.media_space(app)?;
        let known = self.row::<MediaBody>(&key)?;
        if known.is_none() {
            space.bytes += content.bytes;
            let quota_bytes = space.quota_bytes.unwrap_or(quota_bytes);
            if quota_bytes > 0 && space.bytes > quota_bytes {
                return Err(Refusal::MediaQuotaFull.into());
            }
        }
        let uses = known.map_or(0, |known| known.uses) + 1;
        self.put(&key, &MediaBody { bytes: content.bytes, uses })?;
        Ok(space)
    }

    fn leave_body(&mut self, app: AppNumber, body: &BodyHash, freed: &mut Vec<BodyHash>) -> Result<(), ReadError> {
        let key = media_body_key(app, body);
        let Some(known) = self.row::<MediaBody>(&key)? else { return Ok(()) };
        if known.uses > 1 {
            return self.put(&key, &MediaBody { uses: known.uses - 1, ..known });
        }
        self.remove(Table::MediaBodies, &key)?;
        let space = self.media_space(app)?;
        self.put(&app_key(app), &MediaSpace { bytes: space.bytes.saturating_sub(known.bytes), ..space })?;
        freed.push(*body);
        Ok(())
    }

    fn media_space(&self, app: AppNumber) -> Result<MediaSpace, ReadError> {
        Ok(self.row(&app_key(app))?.unwrap_or_default())
    }

    /// A record of the app's log holds this content. Text names no media: it is not read.
    pub(super) fn note_mentions(
        &mut self,
        app: AppNumber,
        class: Class,
        position: Position,
        content: &Content,
    ) -> Result<(), ReadError> {
        if content.kind == ContentKind::TEXT {
            return Ok(());
        }
        for media in named_in(&content.body) {
            let key = media_key(app, media);
            if self.has(Table::Media, &key)? {
                self.put(&media_mention_key(app, media, position), &MediaMention(class))?;
                self.remove(Table::MediaIdle, &key)?;
            }
        }
        Ok(())
    }

    /// The record holds it no more.
    pub(super) fn forget_mentions(
        &mut self,
        app: AppNumber,
        position: Position,
        content: &Content,
    ) -> Result<(), ReadError> {
        for media in named_in(&content.body) {
            self.remove(Table::MediaMentions, &media_mention_key(app, media, position))?;
        }
        Ok(())
    }

    /// An avatar was set: what it names is not idle. Sweeps look for avatars, and this holds until the next one.
    pub(super) fn note_avatar(&mut self, app: AppNumber, avatar: &str) -> Result<(), ReadError> {
        match MediaName::parse(avatar) {
            Some(name) => self.remove(Table::MediaIdle, &media_key(app, name.id)),
            None => Ok(()),
        }
    }

    fn sweep_media(&mut self, app: AppNumber, media: &[MediaId], idle_ms: TimeMs) -> Decided<Answer> {
        let mut freed = Vec::new();
        let mut mentions_left = MENTIONS_MAX;
        for media in media.iter().take(SWEPT_MAX) {
            let key = media_key(app, *media);
            let Some(row) = self.row::<Media>(&key)? else { continue };
            if self.is_mentioned(app, *media, &mut mentions_left)? {
                self.remove(Table::MediaIdle, &key)?;
                continue;
            }
            match self.row::<MediaIdle>(&key)? {
                None => self.put(&key, &MediaIdle(self.now_ms()))?,
                Some(MediaIdle(since_ms)) if since_ms + idle_ms <= self.now_ms() => {
                    self.remove_media(app, *media, &row, &mut freed)?;
                }
                Some(MediaIdle(_)) => {}
            }
        }
        Ok(Answer::MediaFreed(freed))
    }

    /// Does a kept message name it? Mentions of records that were cut go. One with more of them than may be looked at
    /// counts as mentioned until a later sweep.
    pub(super) fn is_mentioned(&mut self, app: AppNumber, media: MediaId, left: &mut usize) -> Result<bool, ReadError> {
        if *left == 0 {
            return Ok(true);
        }
        let prefix = media_key(app, media);
        let mut mentions = Vec::new();
        self.rows::<MediaMention>(&prefix, |key, mention| {
            mentions.push((key.to_vec(), mention));
            Ok(if mentions.len() < *left { NEXT } else { STOP })
        })?;
        let are_all = mentions.len() < *left;
        for (key, MediaMention(class)) in mentions {
            *left -= 1;
            let position = Position(u64_at(&key, prefix.as_bytes().len()).unwrap_or_default());
            if position >= find::floor(self, app, class)? {
                return Ok(true);
            }
            self.remove_bytes(Table::MediaMentions, &key)?;
        }
        Ok(!are_all)
    }

    pub(super) fn remove_media(
        &mut self,
        app: AppNumber,
        media: MediaId,
        row: &Media,
        freed: &mut Vec<BodyHash>,
    ) -> Result<(), ReadError> {
        let key = media_key(app, media);
        self.remove(Table::Media, &key)?;
        self.remove(Table::MediaIdle, &key)?;
        self.leave_body(app, &row.content.body, freed)?;
        if let Some(MediaThumb(thumb)) = self.row(&key)? {
            self.remove(Table::MediaThumbs, &key)?;
            self.leave_body(app, &thumb.body, freed)?;
        }
        let space = self.media_space(app)?;
        self.put(&app_key(app), &MediaSpace { media: space.media.saturating_sub(1), ..space })
    }
}
