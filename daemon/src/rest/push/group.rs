//! `POST /v3/grouppush` and `POST /v3/grouppush/file`: one push to every app of a group, each by itself.

use anser_storage::command::{AccountCommand, Audience, Command, FileName};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Map, Value};

use super::cid::Cids;
use super::send::send_as_part_of;
use super::{Form, Mode, check, refusal};
use crate::clock::now_ms;
use crate::context::{Context, Shared};
use crate::rest::access::{CalledFrom, GroupCaller, Signer};
use crate::rest::body;
use crate::rest::family::Family;
use crate::rest::fault::{Fault, json_response};
use crate::rest::permit::{blocked, check_access};

type Named = Vec<(AppNumber, String)>;
type Barred = Vec<(String, Fault)>;

/// What is wrong with the object itself is told once; what an app makes of it, under the app's key.
pub async fn submit_to_group(
    context: State<Shared>,
    caller: Extension<GroupCaller>,
    signer: Extension<Signer>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, &signer.0.0, request, Form::Push).await
}

/// To the devices in a list: in the app that uploaded it, or in those that its developer made. The other apps answer
/// that they have no such list; when no app of the group may use it, the call is refused.
pub async fn submit_file_to_group(
    context: State<Shared>,
    caller: Extension<GroupCaller>,
    signer: Extension<Signer>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    push(&context, &caller, &signer.0.0, request, Form::FilePush).await
}

async fn push(
    context: &Shared,
    caller: &GroupCaller,
    signer: &str,
    request: Request,
    form: Form,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Push, request).await?;
    let push = check(context, signer, &body, form)?;
    if push.replaces.is_some() {
        return Err(Family::Push.invalid("options.override_msg_id: a push to a group replaces none"));
    }
    if let Audience::File(list) = &push.audience {
        check_list(context, caller, list.file.clone()).await?;
    }
    let lives_s = u64::from(push.time_to_live_s) + u64::from(push.spread_s);
    let cid = push.cid.clone();
    let only_repeats = cid.as_ref().is_some_and(|cid| Cids::of(context).only_repeats(cid, now_ms()));
    let begin = AccountCommand::PushToAppGroup { key: caller.key.clone(), lives_s, cid, only_repeats };
    let command = Command::Account(begin);
    let outcome = context.ledger.submit(command).await.map_err(|error| Family::Push.unavailable(&error))?;
    let (msg_id, apps) = match outcome.answer {
        Ok(Answer::AppGroup { msg_id, apps }) => (msg_id, apps),
        Err(Refusal::AccountUnknown) => return Err(Family::Push.wrong_credentials()),
        Err(refusal) => return Err(refusal::of_push(refusal)),
        Ok(_) => return Err(Family::Push.internal()),
    };
    let (names, barred) = app_keys(context, apps, caller.from).await?;
    // All at once, so that the writer puts what waits into one commit; and each to its end, whether or not the caller
    // waits for it.
    let pushes: Vec<_> = names
        .into_iter()
        .map(|(app, app_key)| {
            let (context, push) = (context.clone(), push.clone());
            let sent = async move { send_as_part_of(&context, app, push, Mode::Send, Some(msg_id)).await };
            (app_key, tokio::spawn(sent))
        })
        .collect();
    let mut answer: Map<String, Value> =
        barred.into_iter().map(|(app_key, fault)| (app_key, fault.to_json())).collect();
    for (app_key, pushed) in pushes {
        let pushed = pushed.await.unwrap_or_else(|_| Err(Family::Push.internal()));
        answer.insert(app_key, pushed.map_or_else(|fault| fault.to_json(), |accepted| accepted.to_json()));
    }
    answer.insert("group_msgid".to_owned(), Value::String(msg_id.to_string()));
    Ok(json_response(StatusCode::OK, &Value::Object(answer)))
}

/// Some app of the group may push to the list.
async fn check_list(context: &Context, caller: &GroupCaller, list: FileName) -> Result<(), Fault> {
    let (key, now_ms) = (caller.key.clone(), now_ms());
    let found = context.ledger.read(move |snapshot| {
        for app in snapshot.app_group(&key)?.map(|group| group.apps).unwrap_or_default() {
            if snapshot.usable_file(app, &list, now_ms)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    });
    match found.await.map_err(|error| Family::Push.unavailable(&error))? {
        true => Ok(()),
        false => Err(refusal::of_push(Refusal::FileUnknown)),
    }
}

/// The apps with their keys, and those whose operator does not let the caller push, with what they answer. One that was
/// deleted this moment is left out.
async fn app_keys(context: &Context, apps: Vec<AppNumber>, from: CalledFrom) -> Result<(Named, Barred), Fault> {
    let found = context.ledger.read(move |snapshot| {
        let mut named = Vec::with_capacity(apps.len());
        for app in apps.iter().copied() {
            let access = snapshot.access(app)?;
            named.extend(snapshot.app(app)?.map(|row| (app, row.app_key, access)));
        }
        Ok(named)
    });
    let (mut named, mut barred) = (Named::new(), Barred::new());
    for (app, app_key, access) in found.await.map_err(|error| Family::Push.unavailable(&error))? {
        let checked = match from {
            CalledFrom::Address(peer) => check_access(&access, peer),
            CalledFrom::Console if access.is_blocked => Err(blocked()),
            CalledFrom::Console => Ok(()),
        };
        match checked {
            Ok(()) => named.push((app, app_key)),
            Err(fault) => barred.push((app_key, fault)),
        }
    }
    Ok((named, barred))
}
