//! The REST APIs for app servers: push version 3 and IM versions 1 and 2, as the official SDKs call them.
//!
//! Handlers translate between JSON and commands; they decide nothing. `route` lists every call with the credentials
//! that it wants; `family` and the `refusal` files hold the codes; everything that answers answers JSON.

pub mod route;

pub mod permit;
pub mod rate;

mod access;
mod basic;
mod body;
mod caught;
mod family;
mod fault;
mod form;
pub(crate) mod known;
pub(crate) mod lenient;
mod origin;
mod path;
pub(crate) mod period;
mod segment;
mod uuid;
pub(crate) mod wall_clock;

mod alias;
mod app;
pub(crate) mod certificate;
pub(crate) mod device;
mod device_status;
mod file;
pub(crate) mod im;
mod image;
mod media;
pub(crate) mod push;
mod report;
mod schedule;
mod tag;
mod test_device;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, any, get, head};
use tower::ServiceExt;

use crate::clock::now_ms;
use crate::console::{self, Console};
use crate::context::Shared;
use crate::link;
use crate::observe::Observer;
use access::Check;
use family::Family;
use fault::Fault;
use rate::{Figures, Limits, RateFamily, UNLIMITED};

pub(crate) use access::{CalledFrom, Caller, GroupCaller, Signer, Uploader};
pub(crate) use fault::json_response;
pub(crate) use im::{Walks, kind_of, written_message};
pub(crate) use path::{decoded, query_value};
pub(crate) use permit::blocked;
pub(crate) use push::submission_later;
pub(crate) use push::targets as push_targets;

/// Answers requests; cheap to clone.
#[derive(Clone)]
pub struct Rest {
    router: Router,
    /// Nothing in tests of single handlers.
    console: Option<Console>,
    rates: Arc<dyn Fn() -> Limits + Send + Sync>,
    observer: Arc<Observer>,
}

/// The calls of app servers without the question who calls: `layer` puts another one before each, and whoever sends a
/// request through puts the caller beside it.
pub(crate) fn passage(
    context: &Shared,
    layer: fn(MethodRouter<Shared>, &'static route::Route) -> MethodRouter<Shared>,
) -> Router {
    route::ROUTES
        .iter()
        .fold(Router::new(), |router, route| router.route(route.path, layer((route.handler)(), route)))
        .fallback(async |request: Request| Family::of_path(request.uri().path()).no_route())
        .method_not_allowed_fallback(async |request: Request| {
            Family::of_path(request.uri().path()).method_not_allowed()
        })
        .with_state(context.clone())
}

impl Rest {
    pub fn new(context: &Shared) -> Self {
        let router = route::ROUTES
            .iter()
            .fold(Router::new(), |router, route| {
                let check = Check { context: context.clone(), family: route.family, who: route.who };
                let checked = axum::middleware::from_fn_with_state(check, access::check);
                router.route(route.path, (route.handler)().route_layer(checked))
            })
            .route("/link", any(|State(context): State<Shared>, request: Request| link::upgrade(request, context)))
            .route(image::PATH, get(image::serve))
            .route(media::PATH, get(media::serve))
            .route(media::UPLOAD_ROUTE, head(media::look).put(media::put))
            .fallback(no_route)
            .method_not_allowed_fallback(method_not_allowed)
            .with_state(context.clone());
        let console = Some(Console::new(context));
        let (context, observer) = (context.clone(), context.observer.clone());
        Self { router, console, rates: Arc::new(move || context.config.rates), observer }
    }

    /// Answers one request, whatever it is: a handler that panics costs its caller an answer 500 and nobody else.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let request = regular(request);
        if let Some(console) = self.console.as_ref().filter(|_| Console::is_for(request.uri().path())) {
            let answered = caught::caught(console.answer(request)).await;
            return answered.unwrap_or_else(|caught::Panicked| console::broken());
        }
        let family = Family::of_path(request.uri().path());
        let rate = RateFamily::of_path(request.uri().path());
        let (begun, method) = (Instant::now(), request.method().clone());
        let path = request.uri().path().to_owned();
        let is_call = rate.is_some() || family == Family::Admin;
        let answered = caught::caught(self.router.clone().oneshot(request)).await;
        let mut response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(caught::Panicked) => family.internal().into_response(),
        };
        self.note(family, &method, &path, response.status(), begun.elapsed());
        if is_call {
            // Who was refused before the count is told what is true of somebody who has not called.
            let figures = response.extensions_mut().remove::<Figures>();
            let limit = rate.map_or(UNLIMITED, |rate| (self.rates)().of(rate));
            figures.unwrap_or_else(|| Figures::untouched(limit, now_ms())).write(response.headers_mut());
            if family != Family::Im {
                response.headers_mut().entry(CONTENT_TYPE).or_insert(fault::JSON);
            }
        }
        response
    }
}

