//! Of which site a page is, as browsers say it.

use axum::http::HeaderMap;
use axum::http::header::HOST;

/// Is it the site that the request goes to? By `http` or `https`: a proxy before the daemon may end TLS.
pub fn is_own_origin(headers: &HeaderMap, origin: &str) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    match (origin.split_once("://"), host) {
        (Some(("https" | "http", authority)), Some(host)) => authority.eq_ignore_ascii_case(host),
        _ => false,
    }
}
