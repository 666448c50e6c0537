//! Devices as app servers see them: tags, alias, mobile number.

use std::collections::BTreeSet;

use anser_protocol::limits::{REGISTRATION_ID_BYTES_MAX, TAGS_PER_DEVICE_MAX};
use anser_storage::command::{Command, DeviceChange, DeviceCommand};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Caller;
use super::body;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::lenient::{Object, as_name, member};
use super::segment::Segment;
use crate::context::{Context, Shared};
use crate::label::is_label;

/// In one list of one call.
const TAGS_PER_LIST_MAX: usize = 100;
const TAG_BYTES_PER_LIST_MAX: usize = 1000;
const REGISTRATION_IDS_PER_LIST_MAX: usize = 1000;
const MOBILE_BYTES_MAX: usize = 20;

/// `GET /v3/devices/{registration_id}`
pub async fn show(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(registration_id): Segment,
) -> Result<Response<Body>, Fault> {
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| {
        let Some((number, device)) = snapshot.device_by_registration_id(app, &registration_id)? else {
            return Ok(None);
        };
        Ok(Some((device, snapshot.tags_of_device(app, number)?)))
    });
    let (device, tags) = found.await.map_err(|error| Family::Device.unavailable(&error))?.ok_or_else(unknown_device)?;
    let shown = |text: Option<String>| match text {
        None if context.config.push.null_for_unset => Value::Null,
        text => Value::String(text.unwrap_or_default()),
    };
    let body = json!({
        "tags": tags,
        "alias": shown(device.alias),
        "mobile": shown(device.mobile),
    });
    Ok(json_response(StatusCode::OK, &body))
}

/// `POST /v3/devices/{registration_id}`
pub async fn update(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(registration_id): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Device, request).await?;
    let change = parse_change(&body)?;
    let device = device_number(&context, &caller, registration_id).await?;
    let command = Command::Device(DeviceCommand::Update { app: caller.app, device, change });
    changed(&context, command).await
}

/// Carries out a change of devices, tags or aliases, of whose success there is nothing to tell.
pub(super) async fn changed(context: &Context, command: Command) -> Result<Response<Body>, Fault> {
    submit(context, command).await?;
    Ok(json_response(StatusCode::OK, &json!({})))
}

pub(super) async fn submit(context: &Context, command: Command) -> Result<Answer, Fault> {
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Device.unavailable(&error))?;
    outcome.answer.map_err(of_device)
}

pub(super) async fn device_number(
    context: &Context,
    caller: &Caller,
    registration_id: String,
) -> Result<DeviceNumber, Fault> {
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| snapshot.device_by_registration_id(app, &registration_id)).await;
    found.map_err(|error| Family::Device.unavailable(&error))?.map(|(number, _)| number).ok_or_else(unknown_device)
}

/// The devices of the two lists of registration ids; one unknown id refuses the whole.
pub(super) async fn devices_of_lists(
    context: &Context,
    app: AppNumber,
    lists: [Vec<String>; 2],
) -> Result<[Vec<DeviceNumber>; 2], Fault> {
    let asked = lists.clone();
    let read = context
        .ledger
        .read(move |snapshot| Ok([snapshot.device_numbers(app, &asked[0])?, snapshot.device_numbers(app, &asked[1])?]));
    let numbers = read.await.map_err(|error| Family::Device.unavailable(&error))?;
    let mut illegal_rids = BTreeSet::new();
    let devices = [0, 1].map(|list| {
        let known = lists[list].iter().zip(&numbers[list]).filter_map(|(id, number)| {
            if number.is_none() {
                illegal_rids.insert(id.clone());
            }
            *number
        });
        known.collect()
    });
    if illegal_rids.is_empty() {
        return Ok(devices);
    }
    let illegal_rids = illegal_rids.into_iter().collect();
    let fault =
        Fault::new(StatusCode::BAD_REQUEST, 7013, "some registration ids are not of this app; nothing was changed");
    Err(Fault { illegal_rids, ..fault })
}

/// A list of `registration_ids`; nothing for one that is absent.
pub(super) fn parse_registration_ids(lists: &Object, name: &str) -> Result<Vec<String>, Fault> {
    let Some(value) = member(lists, name) else { return Ok(Vec::new()) };
    let items = value.as_array().filter(|items| items.len() <= REGISTRATION_IDS_PER_LIST_MAX);
    let items = items.ok_or_else(|| invalid(format!("registration_ids.{name} must be a list of at most 1000")))?;
    let ids: Vec<String> = items.iter().filter_map(as_name).filter(|id| is_registration_id(id)).collect();
    if ids.len() < items.len() {
        return Err(invalid(format!("registration_ids.{name}: each must be a text of 1 to 64 bytes")));
    }
    Ok(ids)
}

pub(crate) fn is_registration_id(id: &str) -> bool {
    (1..=REGISTRATION_ID_BYTES_MAX).contains(&id.len())
}

