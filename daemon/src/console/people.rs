//! Users, groups and rooms of an app: lists with a search, and what is known of one.

use anser_protocol::ids::{GroupId, RoomId};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::Rank;
use anser_storage::{Group, ReadError, Room, Snapshot};
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use super::live;
use crate::admin::{ExportPlace, Request};
use crate::clock::now_ms;

/// `GET /apps/{app_key}/users`
pub async fn users(call: Call) -> Answered {
    let (app, limit, after) = (call.app()?, call.limit()?, call.query("after"));
    let part = call.query("q").unwrap_or_default().to_lowercase();
    let is_admin = match call.query("kind").as_deref() {
        None => None,
        Some("user") => Some(false),
        Some("admin") => Some(true),
        Some(_) => return Err(Fault::invalid("kind is user or admin")),
    };
    let read = call.context.ledger.read(move |snapshot| {
        let part = snapshot.list_users(app, after.as_deref(), limit, |user| {
            // Those of other apps have the key of theirs behind their name.
            !user.username.contains('/')
                && is_admin.is_none_or(|wanted| user.is_admin == wanted)
                && (part.is_empty()
                    || user.username.to_lowercase().contains(&part)
                    || user.profile.nickname.to_lowercase().contains(&part))
        })?;
        let mut shown = Vec::with_capacity(part.items.len());
        for (number, user) in part.items {
            let is_disabled = snapshot.user_state(app, number)?.is_some();
            let profile = user.profile;
            let value = json!({
                "username": user.username, "nickname": profile.nickname, "avatar": profile.avatar,
                "is_admin": user.is_admin, "is_disabled": is_disabled, "created_ms": user.created_ms,
            });
            shown.push((number, value));
        }
        Ok((shown, part.next))
    });
    let (users, next) = read.await?;
    let online = call.context.switchboard.logged_in();
    let is_online = |user: UserNumber| online.get(&app).is_some_and(|users| users.contains(user.0));
    let users: Vec<Value> = users
        .into_iter()
        .map(|(number, mut shown)| {
            shown["is_online"] = is_online(number).into();
            shown
        })
        .collect();
    Ok(json!({"users": users, "next": next}).into())
}

/// `GET /apps/{app_key}/users/{username}`
pub async fn user(call: Call) -> Answered {
    let (app, name, now_ms) = (call.app()?, call.name(0)?, now_ms());
    let asked = name.clone();
    let read = call.context.ledger.read(move |snapshot| {
        let Some((number, user)) = snapshot.user_by_name(app, &asked)? else { return Ok(None) };
        let mut logins = Vec::new();
        for (device, platform) in snapshot.logins(app, number, now_ms)? {
            if let Some(known) = snapshot.device(app, device)? {
                logins.push((number, device, known.registration_id, platform));
            }
        }
        let profile = user.profile;
        let shown = json!({
            "username": user.username, "nickname": profile.nickname, "avatar": profile.avatar,
            "birthday": profile.birthday, "signature": profile.signature, "region": profile.region,
            "address": profile.address, "gender": profile.gender,
            "extras": serde_json::from_str::<Value>(&profile.extras).unwrap_or_else(|_| json!({})),
            "is_admin": user.is_admin, "is_disabled": snapshot.user_state(app, number)?.is_some(),
            "created_ms": user.created_ms, "changed_ms": user.changed_ms,
        });
        Ok(Some((shown, logins)))
    });
    let (mut shown, logins) = read.await?.ok_or_else(|| Fault::unknown("the app has no such user"))?;
    let logins = logins.into_iter().map(|(user, device, registration_id, platform)| {
        let is_online = call.context.switchboard.is_user_online(app, user, device);
        json!({"registration_id": registration_id, "platform": platform.name(), "is_online": is_online})
    });
    shown["logins"] = logins.collect();
    shown["links"] = live::links_of(&call, Some(name), None).await?;
    shown["is_online"] = shown["links"].as_array().is_some_and(|links| !links.is_empty()).into();
    Ok(shown.into())
}

/// `GET /apps/{app_key}/users/{username}/export`
pub async fn export(call: Call) -> Answered {
    let place = match call.query("place") {
        None => ExportPlace::Profile,
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| Fault::invalid("place is the next of the page before"))?
        }
    };
    let request = Request::UserExport { app: call.app_key()?, user: call.name(0)?, place };
    let mut page = call.ask_plain(request).await?;
    let next = page["next"].take();
    page["next"] = if next.is_null() { Value::Null } else { next.to_string().into() };
    Ok(page.into())
}

/// `POST /apps/{app_key}/users/{username}/erase`
pub async fn erase(call: Call) -> Answered {
    Ok(call.ask_plain(Request::UserErase { app: call.app_key()?, user: call.name(0)? }).await?.into())
}

/// `GET /apps/{app_key}/groups`
pub async fn groups(call: Call) -> Answered {
    let (app, limit, before) = (call.app()?, call.limit()?, before(&call)?);
    let part = call.query("q").unwrap_or_default().to_lowercase();
    let read = call.context.ledger.read(move |snapshot| {
        let listed = snapshot.list_groups(app, before.map(GroupId), limit, |id, group| {
            is_like(&part, id.0, &group.name, &group.description)
        })?;
        let groups = listed.items.iter().map(|(id, group)| shown_group(snapshot, app, *id, group));
        Ok((groups.collect::<Result<Vec<_>, ReadError>>()?, listed.next.map(|id| id.0.to_string())))
    });
    let (groups, next) = read.await?;
    Ok(json!({"groups": groups, "next": next}).into())
}

