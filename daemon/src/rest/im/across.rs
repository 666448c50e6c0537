//! Calls across the apps of one app group: users of other apps in relations, groups and chat rooms of the caller's app.
//!
//! A user of another app is named to the store as `username/appkey`; the store says whether the apps are linked.

use anser_protocol::ids::GroupId;
use anser_protocol::limits::NAMES_PER_CALL_MAX;
use anser_protocol::names::guest_name;
use anser_storage::command::{Actor, FriendNote, GroupCommand, MuteChange, PeopleCommand};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::account::submit;
use super::group::{check_all_exist, parse_gid};
use super::refusal::{self, of_im};
use super::relation::{MUTED_PER_CALL_MAX, change};
use super::room::parse_room_id;
use super::{body_about, empty, field, group, invalid, read_of, room, view};
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_name, member};
use crate::rest::segment::Segment;

const ITEMS_MAX: usize = 500;

/// `PUT /v1/cross/users/{username}/blacklist`
pub async fn block_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let others = parse_lists(&context, &caller, &body, "usernames")?;
    change(&context, PeopleCommand::Block { by: Actor::Server, app: caller.app, username, others }, of_im).await
}

/// `DELETE /v1/cross/users/{username}/blacklist`
pub async fn unblock_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let others = parse_lists(&context, &caller, &body, "usernames")?;
    change(&context, PeopleCommand::Unblock { by: Actor::Server, app: caller.app, username, others }, of_im).await
}

/// `GET /v1/cross/users/{username}/blacklist`: those of the caller's app are listed, too.
pub async fn list_blocked_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    let blocked = read_of(&context, caller.app, username, |snapshot, app, user| snapshot.blocked(app, user)).await?;
    let zone = context.config.time_zone;
    let rows = blocked.iter().map(|user| view::user_of_any_app(user, &caller.app_key, zone)).collect();
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// `POST /v1/cross/users/{username}/nodisturb`
pub async fn mute_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let mut all = MuteChange::default();
    for item in items(&body)? {
        add_mutes(&context, &caller, item, &mut all)?;
    }
    let lists = [all.add_users.len(), all.remove_users.len(), all.add_groups.len(), all.remove_groups.len()];
    if lists.into_iter().any(|names| names > MUTED_PER_CALL_MAX) {
        return Err(invalid(format!(
            "at most {MUTED_PER_CALL_MAX} names and {MUTED_PER_CALL_MAX} groups are expected"
        )));
    }
    let (app, change_of) = (caller.app, Box::new(all));
    let command = PeopleCommand::Mute { by: Actor::Server, app, username, change: change_of };
    change(&context, command, refusal::of_mute).await
}

fn add_mutes(context: &Context, caller: &Caller, item: &Object, all: &mut MuteChange) -> Result<(), Fault> {
    let app_key = parse_app_key(item)?;
    let (single, group) = (field::part(item, "single")?, field::part(item, "group")?);
    all.add_users.extend(names_of(context, caller, &single, "add", &app_key)?);
    all.remove_users.extend(names_of(context, caller, &single, "remove", &app_key)?);
    let add = field::gids(&group, "add", MUTED_PER_CALL_MAX)?;
    let remove = field::gids(&group, "remove", MUTED_PER_CALL_MAX)?;
    if app_key != caller.app_key {
        all.groups_of.extend(add.iter().chain(&remove).map(|group| (*group, app_key.clone())));
    }
    all.add_groups.extend(add);
    all.remove_groups.extend(remove);
    Ok(())
}

/// `POST /v1/cross/users/{username}/friends`
pub async fn add_friends_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let others = parse_friends(&context, &caller, &username, request).await?;
    let command = PeopleCommand::Befriend { by: Actor::Server, app: caller.app, username, others };
    submit(&context.ledger, command, of_im).await?;
    Ok(empty(StatusCode::CREATED))
}

/// `DELETE /v1/cross/users/{username}/friends`
pub async fn remove_friends_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let others = parse_friends(&context, &caller, &username, request).await?;
    let command = PeopleCommand::Unfriend { by: Actor::Server, app: caller.app, username, others };
    change(&context, command, refusal::of_unfriending).await
}

/// `PUT /v1/cross/users/{username}/friends`
pub async fn note_friends_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let note = |item: &Object| {
        let app_key = parse_app_key(item)?;
        let note = field::friend_note(item, &context.config.users)?;
        Ok(FriendNote { username: full_name(&caller, &note.username, &app_key), ..note })
    };
    let notes = items(&body)?.into_iter().map(note).collect::<Result<Vec<_>, Fault>>()?;
    let command = PeopleCommand::NoteFriends { by: Actor::Server, app: caller.app, username, notes };
    change(&context, command, of_im).await
}

async fn parse_friends(
    context: &Context,
    caller: &Caller,
    username: &str,
    request: Request,
) -> Result<Vec<String>, Fault> {
    let body = body_about(context, username, request).await?;
    let object = field::object(&body)?;
    let users = member(object, "users").ok_or_else(|| invalid("users is missing"))?;
    let app_key = parse_app_key(object)?;
    let users = field::name_list(users, NAMES_PER_CALL_MAX, &context.config.users)?;
    Ok(users.iter().map(|name| full_name(caller, name, &app_key)).collect())
}

