//! Which devices are online, and when the others were last seen.

use anser_protocol::ids::TimeMs;
use anser_storage::ids::{AppNumber, DeviceNumber};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Caller;
use super::body;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::lenient::{Object, member};
use crate::clock::{Written, now_ms};
use crate::context::{Context, Shared};

const REGISTRATION_IDS_MAX: usize = 1000;
/// Ids that are looked up in one snapshot.
const SLICE: usize = 100;
/// Who was seen so lately counts as online: a phone changes its network now and then.
const ONLINE_MS: TimeMs = 10 * 60 * 1000;
/// Of who was seen longer ago, no time is told.
const TOLD_MS: TimeMs = 2 * 24 * 3600 * 1000;

/// `POST /v3/devices/status`
pub async fn show(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Device, request).await?;
    let ids = parse_ids(&body)?;
    let now = now_ms();
    let mut answer = Object::new();
    for slice in ids.chunks(SLICE) {
        let found = look_up(&context, caller.app, slice.to_vec(), now).await?;
        for (id, found) in slice.iter().zip(found) {
            let status =
                found.map_or_else(|| json!({}), |(device, seen)| status(&context, caller.app, device, seen, now));
            answer.insert(id.clone(), status);
        }
    }
    Ok(json_response(StatusCode::OK, &Value::Object(answer)))
}

fn parse_ids(body: &Value) -> Result<Vec<String>, Fault> {
    let invalid = || Family::Device.invalid("registration_ids must be a list of 1 to 1000 registration ids");
    let list = body.as_object().and_then(|object| member(object, "registration_ids")).and_then(Value::as_array);
    let list = list.filter(|list| (1..=REGISTRATION_IDS_MAX).contains(&list.len())).ok_or_else(invalid)?;
    list.iter().map(|id| id.as_str().map(str::to_owned).ok_or_else(invalid)).collect()
}

type Found = Option<(DeviceNumber, Option<TimeMs>)>;

/// The devices among the ids, and what the store knows of when each was last seen.
async fn look_up(context: &Context, app: AppNumber, ids: Vec<String>, now: TimeMs) -> Result<Vec<Found>, Fault> {
    let found = context.ledger.read(move |snapshot| {
        let one = |id: &String| {
            let Some((device, _)) = snapshot.device_by_registration_id(app, id)? else { return Ok(None) };
            Ok(Some((device, snapshot.last_seen(app, device, now)?)))
        };
        ids.iter().map(one).collect()
    });
    found.await.map_err(|error| Family::Device.unavailable(&error))
}

fn status(context: &Context, app: AppNumber, device: DeviceNumber, stored: Option<TimeMs>, now: TimeMs) -> Value {
    let switchboard = &context.switchboard;
    if switchboard.is_connected(app, device) {
        return json!({"online": true});
    }
    match switchboard.attendance.last_seen(app, device, stored) {
        Some(seen) if seen + ONLINE_MS >= now => json!({"online": true}),
        Some(seen) if seen + TOLD_MS >= now => {
            json!({"online": false, "last_online_time": Written(seen, context.config.time_zone).to_string()})
        }
        _ => json!({"online": false}),
    }
}
