//! Push objects that are sent later: checked when they are given, resolved when they are due.

use anser_storage::command::Submit;
use serde_json::Value;

use super::object::{Form, PushObject};
use super::send::{Mode, check, submission};
use crate::context::Context;
use crate::rest::access::Caller;
use crate::rest::fault::Fault;

/// Everything but who is reached.
pub fn check_later(context: &Context, push: &Value) -> Result<(), Fault> {
    parse(context, push).map(drop)
}

/// For the moment of sending: who is connected now matters to a push without lifetime.
pub async fn submission_later(context: &Context, caller: &Caller, push: &Value) -> Result<Submit, Fault> {
    submission(context, caller.app, parse(context, push)?, Mode::Send).await
}

/// Is it a push to an uploaded list?
pub fn is_to_file(push: &Value) -> bool {
    push["audience"]["file"].is_object()
}

/// A cid in here names nothing: the schedule has its own.
fn parse(context: &Context, push: &Value) -> Result<PushObject, Fault> {
    let mut push = push.clone();
    if let Some(object) = push.as_object_mut() {
        object.remove("cid");
    }
    check(context, "", &push, Form::Later)
}
