//! What the page of the Web IM asks before anybody is logged in: which app it is for, and whom a link of the demo logs
//! in.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::fault::Fault;
use super::gate;
use crate::context::Shared;
use crate::rest::decoded;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Demo {
    token: String,
}

pub async fn answer(context: &Shared, request: Request) -> Result<Response<Body>, Fault> {
    gate::check_page(request.headers())?;
    let path = request.uri().path().to_owned();
    let segments: Vec<&str> = path.split('/').skip(2).collect();
    let value = match (request.method(), segments.as_slice()) {
        (&Method::GET, ["apps"]) => only_app(context).await?,
        (&Method::GET, ["apps", key]) => app(context, key).await?,
        (&Method::POST, ["demo"]) => {
            let (parts, body) = request.into_parts();
            let body = gate::read(&parts.headers, body).await?;
            let Demo { token } = serde_json::from_value(body).map_err(|_| Fault::invalid("send {\"token\": …}"))?;
            let shown = context.demo.log_in(context, &token).await?.ok_or_else(Fault::demo_over)?;
            json!({
                "app_key": shown.app_key, "username": shown.username, "login_token": shown.login_token,
                "expires_ms": shown.expires_ms,
            })
        }
        (_, ["apps"] | ["apps", _] | ["demo"]) => return Err(Fault::method()),
        _ => return Err(Fault::no_route()),
    };
    Ok(gate::json(StatusCode::OK, &value))
}

/// Where there is one app, its users need not know its key. Where there are several, no list of them is told.
async fn only_app(context: &Shared) -> Result<Value, Fault> {
    let read = context.ledger.read(|snapshot| match snapshot.apps()?.as_slice() {
        [(number, app)] => Ok(Some((app.app_key.clone(), app.name.clone(), snapshot.is_registration_open(*number)?))),
        _ => Ok(None),
    });
    let shown = read
        .await?
        .map(|(app_key, name, is_open)| json!({"app_key": app_key, "name": name, "is_registration_open": is_open}));
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"), "media_bytes_max": context.config.media.upload_bytes,
        "apps": Vec::from_iter(shown),
    }))
}

async fn app(context: &Shared, key: &str) -> Result<Value, Fault> {
    let key = decoded(key).ok_or_else(Fault::unknown_app)?.to_ascii_lowercase();
    let asked = key.clone();
    let read = context.ledger.read(move |snapshot| match snapshot.app_by_key(&asked)? {
        Some((number, _)) => snapshot.is_registration_open(number).map(Some),
        None => Ok(None),
    });
    let is_open = read.await?.ok_or_else(Fault::unknown_app)?;
    Ok(json!({
        "version": env!("CARGO_PKG_VERSION"), "media_bytes_max": context.config.media.upload_bytes,
        "app_key": key, "is_registration_open": is_open,
    }))
}
