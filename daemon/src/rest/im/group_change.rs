//! What app servers change of groups besides their members, and the list of all groups.

use anser_protocol::ids::GroupId;
use anser_protocol::limits::NAMES_PER_CALL_MAX;
use anser_storage::command::{Actor, Command, GroupCommand, GroupOrder, Order};
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{GroupClass, GroupPage};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode, Uri};
use serde_json::{Value, json};

use super::across::full_name;
use super::group::{check_all_exist, parse_gid, submit};
use super::page::Page;
use super::refusal::{self, of_im};
use super::{empty, field, invalid, view};
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_bool, as_name, member};
use crate::rest::path::query_value;
use crate::rest::segment::Segment;

const GROUPS_PER_PAGE_MAX: usize = 500;

/// `GET /v1/groups`
pub async fn list_groups(context: State<Shared>, caller: Extension<Caller>, uri: Uri) -> Result<Response<Body>, Fault> {
    let Page { start, count } = Page::parse(&uri, GROUPS_PER_PAGE_MAX)?;
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| {
        let GroupPage { total, groups } = snapshot.group_page(app, GroupClass::Any, start, count)?;
        let mut shown = Vec::with_capacity(groups.len());
        for (gid, group) in groups {
            let owner = snapshot.user(app, group.owner)?.map(|user| user.username).unwrap_or_default();
            shown.push((gid, group, owner));
        }
        Ok((total, shown))
    });
    let (total, groups) = found.await.map_err(|error| Family::Im.unavailable(&error))?;
    let zone = context.config.time_zone;
    let rows: Vec<Value> = groups
        .iter()
        .map(|(gid, group, owner)| Value::Object(view::group(*gid, group, owner, &caller.app_key, zone)))
        .collect();
    let shown = json!({"total": total, "start": start, "count": rows.len(), "groups": rows});
    Ok(json_response(StatusCode::OK, &shown))
}

/// `PUT /v1/groups/{gid}`
pub async fn change_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let group = parse_gid(&gid)?;
    let body = body::json(Family::Im, request).await?;
    let object = field::object(&body)?;
    let has = |key: &str| member(object, key).is_some();
    if !["name", "desc", "avatar"].into_iter().any(has) {
        return Err(invalid("name, desc or avatar is expected"));
    }
    let order = Order::Edit {
        name: has("name").then(|| field::group_name(object)).transpose()?,
        description: has("desc").then(|| field::description(object)).transpose()?,
        avatar: has("avatar").then(|| field::avatar(object)).transpose()?,
    };
    give(&context, &caller, group, order).await
}

/// `DELETE /v1/groups/{gid}`
pub async fn dissolve_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
) -> Result<Response<Body>, Fault> {
    let group = parse_gid(&gid)?;
    submit(&context, GroupCommand::Dissolve { app: caller.app, by: Actor::Server, group }, of_im).await?;
    // It is gone; what a large one leaves goes behind that.
    context.clearing.begin_departed(&context.ledger, caller.app);
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST /v2/groups/{gid}/addMembers`
pub async fn add_members(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let (group, members) = parse_names(&context, &gid, request).await?;
    check_all_exist(&context, &caller, group, members.clone()).await?;
    submit(&context, GroupCommand::Add { app: caller.app, by: Actor::Server, group, members }, of_im).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `POST /v2/groups/{gid}/delMembers`
pub async fn remove_members(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let (group, members) = parse_names(&context, &gid, request).await?;
    check_all_exist(&context, &caller, group, members.clone()).await?;
    let command = GroupCommand::Remove { app: caller.app, by: Actor::Server, group, members };
    submit(&context, command, refusal::of_removal).await?;
    Ok(empty(StatusCode::NO_CONTENT))
}

/// `PUT /v1/groups/messages/{gid}/silence`
pub async fn silence(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let status = query_value(request.uri(), "status").map(|text| Value::String(text.into_owned()));
    let status = status.as_ref().and_then(as_bool).ok_or_else(|| invalid("status must be true or false"))?;
    let (group, names) = parse_names(&context, &gid, request).await?;
    let order = if status { Order::Silence { names, for_ms: None } } else { Order::LiftSilence { names } };
    give(&context, &caller, group, order).await
}

/// `PUT /v1/groups/owner/{gid}`
pub async fn transfer_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let group = parse_gid(&gid)?;
    let body = body::json(Family::Im, request).await?;
    let object = field::object(&body)?;
    let to = field::name(object, "username", &context.config.users)?;
    let to = full_name(&caller, &to, &parse_app_key(&caller, object)?);
    give(&context, &caller, group, Order::Transfer { to }).await
}

/// For a member of another app; SDKs say the own one as well.
fn parse_app_key(caller: &Caller, object: &Object) -> Result<String, Fault> {
    let Some(value) = field::app_key(object) else { return Ok(caller.app_key.clone()) };
    let key = as_name(value).ok_or_else(|| invalid("appkey must be a text"))?.to_ascii_lowercase();
    Ok(if key.is_empty() { caller.app_key.clone() } else { key })
}

async fn parse_names(context: &Context, gid: &str, request: Request) -> Result<(GroupId, Vec<String>), Fault> {
    let group = parse_gid(gid)?;
    let body = body::json(Family::Im, request).await?;
    Ok((group, field::name_list(&body, NAMES_PER_CALL_MAX, &context.config.users)?))
}

async fn give(context: &Context, caller: &Caller, group: GroupId, order: Order) -> Result<Response<Body>, Fault> {
    let command = Command::GroupOrder(GroupOrder { app: caller.app, by: Actor::Server, group, order });
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Im.unavailable(&error))?;
    let answer: Result<Answer, Refusal> = outcome.answer;
    answer.map_err(of_im)?;
    Ok(empty(StatusCode::NO_CONTENT))
}
