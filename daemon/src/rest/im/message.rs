//! Messages sent by app servers.

use anser_protocol::content::Content;
use anser_protocol::ids::Position;
use anser_protocol::names::guest_name;
use anser_storage::command::{Actor, Amend, Amended, Command, Origin, Send, Target};
use anser_storage::outcome::Answer;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::group::parse_gid;
use super::refusal::{self, of_im};
use super::room::parse_room_id;
use super::{content, empty, field, invalid};
use crate::context::{Context, Shared};
use crate::message_check;
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_int, as_name, member};

/// `POST /v1/messages`
pub async fn send_message(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let (body, text) = body::json_and_text(Family::Im, request).await?;
    let order = Order::parse(&context, field::object(&body)?, &text)?;
    let command = order.command(&context, &caller).await?;
    let refusal = message_check::refusal(&context.app_servers, &context.ledger, &command).await;
    if let Some(refusal) = refusal.map_err(|error| Family::Im.unavailable(&error))? {
        return Err(of_im(refusal));
    }
    let outcome =
        context.ledger.submit(Command::Send(command)).await.map_err(|error| Family::Im.unavailable(&error))?;
    match outcome.answer.map_err(of_im)? {
        Answer::Sent { position, at_ms, .. } => {
            Ok(json_response(StatusCode::CREATED, &json!({"msg_id": position.0, "msg_ctime": at_ms})))
        }
        _ => Err(Family::Im.internal()),
    }
}

/// `POST /v1/messages/{username}/{msgid}/retract`; what its body says is in the path already.
pub async fn retract_message(
    context: State<Shared>,
    caller: Extension<Caller>,
    pieces: Result<Path<(String, String)>, PathRejection>,
) -> Result<Response<Body>, Fault> {
    let Path((username, msgid)) = pieces.map_err(|_| invalid("the path is not UTF-8"))?;
    field::path_name(&username, &context.config.users)?;
    if msgid.is_empty() || !msgid.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("msgid must be a number"));
    }
    let (app, name) = (caller.app, username.clone());
    let found = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &name)).await;
    let (user, _) =
        found.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(|| refusal::no_such_user(&username))?;
    let command = Command::Amend(Amend {
        app,
        by: Actor::User(user),
        through_server: true,
        // No message has a number that is too long for one.
        message: Position(msgid.parse().unwrap_or(u64::MAX)),
        what: Amended::Retracted,
        within_ms: Some(u64::from(context.config.limits.retract_seconds) * 1000),
    });
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Im.unavailable(&error))?;
    match outcome.answer.map_err(of_im)? {
        Answer::Amended { is_repeat: false, .. } => Ok(empty(StatusCode::NO_CONTENT)),
        Answer::Amended { is_repeat: true, .. } => Err(refusal::already_retracted()),
        _ => Err(Family::Im.internal()),
    }
}

/// A message to be sent, before its sender is looked up.
struct Order {
    from: String,
    as_admin: bool,
    target: Target,
    /// The app of the target, where it was named.
    target_app: Option<String>,
    content: Content,
}

impl Order {
    fn parse(context: &Context, object: &Object, text: &[u8]) -> Result<Self, Fault> {
        if member(object, "version").and_then(as_int) != Some(1) {
            return Err(invalid("version must be 1"));
        }
        let as_admin = match field::required(object, "from_type")?.as_str() {
            "admin" => true,
            "user" => false,
            _ => return Err(invalid("from_type must be admin or user")),
        };
        let target = parse_target(context, object)?;
        let from = field::name(object, "from_id", &context.config.users)?;
        let content = content::parse(object, text).map_err(|fault| refusal::in_target(fault, &target))?;
        let target_app = member(object, "target_appkey").and_then(as_name).filter(|key| !key.is_empty());
        Ok(Self { from, as_admin, target, target_app, content })
    }

    async fn command(self, context: &Context, caller: &Caller) -> Result<Send, Fault> {
        let target = match self.target_app.map(|key| key.to_ascii_lowercase()) {
            Some(key) if key != caller.app_key => of_other_app(self.target, key),
            _ => self.target,
        };
        let (app, name) = (caller.app, self.from.clone());
        let found = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &name)).await;
        let (from, user) =
            found.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(|| refusal::no_such_user(&self.from))?;
        if self.as_admin && !user.is_admin {
            return Err(refusal::not_an_admin());
        }
        let origin = Origin::Server { as_admin: self.as_admin };
        Ok(Send { app, from, origin, target, content: self.content })
    }
}

fn of_other_app(target: Target, app_key: String) -> Target {
    match target {
        Target::User(name) => Target::User(guest_name(&name, &app_key)),
        Target::Group(group) => Target::GroupOf { app_key, group },
        Target::Room(room) => Target::RoomOf { app_key, room },
        of_another => of_another,
    }
}

fn parse_target(context: &Context, object: &Object) -> Result<Target, Fault> {
    match field::required(object, "target_type")?.as_str() {
        "single" => Ok(Target::User(field::name(object, "target_id", &context.config.users)?)),
        "group" => parse_gid(&field::required(object, "target_id")?).map(Target::Group),
        "chatroom" => parse_room_id(&field::required(object, "target_id")?).map(Target::Room),
        _ => Err(invalid("target_type must be single, group or chatroom")),
    }
}
