//! Reading apps, devices, users and groups.

use std::collections::BTreeMap;

use anser_protocol::ids::{GroupId, Position};

use super::{Device, Member, Snapshot};
use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, DeviceNumber, UserNumber};
use crate::key::{Key, u32_at};
use crate::rows::app::{Access, App, ByAppKey, text_key};
use crate::rows::chat::{Chat, Conversation, ConversationKind, conversations_prefix};
use crate::rows::device::{DeviceRow, DeviceTags, PushCursor, alias_prefix, device_key, tag_key};
use crate::rows::group::{Group, MemberRow, group_key, member_key};
use crate::rows::user::{ChatCursor, Token, User, session_key, token_key};
use crate::table::Table;
use crate::tables::{NEXT, Tables};

impl Snapshot {
    pub fn app_by_key(&self, app_key: &str) -> Result<Option<(AppNumber, App)>, ReadError> {
        let Some(ByAppKey(number)) = self.row(&text_key(app_key))? else { return Ok(None) };
        Ok(self.app(number)?.map(|app| (number, app)))
    }

    pub fn app(&self, app: AppNumber) -> Result<Option<App>, ReadError> {
        find::app(self, app)
    }

    /// What its servers may do; everything when nothing was said.
    pub fn access(&self, app: AppNumber) -> Result<Access, ReadError> {
        find::access(self, app)
    }

    /// In order of their numbers.
    pub fn apps(&self) -> Result<Vec<(AppNumber, App)>, ReadError> {
        let mut apps = Vec::new();
        self.rows::<App>(&Key::empty(), |key, app| {
            if let Some(number) = u32_at(key, 0).filter(|_| !app.is_deleted) {
                apps.push((AppNumber(number), app));
            }
            Ok(NEXT)
        })?;
        Ok(apps)
    }

    pub fn device_by_registration_id(
        &self,
        app: AppNumber,
        registration_id: &str,
    ) -> Result<Option<(DeviceNumber, Device)>, ReadError> {
        let Some(number) = find::device_number(self, app, registration_id)? else { return Ok(None) };
        Ok(self.device(app, number)?.map(|device| (number, device)))
    }

    pub fn device(&self, app: AppNumber, device: DeviceNumber) -> Result<Option<Device>, ReadError> {
        let Some(row) = find::device(self, app, device)? else { return Ok(None) };
        let outbox_head = self.head(row.sent)?.unwrap_or_default().outbox;
        let DeviceRow { registration_id, secret_hash, platform, alias, mobile, created_ms, .. } = row;
        Ok(Some(Device { registration_id, secret_hash, platform, alias, mobile, created_ms, outbox_head }))
    }

    /// In order of their names.
    pub fn tags_of_device(&self, app: AppNumber, device: DeviceNumber) -> Result<Vec<String>, ReadError> {
        let tags: DeviceTags = self.row(&device_key(app, device))?.unwrap_or_default();
        let mut names = Vec::with_capacity(tags.0.len());
        for tag in tags.0 {
            // A retired tag stands in the list until its turn comes.
            if !self.has(Table::RetiredTags, &tag_key(app, tag))? {
                names.push(find::tag_name(self, app, tag)?);
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    pub fn devices_of_alias(&self, app: AppNumber, alias: &str) -> Result<Vec<DeviceNumber>, ReadError> {
        let prefix = alias_prefix(app, alias);
        let keys = self.keys(Table::Aliases, &prefix, usize::MAX)?;
        Ok(keys.iter().filter_map(|key| u32_at(key, prefix.as_bytes().len())).map(DeviceNumber).collect())
    }

    pub fn user_by_name(&self, app: AppNumber, username: &str) -> Result<Option<(UserNumber, User)>, ReadError> {
        let Some(number) = find::user_number(self, app, username)? else { return Ok(None) };
        Ok(self.user(app, number)?.map(|user| (number, user)))
    }

    pub fn user(&self, app: AppNumber, user: UserNumber) -> Result<Option<User>, ReadError> {
        find::user(self, app, user)
    }

    /// Whether it has expired is for the caller to say, who has the clock.
    pub fn token(&self, app: AppNumber, hash: &[u8; 32]) -> Result<Option<Token>, ReadError> {
        self.row(&token_key(app, hash))
    }

    pub fn chat_cursor(
        &self,
        app: AppNumber,
        user: UserNumber,
        device: DeviceNumber,
    ) -> Result<Option<Position>, ReadError> {
        Ok(self.row::<ChatCursor>(&session_key(app, user, device))?.map(|cursor| cursor.0))
    }

    pub fn push_cursor(&self, app: AppNumber, device: DeviceNumber) -> Result<Option<Position>, ReadError> {
        Ok(self.row::<PushCursor>(&device_key(app, device))?.map(|cursor| cursor.0))
    }

    /// Nothing for a dissolved group, nor for one of another app.
    pub fn group(&self, app: AppNumber, group: GroupId) -> Result<Option<Group>, ReadError> {
        match across::home_of_group(self, app, group)? {
            Some(_) => Ok(None),
            None => find::group(self, app, group),
        }
    }

    pub fn is_member(&self, app: AppNumber, group: GroupId, user: UserNumber) -> Result<bool, ReadError> {
        self.has(Table::Members, &member_key(app, group, user))
    }

    /// In the order in which they joined.
    pub fn group_members(&self, app: AppNumber, group: GroupId) -> Result<Vec<Member>, ReadError> {
        let Some(row) = self.group(app, group)? else { return Ok(Vec::new()) };
        let mut by_order = BTreeMap::new();
        self.rows::<MemberRow>(&group_key(app, group), |key, member| {
            if let Some(user) = u32_at(key, 8) {
                by_order.insert(member.order, (UserNumber(user), member));
            }
            Ok(NEXT)
        })?;
        let member = |(user, member): (UserNumber, MemberRow)| {
            let username = find::username(self, app, user)?;
            Ok(Member { user, username, is_owner: row.owner == user, joined_ms: member.joined_ms })
        };
        by_order.into_values().map(member).collect()
    }

    /// In order of their numbers.
    pub fn members_sorted(&self, app: AppNumber, group: GroupId) -> Result<Vec<UserNumber>, ReadError> {
        let keys = self.keys(Table::Members, &group_key(app, group), usize::MAX)?;
        Ok(keys.iter().filter_map(|key| u32_at(key, 8)).map(UserNumber).collect())
    }

    /// The groups of the app that the user is a member of, in order of their numbers.
    pub fn groups_of_user(&self, app: AppNumber, user: UserNumber) -> Result<Vec<(GroupId, Group)>, ReadError> {
        let mut groups = Vec::new();
        for id in self.joined_groups(app, user)? {
            groups.extend(self.group(app, id)?.map(|group| (id, group)));
        }
        Ok(groups)
    }

    /// The same with those of other apps, which are mirrored here.
    pub(super) fn joined_groups(&self, app: AppNumber, user: UserNumber) -> Result<Vec<GroupId>, ReadError> {
        let prefix = conversations_prefix(app, user).u8(ConversationKind::Group as u8);
        let mut ids = Vec::new();
        self.rows::<Conversation>(&prefix, |_, conversation| {
            if let (Chat::Group(id), true) = (conversation.chat, conversation.is_open()) {
                ids.push(id);
            }
            Ok(NEXT)
        })?;
        ids.sort_unstable();
        Ok(ids)
    }
}
