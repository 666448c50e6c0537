//! The push API, version 3.

mod cid;
mod group;
mod later;
mod object;
mod refusal;

use anser_storage::command::{Command, PushCommand, Submit};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::Answer;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::{Caller, Signer};
use super::family::Family;
use super::fault::{Fault, json_response};
use super::{body, path};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
pub use cid::{CidType, Cids};
pub use later::{check_later, submission_later};
use object::{PushObject, UnknownKeys};
pub use refusal::of_push;

pub use group::submit_to_group;

const CIDS_MAX: usize = 1000;

/// Is it sent, or only looked at?
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Send,
    ValidateOnly,
}

/// `POST /v3/push`
pub async fn submit(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, request, Mode::Send).await
}

/// `POST /v3/push/validate`
pub async fn validate(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, request, Mode::ValidateOnly).await
}

async fn push(context: &Context, caller: &Caller, request: Request, mode: Mode) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Push, request).await?;
    let push = check(context, &caller.app_key, &body)?;
    let answer = send(context, caller.app, push, mode).await?;
    Ok(json_response(StatusCode::OK, &answer))
}

/// `signer` is whom the cids were given to: an app, or a group of apps.
fn check(context: &Context, signer: &str, body: &Value) -> Result<PushObject, Fault> {
    let unknown_keys = if context.config.push.lenient_keys { UnknownKeys::Ignore } else { UnknownKeys::Refuse };
    let push = PushObject::parse(body, unknown_keys).map_err(refusal::of_finding)?;
    if let Some(cid) = &push.cid
        && !Cids::new(&context.keys).is_valid(cid, signer, CidType::Push, now_ms())
    {
        return Err(Family::Push.invalid("cid is not one that GET /v3/push/cid gave this caller within a day"));
    }
    Ok(push)
}

async fn send(context: &Context, app: AppNumber, push: PushObject, mode: Mode) -> Result<Value, Fault> {
    let submit = submission(context, app, push, mode);
    let outcome = context.ledger.submit(Command::Push(PushCommand::Submit(Box::new(submit)))).await;
    let outcome = outcome.map_err(|error| Family::Push.unavailable(&error))?;
    match outcome.answer.map_err(refusal::of_push)? {
        Answer::Pushed { msg_id, sendno, .. } => Ok(json!({"sendno": sendno, "msg_id": msg_id.to_string()})),
        _ => Err(Family::Push.internal()),
    }
}

fn submission(context: &Context, app: AppNumber, push: PushObject, mode: Mode) -> Submit {
    let PushObject { contents, audience, time_to_live_s, sendno, cid } = push;
    let connected = match (mode, time_to_live_s) {
        (Mode::Send, 0) => context.switchboard.connected_devices(app),
        _ => Vec::new(),
    };
    Submit {
        app,
        contents,
        audience,
        time_to_live_s,
        sendno,
        connected,
        cid: cid.filter(|_| mode == Mode::Send),
        validate_only: mode == Mode::ValidateOnly,
    }
}

/// `GET /v3/push/cid`
pub async fn cids(
    context: State<Shared>,
    signer: Extension<Signer>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let count = match path::query_value(request.uri(), "count") {
        None => 1,
        Some(text) => text
            .parse()
            .ok()
            .filter(|count| (1..=CIDS_MAX).contains(count))
            .ok_or_else(|| Family::Push.invalid("count must be a whole number from 1 to 1000"))?,
    };
    let kind = match path::query_value(request.uri(), "type").as_deref() {
        None | Some("push") => CidType::Push,
        Some("schedule") => CidType::Schedule,
        Some(_) => return Err(Family::Push.invalid("type must be push or schedule")),
    };
    let cids = Cids::new(&context.keys).issue(&signer.0.0, kind, count, now_ms());
    Ok(json_response(StatusCode::OK, &json!({"cidlist": cids})))
}

/// Version 2 of the push API is gone.
pub fn retired() -> Fault {
    Fault::new(StatusCode::GONE, 1000, "API v2 is retired: use POST /v3/push")
}
