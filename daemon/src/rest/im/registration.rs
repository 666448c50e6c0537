//! The switch that lets devices register users, or not.

use anser_storage::command::{Command, PeopleCommand};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::refusal::of_im;
use super::{empty, field, invalid};
use crate::context::Shared;
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{as_bool, member};
use crate::rest::path::query_value;

/// `PUT /v1/sdkregister/status`
pub async fn set_registration(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let is_open = parse_status(request).await?;
    let command = Command::People(PeopleCommand::SetRegistration { app: caller.app, is_open });
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Im.unavailable(&error))?;
    outcome.answer.map_err(of_im)?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// In the query; one client puts it into the body.
pub(super) async fn parse_status(request: Request) -> Result<bool, Fault> {
    let wrong = || invalid("status must be 0 or 1");
    let given = query_value(request.uri(), "status").map(|text| Value::String(text.into_owned()));
    let status = match given {
        Some(status) => status,
        None => {
            let body = body::json(Family::Im, request).await?;
            member(field::object(&body)?, "status").cloned().ok_or_else(wrong)?
        }
    };
    as_bool(&status).ok_or_else(wrong)
}

/// `GET /v1/sdkregister/status`
pub async fn show_registration(context: State<Shared>, caller: Extension<Caller>) -> Result<Response<Body>, Fault> {
    let app = caller.app;
    let is_open = context.ledger.read(move |snapshot| snapshot.is_registration_open(app)).await;
    let is_open = is_open.map_err(|error| Family::Im.unavailable(&error))?;
    Ok(json_response(StatusCode::OK, &json!({"status": u8::from(is_open)})))
}
