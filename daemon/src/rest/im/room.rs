//! Chat rooms and their members.

use std::collections::VecDeque;

use anser_protocol::ids::RoomId;
use anser_storage::command::{Actor, Command, RoomCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{ReadError, Room, Snapshot};
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::page::Page;
use super::refusal::{self, of_im};
use super::{empty, field, invalid, read_of, registration, view};
use crate::clock::{Written, now_ms};
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_int, as_name, member};
use crate::rest::segment::Segment;

/// Names in one call.
pub(super) const MEMBERS_PER_CALL_MAX: usize = 3000;
/// Rooms, and members, in one answer.
const PAGE_MAX: usize = 500;

/// `POST /v1/chatroom`
pub async fn create_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let object = field::object(&body)?;
    let rule = &context.config.users;
    let owner = field::name(object, "owner_username", rule)?;
    let (name, description) = (field::group_name(object)?, field::room_description(object)?);
    let mut members = field::names(object, "members_username", rule)?;
    if members.len() > MEMBERS_PER_CALL_MAX {
        return Err(invalid("members_username may hold 3000 names; add more with PUT /v1/chatroom/{room_id}/members"));
    }
    let flag = match member(object, "flag") {
        None => 0,
        Some(flag) => as_int(flag).ok_or_else(|| invalid("flag must be a number"))?,
    };
    let rest = members.split_off(members.len().min(RoomCommand::NAMES_MAX));
    if !rest.is_empty() {
        check_founders(&context, caller.app, &owner, members.iter().chain(&rest).cloned().collect()).await?;
    }
    let create = RoomCommand::Create { app: caller.app, owner, name, description, members, flag };
    let Answer::Room(room) = submit(&context, create).await? else { return Err(Family::Im.internal()) };
    for members in parts(rest) {
        submit(&context, RoomCommand::Add { app: caller.app, room, members, is_part: true }).await?;
    }
    Ok(json_response(StatusCode::CREATED, &json!({"chatroom_id": room.0})))
}

/// `POST /v1/chatroom/batch`
pub async fn show_rooms(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let list = body.as_array().filter(|list| list.len() <= PAGE_MAX);
    let list = list.ok_or_else(|| invalid(format!("an array of at most {PAGE_MAX} room ids is expected")))?;
    let id = |item: &Value| {
        let text = as_name(item).filter(|text| is_number(text))?;
        // Digits that no room can have mean one that does not exist.
        Some(RoomId(text.parse().unwrap_or(0)))
    };
    let ids: Option<Vec<RoomId>> = list.iter().map(id).collect();
    let ids = ids.ok_or_else(|| invalid("a room id must be a number"))?;
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| {
        let mut rooms = Vec::new();
        for id in &ids {
            rooms.extend(snapshot.room(app, *id)?.map(|room| (*id, room)));
        }
        with_owners(snapshot, app, rooms)
    });
    let rooms = found.await.map_err(|error| Family::Im.unavailable(&error))?;
    Ok(json_response(StatusCode::OK, &Value::Array(shown(&context, &caller, &rooms))))
}

/// `GET /v1/chatroom`
pub async fn list_rooms(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let Page { start, count } = Page::parse(&uri, PAGE_MAX)?;
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| {
        let page = snapshot.room_page(app, start, count)?;
        Ok((page.total, with_owners(snapshot, app, page.rooms)?))
    });
    let (total, rooms) = found.await.map_err(|error| Family::Im.unavailable(&error))?;
    let rooms = shown(&context, &caller, &rooms);
    let page = json!({"total": total, "start": start, "count": rooms.len(), "rooms": rooms});
    Ok(json_response(StatusCode::OK, &page))
}

/// `GET /v1/users/{username}/chatroom`
pub async fn rooms_of_user(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    let rooms = read_of(&context, caller.app, username, |snapshot, app, user| {
        with_owners(snapshot, app, snapshot.rooms_of_user(app, user)?)
    });
    Ok(json_response(StatusCode::OK, &Value::Array(shown(&context, &caller, &rooms.await?))))
}

/// `PUT /v1/chatroom/{room_id}`
pub async fn change_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(room): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let room = parse_room_id(&room)?;
    let body = body::json(Family::Im, request).await?;
    let object = field::object(&body)?;
    let given = |key: &str| member(object, key).is_some();
    let update = RoomCommand::Update {
        app: caller.app,
        room,
        owner: given("owner_username")
            .then(|| field::name(object, "owner_username", &context.config.users))
            .transpose()?,
        name: given("name").then(|| field::group_name(object)).transpose()?,
        description: given("description").then(|| field::room_description(object)).transpose()?,
    };
    submit(&context, update).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v1/chatroom/{room_id}`
pub async fn delete_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(room): Segment,
) -> Result<Response<Body>, Fault> {
    let room = parse_room_id(&room)?;
    submit(&context, RoomCommand::Delete { app: caller.app, room }).await?;
    context.clearing.begin_rooms(&context.ledger, caller.app);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PUT /v1/chatroom/{room_id}/forbidden/{username}`
pub async fn silence_in_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    segments: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let Path((room, username)) = segments.map_err(|_| invalid("the path is not UTF-8"))?;
    let room = parse_room_id(&room)?;
    field::path_name(&username, &context.config.users)?;
    let (app, by, users) = (caller.app, Actor::Server, vec![username]);
    let command = match registration::parse_status(request).await? {
        true => RoomCommand::Silence { app, by, room, users, for_ms: None },
        false => RoomCommand::Unsilence { app, by, room, users },
    };
    submit(&context, command).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `GET /v1/chatroom/{room_id}/members`
