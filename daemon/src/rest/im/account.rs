//! Changing and deleting users: profile, password, whether they may log in.

use std::sync::Arc;

use anser_protocol::error::ErrorCode;
use anser_protocol::extension::Extensions;
use anser_protocol::frame::people::ProfileChanged;
use anser_storage::command::{Actor, Command, PeopleCommand};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::Value;

use super::refusal::of_im;
use super::{body_about, empty, field, invalid};
use crate::clearing::clear_some_departed;
use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::{Ledger, Unavailable};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::lenient::as_bool;
use crate::rest::path::query_value;
use crate::rest::segment::Segment;

const DELETED_PER_CALL_MAX: usize = 100;

/// `PUT /v1/users/{username}`
pub async fn change_profile(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let change = Box::new(field::profile_change(field::object(&body)?)?);
    let (app, by) = (caller.app, Actor::Server);
    let command = PeopleCommand::ChangeProfile { by, app, username: username.clone(), change };
    let changed = submit(&context.ledger, command, of_im).await?;
    let news = Arc::new(ProfileChanged { username, changed_ms: now_ms(), extensions: Extensions::default() });
    for user in changed {
        context.links.tell_profile(app, user, news.clone());
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PUT /v1/users/{username}/password`
pub async fn change_password(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body_about(&context, &username, request).await?;
    let password = field::password(field::object(&body)?, "new_password")?;
    let password = context.passwords.hash_slow(&password).await.map_err(|_| Family::Im.busy())?;
    let command = PeopleCommand::SetPassword { app: caller.app, username, password };
    end_users(&context, caller.app, command, ErrorCode::TOKEN_INVALID).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PUT /v1/users/{username}/forbidden`
pub async fn forbid(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    field::path_name(&username, &context.config.users)?;
    let disable = query_value(&uri, "disable").and_then(|text| as_bool(&Value::String(text.into_owned())));
    let is_disabled = disable.ok_or_else(|| invalid("disable must be true or false"))?;
    let command = PeopleCommand::SetDisabled { app: caller.app, username, is_disabled };
    if is_disabled {
        end_users(&context, caller.app, command, ErrorCode::USER_DISABLED).await?;
    } else {
        submit(&context.ledger, command, of_im).await?;
    }
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v1/users/{username}`
pub async fn delete_user(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    field::path_name(&username, &context.config.users)?;
    delete(&context, caller.app, vec![username]).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `DELETE /v1/users`
pub async fn delete_users(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let usernames = field::name_list(&body, DELETED_PER_CALL_MAX, &context.config.users)?;
    delete(&context, caller.app, usernames).await?;
    Ok(empty(StatusCode::OK))
}

/// They are gone at once; groups and lists mostly when this is answered, the rest soon after.
async fn delete(context: &Shared, app: AppNumber, usernames: Vec<String>) -> Result<(), Fault> {
    let command = PeopleCommand::Delete { app, usernames };
    end_users(context, app, command, ErrorCode::USER_UNKNOWN).await?;
    match clear_some_departed(&context.ledger, app).await {
        Ok(true) => {}
        Ok(false) => context.clearing.begin_departed(&context.ledger, app),
        Err(error) => log::warn!("what deleted users had is removed within the hour: {error}"),
    }
    Ok(())
}

/// Carries out what ends sessions, and ends the links of those whom it was about. A caller that goes away does not stop it
/// half way.
async fn end_users(context: &Shared, app: AppNumber, command: PeopleCommand, code: ErrorCode) -> Result<(), Fault> {
    let context = context.clone();
    let done = tokio::spawn(async move {
        let users = submit(&context.ledger, command, of_im).await?;
        users.into_iter().for_each(|user| context.switchboard.end_user(app, user, code));
        Ok(())
    });
    done.await.unwrap_or_else(|_| Err(Family::Im.internal()))
}

/// Repeats the command until it has nothing more to do; returns whom it was about.
pub(super) async fn submit(
    ledger: &Ledger,
    command: PeopleCommand,
    code_of: fn(Refusal) -> Fault,
) -> Result<Vec<UserNumber>, Fault> {
    let unavailable = |error: Unavailable| Family::Im.unavailable(&error);
    loop {
        let outcome = ledger.submit(Command::People(command.clone())).await.map_err(unavailable)?;
        match outcome.answer.map_err(code_of)? {
            Answer::People { users, is_complete: true } => return Ok(users),
            Answer::People { .. } => {}
            _ => return Err(Family::Im.internal()),
        }
    }
}
