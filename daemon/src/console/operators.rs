//! Operators, as their owners manage them.

use anser_storage::command::{Command, OperatorCommand, OperatorRole};
use anser_storage::outcome::Refusal;
use serde::Deserialize;
use serde_json::json;

use super::call::{Answer, Answered, Call};
use super::fault::Fault;
use super::gate::app_of;
use crate::admin::{NewPassword, Request};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    name: String,
    role: String,
    #[serde(default)]
    apps: Vec<String>,
    password: Option<NewPassword>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    role: String,
    #[serde(default)]
    apps: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    password: Option<NewPassword>,
}

/// `GET /operators`
pub async fn list(call: Call) -> Answered {
    Ok(json!({"operators": call.ask_plain(Request::OperatorList).await?}).into())
}

/// `POST /operators`
pub async fn add(call: Call) -> Answered {
    let New { name, role, apps, password } = call.parsed()?;
    let (password, made) = or_made_up(password);
    let target = format!("{name} {role} {}", apps.join(","));
    let mut shown = call.ask_plain(Request::OperatorAdd { name, role, apps, password }).await?;
    if let Some(made) = made {
        shown["password"] = made.into();
    }
    Ok(Answer::from(shown).on(target.trim_end()))
}

/// `PUT /operators/{name}`
pub async fn change(call: Call) -> Answered {
    let Change { role, apps } = call.parsed()?;
    let name = call.name(0)?;
    let role = OperatorRole::from_name(&role).ok_or_else(|| Fault::invalid("there is no such role"))?;
    match (role, apps.is_empty()) {
        (OperatorRole::Owner, false) => return Err(Fault::invalid("an owner has all apps: name none")),
        (OperatorRole::AppAdmin | OperatorRole::Sender, true) => {
            return Err(Fault::invalid("this role is for certain apps: name them"));
        }
        _ => {}
    }
    let mut numbers = Vec::with_capacity(apps.len());
    for key in &apps {
        numbers.push(app_of(&call.context, call.caller()?, key).await?.0);
    }
    let change = OperatorCommand::Change { name: name.clone(), role, apps: numbers };
    match call.context.ledger.submit(Command::Operator(change)).await?.answer {
        Ok(_) => Ok(Answer::from(json!({})).on(format!("{name} {} {}", role.name(), apps.join(",")).trim_end())),
        Err(Refusal::OperatorUnknown) => Err(Fault::unknown("there is no such operator")),
        Err(Refusal::LastOwner) => Err(Fault::refused("there must be an owner: make another one first")),
        Err(_) => Err(Fault::internal()),
    }
}

/// `PUT /operators/{name}/password`
pub async fn reset(call: Call) -> Answered {
    let Reset { password } = if call.body.is_null() { Reset::default() } else { call.parsed()? };
    let (password, made) = or_made_up(password);
    call.ask(Request::OperatorReset { name: call.name(0)?, password }).await?;
    Ok(json!({"password": made}).into())
}

/// `DELETE /operators/{name}`
pub async fn remove(call: Call) -> Answered {
    call.ask(Request::OperatorRemove { name: call.name(0)? }).await?;
    Ok(json!({}).into())
}

/// The password, and its text where it was made here.
fn or_made_up(password: Option<NewPassword>) -> (NewPassword, Option<String>) {
    match password {
        Some(password) => (password, None),
        None => {
            let made = NewPassword::made_up();
            (made.clone(), Some(made.0))
        }
    }
}
