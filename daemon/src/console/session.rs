//! Sessions of operators: logging in and out, who one is, one's own password, and the first operator.

use axum::http::HeaderValue;
use axum::http::header::GetAll;
use serde::Deserialize;
use serde_json::{Value, json};

use super::audit;
use super::call::{Answer, Answered, Call};
use super::fault::Fault;
use crate::admin::NewPassword;
use crate::clock::now_ms;
use crate::context::Shared;
use crate::operator::right::{Right, may};
use crate::operator::{self, IDLE_MS, SESSION_MS, SessionBegun, set_up};

/// Browsers keep a cookie of this beginning only when it is set by this host, over TLS, for all paths.
const COOKIE_NAME: &str = "__Host-anser-console";
const TOKEN_BYTES: usize = 64;

/// The token in the cookies of a request, if it looks like one.
pub fn token(cookies: GetAll<'_, HeaderValue>) -> Option<String> {
    let pairs = cookies.into_iter().filter_map(|header| header.to_str().ok()).flat_map(|header| header.split(';'));
    let named = pairs.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == COOKIE_NAME);
    let mut tokens = named.map(|(_, token)| token);
    let token = tokens.next()?;
    let is_token = token.len() == TOKEN_BYTES && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    // Two of one name are none that we set.
    (is_token && tokens.next().is_none()).then(|| token.to_owned())
}

fn cookie(token: &str, seconds: u64) -> Result<HeaderValue, Fault> {
    let text = format!("{COOKIE_NAME}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(text).map_err(|_| Fault::internal())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogIn {
    name: String,
    password: NewPassword,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUp {
    token: String,
    name: String,
    password: NewPassword,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChangePassword {
    old: NewPassword,
    new: NewPassword,
}

/// `GET /state`
pub async fn state(call: Call) -> Answered {
    let operators = call.context.ledger.read(|snapshot| snapshot.operators()).await?;
    Ok(json!({"version": env!("CARGO_PKG_VERSION"), "needs_set_up": operators.is_empty()}).into())
}

/// `POST /session`
pub async fn log_in(call: Call) -> Answered {
    let LogIn { name, password } = call.parsed()?;
    let begun = call.context.operators.log_in(&name, &password.0, call.from).await.map_err(Fault::from);
    begin(&call.context, noted(&call, &name, "log_in", begun).await?).await
}

/// `POST /set-up`
pub async fn set_up(call: Call) -> Answered {
    let SetUp { token, name, password } = call.parsed()?;
    let begun = call.context.operators.set_up(&token, &name, &password.0).await.map_err(Fault::from);
    let begun = noted(&call, &name, "set_up", begun).await?;
    set_up::tidy(&call.context).await?;
    begin(&call.context, begun).await
}

/// Writes down who came in, or that somebody did not. What was tried is not written down: people type passwords into the
/// field of the name.
async fn noted(
    call: &Call,
    name: &str,
    action: &str,
    begun: Result<SessionBegun, Fault>,
) -> Result<SessionBegun, Fault> {
    let (known, status) = match &begun {
        Ok(_) => (name, 200),
        Err(fault) => ("", fault.status.as_u16()),
    };
    audit::note_of(&call.context, known, call.from, action, status).await?;
    begun
}

/// `GET /session`
pub async fn show(call: Call) -> Answered {
    Ok(me(&call.context, &call.caller()?.token).await?.into())
}

/// `DELETE /session`
pub async fn log_out(call: Call) -> Answered {
    call.context.operators.log_out(&call.caller()?.token).await?;
    Ok(Answer { cookie: Some(cookie("", 0)?), ..json!({}).into() })
}

/// `PUT /session/password`
pub async fn change_password(call: Call) -> Answered {
    let ChangePassword { old, new } = call.parsed()?;
    let name = call.caller()?.name.clone();
    operator::check_password(&new.0).map_err(Fault::invalid)?;
    call.context.operators.check_again(&name, &old.0, call.from).await?;
    call.ask(crate::admin::Request::OperatorReset { name: name.clone(), password: new.clone() }).await?;
    let begun = call.context.operators.log_in(&name, &new.0, call.from).await?;
    begin(&call.context, begun).await
}

async fn begin(context: &Shared, begun: SessionBegun) -> Answered {
    let value = me(context, &begun.token).await?;
    Ok(Answer { cookie: Some(cookie(&begun.token, SESSION_MS / 1000)?), ..value.into() })
}

/// What the page is told of its operator.
async fn me(context: &Shared, token: &str) -> Result<Value, Fault> {
    let (session, operator) = context.operators.of_session(token).await?.ok_or_else(Fault::no_session)?;
    let account = operator.account;
    let apps = context.ledger.read(|snapshot| snapshot.apps()).await?;
    let mut seen: Vec<_> = apps.into_iter().filter(|(app, _)| may(&account, Right::SeeApp, Some(*app))).collect();
    seen.sort_by(|(_, left), (_, right)| left.name.cmp(&right.name));
    let has = |right: &Right| match right.is_of_app() {
        false => may(&account, *right, None),
        // Which roles have it; in which apps says the list of apps.
        true => right.is_of(account.role),
    };
    let rights: Vec<&str> = Right::ALL.iter().filter(|right| has(right)).map(|right| right.name()).collect();
    let apps: Vec<Value> = seen.iter().map(|(_, app)| json!({"app_key": app.app_key, "name": app.name})).collect();
    Ok(json!({
        "name": session.name,
        "role": account.role.name(),
        "all_apps": has_all(&account),
        "apps": apps,
        "rights": rights,
        "expires_ms": session.since_ms + SESSION_MS,
        "idle_ms": IDLE_MS,
        "time_zone": offset(context),
        "time_zone_name": context.config.time_zone.name(),
    }))
}

/// Of the zone in which the daemon writes times, at this moment: `+08:00`.
fn offset(context: &Shared) -> String {
    let (now_ms, zone) = (now_ms(), context.config.time_zone);
    let minutes = (zone.local_s(now_ms) - i64::try_from(now_ms / 1000).unwrap_or_default()) / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
}

/// Also those that will be made.
fn has_all(account: &anser_storage::command::OperatorAccount) -> bool {
    use anser_storage::command::OperatorRole::{Owner, ReadOnly};
    account.role == Owner || account.role == ReadOnly && account.apps.is_empty()
}
