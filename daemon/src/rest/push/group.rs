//! `POST /v3/grouppush`: one push to every app of a group, each by itself.

use anser_storage::command::{AccountCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};
use tokio::task::JoinSet;

use super::object::PushObject;
use super::{Mode, check, refusal, send};
use crate::context::{Context, Shared};
use crate::rest::access::{GroupCaller, Signer};
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};

/// What is wrong with the object itself is told once; what an app makes of it, under the app's key.
pub async fn submit_to_group(
    context: State<Shared>,
    caller: Extension<GroupCaller>,
    signer: Extension<Signer>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Push, request).await?;
    if !body["options"]["override_msg_id"].is_null() {
        return Err(Family::Push.invalid("options.override_msg_id: a push to a group replaces none"));
    }
    let push = check(&context, &signer.0.0, &body)?;
    let command = Command::Account(AccountCommand::PushToAppGroup { key: caller.key.clone() });
    let outcome = context.ledger.submit(command).await.map_err(|_| Family::Push.busy())?;
    let (msg_id, apps) = match outcome.answer {
        Ok(Answer::AppGroup { msg_id, apps }) => (msg_id, apps),
        Err(Refusal::AccountUnknown) => return Err(Family::Push.wrong_credentials()),
        Err(refusal) => return Err(refusal::of_push(refusal)),
        Ok(_) => return Err(Family::Push.internal()),
    };
    // All at once: the writer puts what waits into one commit.
    let mut pushes = JoinSet::new();
    for app in apps {
        let (context, push) = (context.0.clone(), push.clone());
        pushes.spawn(async move { push_to_app(&context, app, push).await });
    }
    let mut answer = Map::new();
    while let Some(pushed) = pushes.join_next().await {
        let (app_key, of_app) = pushed.map_err(|_| Family::Push.internal())??;
        answer.insert(app_key, of_app);
    }
    answer.insert("group_msgid".to_owned(), Value::String(msg_id.to_string()));
    Ok(json_response(StatusCode::OK, &Value::Object(answer)))
}

async fn push_to_app(context: &Context, app: AppNumber, push: PushObject) -> Result<(String, Value), Fault> {
    let found = context.ledger.read(move |snapshot| snapshot.app(app)).await.map_err(|_| Family::Push.busy())?;
    let app_key = found.map(|app| app.app_key);
    let answer = send(context, app, push, Mode::Send).await.unwrap_or_else(|fault| fault.to_json());
    // Deleted this moment: the number is all that is left of it.
    Ok((app_key.unwrap_or_else(|| app.0.to_string()), answer))
}
