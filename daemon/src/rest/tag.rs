//! Tags as app servers see them.

use std::collections::BTreeSet;

use anser_protocol::content::Platform;
use anser_storage::command::{Command, LabelCommand};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::outcome::Answer;
use axum::body::Body;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::access::Caller;
use super::device::{device_number, devices_of_lists, invalid, parse_registration_ids, submit};
use super::family::Family;
use super::fault::{Fault, json_response};
use super::lenient::member;
use super::segment::Segment;
use super::{body, path};
use crate::context::{Context, Shared};
use crate::label::is_label;

const TAGS_PER_PLATFORM_MAX: usize = 100;
/// Devices that one command changes.
const DEVICES_PER_COMMAND_MAX: usize = 1000;

/// `GET /v3/tags`
pub async fn list(context: State<Shared>, caller: Extension<Caller>) -> Result<Response<Body>, Fault> {
    let app = caller.app;
    let tags = context.ledger.read(move |snapshot| snapshot.tags_of_app(app, TAGS_PER_PLATFORM_MAX)).await;
    let tags = tags.map_err(|error| Family::Device.unavailable(&error))?;
    Ok(json_response(StatusCode::OK, &json!({"tags": tags})))
}

/// `GET /v3/tags/{tag}/registration_ids/{registration_id}`
pub async fn check(
    context: State<Shared>,
    caller: Extension<Caller>,
    segments: Result<Path<(String, String)>, axum::extract::rejection::PathRejection>,
) -> Result<Response<Body>, Fault> {
    let Path((tag, registration_id)) = segments.map_err(|_| invalid("the path is not UTF-8"))?;
    let device = device_number(&context, &caller, registration_id).await?;
    let app = caller.app;
    let has = context.ledger.read(move |snapshot| snapshot.has_tag(app, device, &tag)).await;
    Ok(json_response(StatusCode::OK, &json!({"result": has.map_err(|error| Family::Device.unavailable(&error))?})))
}

/// `POST /v3/tags/{tag}`
pub async fn change(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(tag): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Device, request).await?;
    if !is_label(&tag) {
        return Err(invalid("a tag is 1 to 40 bytes of letters, digits, Chinese characters or _@!#$&*+=.|￥"));
    }
    let lists = body.as_object().and_then(|object| member(object, "registration_ids")).and_then(Value::as_object);
    let lists = lists.ok_or_else(|| invalid("registration_ids must be an object with add and remove"))?;
    let lists = [parse_registration_ids(lists, "add")?, parse_registration_ids(lists, "remove")?];
    if lists.iter().all(Vec::is_empty) {
        return Err(invalid("registration_ids must name devices to add or to remove"));
    }
    let [add, remove] = devices_of_lists(&context, caller.app, lists).await?;
    for command in changes(caller.app, &tag, add, remove) {
        submit(&context, Command::Label(command)).await?;
    }
    Ok(json_response(StatusCode::OK, &json!({})))
}

/// One command where one is enough. Of two, only the first can be refused, and then nothing has been changed.
fn changes(app: AppNumber, tag: &str, add: Vec<DeviceNumber>, remove: Vec<DeviceNumber>) -> Vec<LabelCommand> {
    let change = |add, remove| LabelCommand::ChangeTag { app, tag: tag.to_owned(), remove, add };
    if add.len() + remove.len() <= DEVICES_PER_COMMAND_MAX {
        return vec![change(add, remove)];
    }
    // Who is in both lists has the tag afterwards.
    let added: BTreeSet<DeviceNumber> = add.iter().copied().collect();
    let remove = remove.into_iter().filter(|device| !added.contains(device)).collect();
    vec![change(add, Vec::new()), change(Vec::new(), remove)]
}

/// `DELETE /v3/tags/{tag}`
pub async fn remove(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(tag): Segment,
    uri: Uri,
) -> Result<Response<Body>, Fault> {
    let platforms = path::query_platforms(&uri, Family::Device)?;
    let app = caller.app;
    if platforms.is_empty() {
        if submit(&context, Command::Label(LabelCommand::DeleteTag { app, tag })).await? == Answer::Continue {
            context.clearing.begin(&context.ledger, app);
        }
    } else {
        // A caller who does not wait must not leave half of it.
        let context = context.0.clone();
        let removing = tokio::spawn(async move { remove_on(&context, app, &tag, platforms).await });
        removing.await.map_err(|_| Family::Device.internal())??;
    }
    Ok(json_response(StatusCode::OK, &json!({})))
}

async fn remove_on(context: &Context, app: AppNumber, tag: &str, platforms: Vec<Platform>) -> Result<(), Fault> {
    let mut from_chunk = 0;
    loop {
        let (tag, platforms) = (tag.to_owned(), platforms.clone());
        match submit(context, Command::Label(LabelCommand::DeleteTagOn { app, tag, platforms, from_chunk })).await? {
            Answer::ContinueFrom { chunk } => from_chunk = chunk,
            _ => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_more_devices_than_one_command_takes_adds_first() {
        let devices = |range: std::ops::Range<u32>| range.map(DeviceNumber).collect::<Vec<_>>();
        let change = |remove, add| LabelCommand::ChangeTag { app: AppNumber(1), tag: "t".to_owned(), remove, add };
        let one = changes(AppNumber(1), "t", devices(0..500), devices(400..900));
        assert_eq!(one, [change(devices(400..900), devices(0..500))]);
        let two = changes(AppNumber(1), "t", devices(0..1000), devices(999..1002));
        assert_eq!(two, [change(vec![], devices(0..1000)), change(devices(1000..1002), vec![])]);
    }
}
