//! The public REST API for operators: the same handlers, as the app or group that the path names, after session and
//! role were looked at instead of the secret. The app's white list of addresses and its rates are for its servers and do not
//! count here; a blocked app is blocked.

use anser_protocol::ids::Position;
use anser_storage::command::{Deed, FileOwner, OperatorAccount};
use anser_storage::ids::AppNumber;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::uri::PathAndQuery;
use axum::http::{Method, Response, Uri};
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::routing::MethodRouter;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::call::Caller;
use super::fault::Fault;
use super::{BASE, audit, gate};
use crate::context::Shared;
use crate::operator::right::{Right, may};
use crate::rest::route::{Route, Who};
use crate::rest::{CalledFrom, GroupCaller, Signer, Uploader, blocked, regular};

/// As whom an operator calls.
#[derive(Clone)]
struct Passing {
    account: OperatorAccount,
    /// Nothing: as an app group.
    app: Option<AppNumber>,
}

/// Beside an answer: there is such a call, and it is no mere reading.
#[derive(Clone, Copy)]
struct Deedful;

/// What lies behind `/rest` of an app or an app group.
pub enum Through {
    App(String),
    Group(String),
}

impl Through {
    /// Of a path below the base.
    pub fn of(path: &str) -> Option<Self> {
        let mut segments = path.splitn(5, '/').skip(1);
        match (segments.next(), segments.next(), segments.next()) {
            (Some("apps"), Some(key), Some("rest")) if !key.is_empty() => Some(Self::App(key.to_owned())),
            (Some("app-groups"), Some(key), Some("rest")) if !key.is_empty() => Some(Self::Group(key.to_owned())),
            _ => None,
        }
    }

    fn prefix(&self) -> String {
        match self {
            Self::App(key) => format!("{BASE}/apps/{key}/rest"),
            Self::Group(key) => format!("{BASE}/app-groups/{key}/rest"),
        }
    }

    pub async fn answer(
        self,
        context: &Shared,
        passage: &Router,
        caller: Caller,
        mut request: Request,
    ) -> Result<Response<Body>, Fault> {
        let from = gate::address(&request);
        let path = request.uri().path_and_query().map_or("", PathAndQuery::as_str);
        let path =
            path.strip_prefix(&self.prefix()).filter(|path| path.starts_with('/')).ok_or_else(Fault::no_route)?;
        *request.uri_mut() = path.parse::<Uri>().map_err(|_| Fault::invalid("the path is wrong"))?;
        let mut request = regular(request);
        let said = format!("{} {}", request.method(), request.uri().path());
        let account = caller.operator.account.clone();
        let (app, app_key) = match &self {
            Self::App(key) => {
                let (number, app) = gate::app_of(context, &caller, key).await?;
                let known = context.known_apps.get(&context.ledger, key).await?;
                if known.is_none_or(|known| known.access.is_blocked) {
                    return Ok(blocked().into_response());
                }
                let extensions = request.extensions_mut();
                extensions.insert(crate::rest::Caller { app: number, app_key: app.app_key.clone() });
                extensions.insert(Uploader { owner: FileOwner::App(number), key: app.app_key.clone() });
                extensions.insert(Signer(app.app_key.clone()));
                (Some(number), app.app_key)
            }
            Self::Group(key) => {
                if !may(&account, Right::ManageApps, None) {
                    return Err(Fault::not_allowed());
                }
                let asked = key.clone();
                let known = context.ledger.read(move |snapshot| snapshot.app_group(&asked)).await?;
                known.ok_or_else(|| Fault::unknown("there is no such app group"))?;
                let extensions = request.extensions_mut();
                extensions.insert(GroupCaller { key: key.clone(), from: CalledFrom::Console });
                extensions.insert(Signer(format!("group-{key}")));
                (None, String::new())
            }
        };
        request.extensions_mut().insert(Passing { account, app });
        let is_push = said == "POST /v3/push" || said == "POST /v3/push/file";
        let mut object = Bytes::new();
        if is_push {
            let (parts, body) = request.into_parts();
            object = gate::collected(body).await?;
            request = Request::from_parts(parts, Body::from(object.clone()));
        }
        let response = match passage.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.extensions().get::<Deedful>().is_none() {
            return Ok(guarded(response));
        }
        let (address, status) = (from.to_string(), response.status().as_u16());
        let deed = Deed { operator: caller.name, address, action: "rest".to_owned(), app_key, target: said, status };
        match app {
            Some(app) if is_push && status == 200 => {
                noted_push(context, deed, app, &object, response).await.map(guarded)
            }
            _ => {
                audit::note(context, deed).await?;
                Ok(guarded(response))
            }
        }
    }
}

fn guarded(mut response: Response<Body>) -> Response<Body> {
    gate::guard(&mut response);
    response
}

