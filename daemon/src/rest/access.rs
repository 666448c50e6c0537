//! Who calls: every route asks here before its handler sees the request.

use anser_storage::ids::AppNumber;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response};
use axum::middleware::Next;

use super::basic::Basic;
use super::family::Family;
use super::fault::Fault;
use crate::context::Shared;
use crate::keys::is_same_secret;

/// An app that has shown its master secret. Handlers take the app from here and from nowhere else, so that no call can
/// reach over the wall.
#[derive(Clone, Debug)]
pub struct Caller {
    pub app: AppNumber,
    pub app_key: String,
}

/// What the check of a route needs.
#[derive(Clone)]
pub struct Access {
    pub context: Shared,
    pub family: Family,
}

pub async fn check(State(access): State<Access>, mut request: Request, next: Next) -> Result<Response<Body>, Fault> {
    let caller = caller(&access.context, access.family, request.headers()).await?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

pub async fn caller(context: &Shared, family: Family, headers: &HeaderMap) -> Result<Caller, Fault> {
    let header = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let (user, password) = match Basic::parse(header) {
        Basic::Absent => return Err(family.no_credentials()),
        Basic::Malformed => return Err(family.wrong_credentials()),
        Basic::Given { user, password } => (user, password),
    };
    // The IM API compares app keys without case; ours are lower-case.
    let app_key = if family == Family::Im { user.to_ascii_lowercase() } else { user };
    let asked = app_key.clone();
    let found = context
        .ledger
        .read(move |snapshot| snapshot.app_by_key(&asked))
        .await
        .map_err(|error| family.unavailable(&error))?;
    // An unknown key is compared as well, so that the time of the answer does not tell it from a wrong secret.
    let secret = found.as_ref().map_or("", |(_, app)| app.master_secret.as_str());
    let is_right = is_same_secret(password.as_bytes(), secret.as_bytes());
    match found {
        Some((app, _)) if is_right => Ok(Caller { app, app_key }),
        _ => Err(family.wrong_credentials()),
    }
}