fn before(call: &Call) -> Result<Option<u32>, Fault> {
    Ok(call.number("after")?.map(|after| u32::try_from(after).unwrap_or(u32::MAX)))
}

fn is_like(part: &str, id: u32, name: &str, description: &str) -> bool {
    part.is_empty()
        || id.to_string().starts_with(part)
        || name.to_lowercase().contains(part)
        || description.to_lowercase().contains(part)
}

fn name_of(snapshot: &Snapshot, app: AppNumber, user: UserNumber) -> Result<String, ReadError> {
    Ok(snapshot.shown_user(app, user)?.username)
}

fn shown_group(snapshot: &Snapshot, app: AppNumber, id: GroupId, group: &Group) -> Result<Value, ReadError> {
    Ok(json!({
        "gid": id.0, "name": group.name, "description": group.description, "avatar": group.avatar,
        "owner": name_of(snapshot, app, group.owner)?, "members": group.members, "max_members": group.members_max,
        "type": if group.is_public { 2 } else { 1 }, "created_ms": group.created_ms, "changed_ms": group.changed_ms,
    }))
}

/// `GET /apps/{app_key}/groups/{gid}`
pub async fn group(call: Call) -> Answered {
    let (app, now_ms) = (call.app()?, now_ms());
    let id = GroupId(call.name(0)?.parse().map_err(|_| Fault::unknown("the app has no such group"))?);
    let read = call.context.ledger.read(move |snapshot| {
        let Some(group) = snapshot.group(app, id)? else { return Ok(None) };
        let mut shown = shown_group(snapshot, app, id, &group)?;
        let mut members = Vec::new();
        for standing in snapshot.standings(app, id, now_ms)? {
            let rank = match standing.rank {
                Rank::Owner => "owner",
                Rank::Admin => "admin",
                Rank::Member => "member",
            };
            members.push(json!({
                "username": &*standing.username, "nickname": standing.nickname, "rank": rank,
                "joined_ms": standing.joined_ms, "is_silenced": standing.silence.is_some(),
                "silenced_until_ms": standing.silence.and_then(|silence| silence.until_ms),
            }));
        }
        shown["members"] = members.into();
        shown["bans"] = snapshot.bans(app, id)?.iter().map(|name| Value::from(&**name)).collect();
        shown["announcements"] = snapshot
            .announcements(app, id)?
            .into_iter()
            .map(|of| {
                let id = of.id.0.to_string();
                json!({"id": id, "text": of.text, "by": of.publisher, "at_ms": of.at_ms, "pinned_ms": of.pinned_ms})
            })
            .collect();
        shown["join_requests"] = snapshot
            .join_requests(app, id)?
            .into_iter()
            .map(|of| {
                json!({
                    "id": of.id.0.to_string(), "username": &*of.username, "inviter": of.inviter.as_deref(),
                    "reason": of.reason, "at_ms": of.at_ms,
                })
            })
            .collect();
        Ok(Some(shown))
    });
    Ok(read.await?.ok_or_else(|| Fault::unknown("the app has no such group"))?.into())
}

/// `GET /apps/{app_key}/rooms`
pub async fn rooms(call: Call) -> Answered {
    let (app, limit, before) = (call.app()?, call.limit()?, before(&call)?);
    let part = call.query("q").unwrap_or_default().to_lowercase();
    let read = call.context.ledger.read(move |snapshot| {
        let listed = snapshot.list_rooms(app, before.map(RoomId), limit, |id, room| {
            is_like(&part, id.0, &room.name, &room.description)
        })?;
        let rooms = listed.items.iter().map(|(id, room)| Ok((*id, shown_room(snapshot, app, *id, room)?)));
        Ok((rooms.collect::<Result<Vec<_>, ReadError>>()?, listed.next.map(|id| id.0.to_string())))
    });
    let (rooms, next) = read.await?;
    let rooms: Vec<Value> = rooms.into_iter().map(|(id, shown)| with_inside(&call, app, id, shown)).collect();
    Ok(json!({"rooms": rooms, "next": next}).into())
}

/// `GET /apps/{app_key}/rooms/{room_id}`
pub async fn room(call: Call) -> Answered {
    let app = call.app()?;
    let id = RoomId(call.name(0)?.parse().map_err(|_| Fault::unknown("the app has no such room"))?);
    let read = call.context.ledger.read(move |snapshot| match snapshot.room(app, id)? {
        Some(room) => shown_room(snapshot, app, id, &room).map(Some),
        None => Ok(None),
    });
    let shown = read.await?.ok_or_else(|| Fault::unknown("the app has no such room"))?;
    Ok(with_inside(&call, app, id, shown).into())
}

fn shown_room(snapshot: &Snapshot, app: AppNumber, id: RoomId, room: &Room) -> Result<Value, ReadError> {
    Ok(json!({
        "room_id": id.0, "name": room.name, "description": room.description,
        "owner": name_of(snapshot, app, room.owner)?, "members": room.members, "max_members": room.members_max,
        "created_ms": room.created_ms,
    }))
}

fn with_inside(call: &Call, app: AppNumber, room: RoomId, mut shown: Value) -> Value {
    shown["online"] = call.context.switchboard.inside_room(app, room).into();
    shown
}
