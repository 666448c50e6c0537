//! The beginning of web addresses that callers are told.

use axum::extract::Request;
use axum::http::header::HOST;

use crate::context::Context;
use crate::listen::Connection;

/// As it is set, else by the name and port at which the caller reached us. A header that holds no host is not believed.
/// Who came without TLS, and not through a proxy that has it, is told an address without it.
pub fn origin(context: &Context, setting: Option<&str>, request: &Request) -> String {
    if let Some(origin) = setting {
        return origin.to_owned();
    }
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let is_host = |host: &&str| {
        (1..=255).contains(&host.len())
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
    };
    let named = context.config.tls.names.first().map_or("localhost", String::as_str);
    let host = header(HOST.as_str()).filter(is_host).unwrap_or(named);
    let is_plain = request.extensions().get::<Connection>().is_some_and(|connection| connection.is_plain);
    let has_proxy_with_tls = header("x-forwarded-proto").is_some_and(|given| given.eq_ignore_ascii_case("https"));
    let scheme = if is_plain && !has_proxy_with_tls { "http" } else { "https" };
    format!("{scheme}://{host}")
}
