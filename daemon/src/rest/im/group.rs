//! Groups and their members.

use anser_protocol::ids::GroupId;
use anser_protocol::limits::NAMES_PER_CALL_MAX;
use anser_storage::command::{Actor, Command, GroupCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use anser_storage::{Group, Member, ReadError, Snapshot, User};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::refusal::{self, of_im};
use super::{field, invalid, read_of, view};
use crate::context::{Context, Shared};
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_int, member};
use crate::rest::segment::Segment;

/// `POST /v1/groups`
pub async fn create_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let command = parse_creation(&context, &caller, field::object(&body)?)?;
    let gid = match submit(&context, command, of_im).await? {
        Answer::Group(gid) => gid,
        _ => return Err(Family::Im.internal()),
    };
    let Found { group, owner, members } = find(&context, &caller, gid).await?;
    let mut shown = view::group(gid, &group, &owner, &caller.app_key, context.config.time_zone);
    let others: Vec<_> =
        members.iter().filter(|member| !member.is_owner).map(|member| member.username.as_ref()).collect();
    shown.insert("members_username".to_owned(), json!(others));
    Ok(json_response(StatusCode::CREATED, &Value::Object(shown)))
}

fn parse_creation(context: &Context, caller: &Caller, object: &Object) -> Result<GroupCommand, Fault> {
    let rule = &context.config.users;
    // One official SDK names the members "item".
    let key = if member(object, "members_username").is_some() { "members_username" } else { "item" };
    let members = field::names(object, key, rule)?;
    if members.len() > NAMES_PER_CALL_MAX {
        return Err(invalid("members_username may hold 500 names; add more with POST /v1/groups/{gid}/members"));
    }
    Ok(GroupCommand::Create {
        app: caller.app,
        by: Actor::Server,
        owner: field::name(object, "owner_username", rule)?,
        name: field::group_name(object)?,
        description: field::description(object)?,
        avatar: field::avatar(object)?,
        is_public: parse_flag(object)?,
        members_max: None,
        members,
    })
}

/// 1 is private, 2 is public; SDKs also send 0 and null for private.
fn parse_flag(object: &Object) -> Result<bool, Fault> {
    match member(object, "flag").map(as_int) {
        None | Some(Some(0 | 1)) => Ok(false),
        Some(Some(2)) => Ok(true),
        Some(_) => Err(invalid("flag must be 1 (private) or 2 (public)")),
    }
}

/// `GET /v1/groups/{gid}`
pub async fn show_group(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
) -> Result<Response<Body>, Fault> {
    let gid = parse_gid(&gid)?;
    let Found { group, owner, .. } = find(&context, &caller, gid).await?;
    let shown = view::group(gid, &group, &owner, &caller.app_key, context.config.time_zone);
    Ok(json_response(StatusCode::OK, &Value::Object(shown)))
}

/// `GET /v1/groups/{gid}/members`
pub async fn list_members(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
) -> Result<Response<Body>, Fault> {
    let zone = context.config.time_zone;
    // Members of other apps are listed by the call across apps.
    let own = move |user: &User| view::app_key_of(&user.username).is_none().then(|| view::user(user, zone));
    let rows = members_shown(&context, &caller, &gid, own).await?;
    Ok(json_response(StatusCode::OK, &Value::Array(rows)))
}

/// With what they are in the group; those are left out of whom `view` makes nothing.
pub(super) async fn members_shown(
    context: &Context,
    caller: &Caller,
    gid: &str,
    view: impl Fn(&User) -> Option<Value> + Send + Sync + 'static,
) -> Result<Vec<Value>, Fault> {
    let (gid, app) = (parse_gid(gid)?, caller.app);
    let found = context.ledger.read(move |snapshot| {
        let Some(_) = living_group(snapshot, app, gid)? else { return Ok(None) };
        let mut rows = Vec::new();
        for member in snapshot.group_members(app, gid)? {
            if let Some(mut row) = view(&snapshot.shown_user(app, member.user)?) {
                row["flag"] = json!(u8::from(member.is_owner));
                rows.push(row);
            }
        }
        Ok(Some(rows))
    });
    found.await.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(refusal::group_unknown)
}

