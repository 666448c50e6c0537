//! Who may call: the marks of a call of our own page, the session, the role. What is no reading is written down.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use anser_storage::App;
use anser_storage::command::Deed;
use anser_storage::ids::AppNumber;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::Value;

use super::call::{Answer, Call, Caller};
use super::fault::Fault;
use super::route::{self, Found, Need};
use super::{BASE, audit, pages, passage, session};
use crate::context::Shared;
use crate::listen::{Connection, is_own_origin};
use crate::operator::right::{Right, may};
use crate::rest::json_response;

const CONSOLE_HEADER: &str = "x-anser-console";
const BODY_BYTES_MAX: usize = 1 << 20;
const BODY_WITHIN: Duration = Duration::from_secs(30);

pub async fn answer(context: &Shared, passage: &Router, request: Request) -> Result<Response<Body>, Fault> {
    check_page(request.headers())?;
    if request.headers().get(CONSOLE_HEADER).is_none_or(|value| value != "1") {
        return Err(Fault::no_console_header());
    }
    let path = request.uri().path().strip_prefix(BASE).unwrap_or_default().to_owned();
    if let Some(through) = passage::Through::of(&path) {
        let caller = caller(context, request.headers()).await?;
        return through.answer(context, passage, caller, request).await;
    }
    let found = match route::find(request.method(), &path) {
        Found::Route(route, names) => (route, names),
        Found::OtherMethod => return Err(Fault::method()),
        Found::Nothing => return Err(Fault::no_route()),
    };
    serve(context, found, request).await
}

async fn serve(
    context: &Shared,
    (route, names): (&'static route::Route, Vec<String>),
    request: Request,
) -> Result<Response<Body>, Fault> {
    let from = address(&request);
    let caller = match route.need {
        Need::Nobody => None,
        Need::Session | Need::Daemon(_) | Need::App(_) => Some(caller(context, request.headers()).await?),
    };
    let mut names = names.into_iter();
    let app = match (route.need, &caller) {
        (Need::App(_), Some(caller)) => Some(app_of(context, caller, &names.next().unwrap_or_default()).await?),
        _ => None,
    };
    let is_allowed = match (route.need, &caller) {
        (Need::App(right) | Need::Daemon(right), Some(caller)) => {
            may(&caller.operator.account, right, app.as_ref().map(|(number, _)| *number))
        }
        (Need::App(_) | Need::Daemon(_), None) => false,
        (Need::Nobody | Need::Session, _) => true,
    };
    let names: Vec<String> = names.collect();
    let mut deed = Deed {
        operator: caller.as_ref().map(|caller| caller.name.clone()).unwrap_or_default(),
        address: from.to_string(),
        action: route.action.unwrap_or_default().to_owned(),
        app_key: app.as_ref().map(|(_, app)| app.app_key.clone()).unwrap_or_default(),
        target: names.join(" "),
        status: 200,
    };
    let answered = match is_allowed {
        false => Err(Fault::not_allowed()),
        true => {
            let (parts, body) = request.into_parts();
            let body = match parts.method {
                Method::GET => Value::Null,
                _ => read(&parts.headers, body).await?,
            };
            let context = context.clone();
            (route.handler)(Call { context, operator: caller, app, names, uri: parts.uri, body, from }).await
        }
    };
    if route.action.is_some() && route.need != Need::Nobody {
        deed.status = answered.as_ref().map_or_else(|fault| fault.status.as_u16(), |_| 200);
        if let Ok(Answer { target: Some(target), .. }) = &answered {
            deed.target = target.clone();
        }
        audit::note(context, deed).await?;
    }
    let Answer { value, cookie, csv, .. } = answered?;
    let mut response = match csv {
        Some(text) => text_file(text),
        None => json(StatusCode::OK, &value),
    };
    if let Some(cookie) = cookie {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// An app that the caller may at least see; of others nobody learns whether they exist.
pub async fn app_of(context: &Shared, caller: &Caller, key: &str) -> Result<(AppNumber, App), Fault> {
    let key = key.to_owned();
    let found = context.ledger.read(move |snapshot| snapshot.app_by_key(&key)).await?;
    let seen = found.filter(|(number, _)| may(&caller.operator.account, Right::SeeApp, Some(*number)));
    seen.ok_or_else(Fault::unknown_app)
}

/// Whose session the cookie is.
pub async fn caller(context: &Shared, headers: &HeaderMap) -> Result<Caller, Fault> {
    let token = session::token(headers.get_all(COOKIE)).ok_or_else(Fault::no_session)?;
    let found = context.operators.of_session(&token).await?;
    let (session, operator) = found.ok_or_else(Fault::no_session)?;
    Ok(Caller { name: session.name, operator, token })
}

/// Browsers say from which site a request comes; whoever says nothing is no browser and has no cookie by accident.
pub fn check_page(headers: &HeaderMap) -> Result<(), Fault> {
    if let Some(site) = headers.get("sec-fetch-site")
        && site != "same-origin"
        && site != "none"
    {
        return Err(Fault::foreign_origin());
    }
    match headers.get(ORIGIN) {
        Some(origin) if !is_own_origin(headers, origin.to_str().unwrap_or_default()) => Err(Fault::foreign_origin()),
        _ => Ok(()),
    }
}

pub fn address(request: &Request) -> IpAddr {
    let connection = request.extensions().get::<Connection>();
    connection.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |connection| connection.peer.ip().to_canonical())
}

/// A body as JSON; null when there is none.
pub async fn read(headers: &HeaderMap, body: Body) -> Result<Value, Fault> {
    let bytes = collected(body).await?;
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    // A form of another site can send any text, but not under this name.
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(Fault::not_json());
    }
    serde_json::from_slice(&bytes).map_err(|error| Fault::invalid(format!("the body is no JSON: {error}")))
}

/// A body within a size and a time.
pub async fn collected(body: Body) -> Result<Bytes, Fault> {
    let body = Limited::new(body, BODY_BYTES_MAX);
    match tokio::time::timeout(BODY_WITHIN, body.collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Fault::too_large()),
        _ => Err(Fault::invalid("the body did not come whole and in time")),
    }
}

pub fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = json_response(status, body);
    guard(&mut response);
    response
}

/// Answers are for this page and this moment only.
pub fn guard(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    for (name, value) in pages::GUARDS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
}

fn text_file(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    guard(&mut response);
    response
}
