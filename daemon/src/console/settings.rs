//! What an app may do and how long it keeps what; beside it what the daemon's settings say for all apps.

use std::collections::BTreeMap;

use anser_storage::command::{Command, PeopleCommand};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use super::call::{Answered, Call};
use super::fault::Fault;
use crate::admin::{Reply, Request, RetentionChange, RetentionKeep};
use crate::rest::rate::{RateFamily, UNLIMITED};

/// Absent members stay as they are; null takes the daemon's setting.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    is_blocked: Option<bool>,
    addresses: Option<Vec<String>>,
    #[serde(default)]
    rates: BTreeMap<String, Option<u32>>,
    #[serde(default, deserialize_with = "given")]
    quota_mib: Option<Option<u32>>,
    #[serde(default)]
    retention: BTreeMap<String, Value>,
    is_registration_open: Option<bool>,
}

/// Tells null from absent.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// `PUT /apps/{app_key}/settings`
pub async fn change(call: Call) -> Answered {
    let change: Change = call.parsed()?;
    let app = call.app_key()?;
    let mut changed = Vec::new();
    // Nothing is changed before all of it was looked at.
    let mut retention = Vec::new();
    for (class, keep) in &change.retention {
        let keep = match keep {
            Value::String(text) if text == "default" => RetentionKeep::Default,
            Value::String(text) if text == "forever" => RetentionKeep::Forever,
            Value::Number(days) => {
                let days = days.as_u64().and_then(|days| u32::try_from(days).ok());
                RetentionKeep::Days(days.ok_or_else(|| Fault::invalid("retention is in whole days"))?)
            }
            _ => return Err(Fault::invalid("retention is \"default\", \"forever\" or a number of days")),
        };
        retention.push(RetentionChange { class: class.clone(), keep });
    }
    if let Some(addresses) = change.addresses {
        call.ask(Request::AppAllow { app: app.clone(), addresses }).await?;
        changed.push("addresses");
    }
    for (family, per_minute) in change.rates {
        call.ask(Request::AppRate { app: app.clone(), family, per_minute }).await?;
        changed.push("rates");
    }
    for change in retention {
        call.ask(Request::AppRetention { app: app.clone(), change: Some(change) }).await?;
        changed.push("retention");
    }
    if let Some(mib) = change.quota_mib {
        call.ask(Request::AppQuota { app: app.clone(), mib }).await?;
        changed.push("quota");
    }
    if let Some(is_open) = change.is_registration_open {
        let set = PeopleCommand::SetRegistration { app: call.app()?, is_open };
        call.context.ledger.submit(Command::People(set)).await?.answer.map_err(|_| Fault::unknown_app())?;
        changed.push(if is_open { "registration open" } else { "registration closed" });
    }
    if let Some(is_blocked) = change.is_blocked {
        call.ask(Request::AppBlock { app: app.clone(), is_blocked }).await?;
        changed.push(if is_blocked { "blocked" } else { "unblocked" });
    }
    changed.dedup();
    let target = changed.join(", ");
    Ok(show(call).await?.on(target))
}

/// `GET /apps/{app_key}/settings`
pub async fn show(call: Call) -> Answered {
    let (number, app) = call.app.clone().ok_or_else(Fault::unknown_app)?;
    let Reply::App(shown) = call.ask(Request::AppShow { app: app.app_key.clone() }).await? else {
        return Err(Fault::internal());
    };
    let Reply::Retention(kept) = call.ask(Request::AppRetention { app: app.app_key.clone(), change: None }).await?
    else {
        return Err(Fault::internal());
    };
    let read = call
        .context
        .ledger
        .read(move |snapshot| Ok((snapshot.is_registration_open(number)?, snapshot.media_space(number)?.quota_bytes)));
    let (is_registration_open, quota_bytes) = read.await?;
    let config = &call.context.config;
    let own = |family: &str| shown.rates.get(family).copied();
    let limit = |calls: u32| (calls < UNLIMITED).then_some(calls);
    let rates: BTreeMap<_, _> = RateFamily::ALL.map(|(_, name)| (name, own(name))).into();
    let defaults: BTreeMap<_, _> = RateFamily::ALL.map(|(family, name)| (name, limit(config.rates.of(family)))).into();
    let retention: BTreeMap<_, _> = kept
        .classes
        .into_iter()
        .map(|kept| {
            let shown = json!({"days": kept.days, "is_own": kept.is_own, "oldest_ms": kept.oldest_ms});
            (kept.class, shown)
        })
        .collect();
    let limits = &config.limits;
    Ok(json!({
        "is_blocked": shown.is_blocked,
        "addresses": shown.addresses,
        "rates": rates,
        "rate_defaults": defaults,
        "quota_mib": quota_bytes.map(|bytes| bytes >> 20),
        "quota_default_mib": config.media.quota_bytes >> 20,
        "retention": retention,
        "is_registration_open": is_registration_open,
        "daemon": {
            "logins": {
                "phones": config.users.logins.phones, "computers": config.users.logins.computers,
                "browsers": config.users.logins.browsers,
            },
            "retract_seconds": limits.retract_seconds,
            "group_members": limits.group_members,
            "group_members_top": limits.group_members_top,
            "room_members": limits.room_members,
            "sends_per_minute": limits.sends_per_minute,
            "offline_pushes": config.push.offline_limit,
            "sensitive_words": limits.sensitive_words,
            "sensitive_word_chars": limits.sensitive_word_chars,
            "schedules": limits.schedules,
            "upload_bytes": config.media.upload_bytes,
        },
        "callbacks": callbacks(&call, &app.app_key),
    })
    .into())
}

/// Servers that are told of this app, by the settings file.
fn callbacks(call: &Call, app_key: &str) -> Vec<Value> {
    let config = &call.context.config;
    let is_own = |app: &Option<String>| app.as_ref().is_none_or(|app| app == app_key);
    let shown = |kind: &str, url: &crate::bridge::Url| json!({"kind": kind, "url": url.to_string()});
    let told = config.message_callbacks.iter().filter(|of| is_own(&of.app));
    let events = config.event_callbacks.iter().filter(|of| is_own(&of.app));
    let checks = config.message_checks.iter().filter(|of| is_own(&of.app));
    let passwords = config.password_callbacks.iter().filter(|of| is_own(&of.app));
    told.map(|of| shown("message_callback", &of.url))
        .chain(events.map(|of| shown("event_callback", &of.url)))
        .chain(checks.map(|of| shown("message_check", &of.url)))
        .chain(passwords.map(|of| shown("password_callback", &of.url)))
        .collect()
}
