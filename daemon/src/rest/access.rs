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

/// Stands before the key of an app group.
const GROUP_PREFIX: &str = "group-";

/// Whose credentials a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    App,
    AppGroup,
    Either,
    Developer,
}

/// An app that has shown its master secret. Handlers take the app from here and from nowhere else, so that no call can
/// reach over the wall.
#[derive(Clone, Debug)]
pub struct Caller {
    pub app: AppNumber,
    pub app_key: String,
}

/// The same for a group of apps.
#[derive(Clone, Debug)]
pub struct GroupCaller {
    pub key: String,
}

/// The same for a developer.
#[derive(Clone, Debug)]
pub struct DeveloperCaller {
    pub key: String,
}

/// The name that an app or a group gave: its cids begin with it.
#[derive(Clone, Debug)]
pub struct Signer(pub String);

/// What the check of a route needs.
#[derive(Clone)]
pub struct Access {
    pub context: Shared,
    pub family: Family,
    pub who: Who,
}

pub async fn check(State(access): State<Access>, mut request: Request, next: Next) -> Result<Response<Body>, Fault> {
    let Access { context, family, who } = access;
    let (user, password) = credentials(family, request.headers())?;
    let is_group = match who {
        Who::AppGroup => true,
        Who::Either => user.starts_with(GROUP_PREFIX),
        Who::App | Who::Developer => false,
    };
    if who == Who::Developer {
        let developer = developer(&context, family, user, &password).await?;
        request.extensions_mut().insert(developer);
    } else {
        let signer = Signer(user.clone());
        if is_group {
            let group = group(&context, family, &user, &password).await?;
            request.extensions_mut().insert(group);
        } else {
            let app = app(&context, family, user, &password).await?;
            request.extensions_mut().insert(app);
        }
        request.extensions_mut().insert(signer);
    }
    Ok(next.run(request).await)
}

/// The app that calls.
pub async fn caller(context: &Shared, family: Family, headers: &HeaderMap) -> Result<Caller, Fault> {
    let (user, password) = credentials(family, headers)?;
    app(context, family, user, &password).await
}

fn credentials(family: Family, headers: &HeaderMap) -> Result<(String, String), Fault> {
    let header = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    match Basic::parse(header) {
        Basic::Absent => Err(family.no_credentials()),
        Basic::Malformed => Err(family.malformed_credentials()),
        Basic::Given { user, password } => Ok((user, password)),
    }
}

async fn app(context: &Shared, family: Family, user: String, password: &str) -> Result<Caller, Fault> {
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

async fn group(context: &Shared, family: Family, user: &str, password: &str) -> Result<GroupCaller, Fault> {
    let key = user.strip_prefix(GROUP_PREFIX).ok_or_else(|| family.wrong_credentials())?.to_owned();
    let asked = key.clone();
    let found = context
        .ledger
        .read(move |snapshot| snapshot.app_group(&asked))
        .await
        .map_err(|error| family.unavailable(&error))?;
    let secret = found.as_ref().map_or("", |group| group.secret.as_str());
    let is_right = is_same_secret(password.as_bytes(), secret.as_bytes());
    if found.is_some() && is_right { Ok(GroupCaller { key }) } else { Err(family.wrong_credentials()) }
}

async fn developer(context: &Shared, family: Family, key: String, password: &str) -> Result<DeveloperCaller, Fault> {
    let asked = key.clone();
    let found = context
        .ledger
        .read(move |snapshot| snapshot.developer(&asked))
        .await
        .map_err(|error| family.unavailable(&error))?;
    let developer = found.ok_or_else(|| family.unknown_key())?;
    let is_right = is_same_secret(password.as_bytes(), developer.secret.as_bytes());
    if is_right { Ok(DeveloperCaller { key }) } else { Err(family.wrong_credentials()) }
}
