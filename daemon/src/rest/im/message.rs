//! Messages sent by app servers.

use anser_protocol::content::Content;
use anser_protocol::extension::tag;
use anser_protocol::limits::MESSAGE_BODY_BYTES_MAX;
use anser_storage::command::{Command, Origin, Send, Target};
use anser_storage::outcome::Answer;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::group::parse_gid;
use super::refusal::{self, of_im};
use super::room::parse_room_id;
use super::{field, invalid};
use crate::context::{Context, Shared};
use crate::message_check;
use crate::rest::access::Caller;
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::lenient::{Object, as_int, as_name, as_object, member};

/// `POST /v1/messages`
pub async fn send_message(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Im, request).await?;
    let order = Order::parse(&context, field::object(&body)?)?;
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

/// A message to be sent, before its sender is looked up.
struct Order {
    from: String,
    as_admin: bool,
    target: Target,
    content: Content,
}

impl Order {
    fn parse(context: &Context, object: &Object) -> Result<Self, Fault> {
        if member(object, "version").and_then(as_int) != Some(1) {
            return Err(invalid("version must be 1"));
        }
        let as_admin = match text(object, "from_type")?.as_str() {
            "admin" => true,
            "user" => false,
            _ => return Err(invalid("from_type must be admin or user")),
        };
        let target = parse_target(context, object)?;
        let from = field::name(object, "from_id", &context.config.users)?;
        let content = parse_content(object).map_err(|fault| refusal::in_target(fault, &target))?;
        Ok(Self { from, as_admin, target, content })
    }

    async fn command(self, context: &Context, caller: &Caller) -> Result<Send, Fault> {
        let (app, name) = (caller.app, self.from.clone());
        let found = context.ledger.read(move |snapshot| snapshot.user_by_name(app, &name)).await;
        let (from, user) =
            found.map_err(|error| Family::Im.unavailable(&error))?.ok_or_else(|| refusal::no_such_user(&self.from))?;
        if self.as_admin && !user.is_admin {
            return Err(refusal::not_an_admin());
        }
        let origin = Origin::Server { as_admin: self.as_admin };
        Ok(Send { app, from, origin, target: self.target, content: self.content })
    }
}

fn parse_target(context: &Context, object: &Object) -> Result<Target, Fault> {
    match text(object, "target_type")?.as_str() {
        "single" => Ok(Target::User(field::name(object, "target_id", &context.config.users)?)),
        "group" => parse_gid(&text(object, "target_id")?).map(Target::Group),
        "chatroom" => parse_room_id(&text(object, "target_id")?).map(Target::Room),
        _ => Err(invalid("target_type must be single, group or chatroom")),
    }
}

fn parse_content(object: &Object) -> Result<Content, Fault> {
    let kind = text(object, "msg_type")?;
    let body = member(object, "msg_body").and_then(as_object).ok_or_else(|| invalid("msg_body must be an object"))?;
    if Value::Object(body.clone()).to_string().len() > MESSAGE_BODY_BYTES_MAX {
        return Err(refusal::body_too_long());
    }
    if kind != "text" {
        return Err(invalid(format!(
            "msg_type {} is not supported: send text",
            kind.chars().take(20).collect::<String>()
        )));
    }
    let text = member(&body, "text").and_then(Value::as_str).ok_or_else(|| invalid("msg_body.text must be a text"))?;
    let mut content = Content::text(text);
    if let Some(extras) = member(&body, "extras") {
        let extras = as_object(extras).ok_or_else(|| invalid("msg_body.extras must be an object"))?;
        if !extras.is_empty() {
            content.extensions = content.extensions.with(tag::EXTRAS, Value::Object(extras).to_string().into_bytes());
        }
    }
    Ok(content)
}

fn text(object: &Object, key: &str) -> Result<String, Fault> {
    member(object, key).and_then(as_name).ok_or_else(|| invalid(format!("{key} is missing")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_extras() {
        let content =
            parse(json!({"msg_type": "text", "msg_body": {"text": "hi", "extras": {"k": 1}}})).expect("valid");
        assert_eq!(content.as_text(), Some("hi"));
        assert_eq!(content.extensions.value(tag::EXTRAS), Some(br#"{"k":1}"#.as_slice()));
    }

    #[test]
    fn a_body_that_is_too_long_has_a_code_of_its_own() {
        let long = json!({"msg_type": "text", "msg_body": {"text": "x".repeat(4096)}});
        assert_eq!(parse(long).expect_err("too long").code, 803_007);
        assert_eq!(parse(json!({"msg_type": "text", "msg_body": "x"})).expect_err("no object").code, 899_003);
        assert_eq!(parse(json!({"msg_type": "text", "msg_body": {}})).expect_err("no text").code, 899_003);
    }

    fn parse(body: Value) -> Result<Content, Fault> {
        parse_content(body.as_object().expect("an object"))
    }
}
