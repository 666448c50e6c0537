//! Apps: the list, making and deleting them, names and secrets.

use anser_storage::command::{AppCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::Refusal;
use anser_storage::{App, GroupClass, ReadError, Snapshot, UserClass};
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Answered, Call};
use super::fault::Fault;
use crate::admin::{self, Reply, Request};
use crate::operator::right::{Right, may};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
}

/// `GET /apps`
pub async fn list(call: Call) -> Answered {
    let account = call.caller()?.operator.account.clone();
    let read = call.context.ledger.read(move |snapshot| {
        let apps = snapshot.apps()?.into_iter();
        let seen = apps.filter(|(app, _)| may(&account, Right::SeeApp, Some(*app)));
        seen.map(|(app, row)| Ok((app, shown(snapshot, app, &row)?))).collect::<Result<Vec<_>, ReadError>>()
    });
    let online = call.context.switchboard.connected();
    let mut apps: Vec<Value> = read.await?.into_iter().map(|(app, shown)| with_online(shown, app, &online)).collect();
    apps.sort_by(|left, right| left["name"].as_str().cmp(&right["name"].as_str()));
    Ok(json!({"apps": apps}).into())
}

/// `GET /apps/{app_key}`
pub async fn show(call: Call) -> Answered {
    let (number, row) = call.app.clone().ok_or_else(Fault::unknown_app)?;
    let read = call.context.ledger.read(move |snapshot| {
        let mut shown = shown(snapshot, number, &row)?;
        let space = snapshot.media_space(number)?;
        shown["media"] = json!({"files": space.media, "bytes": space.bytes, "own_quota_bytes": space.quota_bytes});
        shown["is_registration_open"] = snapshot.is_registration_open(number)?.into();
        Ok(shown)
    });
    let mut shown = with_online(read.await?, number, &call.context.switchboard.connected());
    let own = shown["media"]["own_quota_bytes"].take();
    let quota = own.as_u64().unwrap_or(call.context.config.media.quota_bytes);
    shown["media"] = json!({"files": shown["media"]["files"], "bytes": shown["media"]["bytes"], "quota_bytes": quota});
    Ok(shown.into())
}

fn shown(snapshot: &Snapshot, app: AppNumber, row: &App) -> Result<Value, ReadError> {
    let access = snapshot.access(app)?;
    let devices = snapshot.device_total(app)?;
    let users = snapshot.user_page(app, UserClass::User, 0, 0)?.total;
    let groups = snapshot.group_page(app, GroupClass::Any, 0, 0)?.total;
    Ok(json!({
        "app_key": row.app_key, "name": row.name, "created_ms": row.created_ms, "is_blocked": access.is_blocked,
        "devices": devices, "users": users, "groups": groups,
    }))
}

type Online = std::collections::BTreeMap<AppNumber, roaring::RoaringBitmap>;

fn with_online(mut shown: Value, app: AppNumber, online: &Online) -> Value {
    shown["online_devices"] = online.get(&app).map_or(0, roaring::RoaringBitmap::len).into();
    shown
}

/// `POST /apps`
pub async fn create(call: Call) -> Answered {
    let Named { name } = call.parsed()?;
    match call.ask(Request::AppCreate { name }).await? {
        Reply::App(app) => {
            let target = format!("{} {}", app.name, app.app_key);
            let shown = json!({"app_key": app.app_key, "name": app.name, "master_secret": app.master_secret});
            Ok(Answer::from(shown).on(target))
        }
        _ => Err(Fault::internal()),
    }
}

/// `PUT /apps/{app_key}`
pub async fn rename(call: Call) -> Answered {
    let Named { name } = call.parsed()?;
    admin::check_app_name(&name).map_err(Fault::invalid)?;
    let rename = AppCommand::Rename { app: call.app()?, name: name.clone() };
    match call.context.ledger.submit(Command::App(rename)).await?.answer {
        Ok(_) => {}
        Err(Refusal::AppNameTaken) => return Err(Fault::refused("an app of this name exists")),
        Err(Refusal::AppUnknown) => return Err(Fault::unknown_app()),
        Err(_) => return Err(Fault::internal()),
    }
    let app = call.app.clone().map(|(number, app)| (number, App { name: name.clone(), ..app }));
    Ok(show(Call { app, ..call }).await?.on(name))
}

/// `DELETE /apps/{app_key}`
pub async fn delete(call: Call) -> Answered {
    // Its right is about the daemon, while only whoever sees the app may learn that it is there.
    if !may(&call.caller()?.operator.account, Right::ManageApps, None) {
        return Err(Fault::not_allowed());
    }
    let Named { name } = call.parsed()?;
    let (_, app) = call.app.clone().ok_or_else(Fault::unknown_app)?;
    if name != app.name {
        return Err(Fault::invalid("name must be the app's name, so that no other is deleted by mistake"));
    }
    call.ask(Request::AppDelete { app: app.app_key }).await?;
    Ok(Answer::from(json!({})).on(name))
}

/// `GET /apps/{app_key}/secret`
pub async fn show_secret(call: Call) -> Answered {
    let (_, app) = call.app.clone().ok_or_else(Fault::unknown_app)?;
    Ok(json!({"master_secret": app.master_secret}).into())
}

/// `POST /apps/{app_key}/secret`
pub async fn renew_secret(call: Call) -> Answered {
    match call.ask(Request::AppRotateSecret { app: call.app_key()? }).await? {
        Reply::App(app) => Ok(json!({"master_secret": app.master_secret}).into()),
        _ => Err(Fault::internal()),
    }
}
