//! Who calls: every route asks here before its handler sees the request.

use std::net::IpAddr;

use anser_storage::Access;
use anser_storage::command::FileOwner;
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
use super::permit::{Denied, permit, permit_other};
use super::rate::{Figures, Payer};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::keys::is_same_secret;
use crate::listen::Connection;

/// Stands before the key of an app group.
const GROUP_PREFIX: &str = "group-";

/// Whose credentials a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    App,
    AppGroup,
    Either,
    Developer,
    AppOrDeveloper,
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
    pub from: CalledFrom,
}

/// Each app of a group has its own say about this.
#[derive(Clone, Copy, Debug)]
pub enum CalledFrom {
    Address(Option<IpAddr>),
    /// An operator, who is no server.
    Console,
}

/// The same for a developer.
#[derive(Clone, Debug)]
pub struct DeveloperCaller {
    pub key: String,
}

/// An app or a developer who deals with files of their own.
#[derive(Clone, Debug)]
pub struct Uploader {
    pub owner: FileOwner,
    pub key: String,
}

/// The name that an app or a group gave: its cids begin with it.
#[derive(Clone, Debug)]
pub struct Signer(pub String);

/// What the check of a route needs.
#[derive(Clone)]
pub struct Check {
    pub context: Shared,
    pub family: Family,
    pub who: Who,
}

/// Credentials first, then whether their owner may call.
pub async fn check(State(check): State<Check>, mut request: Request, next: Next) -> Response<Body> {
    let admitted = match admit(&check, &mut request).await {
        Ok(admitted) => admitted,
        Err(fault) => return fault.into_response(),
    };
    let path = request.uri().path();
    let permitted = match admitted {
        Admitted::App(app, access) => permit(&check.context, app, &access, path, address(&request), now_ms()),
        Admitted::Other(payer) => permit_other(&check.context, payer, path, now_ms()),
    };
    let (mut response, figures) = match permitted {
        Ok(figures) => (next.run(request).await, figures),
        Err(Denied { fault, figures }) => (fault.into_response(), figures),
    };
    // A call that counts as several has said so.
    if let Some(figures) = figures
        && response.extensions().get::<Figures>().is_none()
    {
        response.extensions_mut().insert(figures);
    }
    response
}

fn address(request: &Request) -> Option<IpAddr> {
    request.extensions().get::<Connection>().map(|connection| connection.peer.ip())
}

/// The app that calls.
pub async fn caller(context: &Shared, family: Family, headers: &HeaderMap) -> Result<Caller, Fault> {
    let (user, password) = credentials(family, headers)?;
    app(context, family, user, &password).await.map(|(caller, _)| caller)
}

enum Admitted {
    /// With what the operator lets it do.
    App(AppNumber, Access),
    Other(Payer),
}

/// Notes for the handler who calls.
async fn admit(check: &Check, request: &mut Request) -> Result<Admitted, Fault> {
    let Check { context, family, who } = check;
    let (user, password) = credentials(*family, request.headers())?;
    if *who == Who::Developer {
        let developer = developer(context, *family, user, &password).await?;
        let payer = Payer::Developer(developer.key.clone());
        request.extensions_mut().insert(developer);
        return Ok(Admitted::Other(payer));
    }
    if *who == Who::AppOrDeveloper && !is_app(context, *family, &user).await? {
        let DeveloperCaller { key } = developer(context, *family, user, &password).await?;
        request.extensions_mut().insert(Uploader { owner: FileOwner::Developer(key.clone()), key: key.clone() });
        return Ok(Admitted::Other(Payer::Developer(key)));
    }
    let is_group = match who {
        Who::AppGroup => true,
        Who::Either => user.starts_with(GROUP_PREFIX),
        Who::App | Who::Developer | Who::AppOrDeveloper => false,
    };
    let signer = Signer(user.clone());
    let admitted = if is_group {
        let from = CalledFrom::Address(address(request));
        let group = group(context, *family, (&user, &password), from).await?;
        let payer = Payer::AppGroup(group.key.clone());
        request.extensions_mut().insert(group);
        Admitted::Other(payer)
    } else {
        let (caller, access) = app(context, *family, user, &password).await?;
        let number = caller.app;
        let key = caller.app_key.clone();
        request.extensions_mut().insert(Uploader { owner: FileOwner::App(number), key });
        request.extensions_mut().insert(caller);
        Admitted::App(number, access)
    };
    request.extensions_mut().insert(signer);
    Ok(admitted)
}

fn credentials(family: Family, headers: &HeaderMap) -> Result<(String, String), Fault> {
    let header = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    match Basic::parse(header) {
        Basic::Absent => Err(family.no_credentials()),
        Basic::Malformed => Err(family.malformed_credentials()),
        Basic::Given { user, password } => Ok((user, password)),
    }
}

async fn is_app(context: &Shared, family: Family, user: &str) -> Result<bool, Fault> {
    let found = context.known_apps.get(&context.ledger, user).await;
    Ok(found.map_err(|error| family.unavailable(&error))?.is_some())
}

async fn app(context: &Shared, family: Family, user: String, password: &str) -> Result<(Caller, Access), Fault> {
    // The IM API compares app keys without case; ours are lower-case.
    let app_key = if family == Family::Im { user.to_ascii_lowercase() } else { user };
    let found = context.known_apps.get(&context.ledger, &app_key).await.map_err(|error| family.unavailable(&error))?;
    // An unknown key is compared as well, so that the time of the answer does not tell it from a wrong secret.
    let secret = found.as_ref().map_or("", |app| app.master_secret.as_str());
    let is_right = is_same_secret(password.as_bytes(), secret.as_bytes());
    match found {
        Some(app) if is_right => Ok((Caller { app: app.number, app_key }, app.access.clone())),
        _ => Err(family.wrong_credentials()),
    }
}

async fn group(
    context: &Shared,
    family: Family,
    (user, password): (&str, &str),
    from: CalledFrom,
) -> Result<GroupCaller, Fault> {
    let key = user.strip_prefix(GROUP_PREFIX).ok_or_else(|| family.wrong_credentials())?.to_owned();
    let asked = key.clone();
    let found = context
        .ledger
        .read(move |snapshot| snapshot.app_group(&asked))
        .await
        .map_err(|error| family.unavailable(&error))?;
    let secret = found.as_ref().map_or("", |group| group.secret.as_str());
    let is_right = is_same_secret(password.as_bytes(), secret.as_bytes());
    if found.is_some() && is_right { Ok(GroupCaller { key, from }) } else { Err(family.wrong_credentials()) }
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
