//! The audit log: who did what, when, from where.

use std::net::IpAddr;

use anser_protocol::ids::Position;
use anser_storage::command::{Command, Deed, OperatorCommand};
use anser_storage::ids::AppNumber;
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use crate::context::Shared;
use crate::operator::right::{Right, may};

/// Characters of a target that are kept.
const TARGET_CHARS_MAX: usize = 200;
/// Of a push object that is kept to be sent again.
const OBJECT_BYTES_MAX: usize = 16 * 1024;
/// Entries that one part looks at.
const LOOKED_AT_MAX: usize = 5000;

pub async fn note(context: &Shared, deed: Deed) -> Result<(), Fault> {
    submit(context, OperatorCommand::Note(shortened(deed))).await
}

/// Of a push, which the history then shows as one of the console.
pub async fn note_push(
    context: &Shared,
    deed: Deed,
    (app, push): (AppNumber, Position),
    object: &[u8],
) -> Result<(), Fault> {
    let object = match object.len() <= OBJECT_BYTES_MAX {
        true => String::from_utf8_lossy(object).into_owned(),
        false => String::new(),
    };
    submit(context, OperatorCommand::NotePush { deed: shortened(deed), app, push, object }).await
}

/// What concerns a session and nothing else.
pub async fn note_of(context: &Shared, operator: &str, from: IpAddr, action: &str, status: u16) -> Result<(), Fault> {
    let (operator, address, action) = (operator.to_owned(), from.to_string(), action.to_owned());
    note(context, Deed { operator, address, action, status, ..Deed::default() }).await
}

async fn submit(context: &Shared, command: OperatorCommand) -> Result<(), Fault> {
    context.ledger.submit(Command::Operator(command)).await?.answer.map(drop).map_err(|_| Fault::internal())
}

fn shortened(deed: Deed) -> Deed {
    let target = deed.target.chars().take(TARGET_CHARS_MAX).collect();
    Deed { target, ..deed }
}

/// `GET /audit`
pub async fn list(call: Call) -> Answered {
    let caller = call.caller()?;
    let own = (!may(&caller.operator.account, Right::ManageOperators, None)).then(|| caller.name.clone());
    let [operator, app, action] = ["operator", "app", "action"].map(|name| call.query(name));
    let (from_ms, to_ms) = (call.number("from_ms")?, call.number("to_ms")?);
    let (before, limit) = (call.number("after")?, call.limit()?);
    let read = call.context.ledger.read(move |snapshot| {
        snapshot.audit(before, limit, LOOKED_AT_MAX, |entry| {
            let is = |wanted: &Option<String>, value: &str| wanted.as_ref().is_none_or(|wanted| wanted == value);
            is(&own, &entry.deed.operator)
                && is(&operator, &entry.deed.operator)
                && is(&app, &entry.deed.app_key)
                && is(&action, &entry.deed.action)
                && from_ms.is_none_or(|from| entry.at_ms >= from)
                && to_ms.is_none_or(|to| entry.at_ms < to)
        })
    });
    let part = read.await?;
    let shown: Vec<Value> = part
        .items
        .into_iter()
        .map(|(number, entry)| {
            let Deed { operator, address, action, app_key, target, status } = entry.deed;
            json!({
                "id": number.to_string(), "at_ms": entry.at_ms, "operator": operator, "address": address,
                "action": action, "app_key": app_key, "target": target, "status": status,
            })
        })
        .collect();
    Ok(json!({"entries": shown, "next": part.next.map(|next| next.to_string())}).into())
}