/// The history shows whose push it was.
async fn noted_push(
    context: &Shared,
    deed: Deed,
    app: AppNumber,
    object: &[u8],
    response: Response<Body>,
) -> Result<Response<Body>, Fault> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|_| Fault::internal())?.to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    match answer["msg_id"].as_str().and_then(|id| id.parse().ok()) {
        Some(push) => {
            let target = format!("{} msg_id {push}", deed.target);
            audit::note_push(context, Deed { target, ..deed }, (app, Position(push)), object).await?;
        }
        None => audit::note(context, deed).await?,
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

/// Put before each route that operators may use.
pub fn layer(methods: MethodRouter<Shared>, route: &'static Route) -> MethodRouter<Shared> {
    methods.route_layer(axum::middleware::from_fn_with_state(route, check))
}

async fn check(State(route): State<&'static Route>, request: Request, next: Next) -> Response<Body> {
    let Some(passing) = request.extensions().get::<Passing>() else { return Fault::no_route().into_response() };
    let is_served = match (passing.app, route.who) {
        (Some(_), Who::App | Who::Either | Who::AppOrDeveloper) | (None, Who::AppGroup | Who::Either) => true,
        (Some(_), Who::AppGroup | Who::Developer) | (None, Who::App | Who::AppOrDeveloper | Who::Developer) => false,
    };
    if !is_served {
        return Fault::no_route().into_response();
    }
    let (right, is_reading) = right_of(request.method(), route.path);
    // A group was asked about before: it is of no app.
    let is_allowed = passing.app.is_none() || may(&passing.account, right, passing.app);
    let mut response = match is_allowed {
        true => next.run(request).await,
        false => Fault::not_allowed().into_response(),
    };
    if !is_reading {
        response.extensions_mut().insert(Deedful);
    }
    response
}

/// What a public call asks of an operator's role, and whether it only reads.
pub(crate) fn right_of(method: &Method, path: &str) -> (Right, bool) {
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let tail = segments.get(1..).unwrap_or_default();
    let is_get = *method == Method::GET;
    // Questions that are too long for an address.
    let is_question = *method == Method::POST
        && matches!(
            segments.as_slice(),
            ["v3", "devices" | "device", "status"]
                | ["v3", "device", "devices", "status"]
                | ["v3", "status", "message"]
                | ["v3", "report", "status", "message"]
                | ["v1", "users", "userstat"]
                | ["v2", "users", "statuser" | "userstat"]
                | ["v1", "chatroom", "batch"]
        );
    let is_push_api = segments.first() == Some(&"v3");
    // Of users, and not the figures of pushes, which the push API calls messages.
    let is_about_messages = !is_push_api && (tail.contains(&"messages") || tail.first() == Some(&"resource"));
    let right = match (is_get || is_question, tail) {
        (true, _) if is_about_messages && !tail.contains(&"statistic") => Right::ReadMessages,
        (true, ["sensitiveword", ..]) => Right::ReadMessages,
        (true, ["push", "cid"]) => Right::Send,
        (true, _) => Right::SeeApp,
        (false, ["push" | "grouppush" | "schedules" | "files" | "images" | "push_plan", ..]) if is_push_api => {
            Right::Send
        }
        (false, ["messages"] | ["resource", ..]) => Right::Send,
        (false, ["messages", .., "retract"]) => Right::ReadMessages,
        (false, ["sensitiveword", ..] | ["sdkregister", ..]) => Right::ChangeApp,
        (false, _) if segments.first() == Some(&"sdkregister") => Right::ChangeApp,
        (false, _) => Right::ManageUsers,
    };
    (right, is_get || is_question)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::route::ROUTES;

    fn right(method: &Method, path: &str) -> Right {
        right_of(method, path).0
    }

    #[test]
    fn what_users_say_is_read_with_the_right_to_read_it() {
        for route in ROUTES.iter().filter(|route| route.method == "GET") {
            let is_of_messages = route.path.starts_with("/v1/messages")
                || route.path.starts_with("/v2/messages")
                || route.path.ends_with("/messages")
                    && route.path.starts_with("/v")
                    && !route.path.starts_with("/v3")
                    && !route.path.contains("statistic");
            if is_of_messages {
                assert_eq!(right(&Method::GET, route.path), Right::ReadMessages, "{}", route.path);
            }
        }
        assert_eq!(right(&Method::GET, "/v2/statistic/messages"), Right::SeeApp);
        assert_eq!(right(&Method::GET, "/v3/messages"), Right::SeeApp);
        assert_eq!(right(&Method::GET, "/v1/resource"), Right::ReadMessages);
    }

    #[test]
    fn whoever_only_sees_changes_nothing() {
        for route in ROUTES {
            let method = Method::from_bytes(route.method.as_bytes()).expect("a method");
            let (right, is_reading) = right_of(&method, route.path);
            assert!(is_reading || right != Right::SeeApp, "{} {}", route.method, route.path);
        }
        // A user may be called like a question.
        for method in [Method::PUT, Method::DELETE] {
            assert_eq!(right(&method, "/v1/users/userstat"), Right::ManageUsers);
        }
    }

    #[test]
    fn senders_push_and_do_not_manage() {
        for sending in ["/v3/push", "/v3/schedules", "/v3/push/schedules", "/v3/images/byurls", "/v1/messages"] {
            assert_eq!(right(&Method::POST, sending), Right::Send, "{sending}");
        }
        for managing in ["/v1/users", "/v1/groups", "/v3/devices/{registration_id}", "/v3/tags/{tag}", "/v1/chatroom"] {
            assert_eq!(right(&Method::POST, managing), Right::ManageUsers, "{managing}");
        }
        assert_eq!(right(&Method::POST, "/v1/messages/{username}/{msgid}/retract"), Right::ReadMessages);
        assert_eq!(right(&Method::PUT, "/sdkregister/status"), Right::ChangeApp);
        assert_eq!(right(&Method::PUT, "/v1/groups/messages/{gid}/silence"), Right::ManageUsers);
    }
}
