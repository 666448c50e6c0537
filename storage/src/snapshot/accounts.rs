//! Reading app groups, and developers with their apps.

use super::Snapshot;
use crate::error::ReadError;
use crate::ids::AppNumber;
use crate::key::Key;
use crate::row::Row;
use crate::rows::account::{AppGroup, Developer, DeveloperApp};
use crate::rows::app::{app_key, text_key};
use crate::tables::{NEXT, Tables};

impl Snapshot {
    pub fn app_group(&self, key: &str) -> Result<Option<AppGroup>, ReadError> {
        self.row(&text_key(key))
    }

    /// With their keys, in the order of these.
    pub fn app_groups(&self) -> Result<Vec<(String, AppGroup)>, ReadError> {
        self.accounts()
    }

    pub fn developer(&self, key: &str) -> Result<Option<Developer>, ReadError> {
        self.row(&text_key(key))
    }

    /// With their keys, in the order of these.
    pub fn developers(&self) -> Result<Vec<(String, Developer)>, ReadError> {
        self.accounts()
    }

    /// Nothing for an app that the operator made.
    pub fn developer_app(&self, app: AppNumber) -> Result<Option<DeveloperApp>, ReadError> {
        self.row(&app_key(app))
    }

    fn accounts<R: Row>(&self) -> Result<Vec<(String, R)>, ReadError> {
        let mut accounts = Vec::new();
        self.rows::<R>(&Key::empty(), |key, row| {
            accounts.push((String::from_utf8_lossy(key).into_owned(), row));
            Ok(NEXT)
        })?;
        Ok(accounts)
    }
}
