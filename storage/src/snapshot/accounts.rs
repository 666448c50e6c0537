//! Reading app groups, and developers with their apps.

use anser_protocol::ids::Position;

use super::Snapshot;
use crate::error::ReadError;
use crate::find;
use crate::ids::AppNumber;
use crate::key::{Key, u32_at};
use crate::row::Row;
use crate::rows::account::{AppGroup, Developer, DeveloperApp, GroupPush, group_push_key};
use crate::rows::app::{app_key, text_key};
use crate::rows::certificate::{PushCertificate, push_certificate_key};
use crate::tables::{NEXT, Tables};

/// What became of a push to an app group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPushShown {
    /// The group's key.
    pub group: String,
    /// In the order in which they accepted it; without apps that are gone.
    pub pushes: Vec<(AppNumber, Position)>,
}

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

    /// Does an app that the developer made belong to an app group?
    pub fn has_grouped_app(&self, developer: &str) -> Result<bool, ReadError> {
        let mut made = Vec::new();
        self.rows::<DeveloperApp>(&Key::empty(), |key, origin| {
            made.extend(u32_at(key, 0).map(AppNumber).filter(|_| origin.developer == developer));
            Ok(NEXT)
        })?;
        let groups = self.app_groups()?;
        for app in made {
            let is_in_one = groups.iter().any(|(_, group)| group.apps.contains(&app));
            if is_in_one && find::app(self, app)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub fn group_push(&self, push: Position) -> Result<Option<GroupPushShown>, ReadError> {
        let Some(GroupPush { group, pushes, .. }) = self.row(&group_push_key(push))? else { return Ok(None) };
        let mut of_living = Vec::with_capacity(pushes.len());
        for (app, push) in pushes {
            of_living.extend(find::app(self, app)?.map(|_| (app, push)));
        }
        Ok(Some(GroupPushShown { group, pushes: of_living }))
    }

    /// With what the daemon shows itself to Apple for this app, in its production or its development environment.
    pub fn push_certificate(&self, app: AppNumber, production: bool) -> Result<Option<PushCertificate>, ReadError> {
        self.row(&push_certificate_key(app, production))
    }

    fn accounts<R: Row>(&self) -> Result<Vec<(String, R)>, ReadError> {
        find::named(self)
    }
}
