//! Apps as developers make and delete them.
//!
//! Failures of the business answer with status 200 and an error, as the contract has it for this API alone.

use anser_storage::command::{AccountCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::json;

use super::access::DeveloperCaller;
use super::body;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::lenient::{Object, as_name, member};
use super::segment::Segment;
use crate::app_callback::begin_for_new_app;
use crate::context::{Context, Shared};
use crate::keys::random_key;

const NAME_BYTES_MAX: usize = 64;
const PACKAGE_BYTES_MAX: usize = 255;

/// `POST /v1/app`
pub async fn create(
    context: State<Shared>,
    caller: Extension<DeveloperCaller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let body = body::json(Family::Admin, request).await?;
    let object = body.as_object().ok_or_else(|| invalid("the request body must be an object"))?;
    let name = required(object, "app_name")?;
    if !is_name(&name) {
        return Err(invalid("app_name must be 1 to 64 bytes without control characters"));
    }
    let android_package = required(object, "android_package")?;
    if !is_package(&android_package) {
        return Err(invalid("android_package must be 1 to 255 letters, digits, dots and underscores"));
    }
    let app_group = member(object, "group_name").and_then(as_name).filter(|name| !name.is_empty());
    let developer = caller.key.clone();
    let (app_key, master_secret) = (random_key(), random_key());
    let package = android_package.clone();
    let command = AccountCommand::CreateApp { developer, name, android_package, app_group, app_key, master_secret };
    let outcome =
        context.ledger.submit(Command::Account(command)).await.map_err(|error| Family::Admin.unavailable(&error))?;
    let Answer::DeveloperApp { app, is_new } = outcome.answer.map_err(of_creation)? else {
        return Err(Family::Admin.internal());
    };
    let found = context
        .ledger
        .read(move |snapshot| snapshot.app(app))
        .await
        .map_err(|error| Family::Admin.unavailable(&error))?;
    let (number, app) = (app, found.ok_or_else(|| Family::Admin.internal())?);
    if is_new {
        begin_for_new_app(&context, number, &app.app_key).await;
    }
    log::info!(app = app.app_key.as_str(), is_new; "a developer made an app, or found it");
    let mut body = json!({"app_key": app.app_key, "is_new_created": is_new, "android_package": package});
    if !context.config.push.hide_master_secret {
        body["master_secret"] = app.master_secret.into();
    }
    Ok(json_response(StatusCode::OK, &body))
}

/// `POST` and `DELETE /v1/app/{app_key}/delete`: only an app that this developer made.
pub async fn remove(
    context: State<Shared>,
    caller: Extension<DeveloperCaller>,
    Segment(app_key): Segment,
) -> Result<Response<Body>, Fault> {
    let app = own_app(&context, &caller, app_key.clone()).await?.ok_or_else(not_deleted)?;
    let context = context.0.clone();
    // A caller who does not wait must not leave rows behind.
    let deleting = tokio::spawn(async move { delete(&context, app).await });
    deleting.await.map_err(|_| Family::Admin.internal())??;
    log::info!(app = app_key.as_str(); "a developer deleted an app");
    Ok(json_response(StatusCode::OK, &json!({"success": "Synchronized success"})))
}

/// The app of this key, if the developer made it.
pub(super) async fn own_app(
    context: &Context,
    caller: &DeveloperCaller,
    app_key: String,
) -> Result<Option<AppNumber>, Fault> {
    let developer = caller.key.clone();
    let found = context.ledger.read(move |snapshot| {
        let Some((app, _)) = snapshot.app_by_key(&app_key)? else { return Ok(None) };
        let is_own = snapshot.developer_app(app)?.is_some_and(|origin| origin.developer == developer);
        Ok(Some(app).filter(|_| is_own))
    });
    found.await.map_err(|error| Family::Admin.unavailable(&error))
}

async fn delete(context: &Context, app: AppNumber) -> Result<(), Fault> {
    let deleted = context.delete_app(app).await.map_err(|error| Family::Admin.unavailable(&error))?;
    deleted.map_err(|_| not_deleted())
}

fn required(object: &Object, name: &str) -> Result<String, Fault> {
    let value = member(object, name).and_then(as_name).filter(|text| !text.is_empty());
    value.ok_or_else(|| Fault::new(StatusCode::BAD_REQUEST, 4002, format!("{name} is missing or empty")))
}

fn is_name(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX && !name.chars().any(char::is_control)
}

fn is_package(package: &str) -> bool {
    package.len() <= PACKAGE_BYTES_MAX
        && package.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'_')
}

fn of_creation(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::AppNameTaken => invalid("an app of this name exists with another package or developer"),
        Refusal::AccountUnknown => invalid("group_name: there is no app group of this name"),
        Refusal::AppGroupFull => invalid("group_name: the group has 100 apps already"),
        _ => Family::Admin.internal(),
    }
}

fn not_deleted() -> Fault {
    Fault::new(StatusCode::OK, 1015, "the app is not one of this developer's")
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Family::Admin.invalid(message)
}
