//! Who calls: every route asks here before its handler sees the request.

use anser_storage::Access;
use anser_storage::ids::AppNumber;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::basic::Basic;
use super::family::Family;
use super::fault::Fault;
use super::permit::{Denied, permit};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::keys::is_same_secret;
use crate::listen::Connection;

/// An app that has shown its master secret. Handlers take the app from here and from nowhere else, so that no call can
/// reach over the wall.
#[derive(Clone, Debug)]
pub struct Caller {
    pub app: AppNumber,
    pub app_key: String,
}

/// What the check of a route needs.
#[derive(Clone)]
pub struct Check {
    pub context: Shared,
    pub family: Family,
}

/// Credentials first, then whether their owner may call.
pub async fn check(State(check): State<Check>, mut request: Request, next: Next) -> Response<Body> {
    let Check { context, family } = check;
    let (caller, access) = match credentials(&context, family, request.headers()).await {
        Ok(found) => found,
        Err(fault) => return fault.into_response(),
    };
    let peer = request.extensions().get::<Connection>().map(|connection| connection.peer.ip());
    let permitted = permit(&context, caller.app, &access, request.uri().path(), peer, now_ms());
    let (mut response, figures) = match permitted {
        Ok(figures) => {
            request.extensions_mut().insert(caller);
            (next.run(request).await, figures)
        }
        Err(Denied { fault, figures }) => (fault.into_response(), figures),
    };
    if let Some(figures) = figures {
        response.extensions_mut().insert(figures);
    }
    response
}

pub async fn caller(context: &Shared, family: Family, headers: &HeaderMap) -> Result<Caller, Fault> {
    credentials(context, family, headers).await.map(|(caller, _)| caller)
}

async fn credentials(context: &Shared, family: Family, headers: &HeaderMap) -> Result<(Caller, Access), Fault> {
    let header = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let (user, password) = match Basic::parse(header) {
        Basic::Absent => return Err(family.no_credentials()),
        Basic::Malformed => return Err(family.wrong_credentials()),
        Basic::Given { user, password } => (user, password),
    };
    // The IM API compares app keys without case; ours are lower-case.
    let app_key = if family == Family::Im { user.to_ascii_lowercase() } else { user };
    let asked = app_key.clone();
    let found = context.ledger.read(move |snapshot| {
        let Some((number, app)) = snapshot.app_by_key(&asked)? else { return Ok(None) };
        Ok(Some((number, app, snapshot.access(number)?)))
    });
    let found = found.await.map_err(|_| family.busy())?;
    // An unknown key is compared as well, so that the time of the answer does not tell it from a wrong secret.
    let secret = found.as_ref().map_or("", |(_, app, _)| app.master_secret.as_str());
    let is_right = is_same_secret(password.as_bytes(), secret.as_bytes());
    match found {
        Some((app, _, access)) if is_right => Ok((Caller { app, app_key }, access)),
        _ => Err(family.wrong_credentials()),
    }
}
