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
mod certificate;
pub(crate) mod device;
mod device_status;
mod file;
pub(crate) mod im;
mod image;
mod media;
mod push;
mod report;
mod schedule;
mod tag;
mod test_device;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{Method, Response};
use axum::response::IntoResponse;
use axum::routing::{any, get, head};
use tower::ServiceExt;

use crate::clock::now_ms;
use crate::context::Shared;
use crate::link;
use access::Check;
use family::Family;
use fault::Fault;
use rate::{Figures, Limits, RateFamily, UNLIMITED};

pub(crate) use access::Caller;
pub(crate) use im::{Walks, written_message};
pub(crate) use push::submission_later;

/// Answers requests; cheap to clone.
#[derive(Clone)]
pub struct Rest {
    router: Router,
    rates: Limits,
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
        Self { router, rates: context.config.rates }
    }

    /// Answers one request, whatever it is: a handler that panics costs its caller an answer 500 and nobody else.
    pub async fn answer(&self, request: Request) -> Response<Body> {
        let request = regular(request);
        let family = Family::of_path(request.uri().path());
        let rate = RateFamily::of_path(request.uri().path());
        let is_call = rate.is_some() || family == Family::Admin;
        let answered = caught::caught(self.router.clone().oneshot(request)).await;
        let mut response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(caught::Panicked) => family.internal().into_response(),
        };
        if is_call {
            // Who was refused before the count is told what is true of somebody who has not called.
            let figures = response.extensions_mut().remove::<Figures>();
            let limit = rate.map_or(UNLIMITED, |rate| self.rates.of(rate));
            figures.unwrap_or_else(|| Figures::untouched(limit, now_ms())).write(response.headers_mut());
            if family != Family::Im {
                response.headers_mut().entry(CONTENT_TYPE).or_insert(fault::JSON);
            }
        }
        response
    }
}

/// Path and method as the routes are written.
fn regular(mut request: Request) -> Request {
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
        let rest = Rest { router, rates: Limits::UNLIMITED };
        for _ in 0..1000 {
            let response = rest.answer(request("/v3/panic")).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
        }
        assert_eq!(rest.answer(request("/v3/fine")).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn methods_are_known_in_any_case_and_slashes_do_not_matter() {
        let router = Router::new().route("/v3/fine", get(async || "fine"));
        let rest = Rest { router, rates: Limits::UNLIMITED };
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