pub async fn list_room_members(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(room): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let room = parse_room_id(&room)?;
    let Page { start, count } = Page::parse(&uri, PAGE_MAX)?;
    let (app, zone) = (caller.app, context.config.time_zone);
    let found = context.ledger.read(move |snapshot| snapshot.room_member_page(app, room, start, count, now_ms())).await;
    let page = found.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(refusal::room_unknown)?;
    let rows = page.members.iter().map(|member| {
        let mut row = json!({
            "username": view::plain_name(&member.user.username),
            "flag": u8::from(member.is_silenced),
            "room_ctime": Written(member.joined_ms, zone).to_string(),
            "mtime": Written(member.user.changed_ms, zone).to_string(),
            "ctime": Written(member.user.created_ms, zone).to_string(),
        });
        if let Some(app_key) = view::app_key_of(&member.user.username) {
            row["appkey"] = json!(app_key);
        }
        row
    });
    let rows: Vec<Value> = rows.collect();
    let page = json!({"total": page.total, "start": start, "count": rows.len(), "users": rows});
    Ok(json_response(StatusCode::OK, &page))
}

/// `PUT /v1/chatroom/{room_id}/members`
pub async fn add_to_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(room): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let (room, names) = (parse_room_id(&room)?, parse_names(&context, request).await?);
    let_in_and_out(&context, caller.app, room, names, Vec::new()).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v1/chatroom/{room_id}/members`
pub async fn remove_from_room(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(room): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let (room, names) = (parse_room_id(&room)?, parse_names(&context, request).await?);
    let_in_and_out(&context, caller.app, room, Vec::new(), names).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// Those who come first. More than fit into one command are looked at before any of them moves.
pub(super) async fn let_in_and_out(
    context: &Context,
    app: AppNumber,
    room: RoomId,
    add: Vec<String>,
    remove: Vec<String>,
) -> Result<(), Fault> {
    let is_part = add.len() > RoomCommand::NAMES_MAX;
    if is_part {
        let asked = add.clone();
        check(context, move |snapshot| snapshot.check_room_joiners(app, room, &asked)).await?;
    }
    for members in parts(add) {
        submit(context, RoomCommand::Add { app, room, members, is_part }).await?;
    }
    let is_part = remove.len() > RoomCommand::NAMES_MAX;
    if is_part {
        let asked = remove.clone();
        check(context, move |snapshot| snapshot.check_room_leavers(app, room, &asked)).await?;
    }
    for members in parts(remove) {
        submit(context, RoomCommand::Remove { app, room, members, is_part }).await?;
    }
    Ok(())
}

async fn parse_names(context: &Context, request: Request) -> Result<Vec<String>, Fault> {
    let body = body::json(Family::Im, request).await?;
    field::name_list(&body, MEMBERS_PER_CALL_MAX, &context.config.users)
}

/// As many names as one command takes, again and again.
fn parts(names: Vec<String>) -> impl Iterator<Item = Vec<String>> {
    let mut names = VecDeque::from(names);
    std::iter::from_fn(move || {
        let count = names.len().min(RoomCommand::NAMES_MAX);
        (count > 0).then(|| names.drain(..count).collect())
    })
}

/// Before a call that takes several commands changes anything: would all of it be accepted?
async fn check(
    context: &Context,
    query: impl Fn(&Snapshot) -> Result<Option<Refusal>, ReadError> + Send + Sync + 'static,
) -> Result<(), Fault> {
    let refused = context.ledger.read(query).await.map_err(|error| Family::Im.unavailable(&error))?;
    refused.map_or(Ok(()), |refused| Err(of_im(refused)))
}

async fn check_founders(context: &Context, app: AppNumber, owner: &str, members: Vec<String>) -> Result<(), Fault> {
    let (owner, members_max) = (owner.to_owned(), context.config.limits.room_members);
    check(context, move |snapshot| snapshot.check_room_founders(app, &owner, &members, members_max)).await
}

async fn submit(context: &Context, command: RoomCommand) -> Result<Answer, Fault> {
    let outcome =
        context.ledger.submit(Command::Room(command)).await.map_err(|error| Family::Im.unavailable(&error))?;
    outcome.answer.map_err(of_im)
}

type Owned = (RoomId, Room, String);

fn with_owners(snapshot: &Snapshot, app: AppNumber, rooms: Vec<(RoomId, Room)>) -> Result<Vec<Owned>, ReadError> {
    let owned = rooms.into_iter().map(|(id, room)| {
        let owner = snapshot.user(app, room.owner)?.map(|owner| owner.username).unwrap_or_default();
        Ok((id, room, owner))
    });
    owned.collect()
}

fn shown(context: &Context, caller: &Caller, rooms: &[Owned]) -> Vec<Value> {
    let zone = context.config.time_zone;
    let shown = |(id, room, owner): &Owned| Value::Object(room_view(*id, room, owner, &caller.app_key, zone));
    rooms.iter().map(shown).collect()
}

fn room_view(id: RoomId, room: &Room, owner: &str, app_key: &str, zone: crate::config::TimeZone) -> Object {
    let mut shown = Object::new();
    shown.insert("id".to_owned(), json!(id.0));
    shown.insert("owner_username".to_owned(), json!(view::plain_name(owner)));
    shown.insert("appkey".to_owned(), json!(app_key));
    shown.insert("name".to_owned(), json!(room.name));
    view::add_text(&mut shown, "description", &room.description);
    shown.insert("max_member_count".to_owned(), json!(room.members_max));
    shown.insert("total_member_count".to_owned(), json!(room.members));
    shown.insert("ctime".to_owned(), json!(Written(room.created_ms, zone).to_string()));
    shown
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Digits that no room can have mean a room that does not exist.
pub fn parse_room_id(text: &str) -> Result<RoomId, Fault> {
    if !is_number(text) {
        return Err(invalid("the room id must be a number"));
    }
    text.parse().map(RoomId).map_err(|_| refusal::room_unknown())
}
