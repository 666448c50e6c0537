//! `POST /v3/grouppush`: one push to every app of a group, each by itself.

use anser_storage::command::{AccountCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};

use super::{Form, Mode, check, refusal, send};
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
    let push = check(&context, &signer.0.0, &body, Form::Push)?;
    let command = Command::Account(AccountCommand::PushToAppGroup { key: caller.key.clone() });
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Push.unavailable(&error))?;
    let (msg_id, apps) = match outcome.answer {
        Ok(Answer::AppGroup { msg_id, apps }) => (msg_id, apps),
        Err(Refusal::AccountUnknown) => return Err(Family::Push.wrong_credentials()),
        Err(refusal) => return Err(refusal::of_push(refusal)),
        Ok(_) => return Err(Family::Push.internal()),
    };
    let names = app_keys(&context, apps).await?;
    // All at once, so that the writer puts what waits into one commit; and each to its end, whether or not the caller
    // waits for it.
    let pushes: Vec<_> = names
        .into_iter()
        .map(|(app, app_key)| {
            let (context, push) = (context.0.clone(), push.clone());
            (app_key, tokio::spawn(async move { send(&context, app, push, Mode::Send).await }))
        })
        .collect();
    let mut answer = Map::new();
    for (app_key, pushed) in pushes {
        let pushed = pushed.await.unwrap_or_else(|_| Err(Family::Push.internal()));
        answer.insert(app_key, pushed.map_or_else(|fault| fault.to_json(), |accepted| accepted.to_json()));
    }
    answer.insert("group_msgid".to_owned(), Value::String(msg_id.to_string()));
    Ok(json_response(StatusCode::OK, &Value::Object(answer)))
}

/// The apps with their keys; one that was deleted this moment is left out.
async fn app_keys(context: &Context, apps: Vec<AppNumber>) -> Result<Vec<(AppNumber, String)>, Fault> {
    let found = context.ledger.read(move |snapshot| {
        let mut named = Vec::with_capacity(apps.len());
        for app in apps.iter().copied() {
            named.extend(snapshot.app(app)?.map(|row| (app, row.app_key)));
        }
        Ok(named)
    });
    found.await.map_err(|error| Family::Push.unavailable(&error))
}
