//! What a caller is told when a call fails: status, code, text.

use std::borrow::Cow;

use anser_protocol::ids::Position;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

/// Every JSON body of both APIs says exactly this.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A failed call. The text is for people; SDKs look at status and code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub status: StatusCode,
    pub code: u32,
    pub message: Cow<'static, str>,
    /// Only with 1011: the id that was allotted although nothing is sent.
    pub msg_id: Option<Position>,
    /// Registration ids of a list that are none of the app.
    pub illegal_rids: Vec<String>,
}

impl Fault {
    pub fn new(status: StatusCode, code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), msg_id: None, illegal_rids: Vec::new() }
    }

    pub fn to_json(&self) -> Value {
        let mut body = json!({"error": {"code": self.code, "message": self.message}});
        if let Some(msg_id) = self.msg_id {
            body["msg_id"] = Value::String(msg_id.to_string());
        }
        if !self.illegal_rids.is_empty() {
            body["error"]["illegal_rids"] = json!(self.illegal_rids);
        }
        body
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response<Body> {
        json_response(self.status, &self.to_json())
    }
}

/// A whole JSON answer with its length known, so that head and body leave together.
pub fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}
