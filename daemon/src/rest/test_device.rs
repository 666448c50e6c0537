//! Test devices: phones that pushes are tried out on.

use anser_storage::TestDeviceShown;
use anser_storage::command::{Command, LabelCommand};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::access::Caller;
use super::device::{changed, device_number, invalid};
use super::family::Family;
use super::fault::{Fault, json_response};
use super::lenient::{as_name, member};
use super::segment::Segment;
use super::{body, path};
use crate::clock::Written;
use crate::context::{Context, Shared};

const NAME_BYTES_MAX: usize = 64;
const PAGE_SIZE_MAX: usize = 200;

/// `POST /v3/test/model/add`
pub async fn add(context: State<Shared>, caller: Extension<Caller>, request: Request) -> Result<Response<Body>, Fault> {
    set(&context, &caller, request, false).await
}

/// `PUT /v3/test/model/update`
pub async fn update(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    set(&context, &caller, request, true).await
}

async fn set(context: &Context, caller: &Caller, request: Request, must_be_one: bool) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Device, request).await?;
    let text = |name: &str| body.as_object().and_then(|object| member(object, name)).and_then(as_name);
    let name = text("device_name").filter(|name| is_name(name));
    let name = name.ok_or_else(|| invalid("device_name must be 1 to 64 bytes without control characters"))?;
    let id = text("registration_id").ok_or_else(|| invalid("registration_id is missing"))?;
    let device = device_number(context, caller, id).await?;
    changed(context, Command::Label(LabelCommand::SetTestDevice { app: caller.app, device, name, must_be_one })).await
}

fn is_name(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// `DELETE /v3/test/model/delete/{registration_id}`
pub async fn remove(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(registration_id): Segment,
) -> Result<Response<Body>, Fault> {
    let device = device_number(&context, &caller, registration_id).await?;
    changed(&context, Command::Label(LabelCommand::RemoveTestDevice { app: caller.app, device })).await
}

/// `GET /v3/test/model/list`
pub async fn list(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let page = number(&uri, "page", 1, usize::MAX)?;
    let page_size = number(&uri, "page_size", PAGE_SIZE_MAX, PAGE_SIZE_MAX)?;
    let (name, id) = (path::query_value(&uri, "device_name"), path::query_value(&uri, "registration_id"));
    let app = caller.app;
    let devices = context.ledger.read(move |snapshot| snapshot.list_test_devices(app)).await;
    let mut devices = devices.map_err(|error| Family::Device.unavailable(&error))?;
    devices.retain(|device| {
        name.as_ref().is_none_or(|name| device.name.contains(name.as_ref()))
            && id.as_ref().is_none_or(|id| device.registration_id == *id)
    });
    let of_page = devices.iter().skip((page - 1).saturating_mul(page_size)).take(page_size);
    let detail: Vec<Value> = of_page.map(|device| shown(&context, device)).collect();
    let body = json!({"total": devices.len(), "page": page, "page_size": page_size, "detail": detail});
    Ok(json_response(StatusCode::OK, &body))
}

fn number(uri: &Uri, name: &str, default: usize, max: usize) -> Result<usize, Fault> {
    let Some(text) = path::query_value(uri, name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| match max {
        usize::MAX => invalid(format!("{name} must be a whole number from 1 on")),
        _ => invalid(format!("{name} must be a whole number from 1 to {max}")),
    })
}

fn shown(context: &Context, device: &TestDeviceShown) -> Value {
    let time = |at_ms| Written(at_ms, context.config.time_zone).to_string();
    json!({
        "device_name": device.name,
        "device_model": device.model,
        "registration_id": device.registration_id,
        "registration_time": time(device.registered_ms),
        "create_time": time(device.created_ms),
    })
}