/// `GET /v1/cross/users/{username}/groups`
pub async fn groups_of_user_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    let groups =
        read_of(&context, caller.app, username, |snapshot, app, user| snapshot.joined_groups_of(app, user)).await?;
    let rows = groups.iter().map(|joined| {
        let owner = view::plain_name(&joined.owner);
        let mut row = view::group(joined.id, &joined.group, owner, &joined.app_key, context.config.time_zone);
        // The page of this call spells it so, and SDKs the other way.
        row.insert("max_member_count".to_owned(), json!(joined.group.members_max));
        Value::Object(row)
    });
    Ok(json_response(StatusCode::OK, &Value::Array(rows.collect())))
}

/// `GET /v1/cross/groups/{gid}/members`
pub async fn list_members_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
) -> Result<Response<Body>, Fault> {
    let (zone, app_key) = (context.config.time_zone, caller.app_key.clone());
    let rows =
        group::members_shown(&context, &caller, &gid, move |user| Some(view::user_of_any_app(user, &app_key, zone)));
    Ok(json_response(StatusCode::OK, &Value::Array(rows.await?)))
}

/// `POST /v1/cross/groups/{gid}/members`: adds first, then removals, over all apps. When a removal fails, what was added
/// stays.
pub async fn change_members_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let group: GroupId = parse_gid(&gid)?;
    let body = body::json(Family::Im, request).await?;
    let (add, remove) = parse_moves(&context, &caller, &body, NAMES_PER_CALL_MAX)?;
    check_all_exist(&context, &caller, group, add.iter().chain(&remove).cloned().collect()).await?;
    if !add.is_empty() {
        let command = GroupCommand::Add { app: caller.app, by: Actor::Server, group, members: add };
        group::submit(&context, command, of_im).await?;
    }
    if !remove.is_empty() {
        let command = GroupCommand::Remove { app: caller.app, by: Actor::Server, group, members: remove };
        group::submit(&context, command, refusal::of_removal).await?;
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST /v1/cross/chatroom/{room_id}/members`: the same order.
pub async fn change_room_members_across(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(room): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let id = parse_room_id(&room)?;
    let body = body::json(Family::Im, request).await?;
    let (add, remove) = parse_moves(&context, &caller, &body, room::MEMBERS_PER_CALL_MAX)?;
    let (app, asked) = (caller.app, add.iter().chain(&remove).cloned().collect::<Vec<_>>());
    let refused = context.ledger.read(move |snapshot| {
        if snapshot.room(app, id)?.is_none() {
            return Ok(Some(refusal::room_unknown()));
        }
        for name in &asked {
            if let Some(refusal) = snapshot.check_person(app, name)? {
                return Ok(Some(of_im(refusal)));
            }
        }
        Ok(None)
    });
    refused.await.map_err(|error| Family::Im.unavailable(&error))?.map_or(Ok(()), Err)?;
    room::let_in_and_out(&context, caller.app, id, add, remove).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Whom to add and whom to remove, of all apps together.
fn parse_moves(
    context: &Context,
    caller: &Caller,
    body: &Value,
    names_max: usize,
) -> Result<(Vec<String>, Vec<String>), Fault> {
    let (mut add, mut remove) = (Vec::new(), Vec::new());
    for item in items(body)? {
        let app_key = parse_app_key(item)?;
        let (more, less) =
            (names_of(context, caller, item, "add", &app_key)?, names_of(context, caller, item, "remove", &app_key)?);
        if more.is_empty() && less.is_empty() {
            return Err(invalid("add and remove are both empty"));
        }
        add.extend(more);
        remove.extend(less);
    }
    if add.len().max(remove.len()) > names_max {
        return Err(invalid(format!("add and remove may hold {names_max} names each")));
    }
    Ok((add, remove))
}

fn parse_lists(context: &Context, caller: &Caller, body: &Value, key: &str) -> Result<Vec<String>, Fault> {
    let mut all = Vec::new();
    for item in items(body)? {
        let app_key = parse_app_key(item)?;
        let names = names_of(context, caller, item, key, &app_key)?;
        if names.is_empty() {
            return Err(invalid(format!("{key} is empty")));
        }
        all.extend(names);
    }
    if all.len() <= NAMES_PER_CALL_MAX { Ok(all) } else { Err(invalid("at most 500 names are expected")) }
}

fn items(body: &Value) -> Result<Vec<&Object>, Fault> {
    field::objects(body, ITEMS_MAX, "objects")
}

/// Compared without case; ours are lower-case.
fn parse_app_key(object: &Object) -> Result<String, Fault> {
    let key = field::app_key(object).and_then(as_name);
    let key = key.filter(|key| !key.is_empty() && !key.contains('/'));
    key.map(|key| key.to_ascii_lowercase()).ok_or_else(|| invalid("appkey is missing"))
}

fn names_of(
    context: &Context,
    caller: &Caller,
    object: &Object,
    key: &str,
    app_key: &str,
) -> Result<Vec<String>, Fault> {
    let names = field::names(object, key, &context.config.users)?;
    Ok(names.iter().map(|name| full_name(caller, name, app_key)).collect())
}

/// As the store knows a user of that app; with its own key an app means its own users.
pub(super) fn full_name(caller: &Caller, name: &str, app_key: &str) -> String {
    if app_key == caller.app_key { name.to_owned() } else { guest_name(name, app_key) }
}
