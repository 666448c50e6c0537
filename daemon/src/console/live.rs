//! What goes on now: the daemon, its links, callbacks, and what became of one push or message.

use std::net::IpAddr;

use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Answer, Answered, Call};
use super::fault::Fault;
use crate::admin::{self, LinkFilter, Request};

/// Links of one user or device that are shown.
const LINKS_OF_ONE: usize = 50;

/// `GET /server`
pub async fn status(call: Call) -> Answered {
    let mut status = call.ask_plain(Request::Status).await?;
    status["position"] = status["position"].to_string().into();
    Ok(status.into())
}

/// `POST /server/reload`
pub async fn reload(call: Call) -> Answered {
    Ok(call.ask_plain(Request::Reload).await?.into())
}

/// `POST /server/scrub`
pub async fn scrub(call: Call) -> Answered {
    Ok(call.ask_plain(Request::Scrub).await?.into())
}

/// `GET /server/log-levels`
pub async fn log_levels(call: Call) -> Answered {
    Ok(json!({"levels": call.ask_plain(Request::LogLevel { change: None }).await?}).into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    change: String,
}

/// `PUT /server/log-levels`
pub async fn change_log_level(call: Call) -> Answered {
    let Level { change } = call.parsed()?;
    let levels = call.ask_plain(Request::LogLevel { change: Some(change.clone()) }).await?;
    Ok(Answer::from(json!({"levels": levels})).on(change))
}

/// `GET /links` and `GET /apps/{app_key}/links`
pub async fn links(call: Call) -> Answered {
    let app = match &call.app {
        Some((_, app)) => Some(app.app_key.clone()),
        None => call.query("app"),
    };
    let filter = LinkFilter {
        app,
        user: call.query("user"),
        device: call.query("device"),
        address: call.query("address").map(|text| address(&text)).transpose()?,
        link: call.number("link")?,
    };
    let request = Request::LinkList { filter, after: call.number("after")?, limit: call.limit()? };
    let mut shown = call.ask_plain(request).await?;
    let next = shown["after"].take();
    shown["next"] = next.as_u64().map(|after| after.to_string()).into();
    if let Some(object) = shown.as_object_mut() {
        object.remove("after");
    }
    Ok(shown.into())
}

/// The links of one user or device of the call's app.
pub async fn links_of(call: &Call, user: Option<String>, device: Option<String>) -> Result<Value, Fault> {
    let filter = LinkFilter { app: Some(call.app_key()?), user, device, ..LinkFilter::default() };
    let mut shown = call.ask_plain(Request::LinkList { filter, after: None, limit: LINKS_OF_ONE }).await?;
    Ok(shown["links"].take())
}

fn address(text: &str) -> Result<IpAddr, Fault> {
    text.parse().map_err(|_| Fault::invalid("address must be an IP address"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Kick {
    app: Option<String>,
    user: Option<String>,
    device: Option<String>,
    address: Option<String>,
    link: Option<u64>,
    #[serde(default)]
    reason: String,
}

/// `POST /links/kick` and `POST /apps/{app_key}/links/kick`
pub async fn kick(call: Call) -> Answered {
    let kick: Kick = call.parsed()?;
    let names_nobody = kick.user.is_none() && kick.device.is_none() && kick.address.is_none() && kick.link.is_none();
    if names_nobody {
        return Err(Fault::invalid("say whose links are to end: user, device, address or link"));
    }
    // Whoever has one app ends links of that one.
    let app = match &call.app {
        Some((_, app)) => Some(app.app_key.clone()),
        None => kick.app,
    };
    let said = [("user", &kick.user), ("device", &kick.device), ("address", &kick.address)];
    let said = said.iter().filter_map(|(what, value)| Some(format!("{what} {}", value.as_ref()?)));
    let target: Vec<String> = said.chain(kick.link.map(|link| format!("link {link}"))).collect();
    let address = kick.address.as_deref().map(address).transpose()?;
    let filter = LinkFilter { app, user: kick.user, device: kick.device, address, link: kick.link };
    let kicked = call.ask_plain(Request::LinkKick { filter, reason: kick.reason, all: false }).await?;
    Ok(Answer::from(kicked).on(target.join(" ")))
}

/// `GET /apps/{app_key}/trace/{msg_id}`
pub async fn trace(call: Call) -> Answered {
    let msg_id = call.name(0)?.parse().map_err(|_| Fault::invalid("the msg_id must be a whole number"))?;
    let request = Request::Trace { msg_id, app: Some(call.app_key()?), device: call.query("device") };
    let mut traced = call.ask_plain(request).await?;
    traced["msg_id"] = msg_id.to_string().into();
    if let Some(pushes) = traced.get_mut("pushes").and_then(Value::as_array_mut) {
        pushes.iter_mut().for_each(|push| push[1] = push[1].to_string().into());
    }
    Ok(traced.into())
}

/// `GET /apps/{app_key}/callbacks`
pub async fn callbacks(call: Call) -> Answered {
    let app_key = call.app_key()?;
    let own = admin::callbacks_shown(&call.context).into_iter().filter(|of| of.app_key == app_key);
    Ok(json!({"callbacks": Vec::from_iter(own)}).into())
}

/// `POST /apps/{app_key}/callbacks/test`
pub async fn try_callbacks(call: Call) -> Answered {
    Ok(json!({"tried": call.ask_plain(Request::CallbackTest { app: call.app_key()? }).await?}).into())
}
