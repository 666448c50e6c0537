//! Users as another one sees them.

use anser_protocol::frame::people::{ListKind, People, Person};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::{ReadError, Snapshot, User};

use super::Answer;

pub(super) fn list(snapshot: &Snapshot, app: AppNumber, user: UserNumber, list: ListKind) -> Result<Answer, ReadError> {
    let mut found = People::default();
    let users = match list {
        ListKind::FRIENDS => snapshot.friends(app, user)?.into_iter().map(|friend| friend.user).collect(),
        ListKind::BLACKLIST => snapshot.blocked(app, user)?,
        ListKind::MUTES => {
            let mutes = snapshot.mutes(app, user)?;
            (found.groups, found.everything) = (mutes.groups, mutes.everything);
            mutes.users
        }
        _ => {
            found.groups = snapshot.shields(app, user)?;
            Vec::new()
        }
    };
    for other in users {
        found.people.extend(person_of(snapshot, app, user, &other.username)?);
    }
    Ok(Answer::People(Box::new(found)))
}

/// In the order of the names; unknown ones are left out.
pub(super) fn users(
    snapshot: &Snapshot,
    app: AppNumber,
    user: UserNumber,
    usernames: &[String],
) -> Result<Answer, ReadError> {
    let mut found = People::default();
    for username in usernames {
        found.people.extend(person_of(snapshot, app, user, username)?);
    }
    Ok(Answer::People(Box::new(found)))
}

fn person_of(
    snapshot: &Snapshot,
    app: AppNumber,
    reader: UserNumber,
    username: &str,
) -> Result<Option<Person>, ReadError> {
    let Some((number, User { username, profile, changed_ms, .. })) = snapshot.person(app, username)? else {
        return Ok(None);
    };
    let relations = number.map(|number| snapshot.relations(app, reader, number)).transpose()?.unwrap_or_default();
    let bits = [
        (relations.is_friend, Person::FRIEND),
        (relations.is_blocked, Person::BLACKLISTED),
        (relations.is_muted, Person::MUTED),
    ];
    Ok(Some(Person {
        username,
        nickname: profile.nickname,
        avatar: profile.avatar,
        birthday: profile.birthday,
        signature: profile.signature,
        region: profile.region,
        address: profile.address,
        gender: profile.gender.unwrap_or(0),
        extras: profile.extras,
        changed_ms,
        relations: bits.into_iter().filter(|(is_so, _)| *is_so).map(|(_, bit)| bit).sum(),
        note_name: relations.note_name,
        note_text: relations.others,
        ..Person::default()
    }))
}
