//! From HTTP to a WebSocket link: the handshake of RFC 6455 at `/link`.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, ORIGIN, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use axum::http::{HeaderMap, Method, Response, StatusCode};
use data_encoding::BASE64;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::serve_websocket;
use crate::bridge::{Origin, Url};
use crate::context::Shared;
use crate::listen::{Connection, is_own_origin};

/// RFC 6455 section 1.3: what a server appends to the key before it hashes it.
const HANDSHAKE_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Answers `GET /link`. The link begins when the response has been written.
pub async fn upgrade(request: Request, context: Shared) -> Response<Body> {
    let accept = match handshake(request.method(), request.headers()) {
        Ok(accept) => accept,
        Err((status, message)) => return plain(status, message),
    };
    if !may_link(request.headers(), &context.config.web_origins) {
        return plain(
            StatusCode::FORBIDDEN,
            "pages of this site may not open a link here: web.origins names those that may",
        );
    }
    let connection = request.extensions().get::<Connection>();
    let Some((peer, permit)) = connection.map(|connection| (connection.peer, connection.permit())) else {
        return plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error");
    };
    tokio::spawn(async move {
        match hyper::upgrade::on(request).await {
            Ok(stream) => serve_websocket(TokioIo::new(stream), peer, permit, &context),
            Err(error) => log::debug!("an upgrade to a WebSocket failed: {error}"),
        }
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "Upgrade")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(Body::empty())
        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "internal error"))
}

/// What to answer as `Sec-WebSocket-Accept`, or why not to.
fn handshake(method: &Method, headers: &HeaderMap) -> Result<String, (StatusCode, &'static str)> {
    if method != Method::GET {
        return Err((StatusCode::METHOD_NOT_ALLOWED, "a WebSocket handshake is a GET"));
    }
    if !has_token(headers, &CONNECTION, "upgrade") || !has_token(headers, &UPGRADE, "websocket") {
        return Err((StatusCode::UPGRADE_REQUIRED, "this is the address of device links; connect by WebSocket"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err((StatusCode::UPGRADE_REQUIRED, "only version 13 of WebSocket is spoken here"));
    }
    let Some(key) = headers.get(SEC_WEBSOCKET_KEY) else {
        return Err((StatusCode::BAD_REQUEST, "Sec-WebSocket-Key is missing"));
    };
    let mut hashed = key.as_bytes().to_vec();
    hashed.extend_from_slice(HANDSHAKE_GUID.as_bytes());
    Ok(BASE64.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &hashed).as_ref()))
}

/// Browsers say of which site the page is; whatever else connects says nothing.
fn may_link(headers: &HeaderMap, allowed: &[Origin]) -> bool {
    let Some(origin) = headers.get(ORIGIN) else { return true };
    let origin = origin.to_str().unwrap_or_default();
    let is_named = || Url::parse(origin).is_some_and(|url| url.path == "/" && allowed.contains(&url.origin));
    allowed.is_empty() || is_own_origin(headers, origin) || is_named()
}

fn has_token(headers: &HeaderMap, name: &axum::http::HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn plain(status: StatusCode, message: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(message));
    *response.status_mut() = status;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().expect("a name"), value.parse().expect("a value"))).collect()
    }

    #[test]
    fn the_sample_handshake_of_rfc_6455_is_answered_as_there() {
        let sample = headers(&[
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-version", "13"),
        ]);
        assert_eq!(handshake(&Method::GET, &sample), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=".into()));
    }

    #[test]
    fn pages_of_other_sites_open_links_only_where_the_operator_named_them() {
        let named: Vec<Origin> = ["https://chat.example.com", "http://127.0.0.1:5173"]
            .iter()
            .map(|url| Url::parse(url).expect("an address").origin)
            .collect();
        let of = |origin| headers(&[("host", "anser.example.com:8443"), ("origin", origin)]);
        let (own, other) = ("https://anser.example.com:8443", "https://evil.example.com");
        assert!(may_link(&of(other), &[]), "nobody is named, so any may");
        for fine in [own, "https://chat.example.com", "https://chat.example.com:443", "http://127.0.0.1:5173"] {
            assert!(may_link(&of(fine), &named), "{fine}");
        }
        for foreign in [
            other,
            "null",
            "",
            "https://anser.example.com",
            "http://chat.example.com",
            "https://chat.example.com:8443",
            "https://chat.example.com.evil.example.com",
            "https://evil@chat.example.com",
            "https://chat.example.com/a",
        ] {
            assert!(!may_link(&of(foreign), &named), "{foreign}");
        }
        assert!(may_link(&headers(&[("host", "anser.example.com:8443")]), &named), "what is no browser names no site");
    }

    #[test]
    fn a_browser_that_opens_the_address_is_told_what_it_is_for() {
        let (status, message) = handshake(&Method::GET, &HeaderMap::new()).expect_err("no handshake");
        assert_eq!(status, StatusCode::UPGRADE_REQUIRED);
        assert!(message.contains("WebSocket"));
    }
}
