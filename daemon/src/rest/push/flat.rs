//! What others have and this server does not: vendors' quotas, templates, plans. Answered in their own, flat form.

use axum::body::Body;
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use crate::rest::fault::json_response;

/// The original asks the vendors of phones; here none of them has a part in it.
const UNLIMITED: i64 = -1;

/// `GET /v3/push/quota`
pub async fn quota() -> Response<Body> {
    let unlimited = json!({"total": UNLIMITED, "used": 0});
    let quota = json!({"system": unlimited, "operation": unlimited});
    let data = json!({"xiaomi_quota": quota, "oppo_quota": quota, "vivo_quota": quota});
    json_response(StatusCode::OK, &json!({"code": 0, "message": "success", "data": data}))
}

/// `POST /v3/push/template`, `POST /v3/push/template/schedule`, `/v3/push_plan/…`
pub async fn not_served() -> Response<Body> {
    json_response(StatusCode::FORBIDDEN, &not_permitted("this server has no push templates and no push plans"))
}

fn not_permitted(message: &str) -> Value {
    json!({"code": 2007, "message": message})
}
