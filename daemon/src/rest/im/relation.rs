//! What users are to each other and to their groups: blacklists, do-not-disturb, shields, friends.

use anser_protocol::limits::NAMES_PER_CALL_MAX;
use anser_storage::command::{Actor, MuteChange, PeopleCommand};
use anser_storage::outcome::Refusal;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::account::submit;
use super::refusal::{self, of_im};
use super::{body_about, empty, field, invalid, read_of, view};
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_bool, member};
use crate::rest::segment::Segment;

/// Names in each list of a call that mutes, and groups: a command of the store has its bounds.
pub(super) const MUTED_PER_CALL_MAX: usize = 150;
const SHIELDED_PER_CALL_MAX: usize = 250;

/// `PUT /v1/users/{username}/blacklist`
pub async fn block(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let others = parse_names(&context, &username, request).await?;
    change(&context, PeopleCommand::Block { by: Actor::Server, app: caller.app, username, others }, of_im).await
}

/// `DELETE /v1/users/{username}/blacklist`
pub async fn unblock(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let others = parse_names(&context, &username, request).await?;
    change(&context, PeopleCommand::Unblock { by: Actor::Server, app: caller.app, username, others }, of_im).await
}

/// `GET /v1/users/{username}/blacklist`
pub async fn list_blocked(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    let blocked = read_of(&context, caller.app, username, |snapshot, app, user| snapshot.blocked(app, user)).await?;
    // Those of other apps are listed by the call across apps.
    let own = blocked.iter().filter(|user| view::app_key_of(&user.username).is_none());
    let rows = own.map(|user| view::user(user, context.config.time_zone)).collect();
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// `POST /v1/users/{username}/nodisturb`
pub async fn mute(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let change_of = Box::new(parse_mutes(&context, field::object(&body)?)?);
    change(
        &context,
        PeopleCommand::Mute { by: Actor::Server, app: caller.app, username, change: change_of },
        refusal::of_mute,
    )
    .await
}

fn parse_mutes(context: &Context, object: &Object) -> Result<MuteChange, Fault> {
    let (single, group) = (field::part(object, "single")?, field::part(object, "group")?);
    let names = |key: &str| match member(&single, key) {
        None => Ok(Vec::new()),
        Some(list) if list.as_array().is_some_and(Vec::is_empty) => Ok(Vec::new()),
        Some(list) => field::name_list(list, MUTED_PER_CALL_MAX, &context.config.users),
    };
    let everything = match member(object, "global") {
        None => None,
        Some(value) => Some(as_bool(value).ok_or_else(|| invalid("global must be 0 or 1"))?),
    };
    Ok(MuteChange {
        add_users: names("add")?,
        remove_users: names("remove")?,
        add_groups: field::gids(&group, "add", MUTED_PER_CALL_MAX)?,
        remove_groups: field::gids(&group, "remove", MUTED_PER_CALL_MAX)?,
        groups_of: Vec::new(),
        everything,
        off_needs_on: !context.config.users.lenient_mutes,
    })
}

/// `POST /v1/users/{username}/groupsShield`
pub async fn shield(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let object = field::object(&body)?;
    let add = field::gids(object, "add", SHIELDED_PER_CALL_MAX)?;
    let remove = field::gids(object, "remove", SHIELDED_PER_CALL_MAX)?;
    let command = PeopleCommand::Shield { by: Actor::Server, app: caller.app, username, add, remove };
    change(&context, command, refusal::of_shield).await
}

/// `POST /v1/users/{username}/friends`
pub async fn add_friends(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let others = parse_names(&context, &username, request).await?;
    submit(&context.ledger, PeopleCommand::Befriend { by: Actor::Server, app: caller.app, username, others }, of_im)
        .await?;
    Ok(empty(StatusCode::CREATED))
}

/// `DELETE /v1/users/{username}/friends`
pub async fn remove_friends(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let others = parse_names(&context, &username, request).await?;
    let command = PeopleCommand::Unfriend { by: Actor::Server, app: caller.app, username, others };
    change(&context, command, refusal::of_unfriending).await
}

/// `PUT /v1/users/{username}/friends`
pub async fn note_friends(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let notes = field::objects(&body, NAMES_PER_CALL_MAX, "notes")?.into_iter();
    let notes = notes.map(|note| field::friend_note(note, &context.config.users)).collect::<Result<Vec<_>, _>>()?;
    change(&context, PeopleCommand::NoteFriends { by: Actor::Server, app: caller.app, username, notes }, of_im).await
}

/// `GET /v1/users/{username}/friends`
pub async fn list_friends(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    let friends = read_of(&context, caller.app, username, |snapshot, app, user| snapshot.friends(app, user)).await?;
    let rows = friends.iter().map(|friend| {
        let mut row = view::user_of_any_app(&friend.user, &caller.app_key, context.config.time_zone);
        for (key, text) in [("note_name", &friend.note_name), ("others", &friend.others)] {
            if !text.is_empty() {
                row[key] = json!(text);
            }
        }
        row
    });
    Ok(json_response(StatusCode::OK, &Value::Array(rows.collect())))
}

async fn parse_names(context: &Context, username: &str, request: Request) -> Result<Vec<String>, Fault> {
    let body = body_about(context, username, request).await?;
    field::name_list(&body, NAMES_PER_CALL_MAX, &context.config.users)
}

pub(super) async fn change(
    context: &Context,
    command: PeopleCommand,
    code_of: fn(Refusal) -> Fault,
) -> Result<Response<Body>, Fault> {
    submit(&context.ledger, command, code_of).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}
