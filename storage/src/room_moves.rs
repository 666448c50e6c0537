//! Whom an app server may let into a chat room, and whom it may remove: asked in a command, and before a call that takes
//! several of them.

use std::collections::BTreeSet;

use anser_protocol::ids::RoomId;

use crate::across;
use crate::error::ReadError;
use crate::find;
use crate::ids::{AppNumber, UserNumber};
use crate::outcome::RoomRefusal;
use crate::rows::room::{Role, Room, role_key};
use crate::table::Table;
use crate::tables::Tables;

type Found = Result<Result<Vec<UserNumber>, RoomRefusal>, ReadError>;

/// Those who come in, in the order of the names and without doubles. `is_part`: whoever cannot come is passed over.
pub(crate) fn joiners(
    tables: &impl Tables,
    (app, id): (AppNumber, RoomId),
    room: &Room,
    names: &[String],
    is_part: bool,
) -> Found {
    let found = moving(tables, app, names, (is_part, true), |user, username| {
        Ok(if find::user_room(tables, app, user, id)?.is_some() {
            Some(RoomRefusal::AlreadyInside { username: username.into() })
        } else if tables.has(Table::RoomRoles, &role_key(app, id, Role::Blocked, user))? {
            Some(RoomRefusal::Blocked { username: username.into() })
        } else {
            None
        })
    })?;
    let space = room.members_max.saturating_sub(room.members) as usize;
    Ok(found.and_then(|users| if users.len() <= space { Ok(users) } else { Err(RoomRefusal::Full) }))
}

/// The same of those who go out. The owner never goes.
pub(crate) fn leavers(
    tables: &impl Tables,
    (app, id): (AppNumber, RoomId),
    room: &Room,
    names: &[String],
    is_part: bool,
) -> Found {
    moving(tables, app, names, (is_part, false), |user, username| {
        Ok(if user == room.owner {
            Some(RoomRefusal::OwnerStays)
        } else if find::user_room(tables, app, user, id)?.is_none() {
            Some(RoomRefusal::NotInside { username: username.into() })
        } else {
            None
        })
    })
}

fn moving(
    tables: &impl Tables,
    app: AppNumber,
    names: &[String],
    (is_part, may_be_new): (bool, bool),
    refused: impl Fn(UserNumber, &str) -> Result<Option<RoomRefusal>, ReadError>,
) -> Found {
    let mut seen = BTreeSet::new();
    let mut users = Vec::with_capacity(names.len());
    for username in names {
        let refused = match across::number(tables, app, username)? {
            Some(user) if !seen.insert(user) => continue,
            Some(user) => match refused(user, username)? {
                None => {
                    users.push(user);
                    continue;
                }
                Some(refused) => refused,
            },
            // A user of a linked app becomes a guest with the command that brings them in.
            None if across::split_guest(username).is_some() => match may_be_new {
                true => continue,
                false => RoomRefusal::NotInside { username: username.clone() },
            },
            None => RoomRefusal::UserUnknown { username: username.clone() },
        };
        if !is_part {
            return Ok(Err(refused));
        }
    }
    Ok(Ok(users))
}
