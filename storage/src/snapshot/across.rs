//! Reading over the wall between linked apps: guests, and groups of other apps.

use anser_protocol::ids::GroupId;

use super::{Member, Snapshot};
use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::outcome::Refusal;
use crate::rows::group::Group;
use crate::rows::user::User;

/// A group that a user is in, wherever it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinedGroup {
    pub id: GroupId,
    /// As it is in its own app; the owner's number is of that app.
    pub group: Group,
    pub home: AppNumber,
    pub app_key: String,
    /// As the user's app calls the owner.
    pub owner: String,
}

/// See [`Snapshot::linked_person`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedPerson {
    /// Where they are at home.
    pub app: AppNumber,
    pub user: UserNumber,
    /// What the other one is called there.
    pub from: String,
    pub has_blocked: bool,
}

impl Snapshot {
    /// The number of whoever is called so in the app: also a guest, and also after the apps were parted.
    pub fn number_of(&self, app: AppNumber, name: &str) -> Result<Option<UserNumber>, ReadError> {
        across::number(self, app, name)
    }

    /// The same with what they tell of themselves. A user of a linked app who was no guest here yet has no number; one of an
    /// app that is not linked is not found.
    pub fn person(&self, app: AppNumber, name: &str) -> Result<Option<(Option<UserNumber>, User)>, ReadError> {
        if across::split_guest(name).is_none() {
            return Ok(self.user_by_name(app, name)?.map(|(number, user)| (Some(number), user)));
        }
        let Ok((home, user)) = across::linked_user(self, app, name)? else { return Ok(None) };
        let number = across::guest_number(self, (home, user), app)?;
        let shown = |user: User| User { username: name.into(), password: String::new(), ..user };
        Ok(find::user(self, home, user)?.map(|user| (number, shown(user))))
    }

    /// Why there is nobody of this name for a user of the app, if so.
    pub fn check_person(&self, app: AppNumber, name: &str) -> Result<Option<Refusal>, ReadError> {
        if across::split_guest(name).is_some() {
            return Ok(across::linked_user(self, app, name)?.err());
        }
        let unknown = || Refusal::UserUnknown { username: name.into() };
        Ok(self.user_by_name(app, name)?.is_none().then(unknown))
    }

    /// The user of a linked app who has this name here, for what the user `from` passes on to them.
    pub fn linked_person(
        &self,
        app: AppNumber,
        from: UserNumber,
        name: &str,
    ) -> Result<Option<LinkedPerson>, ReadError> {
        let Ok((home, user)) = across::linked_user(self, app, name)? else { return Ok(None) };
        let guest = across::guest_number(self, (app, from), home)?;
        let has_blocked = guest.map_or(Ok(false), |guest| self.has_blocked(home, user, guest))?;
        Ok(Some(LinkedPerson { app: home, user, from: self.name_in(app, from, home)?, has_blocked }))
    }

    /// A user's name and app key, for app servers: of a guest those at home.
    pub fn shown_user(&self, app: AppNumber, user: UserNumber) -> Result<User, ReadError> {
        across::shown(self, app, user)
    }

    /// A living group that the user can be in: one of the app, or one that is mirrored there.
    pub fn joined_group(&self, app: AppNumber, id: GroupId) -> Result<Option<JoinedGroup>, ReadError> {
        let home = match (find::group(self, app, id)?, across::home_of_group(self, app, id)?) {
            (None, _) => return Ok(None),
            (Some(_), home) => home.unwrap_or(app),
        };
        let Some(app_key) = find::app(self, home)?.map(|row| row.app_key) else { return Ok(None) };
        let Some(group) = find::group(self, home, id)? else { return Ok(None) };
        let owner = self.name_in(home, group.owner, app)?;
        Ok(Some(JoinedGroup { id, group, home, app_key, owner }))
    }

    /// All groups that the user is in, in order of their numbers.
    pub fn joined_groups_of(&self, app: AppNumber, user: UserNumber) -> Result<Vec<JoinedGroup>, ReadError> {
        let mut groups = Vec::new();
        for id in self.joined_groups(app, user)? {
            groups.extend(self.joined_group(app, id)?);
        }
        Ok(groups)
    }

    /// Its members wherever it lives, by the names that they have in `app`. Numbers are of the group's app.
    pub fn joined_group_members(&self, app: AppNumber, id: GroupId) -> Result<Vec<Member>, ReadError> {
        let Some(JoinedGroup { home, .. }) = self.joined_group(app, id)? else { return Ok(Vec::new()) };
        let mut members = self.group_members(home, id)?;
        if home != app {
            for member in &mut members {
                member.username = self.name_in(home, member.user, app)?.into();
            }
        }
        Ok(members)
    }

    /// What a user of one app is called in another.
    fn name_in(&self, app: AppNumber, user: UserNumber, there: AppNumber) -> Result<String, ReadError> {
        let name = find::username(self, app, user)?.to_string();
        if app == there {
            return Ok(name);
        }
        match across::guest(self, app, user)? {
            Some(guest) if guest.home == there => Ok(find::username(self, there, guest.user)?.to_string()),
            Some(_) => Ok(name),
            None => {
                let app_key = find::app(self, app)?.map(|app| app.app_key).unwrap_or_default();
                Ok(across::guest_name(&name, &app_key))
            }
        }
    }
}
