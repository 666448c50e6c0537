//! App groups and developers: who may call besides apps.

use anser_protocol::ids::Position;

use super::push::{CID_LIFETIME_MS, STATE_KEPT_MS};
use super::{Batch, Decided};
use crate::command::{AccountCommand, Submit};
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::Key;
use crate::outcome::{Answer, Refusal};
use crate::row::Row;
use crate::rows::account::{AppGroup, Developer, DeveloperApp, GroupCid, GroupPush, group_cid_key, group_push_key};
use crate::rows::app::{ByAppName, app_key, text_key};
use crate::rows::push::Expiry;
use crate::table::Table;
use crate::tables::{NEXT, Tables};

/// Of each kind. Names are found by walking them.
const ACCOUNTS_MAX: usize = 1000;
/// A push to the group is a push to each of them.
const APPS_PER_GROUP_MAX: usize = 100;

impl Batch<'_> {
    pub(super) fn account(&mut self, command: &AccountCommand) -> Decided<Answer> {
        match command {
            AccountCommand::CreateAppGroup { name, key, secret } => {
                self.check_new_account(key, name, |row: &AppGroup| &row.name)?;
                let (name, secret, created_ms) = (name.clone(), secret.clone(), self.now_ms());
                self.put(&text_key(key), &AppGroup { name, secret, created_ms, apps: Vec::new() })?;
                Ok(Answer::Done)
            }
            AccountCommand::DeleteAppGroup { key } => self.delete_account(Table::AppGroups, key),
            AccountCommand::AddToAppGroup { key, app } => {
                self.require_app(*app)?;
                let group = self.required_group(key)?;
                self.add_to_group(key, group, *app)?;
                Ok(Answer::Done)
            }
            AccountCommand::RemoveFromAppGroup { key, app } => {
                let mut group = self.required_group(key)?;
                group.apps.retain(|other| other != app);
                self.put(&text_key(key), &group)?;
                Ok(Answer::Done)
            }
            AccountCommand::PushToAppGroup { key, lives_s, cid, only_repeats } => {
                self.push_to_app_group(key, *lives_s, cid.as_deref(), *only_repeats)
            }
            AccountCommand::CreateDeveloper { name, key, secret } => {
                self.check_new_account(key, name, |row: &Developer| &row.name)?;
                let (name, secret, created_ms) = (name.clone(), secret.clone(), self.now_ms());
                self.put(&text_key(key), &Developer { name, secret, created_ms })?;
                Ok(Answer::Done)
            }
            AccountCommand::DeleteDeveloper { key } => self.delete_account(Table::Developers, key),
            AccountCommand::CreateApp { developer, name, android_package, app_group, app_key, master_secret } => {
                if !self.has(Table::Developers, &text_key(developer))? {
                    return Err(Refusal::AccountUnknown.into());
                }
                let origin = DeveloperApp { developer: developer.clone(), android_package: android_package.clone() };
                self.create_developer_app(name, app_key, master_secret, origin, app_group.as_deref())
            }
        }
    }

    fn push_to_app_group(&mut self, key: &str, lives_s: u64, cid: Option<&str>, only_repeats: bool) -> Decided<Answer> {
        let group = self.required_group(key)?;
        if let Some(GroupCid { push, apps, .. }) = self.first_of_group_cid(key, cid)? {
            return Ok(Answer::AppGroup { msg_id: push, apps: self.living(apps)? });
        }
        if only_repeats {
            return Err(Refusal::CidExpired.into());
        }
        let apps = self.living(group.apps)?;
        let msg_id = self.take_position();
        if apps.is_empty() {
            return Err(Refusal::NoTarget { msg_id }.into());
        }
        self.begin_group_push(msg_id, key, lives_s)?;
        if let Some(cid) = cid {
            let expires_ms = self.now_ms() + CID_LIFETIME_MS;
            self.put(&group_cid_key(key, cid), &GroupCid { push: msg_id, apps: apps.clone(), expires_ms })?;
            self.put_expiry(expires_ms, &Expiry::GroupCid { group: key.into(), cid: cid.into() })?;
        }
        Ok(Answer::AppGroup { msg_id, apps })
    }

    fn first_of_group_cid(&self, group: &str, cid: Option<&str>) -> Result<Option<GroupCid>, ReadError> {
        let Some(cid) = cid else { return Ok(None) };
        Ok(self.row::<GroupCid>(&group_cid_key(group, cid))?.filter(|first| first.expires_ms > self.now_ms()))
    }

    fn begin_group_push(&mut self, push: Position, group: &str, lives_s: u64) -> Result<(), ReadError> {
        let expires_ms = self.now_ms() + lives_s * 1000 + STATE_KEPT_MS;
        self.put(&group_push_key(push), &GroupPush { group: group.into(), expires_ms, pushes: Vec::new() })?;
        self.put_expiry(expires_ms, &Expiry::GroupPush { push })
    }

    /// Notes what the push to a group has become in one of its apps.
    pub(super) fn note_in_group_push(&mut self, submit: &Submit, msg_id: Position) -> Result<(), ReadError> {
        let Some(push) = submit.group_push.filter(|_| !submit.validate_only) else { return Ok(()) };
        let Some(mut row) = self.row::<GroupPush>(&group_push_key(push))? else { return Ok(()) };
        // A repeat under a cid is the same push.
        if row.pushes.contains(&(submit.app, msg_id)) {
            return Ok(());
        }
        row.pushes.push((submit.app, msg_id));
        self.put(&group_push_key(push), &row)
    }

    fn check_new_account<R: Row>(&self, key: &str, name: &str, name_of: fn(&R) -> &String) -> Decided<()> {
        if self.has(R::TABLE, &text_key(key))? {
            return Err(Refusal::AccountKeyTaken.into());
        }
        let (mut count, mut is_taken) = (0, false);
        self.rows::<R>(&Key::empty(), |_, row| {
            count += 1;
            is_taken |= name_of(&row) == name;
            Ok(NEXT)
        })?;
        match (is_taken, count < ACCOUNTS_MAX) {
            (true, _) => Err(Refusal::AccountNameTaken.into()),
            (false, false) => Err(Refusal::TooManyAccounts.into()),
            (false, true) => Ok(()),
        }
    }

    fn delete_account(&mut self, table: Table, key: &str) -> Decided<Answer> {
        if !self.has(table, &text_key(key))? {
            return Err(Refusal::AccountUnknown.into());
        }
        self.remove(table, &text_key(key))?;
        Ok(Answer::Done)
    }

    fn required_group(&self, key: &str) -> Decided<AppGroup> {
        self.row(&text_key(key))?.ok_or(Refusal::AccountUnknown.into())
    }

    /// Deleted apps make room.
    fn add_to_group(&mut self, key: &str, mut group: AppGroup, app: AppNumber) -> Decided<()> {
        group.apps = self.living(group.apps)?;
        if group.apps.contains(&app) {
            return Ok(());
        }
        if group.apps.len() >= APPS_PER_GROUP_MAX {
            return Err(Refusal::AppGroupFull.into());
        }
        group.apps.push(app);
        self.put(&text_key(key), &group)?;
        Ok(())
    }

    fn living(&self, apps: Vec<AppNumber>) -> Result<Vec<AppNumber>, ReadError> {
        let mut living = Vec::with_capacity(apps.len());
        for app in apps {
            if find::app(self, app)?.is_some() {
                living.push(app);
            }
        }
        Ok(living)
    }

    /// What can be refused comes before the first change.
    fn create_developer_app(
        &mut self,
        name: &str,
        key: &str,
        master_secret: &str,
        origin: DeveloperApp,
        group_name: Option<&str>,
    ) -> Decided<Answer> {
        let group = match group_name {
            Some(name) => Some(self.group_named(name)?.ok_or(Refusal::AccountUnknown)?),
            None => None,
        };
        if let Some(ByAppName(app)) = self.row(&text_key(name))? {
            let is_the_same = self.row::<DeveloperApp>(&app_key(app))?.is_some_and(|known| known == origin);
            if !is_the_same {
                return Err(Refusal::AppNameTaken.into());
            }
            if let Some((key, group)) = group {
                self.add_to_group(&key, group, app)?;
            }
            return Ok(Answer::DeveloperApp { app, is_new: false });
        }
        if let Some((_, group)) = &group
            && self.living(group.apps.clone())?.len() >= APPS_PER_GROUP_MAX
        {
            return Err(Refusal::AppGroupFull.into());
        }
        let app = self.create_app(name, key, master_secret)?;
        self.put(&app_key(app), &origin)?;
        if let Some((key, group)) = group {
            self.add_to_group(&key, group, app)?;
        }
        Ok(Answer::DeveloperApp { app, is_new: true })
    }

    fn group_named(&self, name: &str) -> Result<Option<(String, AppGroup)>, ReadError> {
        let mut found = None;
        self.rows::<AppGroup>(&Key::empty(), |key, group| {
            if group.name == name {
                found = Some((String::from_utf8_lossy(key).into_owned(), group));
            }
            Ok(NEXT)
        })?;
        Ok(found)
    }
}
