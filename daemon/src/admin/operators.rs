//! What the admin socket is asked about operators.

use anser_storage::Operator;
use anser_storage::command::{Command, OperatorAccount, OperatorCommand, OperatorRole};
use anser_storage::outcome::Refusal;
use serde::{Deserialize, Serialize};

use super::Reply;
use super::server::{all, find, unavailable};
use crate::context::Shared;
use crate::keys::random;
use crate::operator::{check_name, check_password, set_up};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorShown {
    pub name: String,
    /// `owner`, `app-admin`, `sender` or `read-only`.
    pub role: String,
    /// Keys of the apps that the operator is for; none for an owner, and for a reader of all.
    pub apps: Vec<String>,
    pub created_ms: u64,
    pub password_set_ms: u64,
}

/// A password on its way to be hashed: it is shown in no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NewPassword(pub String);

impl NewPassword {
    /// 100 random bits, in letters that are not taken for one another.
    pub fn made_up() -> Self {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz23456789_";
        let letters = random::<20>().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
        Self(letters.iter().collect())
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(a password)")
    }
}

pub async fn add(
    context: &Shared,
    name: String,
    role: &str,
    apps: &[String],
    password: &NewPassword,
) -> Result<Reply, String> {
    check_name(&name)?;
    let role = OperatorRole::from_name(role).ok_or_else(|| {
        let names = OperatorRole::ALL.map(OperatorRole::name).join(", ");
        format!("there is no role {role:?}: it is one of {names}")
    })?;
    match (role, apps.is_empty()) {
        (OperatorRole::Owner, false) => return Err("an owner has all apps: leave --app out".to_owned()),
        (OperatorRole::AppAdmin | OperatorRole::Sender, true) => {
            return Err(format!("a {} is for certain apps: name them with --app", role.name()));
        }
        _ => {}
    }
    let mut numbers = Vec::with_capacity(apps.len());
    for app in apps {
        numbers.push(find(context, app).await?.0);
    }
    let password = hash(context, password).await?;
    let account = OperatorAccount { role, apps: numbers, password };
    submit(context, OperatorCommand::Add { name: name.clone(), account }).await?;
    set_up::tidy(context).await.map_err(unavailable)?;
    log::info!(operator = name.as_str(), role = role.name(); "an operator was added");
    show(context, &name).await
}

pub async fn reset(context: &Shared, name: String, password: &NewPassword) -> Result<Reply, String> {
    let password = hash(context, password).await?;
    submit(context, OperatorCommand::ResetPassword { name: name.clone(), password }).await?;
    log::info!(operator = name.as_str(); "an operator has a new password and no session");
    show(context, &name).await
}

pub async fn remove(context: &Shared, name: String) -> Result<Reply, String> {
    let reply = show(context, &name).await?;
    submit(context, OperatorCommand::Remove { name: name.clone() }).await?;
    log::info!(operator = name.as_str(); "an operator was removed");
    Ok(reply)
}

pub async fn list(context: &Shared) -> Result<Reply, String> {
    let operators = context.ledger.read(|snapshot| snapshot.operators()).await.map_err(unavailable)?;
    let keys: Vec<_> = all(context).await?.into_iter().map(|(number, app)| (number, app.app_key)).collect();
    let shown = operators.into_iter().map(|(name, operator)| {
        let Operator { account, created_ms, password_set_ms, .. } = operator;
        // An app that is gone has no key any more.
        let of = |app| keys.iter().find(|(number, _)| *number == app).map(|(_, key)| key.clone());
        let apps = account.apps.into_iter().filter_map(of).collect();
        OperatorShown { name, role: account.role.name().to_owned(), apps, created_ms, password_set_ms }
    });
    Ok(Reply::Operators(shown.collect()))
}

pub async fn link(context: &Shared) -> Result<Reply, String> {
    let link = set_up::make(context).await.map_err(unavailable)?.map_err(|refusal| match refusal {
        Refusal::OperatorExists => {
            "there is an operator already; `anserd operator add` makes another, `reset` helps one who forgot".to_owned()
        }
        other => refused(other),
    })?;
    Ok(Reply::OperatorLink { url: link.url, expires_ms: link.expires_ms })
}

async fn show(context: &Shared, name: &str) -> Result<Reply, String> {
    let Reply::Operators(all) = list(context).await? else { return Err("the list was none".to_owned()) };
    let shown = all.into_iter().find(|operator| operator.name == name);
    shown.map(Reply::Operator).ok_or_else(|| refused(Refusal::OperatorUnknown))
}

async fn hash(context: &Shared, password: &NewPassword) -> Result<String, String> {
    check_password(&password.0)?;
    let hashed = context.passwords.hash_operator(&password.0).await;
    hashed.map_err(|_| "too many passwords are being checked; try again".to_owned())
}

async fn submit(context: &Shared, command: OperatorCommand) -> Result<(), String> {
    let outcome = context.ledger.submit(Command::Operator(command)).await.map_err(unavailable)?;
    outcome.answer.map(drop).map_err(refused)
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::OperatorExists => "an operator of this name exists; `anserd operator list` shows all".to_owned(),
        Refusal::OperatorUnknown => "there is no such operator; `anserd operator list` shows all".to_owned(),
        Refusal::LastOwner => "nobody could manage the other operators then: add another owner first".to_owned(),
        Refusal::TooManyAccounts => "there are as many operators as there may be".to_owned(),
        Refusal::AppUnknown => "there is no such app any more".to_owned(),
        other => format!("the store refused it: {other:?}; the daemon's log may say more"),
    }
}