/// Absent and null members leave things as they are.
fn parse_change(body: &Value) -> Result<DeviceChange, Fault> {
    let Value::Object(object) = body else { return Err(invalid("the request body must be an object")) };
    let mut change = DeviceChange::default();
    match member(object, "tags") {
        None => {}
        Some(Value::String(text)) if text.is_empty() => change.clear_tags = true,
        Some(Value::Object(lists)) => {
            change.add_tags = parse_tags(lists, "add")?;
            change.remove_tags = parse_tags(lists, "remove")?;
        }
        Some(_) => return Err(invalid("tags must be an object with add and remove, or \"\" to clear")),
    }
    change.alias = parse_alias(object)?;
    change.mobile = parse_mobile(object)?;
    Ok(change)
}

fn parse_tags(lists: &Object, name: &str) -> Result<Vec<String>, Fault> {
    let Some(value) = member(lists, name) else { return Ok(Vec::new()) };
    let items = value.as_array().ok_or_else(|| invalid(format!("tags.{name} must be a list")))?;
    let tags: Vec<String> = items.iter().filter_map(as_name).filter(|tag| is_label(tag)).collect();
    if tags.len() < items.len() {
        return Err(invalid(format!(
            "tags.{name}: each must be 1 to 40 bytes of letters, digits, Chinese characters or _@!#$&*+=.|￥"
        )));
    }
    if tags.len() > TAGS_PER_LIST_MAX || tags.iter().map(String::len).sum::<usize>() > TAG_BYTES_PER_LIST_MAX {
        return Err(invalid(format!("tags.{name} may hold 100 tags and 1000 bytes")));
    }
    Ok(tags)
}

fn parse_alias(object: &Object) -> Result<Option<String>, Fault> {
    match member(object, "alias") {
        None => Ok(None),
        Some(Value::String(alias)) if alias.is_empty() || is_label(alias) => Ok(Some(alias.clone())),
        Some(_) => Err(invalid("alias must be a text of 1 to 40 bytes, or \"\" to unbind")),
    }
}

fn parse_mobile(object: &Object) -> Result<Option<String>, Fault> {
    let Some(value) = member(object, "mobile") else { return Ok(None) };
    match as_name(value).filter(|mobile| is_mobile(mobile)) {
        Some(mobile) => Ok(Some(mobile)),
        None => Err(invalid("mobile must be at most 20 digits with an optional +, or \"\" to clear")),
    }
}

/// Empty clears.
pub(crate) fn is_mobile(mobile: &str) -> bool {
    let digits = mobile.strip_prefix('+').unwrap_or(mobile);
    mobile.len() <= MOBILE_BYTES_MAX
        && (mobile.is_empty() || (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())))
}

pub(super) fn of_device(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::DeviceUnknown | Refusal::RegistrationIdUnknown => unknown_device(),
        Refusal::TooManyTags => invalid(format!("a device may have {TAGS_PER_DEVICE_MAX} tags")),
        Refusal::AliasFull => {
            Fault::new(StatusCode::BAD_REQUEST, 7015, "the alias is bound to as many devices as it may be")
        }
        Refusal::NotATestDevice => invalid("the device is not a test device: add it first"),
        Refusal::TooManyTestDevices => invalid("an app may have 1000 test devices"),
        Refusal::AppUnknown => Fault::new(StatusCode::BAD_REQUEST, 7008, "the app does not exist any more"),
        _ => Family::Device.internal(),
    }
}

pub(super) fn unknown_device() -> Fault {
    invalid("the registration id is not one of this app")
}

pub(super) fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Family::Device.invalid(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_members_change_nothing_and_empty_ones_clear() {
        assert_eq!(parse_change(&json!({})), Ok(DeviceChange::default()));
        assert_eq!(parse_change(&json!({"tags": {}, "alias": null, "mobile": null})), Ok(DeviceChange::default()));
        let cleared = DeviceChange {
            clear_tags: true,
            alias: Some(String::new()),
            mobile: Some(String::new()),
            ..DeviceChange::default()
        };
        assert_eq!(parse_change(&json!({"tags": "", "alias": "", "mobile": ""})), Ok(cleared));
    }

    #[test]
    fn what_is_wrong_is_7002() {
        let long: Vec<_> = (0..101).map(|number| format!("t{number}")).collect();
        for wrong in [
            json!([]),
            json!({"tags": "x"}),
            json!({"tags": {"add": "x"}}),
            json!({"tags": {"add": ["a b"]}}),
            json!({"tags": {"add": long}}),
            json!({"alias": 7}),
            json!({"alias": "a b"}),
            json!({"mobile": "+"}),
            json!({"mobile": "12a"}),
        ] {
            assert_eq!(parse_change(&wrong).map_err(|fault| fault.code), Err(7002), "{wrong}");
        }
        assert_eq!(
            parse_change(&json!({"mobile": 13_012_345_678_u64})).expect("digits").mobile.as_deref(),
            Some("13012345678")
        );
    }
}
