//! Taking a push back.

use anser_protocol::ids::Position;
use anser_storage::command::{Command, PushCommand};
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::refusal;
use crate::context::Shared;
use crate::rest::access::Caller;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::segment::Segment;

/// `DELETE /v3/push/{msg_id}`
pub async fn withdraw(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(msg_id): Segment,
) -> Result<Response<Body>, Fault> {
    let push = msg_id.parse().map(Position).map_err(|_| Family::Push.invalid("a msg_id is a number"))?;
    let command = Command::Push(PushCommand::Withdraw { app: caller.app, push });
    let outcome = context.ledger.submit(command).await.map_err(|_| Family::Push.busy())?;
    outcome.answer.map_err(refusal::of_push)?;
    Ok(json_response(StatusCode::OK, &json!({})))
}
