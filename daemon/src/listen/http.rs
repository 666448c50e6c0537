//! HTTP/1.1 on one connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, OwnedSemaphorePermit};

use super::proxy;
use super::worded::Worded;
use crate::context::Shared;
use crate::link::Permit;
use crate::rest::Rest;

/// Also how long a connection may lie idle between two requests.
const HEADER_WITHIN: Duration = Duration::from_secs(10);
/// What callers with a pool of connections are told about it: a little less, so that they close first and no request
/// meets the closing on its way.
const KEEP_ALIVE: HeaderValue = HeaderValue::from_static("timeout=8");
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Whoever was let in just before the end may ask once: to them the daemon was there.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(2);

/// The connection that a request came on, among the request's extensions. Whoever takes the connection over (an upgrade
/// to WebSocket) keeps this, so that it goes on counting.
#[derive(Clone, Debug)]
pub struct Connection {
    pub peer: SocketAddr,
    /// Without TLS.
    pub is_plain: bool,
    permit: Permit,
}

impl Connection {
    pub fn new(peer: SocketAddr, permit: OwnedSemaphorePermit) -> Self {
        Self { peer, is_plain: false, permit: Arc::new(permit) }
    }

    pub fn plain(peer: SocketAddr, permit: OwnedSemaphorePermit) -> Self {
        Self { is_plain: true, ..Self::new(peer, permit) }
    }

    pub fn permit(&self) -> Permit {
        self.permit.clone()
    }
}

impl Connection {
    /// The same for a request that a trusted proxy hands on.
    fn of_request(&self, headers: &hyper::HeaderMap, context: &Shared) -> Self {
        let trusted = &context.config.proxy;
        match trusted.trusted.is_empty() {
            true => self.clone(),
            false => Self { peer: proxy::forwarded(self.peer, headers, trusted), ..self.clone() },
        }
    }
}

/// Serves requests until the caller or the daemon ends; a request that is being answered is finished first.
pub async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    from: Connection,
    rest: Rest,
    context: Shared,
) {
    let mut shutdown = context.shutdown.clone();
    let asked = Arc::new(Notify::new());
    let was_asked = asked.clone();
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        asked.notify_one();
        let mut request = request.map(axum::body::Body::new);
        let from = from.of_request(request.headers(), &context);
        request.extensions_mut().insert(from);
        let rest = rest.clone();
        async move {
            let mut response = rest.answer(request).await;
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(HeaderName::from_static("keep-alive"), KEEP_ALIVE);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        // PHP clients hand headers on under the names that were sent, and look for them as the original writes them.
        .title_case_headers(true)
        .serve_connection(TokioIo::new(Worded::new(stream)), service)
        .with_upgrades();
    let mut connection = Box::pin(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.begun() => {
            // At once where there was a request already.
            let first = tokio::time::timeout(FIRST_REQUEST_WITHIN, was_asked.notified());
            tokio::select! {
                ended = connection.as_mut() => ended,
                _ = first => {
                    connection.as_mut().graceful_shutdown();
                    connection.await
                }
            }
        }
    };
    if let Err(error) = ended {
        log::debug!("an HTTP connection ended early: {error}");
    }
}
