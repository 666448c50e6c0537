//! Aliases as app servers see them.

use anser_protocol::content::Platform;
use anser_protocol::ids::TimeMs;
use anser_storage::Device;
use anser_storage::command::{Command, LabelCommand};
use anser_storage::ids::{AppNumber, DeviceNumber};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::access::Caller;
use super::device::{changed, devices_of_lists, invalid, parse_registration_ids};
use super::family::Family;
use super::fault::{Fault, json_response};
use super::lenient::member;
use super::segment::Segment;
use super::{body, path};
use crate::clock::{Written, now_ms};
use crate::context::{Context, Shared};

/// The operator may let an alias bind more (`limits.alias_devices`); a caller is shown so many.
const SHOWN_MAX: usize = 10;

/// `GET /v3/aliases/{alias}`
pub async fn show(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(alias): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let platforms = path::query_platforms(&uri, Family::Device)?;
    let devices = devices(&context, caller.app, alias, platforms).await?;
    let is_new_format = path::query_value(&uri, "new_format").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let body = if is_new_format {
        json!({"data": devices.iter().map(|bound| row(&context, caller.app, bound)).collect::<Vec<Value>>()})
    } else {
        json!({"registration_ids": devices.iter().map(|bound| &bound.registration_id).collect::<Vec<_>>()})
    };
    Ok(json_response(StatusCode::OK, &body))
}

/// A device that has the alias.
struct Bound {
    device: DeviceNumber,
    registration_id: String,
    platform: Platform,
    registered_ms: TimeMs,
    /// As far as the store knows.
    seen_ms: Option<TimeMs>,
}

async fn devices(
    context: &Context,
    app: AppNumber,
    alias: String,
    platforms: Vec<Platform>,
) -> Result<Vec<Bound>, Fault> {
    let now = now_ms();
    let found = context.ledger.read(move |snapshot| {
        let mut devices = Vec::new();
        for number in snapshot.devices_of_alias(app, &alias)? {
            if devices.len() == SHOWN_MAX {
                break;
            }
            let device = snapshot.device(app, number)?;
            let device = device.filter(|device| platforms.is_empty() || platforms.contains(&device.platform));
            let Some(Device { registration_id, platform, created_ms: registered_ms, .. }) = device else { continue };
            let seen_ms = snapshot.last_seen(app, number, now)?;
            devices.push(Bound { device: number, registration_id, platform, registered_ms, seen_ms });
        }
        Ok(devices)
    });
    found.await.map_err(|error| Family::Device.unavailable(&error))
}

fn row(context: &Context, app: AppNumber, bound: &Bound) -> Value {
    let board = &context.switchboard;
    let seen_ms = match board.is_connected(app, bound.device) {
        true => now_ms(),
        false => board.attendance.last_seen(app, bound.device, bound.seen_ms).unwrap_or(bound.registered_ms),
    };
    let time = Written(seen_ms, context.config.time_zone).to_string();
    let day: String = time.chars().take("2024-05-01".len()).collect();
    json!({"registration_id": bound.registration_id, "platform": shown_platform(bound.platform), "last_online_date": day})
}

/// Typed clients know these names and fail at all others.
fn shown_platform(platform: Platform) -> &'static str {
    match platform {
        Platform::IOS | Platform::HMOS | Platform::QUICKAPP | Platform::WINPHONE => platform.name(),
        _ => Platform::ANDROID.name(),
    }
}

/// `POST /v3/aliases/{alias}`
pub async fn unbind(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(alias): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Device, request).await?;
    let lists = body.as_object().and_then(|object| member(object, "registration_ids")).and_then(Value::as_object);
    let lists = lists.ok_or_else(|| invalid("registration_ids must be an object with remove"))?;
    let remove = parse_registration_ids(lists, "remove")?;
    if remove.is_empty() {
        return Err(invalid("registration_ids.remove must name 1 to 1000 devices"));
    }
    let [devices, _] = devices_of_lists(&context, caller.app, [remove, Vec::new()]).await?;
    changed(&context, Command::Label(LabelCommand::UnbindAlias { app: caller.app, alias, devices })).await
}

/// `DELETE /v3/aliases/{alias}`
pub async fn remove(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(alias): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let platforms = path::query_platforms(&uri, Family::Device)?;
    changed(&context, Command::Label(LabelCommand::DeleteAlias { app: caller.app, alias, platforms })).await
}