/// `GET /v1/users/{username}/groups`
pub async fn groups_of_user(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(username): Segment,
) -> Result<Response<Body>, Fault> {
    let groups = read_of(&context, caller.app, username, |snapshot, app, user| {
        let mut groups = Vec::new();
        for (gid, group) in snapshot.groups_of_user(app, user)? {
            let owner = snapshot.user(app, group.owner)?.map(|user| user.username).unwrap_or_default();
            groups.push((gid, group, owner));
        }
        Ok(groups)
    })
    .await?;
    let zone = context.config.time_zone;
    let rows = groups.iter().map(|(gid, group, owner)| view::group(*gid, group, owner, &caller.app_key, zone));
    Ok(json_response(StatusCode::OK, &Value::Array(rows.map(Value::Object).collect())))
}

/// `POST /v1/groups/{gid}/members`: adds first, then removals. When a removal fails, what was added stays.
pub async fn change_members(
    context: State<Shared>,
    caller: Extension<Caller>,
    Segment(gid): Segment,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let group = parse_gid(&gid)?;
    let body = body::json(Family::Im, request).await?;
    let object = field::object(&body)?;
    let rule = &context.config.users;
    let (add, remove) = (field::names(object, "add", rule)?, field::names(object, "remove", rule)?);
    if add.is_empty() && remove.is_empty() {
        return Err(invalid("add and remove are both empty"));
    }
    if add.len().max(remove.len()) > NAMES_PER_CALL_MAX {
        return Err(invalid("add and remove may hold 500 names each"));
    }
    check_all_exist(&context, &caller, group, add.iter().chain(&remove).cloned().collect()).await?;
    if !add.is_empty() {
        let command = GroupCommand::Add { app: caller.app, by: Actor::Server, group, members: add };
        submit(&context, command, of_im).await?;
    }
    if !remove.is_empty() {
        let command = GroupCommand::Remove { app: caller.app, by: Actor::Server, group, members: remove };
        submit(&context, command, refusal::of_removal).await?;
    }
    Ok(super::empty(StatusCode::NO_CONTENT))
}

/// Before anything is changed: an unknown name in either list refuses the call as a whole.
pub(super) async fn check_all_exist(
    context: &Context,
    caller: &Caller,
    gid: GroupId,
    names: Vec<String>,
) -> Result<(), Fault> {
    let app = caller.app;
    let missing = context.ledger.read(move |snapshot| {
        if living_group(snapshot, app, gid)?.is_none() {
            return Ok(Some(refusal::group_unknown()));
        }
        for name in &names {
            if let Some(refusal) = snapshot.check_person(app, name)? {
                return Ok(Some(of_im(refusal)));
            }
        }
        Ok(None)
    });
    missing.await.map_err(|error| Family::Im.unavailable(&error))?.map_or(Ok(()), Err)
}

struct Found {
    group: Group,
    owner: String,
    members: Vec<Member>,
}

async fn find(context: &Context, caller: &Caller, gid: GroupId) -> Result<Found, Fault> {
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| {
        let Some(group) = living_group(snapshot, app, gid)? else { return Ok(None) };
        let owner = snapshot.user(app, group.owner)?.map(|user| user.username).unwrap_or_default();
        let members = snapshot.group_members(app, gid)?;
        Ok(Some(Found { group, owner, members }))
    });
    found.await.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(refusal::group_unknown)
}

fn living_group(snapshot: &Snapshot, app: AppNumber, gid: GroupId) -> Result<Option<Group>, ReadError> {
    Ok(snapshot.group(app, gid)?.filter(|group| !group.is_dissolved))
}

pub(super) async fn submit(
    context: &Context,
    command: GroupCommand,
    code_of: impl FnOnce(Refusal) -> Fault,
) -> Result<Answer, Fault> {
    let outcome =
        context.ledger.submit(Command::Group(command)).await.map_err(|error| Family::Im.unavailable(&error))?;
    outcome.answer.map_err(code_of)
}

/// Digits that no group can have mean a group that does not exist.
pub fn parse_gid(text: &str) -> Result<GroupId, Fault> {
    if text.is_empty() || text.len() > 20 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("the group id must be a number"));
    }
    text.parse().map(GroupId).map_err(|_| refusal::group_unknown())
}
