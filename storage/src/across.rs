//! Whom a user of another app is, and whether the wall between the two apps has a door.
//!
//! A user of another app is a *guest*: a number of this app, called `username/appkey`. No username has a slash, and no
//! list of names leads to guests, so whatever looks a user up by name finds none of them unless it asks here.

use std::collections::BTreeSet;

use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::key::Key;
use crate::outcome::Refusal;
use crate::rows::account::AppGroup;
use crate::rows::across::{Guest, GuestNumber, Mirror, guest_number_key};
use crate::rows::app::{ByAppKey, text_key};
use crate::rows::group::group_key;
use crate::rows::user::{User, user_key};
use crate::tables::{NEXT, STOP, Tables};
use anser_protocol::ids::GroupId;
pub(crate) use anser_protocol::names::{guest_name, split_guest};

/// Are both living apps of one app group?
pub(crate) fn are_linked(tables: &impl Tables, one: AppNumber, other: AppNumber) -> Result<bool, ReadError> {
    if find::app(tables, one)?.is_none() || find::app(tables, other)?.is_none() {
        return Ok(false);
    }
    let mut are_linked = false;
    tables.rows::<AppGroup>(&Key::empty(), |_, group| {
        are_linked = group.apps.contains(&one) && group.apps.contains(&other);
        Ok(if are_linked { STOP } else { NEXT })
    })?;
    Ok(are_linked)
}

/// The living apps that share an app group with this one.
pub(crate) fn linked_apps(tables: &impl Tables, app: AppNumber) -> Result<BTreeSet<AppNumber>, ReadError> {
    let mut linked = BTreeSet::new();
    tables.rows::<AppGroup>(&Key::empty(), |_, group| {
        if group.apps.contains(&app) {
            linked.extend(group.apps);
        }
        Ok(NEXT)
    })?;
    linked.remove(&app);
    let mut living = BTreeSet::new();
    for other in linked {
        if find::app(tables, other)?.is_some() {
            living.insert(other);
        }
    }
    Ok(living)
}

/// Whom a user number stands for; nothing for a user of the app itself.
pub(crate) fn guest(tables: &impl Tables, app: AppNumber, user: UserNumber) -> Result<Option<Guest>, ReadError> {
    tables.row(&user_key(app, user))
}

/// The number of a user of `home` as a guest of `there`, once there was a reason to have one.
pub(crate) fn guest_number(
    tables: &impl Tables,
    (home, user): (AppNumber, UserNumber),
    there: AppNumber,
) -> Result<Option<UserNumber>, ReadError> {
    Ok(tables.row::<GuestNumber>(&guest_number_key(home, user, there))?.map(|number| number.0))
}

/// The app of this key, to which `app` has a door.
pub(crate) fn linked_app(
    tables: &impl Tables,
    app: AppNumber,
    app_key: &str,
) -> Result<Result<AppNumber, Refusal>, ReadError> {
    let found = tables.row::<ByAppKey>(&text_key(app_key))?.map(|found| found.0);
    let Some(other) = found.filter(|other| *other != app) else { return Ok(Err(Refusal::OtherAppUnknown)) };
    Ok(if are_linked(tables, app, other)? { Ok(other) } else { Err(Refusal::AppsNotLinked) })
}

/// The user of a linked app who has this name here: their app and their number in it.
pub(crate) fn linked_user(
    tables: &impl Tables,
    app: AppNumber,
    name: &str,
) -> Result<Result<(AppNumber, UserNumber), Refusal>, ReadError> {
    let unknown = || Refusal::UserUnknown { username: name.into() };
    let Some((username, app_key)) = split_guest(name) else { return Ok(Err(unknown())) };
    let home = match linked_app(tables, app, app_key)? {
        Ok(home) => home,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let user = find::user_number(tables, home, username)?;
    Ok(user.map(|user| (home, user)).ok_or_else(unknown))
}

/// The number of whoever has this name here, also a guest's: whether the apps are still linked is not asked.
pub(crate) fn number(tables: &impl Tables, app: AppNumber, name: &str) -> Result<Option<UserNumber>, ReadError> {
    let Some((username, app_key)) = split_guest(name) else { return find::user_number(tables, app, name) };
    let Some(ByAppKey(home)) = tables.row(&text_key(app_key))? else { return Ok(None) };
    match find::user_number(tables, home, username)? {
        Some(user) => guest_number(tables, (home, user), app),
        None => Ok(None),
    }
}

/// A user as they are shown: a guest with what they tell of themselves at home, while they are there.
pub(crate) fn shown(tables: &impl Tables, app: AppNumber, number: UserNumber) -> Result<User, ReadError> {
    let user: User = find::required(tables, user_key(app, number))?;
    let Some(Guest { home, user: at_home }) = guest(tables, app, number)? else { return Ok(user) };
    let row = find::user(tables, home, at_home)?;
    Ok(row.map_or_else(|| user.clone(), |row| User { username: user.username.clone(), password: String::new(), ..row }))
}

pub(crate) fn mirror(tables: &impl Tables, app: AppNumber, group: GroupId) -> Result<Option<Mirror>, ReadError> {
    tables.row(&group_key(app, group))
}

/// The app where the group lives, if that is another one.
pub(crate) fn home_of_group(
    tables: &impl Tables,
    app: AppNumber,
    group: GroupId,
) -> Result<Option<AppNumber>, ReadError> {
    Ok(match mirror(tables, app, group)? {
        Some(Mirror::Of(home)) => Some(home),
        Some(Mirror::In(_)) | None => None,
    })
}
