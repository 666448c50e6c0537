//! What the admin socket is asked about app groups and developers.

use anser_storage::command::{AccountCommand, Command};
use anser_storage::outcome::Refusal;
use anser_storage::{AppGroup, Developer};

use super::server::{APP_NAME_BYTES_MAX, all, find, unavailable};
use super::{AppGroupShown, DeveloperShown, Reply};
use crate::context::Shared;
use crate::keys::random_key;

pub async fn create_group(context: &Shared, name: String) -> Result<Reply, String> {
    check_name(&name)?;
    let (key, secret) = (random_key(), random_key());
    let command = AccountCommand::CreateAppGroup { name: name.clone(), key: key.clone(), secret: secret.clone() };
    submit(context, command).await?;
    log::info!(group_key = key.as_str(); "an app group was created");
    Ok(Reply::AppGroup(AppGroupShown { name, group_key: key, master_secret: Some(secret), apps: Vec::new() }))
}

pub async fn list_groups(context: &Shared) -> Result<Reply, String> {
    let mut groups = Vec::new();
    for (key, group) in all_groups(context).await? {
        groups.push(AppGroupShown { master_secret: None, ..shown_group(context, key, group).await? });
    }
    groups.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Reply::AppGroups(groups))
}

pub async fn show_group(context: &Shared, wanted: &str) -> Result<Reply, String> {
    let (key, group) = find_group(context, wanted).await?;
    Ok(Reply::AppGroup(shown_group(context, key, group).await?))
}

pub async fn delete_group(context: &Shared, wanted: &str) -> Result<Reply, String> {
    let (key, group) = find_group(context, wanted).await?;
    let shown = shown_group(context, key.clone(), group).await?;
    submit(context, AccountCommand::DeleteAppGroup { key: key.clone() }).await?;
    log::info!(group_key = key.as_str(); "an app group was deleted");
    Ok(Reply::AppGroup(AppGroupShown { master_secret: None, ..shown }))
}

pub async fn add_to_group(context: &Shared, wanted: &str, app: &str) -> Result<Reply, String> {
    let ((key, _), (app, _)) = (find_group(context, wanted).await?, find(context, app).await?);
    submit(context, AccountCommand::AddToAppGroup { key: key.clone(), app }).await?;
    without_secret(context, &key).await
}

pub async fn remove_from_group(context: &Shared, wanted: &str, app: &str) -> Result<Reply, String> {
    let ((key, _), (app, _)) = (find_group(context, wanted).await?, find(context, app).await?);
    submit(context, AccountCommand::RemoveFromAppGroup { key: key.clone(), app }).await?;
    without_secret(context, &key).await
}

async fn without_secret(context: &Shared, key: &str) -> Result<Reply, String> {
    let (key, group) = find_group(context, key).await?;
    Ok(Reply::AppGroup(AppGroupShown { master_secret: None, ..shown_group(context, key, group).await? }))
}

pub async fn create_developer(context: &Shared, name: String) -> Result<Reply, String> {
    check_name(&name)?;
    let (key, secret) = (random_key(), random_key());
    let command = AccountCommand::CreateDeveloper { name: name.clone(), key: key.clone(), secret: secret.clone() };
    submit(context, command).await?;
    log::info!(developer_key = key.as_str(); "a developer was created");
    Ok(Reply::Developer(DeveloperShown { name, developer_key: key, developer_secret: Some(secret) }))
}

pub async fn list_developers(context: &Shared) -> Result<Reply, String> {
    let mut developers: Vec<_> =
        all_developers(context).await?.into_iter().map(|(key, developer)| shown_developer(key, developer)).collect();
    developers.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Reply::Developers(developers))
}

pub async fn delete_developer(context: &Shared, wanted: &str) -> Result<Reply, String> {
    let found = all_developers(context).await?.into_iter().find(|(key, row)| row.name == wanted || key == wanted);
    let (key, developer) =
        found.ok_or_else(|| format!("there is no developer {wanted:?}; `anserd developer list` shows all"))?;
    submit(context, AccountCommand::DeleteDeveloper { key: key.clone() }).await?;
    log::info!(developer_key = key.as_str(); "a developer was deleted");
    Ok(Reply::Developer(shown_developer(key, developer)))
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > APP_NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err("the name has 1 to 64 bytes and no control characters".to_owned());
    }
    Ok(())
}

async fn submit(context: &Shared, command: AccountCommand) -> Result<(), String> {
    let outcome = context.ledger.submit(Command::Account(command)).await.map_err(unavailable)?;
    outcome.answer.map(|_| ()).map_err(|refusal| match refusal {
        Refusal::AccountNameTaken => "this name is taken; `list` shows all".to_owned(),
        Refusal::AccountKeyTaken => "the new key exists already; try again".to_owned(),
        Refusal::AccountUnknown => "it does not exist any more".to_owned(),
        Refusal::TooManyAccounts => "there are 1000 already; delete some first".to_owned(),
        Refusal::AppGroupFull => "a group has at most 100 apps".to_owned(),
        Refusal::AppUnknown => "there is no such app any more".to_owned(),
        other => format!("the store refused it: {other:?}; the daemon's log may say more"),
    })
}

async fn find_group(context: &Shared, wanted: &str) -> Result<(String, AppGroup), String> {
    let found = all_groups(context).await?.into_iter().find(|(key, row)| row.name == wanted || key == wanted);
    found.ok_or_else(|| format!("there is no app group {wanted:?}; `anserd app-group list` shows all"))
}

async fn all_groups(context: &Shared) -> Result<Vec<(String, AppGroup)>, String> {
    context.ledger.read(|snapshot| snapshot.app_groups()).await.map_err(unavailable)
}

async fn all_developers(context: &Shared) -> Result<Vec<(String, Developer)>, String> {
    context.ledger.read(|snapshot| snapshot.developers()).await.map_err(unavailable)
}

/// Deleted apps are left out.
async fn shown_group(context: &Shared, group_key: String, group: AppGroup) -> Result<AppGroupShown, String> {
    let apps = all(context).await?.into_iter().filter(|(number, _)| group.apps.contains(number));
    let apps = apps.map(|(_, app)| app.name).collect();
    Ok(AppGroupShown { name: group.name, group_key, master_secret: Some(group.secret), apps })
}

fn shown_developer(developer_key: String, developer: Developer) -> DeveloperShown {
    DeveloperShown { name: developer.name, developer_key, developer_secret: None }
}