impl Rest {
    fn note(&self, family: Family, method: &Method, path: &str, status: StatusCode, took: Duration) {
        let metrics = &self.observer.metrics;
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        metrics.rest_requests[family as usize][class].inc();
        metrics.rest_seconds[family as usize].observe(took.as_secs_f64());
        self.observer.slowest.note(took, || format!("{method} {}", beginning(path)));
    }
}

/// What may be shown of a path: names and tickets stand further behind.
fn beginning(path: &str) -> String {
    let mut segments = path.split('/').skip(1);
    match (segments.next(), segments.next()) {
        (Some(version @ ("v1" | "v2" | "v3")), Some(what)) => format!("/{version}/{what}"),
        (first, _) => format!("/{}", first.unwrap_or_default()),
    }
}

/// Path and method as the routes are written.
pub(crate) fn regular(mut request: Request) -> Request {
    if let Some(uri) = path::normalised(request.uri()) {
        *request.uri_mut() = uri;
    }
    let upper = request.method().as_str().to_ascii_uppercase();
    if upper != request.method().as_str()
        && let Ok(method) = Method::from_bytes(upper.as_bytes())
    {
        *request.method_mut() = method;
    }
    request
}

/// IM answers an unknown path to those only who may call at all.
async fn no_route(State(context): State<Shared>, request: Request) -> Fault {
    let family = Family::of_path(request.uri().path());
    if matches!(request.uri().path(), "/v2/push" | "/v2/received") {
        return push::retired();
    }
    match family {
        Family::Im => access::caller(&context, family, request.headers()).await.err().unwrap_or(family.no_route()),
        Family::Push | Family::Device | Family::Report | Family::Admin | Family::Schedule => family.no_route(),
    }
}

async fn method_not_allowed(State(context): State<Shared>, request: Request) -> Fault {
    let family = Family::of_path(request.uri().path());
    match family {
        Family::Im => {
            access::caller(&context, family, request.headers()).await.err().unwrap_or(family.method_not_allowed())
        }
        Family::Push | Family::Device | Family::Report | Family::Admin | Family::Schedule => {
            family.method_not_allowed()
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[tokio::test]
    async fn g27_a_thousand_panicking_handlers_leave_the_service_alive() {
        let router = Router::new().route("/v3/panic", get(panics)).route("/v3/fine", get(async || "fine"));
        let rest = Rest { router, console: None, rates: Arc::new(|| Limits::UNLIMITED), observer: Arc::default() };
        for _ in 0..1000 {
            let response = rest.answer(request("/v3/panic")).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
        }
        assert_eq!(rest.answer(request("/v3/fine")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_fault_of_the_server_itself_is_told_with_the_code_of_the_family() {
        let families = [
            ("/v3/push", 1000),
            ("/v3/devices/x", 7000),
            ("/v3/received", 10),
            ("/v1/app", 10),
            ("/v3/schedules", 8200),
            ("/v1/users", 899_000),
        ];
        let router = families.iter().fold(Router::new(), |router, (path, _)| router.route(path, get(panics)));
        let rest = Rest { router, console: None, rates: Arc::new(|| Limits::UNLIMITED), observer: Arc::default() };
        for (path, code) in families {
            let response = rest.answer(request(path)).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR, "{path}");
            let body = axum::body::to_bytes(response.into_body(), 1000).await.expect("a short body");
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(body["error"]["code"], code, "{path}");
        }
    }

    #[tokio::test]
    async fn methods_are_known_in_any_case_and_slashes_do_not_matter() {
        let router = Router::new().route("/v3/fine", get(async || "fine"));
        let rest = Rest { router, console: None, rates: Arc::new(|| Limits::UNLIMITED), observer: Arc::default() };
        let mut odd = request("//v3//fine/");
        *odd.method_mut() = Method::from_bytes(b"get").expect("a token");
        assert_eq!(rest.answer(odd).await.status(), StatusCode::OK);
    }

    fn request(path: &str) -> Request {
        Request::builder().uri(path).body(Body::empty()).expect("a request")
    }

    async fn panics() -> &'static str {
        panic!("a bug, on purpose")
    }
}
