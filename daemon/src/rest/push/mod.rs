//! The push API, version 3.

mod batch;
mod cid;
mod flat;
mod group;
mod images;
mod later;
mod listed;
mod object;
mod refusal;
mod send;
mod withdraw;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::access::{Caller, Signer};
use super::family::Family;
use super::fault::{Fault, json_response};
use super::{body, path};
use crate::clock::now_ms;
use crate::context::{Context, Shared};

pub use batch::{to_aliases, to_registration_ids};
pub use cid::{CidType, Cids};
pub use flat::{not_served, quota};
pub use group::{submit_file_to_group, submit_to_group};
pub use later::{check_later, is_to_file, submission_later};
pub use object::{Form, is_second_version};
pub use refusal::of_push;
pub use send::{Mode, check, send, targets};
pub use withdraw::withdraw;

const CIDS_MAX: usize = 1000;

/// `POST /v3/push`
pub async fn submit(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, request, Form::Push, Mode::Send).await
}

/// `POST /v3/push/file`
pub async fn submit_to_file(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, request, Form::FilePush, Mode::Send).await
}

/// `POST /v3/push/validate`
pub async fn validate(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, request, Form::Push, Mode::ValidateOnly).await
}

async fn push(
    context: &Context,
    caller: &Caller,
    request: Request,
    form: Form,
    mode: Mode,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Push, request).await?;
    let push = check(context, &caller.app_key, &body, form)?;
    let accepted = send(context, caller.app, push, mode).await?;
    Ok(json_response(StatusCode::OK, &accepted.to_json()))
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
    let cids = Cids::of(&context).issue(&signer.0.0, kind, count, now_ms());
    Ok(json_response(StatusCode::OK, &json!({"cidlist": cids})))
}

/// Version 2 of the push API is gone.
pub fn retired() -> Fault {
    Fault::new(StatusCode::GONE, 1000, "API v2 is retired: use POST /v3/push")
}
