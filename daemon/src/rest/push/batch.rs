//! Many pushes to one device or alias each, in one call.

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Map, Value, json};

use super::cid::{CidType, Cids};
use super::object::{Form, TargetKind};
use super::send::{Mode, check, send};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_object, member};

const ITEMS_MAX: usize = 1000;
/// A thousand items with a notification and a message each.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Items of a call that are under way at a time: enough to fill a commit, and no flood of the writer's queue.
const AT_ONCE: usize = 32;

/// `POST /v3/push/batch/regid/single`
pub async fn to_registration_ids(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    batch(&context, &caller, request, TargetKind::RegistrationId).await
}

/// `POST /v3/push/batch/alias/single`
pub async fn to_aliases(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    batch(&context, &caller, request, TargetKind::Alias).await
}

/// Mistakes in an item are answered with the item; the others are sent.
async fn batch(
    context: &Context,
    caller: &Caller,
    request: Request,
    kind: TargetKind,
) -> Result<Response<Body>, Fault> {
    let body = body::json_within(Family::Push, request, BODY_BYTES_MAX).await?;
    let items = items(&body)?;
    let results = items.into_iter().map(|(cid, item)| async {
        let result = push_item(context, caller, &cid, item, kind).await;
        (cid, result.unwrap_or_else(|fault| fault.to_json()))
    });
    let results: Map<String, Value> = stream::iter(results).buffer_unordered(AT_ONCE).collect().await;
    Ok(json_response(StatusCode::OK, &Value::Object(results)))
}

fn items(body: &Value) -> Result<Object, Fault> {
    let Value::Object(object) = body else { return Err(Family::Push.invalid("the request body must be an object")) };
    let Some(list) = member(object, "pushlist") else {
        return Err(Fault::new(StatusCode::BAD_REQUEST, 1002, "pushlist is missing"));
    };
    as_object(list)
        .filter(|items| (1..=ITEMS_MAX).contains(&items.len()))
        .ok_or_else(|| Family::Push.invalid("pushlist must be an object of 1 to 1000 pushes by their cids"))
}

async fn push_item(
    context: &Context,
    caller: &Caller,
    cid: &str,
    item: Value,
    kind: TargetKind,
) -> Result<Value, Fault> {
    let mut push = check(context, &caller.app_key, &item, Form::Single(kind))?;
    if !Cids::new(&context.keys).is_valid(cid, &caller.app_key, CidType::Push, now_ms()) {
        return Err(Family::Push.invalid("cid is not one that GET /v3/push/cid gave this app within a day"));
    }
    push.cid = Some(cid.to_owned());
    let accepted = send(context, caller.app, push, Mode::Send).await?;
    Ok(json!({"msg_id": accepted.msg_id.to_string()}))
}
