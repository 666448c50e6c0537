//! What a call of the console is answered when it fails.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::ledger::Unavailable;
use crate::operator::LogInFailure;

/// A failed call: the code is for the page, the message for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: Cow<'static, str>,
}

impl Fault {
    fn new(status: StatusCode, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", message)
    }

    pub fn no_session() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "no_session", "log in: there is no session, or it is over")
    }

    pub fn wrong_password() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "wrong_password", "the name or the password is wrong")
    }

    pub fn not_allowed() -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_allowed", "your role does not allow this")
    }

    pub fn foreign_origin() -> Self {
        Self::new(StatusCode::FORBIDDEN, "foreign_origin", "another site asked for this: it is refused")
    }

    pub fn no_console_header() -> Self {
        Self::new(StatusCode::FORBIDDEN, "no_console_header", "calls of the console have the header X-Anser-Console: 1")
    }

    pub fn unknown_app() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown_app", "there is no such app, or it is none of yours")
    }

    pub fn unknown(what: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown", what)
    }

    pub fn no_route() -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_route", "there is no such call")
    }

    pub fn method() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this path does not serve this method")
    }

    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "the body is too large")
    }

    pub fn not_json() -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", "send the body as application/json")
    }

    pub fn set_up_over() -> Self {
        Self::new(StatusCode::GONE, "set_up_over", "the link was used, or is older than a day, or is wrong")
    }

    pub fn demo_over() -> Self {
        Self::new(StatusCode::GONE, "demo_over", "the link was used, or the demo was started anew: use a newer one")
    }

    pub fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message)
    }

    pub fn busy(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    pub fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the daemon met a fault of its own; its log says more")
    }

    pub fn to_json(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message}})
    }

    pub fn into_response(self) -> Response<Body> {
        super::gate::json(self.status, &self.to_json())
    }
}

impl From<Unavailable> for Fault {
    fn from(error: Unavailable) -> Self {
        match error {
            Unavailable::Unreadable => Self::internal(),
            other => Self::busy(other.to_string()),
        }
    }
}

impl From<LogInFailure> for Fault {
    fn from(failure: LogInFailure) -> Self {
        match failure {
            LogInFailure::Wrong => Self::wrong_password(),
            LogInFailure::TooMany => Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many", failure.to_string()),
            LogInFailure::SetUpOver => Self::set_up_over(),
            LogInFailure::Invalid(why) => Self::invalid(why),
            LogInFailure::Busy => Self::busy(failure.to_string()),
            LogInFailure::Unavailable(error) => error.into(),
        }
    }
}
