//! Where users are logged in, and on which of these devices they hold a link.

use std::collections::BTreeMap;

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::{ReadError, Snapshot};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{field, refusal};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::segment::Segment;

const USERS_PER_CALL_MAX: usize = 500;
/// Users who are looked up in one snapshot.
const SLICE: usize = 50;

type Logins = Vec<(DeviceNumber, Platform)>;

/// `GET /v1/users/{username}/userstat`
pub async fn is_online(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    field::path_name(&username, &context.config.users)?;
    let names = vec![username.clone()];
    let found = look_up(&context, caller.app, names).await?.pop().flatten();
    let (user, logins) = found.ok_or_else(|| refusal::no_such_user(&username))?;
    let is_online = logins.iter().any(|(device, _)| context.switchboard.is_user_online(caller.app, user, *device));
    Ok(json_response(StatusCode::OK, &json!({"login": !logins.is_empty(), "online": is_online})))
}

/// `POST /v1/users/userstat`: one unknown name fails the call.
pub async fn where_online(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let names = parse(&context, request).await?;
    let mut rows = Vec::with_capacity(names.len());
    for (name, found) in names.iter().zip(look_up(&context, caller.app, names.clone()).await?) {
        let (user, logins) = found.ok_or_else(|| refusal::no_such_user(name))?;
        rows.push(json!({"username": name, "devices": devices(&context, caller.app, user, &logins)}));
    }
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// `POST /v2/users/statuser`: an unknown name is said to be one.
pub async fn where_online_if_known(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let names = parse(&context, request).await?;
    let found = look_up(&context, caller.app, names.clone()).await?;
    let rows = names.iter().zip(found).map(|(name, found)| match found {
        Some((user, logins)) => {
            let devices = devices(&context, caller.app, user, &logins);
            json!({"username": name, "statuscode": 0, "devices": devices})
        }
        None => json!({"username": name, "statuscode": 1, "statusmsg": "no_exist", "devices": []}),
    });
    Ok(json_response(StatusCode::OK, &Value::Array(rows.collect())))
}

async fn parse(context: &Context, request: Request) -> Result<Vec<String>, Fault> {
    let body = body::json(Family::Im, request).await?;
    field::name_list(&body, USERS_PER_CALL_MAX, &context.config.users)
}

/// Each user and the devices on which they are logged in.
async fn look_up(
    context: &Context,
    app: AppNumber,
    names: Vec<String>,
) -> Result<Vec<Option<(UserNumber, Logins)>>, Fault> {
    let now = now_ms();
    let mut users = Vec::with_capacity(names.len());
    for slice in names.chunks(SLICE) {
        let slice = slice.to_vec();
        let found = context.ledger.read(move |snapshot| {
            slice.iter().map(|name| logins(snapshot, app, name, now)).collect::<Result<Vec<_>, _>>()
        });
        users.extend(found.await.map_err(|error| Family::Im.unavailable(&error))?);
    }
    Ok(users)
}

fn logins(
    snapshot: &Snapshot,
    app: AppNumber,
    name: &str,
    now_ms: TimeMs,
) -> Result<Option<(UserNumber, Logins)>, ReadError> {
    let Some((user, _)) = snapshot.user_by_name(app, name)? else { return Ok(None) };
    Ok(Some((user, snapshot.logins(app, user, now_ms)?)))
}

/// One row a platform.
fn devices(context: &Context, app: AppNumber, user: UserNumber, logins: &Logins) -> Value {
    let mut online = BTreeMap::<&str, bool>::new();
    for (device, platform) in logins {
        let is_online = context.switchboard.is_user_online(app, user, *device);
        *online.entry(letter(*platform)).or_default() |= is_online;
    }
    online.iter().map(|(letter, online)| json!({"platform": letter, "login": true, "online": online})).collect()
}

/// The API knows four; other phones count as Android, which they descend from.
pub(super) fn letter(platform: Platform) -> &'static str {
    match platform {
        Platform::ANDROID | Platform::HMOS | Platform::QUICKAPP => "a",
        Platform::IOS => "i",
        Platform::WEB => "j",
        _ => "w",
    }
}
