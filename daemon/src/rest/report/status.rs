//! Whether single devices got a push.

use anser_storage::Delivery;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::msg_ids::MsgId;
use crate::config::TimeZone;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_name, member};
use crate::rest::wall_clock::WallTime;

const REGISTRATION_IDS_MAX: usize = 1000;
/// Ids that are looked up in one snapshot.
const SLICE: usize = 100;

/// The numbers that are answered.
const RECEIVED: u8 = 0;
const NOT_RECEIVED: u8 = 1;
const NOT_OF_THIS_APP: u8 = 2;
const NOT_A_TARGET: u8 = 3;
const NOT_KNOWN: u8 = 4;

struct Asked {
    msg_id: MsgId,
    registration_ids: Vec<String>,
    /// The day on which to look; today when none is named.
    day: Option<WallTime>,
}

/// `POST /v3/status/message`
pub async fn status(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let asked = parse(&body::json(Family::Report, request).await?)?;
    let mut answer = Object::new();
    for slice in asked.registration_ids.chunks(SLICE) {
        let numbers = look_up(&context, &caller, &asked, slice.to_vec()).await?;
        answer.extend(slice.iter().cloned().zip(numbers.into_iter().map(|status| json!({"status": status}))));
    }
    Ok(json_response(StatusCode::OK, &Value::Object(answer)))
}

async fn look_up(context: &Context, caller: &Caller, asked: &Asked, ids: Vec<String>) -> Result<Vec<u8>, Fault> {
    let (app, push, day, zone) = (caller.app, asked.msg_id.position, asked.day, context.config.time_zone);
    let numbers = context.ledger.read(move |snapshot| {
        let accepted_ms = match (push, day) {
            (Some(push), Some(_)) => snapshot.push_accepted_ms(app, push)?,
            _ => None,
        };
        let is_before = accepted_ms.zip(day).is_some_and(|(at_ms, day)| is_before(day, at_ms, zone));
        let one = |id: &String| {
            let Some((device, _)) = snapshot.device_by_registration_id(app, id)? else { return Ok(NOT_OF_THIS_APP) };
            let Some(push) = push else { return Ok(NOT_A_TARGET) };
            Ok(match snapshot.delivery(app, push, device)? {
                Delivery::Received if !is_before => RECEIVED,
                Delivery::Received | Delivery::NotReceived => NOT_RECEIVED,
                Delivery::NotATarget => NOT_A_TARGET,
                Delivery::Forgotten => NOT_KNOWN,
            })
        };
        ids.iter().map(one).collect()
    });
    numbers.await.map_err(|error| Family::Report.unavailable(&error))
}

/// On that day nobody can have received it.
fn is_before(day: WallTime, accepted_ms: u64, zone: TimeZone) -> bool {
    day < WallTime::of_ms(accepted_ms, zone).midnight()
}

fn parse(body: &Value) -> Result<Asked, Fault> {
    let Value::Object(object) = body else { return Err(invalid("the request body must be an object")) };
    let msg_id = member(object, "msg_id").and_then(as_name).and_then(|text| MsgId::parse(text.trim()));
    let msg_id = msg_id.ok_or_else(|| invalid("msg_id must be the id of one push"))?;
    // One client calls it data.
    let day = match member(object, "date").or_else(|| member(object, "data")) {
        None => None,
        Some(value) => {
            let day = value.as_str().and_then(WallTime::parse_day);
            Some(day.ok_or_else(|| invalid("date must be yyyy-MM-dd"))?)
        }
    };
    Ok(Asked { msg_id, registration_ids: parse_ids(object)?, day })
}

fn parse_ids(object: &Object) -> Result<Vec<String>, Fault> {
    let wrong = || invalid("registration_ids must be a list of 1 to 1000 registration ids");
    let list = member(object, "registration_ids").and_then(Value::as_array);
    let list = list.filter(|list| (1..=REGISTRATION_IDS_MAX).contains(&list.len())).ok_or_else(wrong)?;
    list.iter().map(|id| id.as_str().map(str::to_owned).ok_or_else(wrong)).collect()
}

fn invalid(message: &'static str) -> Fault {
    Family::Report.invalid(message)
}
