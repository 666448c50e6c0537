//! Media for app servers: uploads by form, and addresses for what was uploaded.

mod download;
mod range;
mod resume;
mod upload;

pub use download::{PATH, serve};
pub use resume::{UPLOAD_ROUTE, look, put};
pub use upload::upload;

use anser_storage::MediaContent;
use anser_storage::media::{MediaKind, MediaName};
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::access::Caller;
use super::family::Family;
use super::fault::{Fault, json_response};
use super::origin::origin;
use super::path::query_value;
use crate::clock::now_ms;
use crate::context::Shared;

/// `GET /v1/resource?mediaId={media_id}`
pub async fn resolve(
    context: State<Shared>,
    caller: Extension<Caller>,
    request: Request,
) -> Result<Response<Body>, Fault> {
    let invalid = |message: &'static str| Family::Im.invalid(message);
    let text = query_value(request.uri(), "mediaId").ok_or_else(|| invalid("mediaId is missing"))?;
    let name = MediaName::parse(&text).ok_or_else(|| invalid("mediaId is no media_id"))?;
    let app = caller.app;
    let found = context.ledger.read(move |snapshot| {
        let Some((home, _)) = snapshot.media_in_reach(app, &name)? else { return Ok(None) };
        Ok(snapshot.app(home)?.map(|row| row.app_key))
    });
    let found = found.await.map_err(|error| Family::Im.unavailable(&error))?;
    let home_key = found.ok_or_else(|| invalid("there is no such media_id, or not any more"))?;
    let expires_s = now_ms() / 1000 + context.config.media.url_life.as_secs();
    let path = context.media.signer.path(&home_key, &name, expires_s);
    let origin = origin(&context, context.config.media.origin.as_deref(), &request);
    Ok(json_response(StatusCode::OK, &json!({"url": format!("{origin}{path}")})))
}

/// What the API says of an upload, by its kind.
pub fn shown(name: &MediaName, content: &MediaContent, file_name: &str) -> Value {
    let mut shown = json!({
        "media_id": name.to_string(),
        "media_crc32": content.crc32,
        "fsize": content.bytes,
        "hash": content.etag,
    });
    match name.kind {
        MediaKind::Image => {
            shown["width"] = json!(content.width);
            shown["height"] = json!(content.height);
            shown["format"] = json!(content.format);
        }
        MediaKind::File => shown["fname"] = json!(file_name),
        MediaKind::Voice => shown["format"] = json!(content.format),
    }
    shown
}
