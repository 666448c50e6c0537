//! `/metrics`, `/healthz` and `/readyz` over HTTP, for Prometheus and whatever supervises the daemon.
//!
//! Only on loopback and private addresses (the setting refuses others), because there are no credentials; figures name no
//! app and no user.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{machine, ready};
use crate::context::Shared;

const CONNECTIONS_MAX: usize = 32;
const HEADER_WITHIN: Duration = Duration::from_secs(10);
const HEADER_BYTES_MAX: usize = 16 * 1024;
/// After an error that will not go away by itself at once.
const PAUSE: Duration = Duration::from_millis(100);
/// What Prometheus asks for first.
const OPENMETRICS: HeaderValue = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Serves until the daemon stops.
pub async fn serve(listener: TcpListener, context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let accepted = tokio::select! {
            () = shutdown.begun() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let Ok(place) = places.clone().try_acquire_owned() else { continue };
                tokio::spawn(converse(stream, place, context.clone()));
            }
            Err(error) => {
                log::debug!("cannot accept on the listener of figures: {error}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn converse(stream: TcpStream, _place: OwnedSemaphorePermit, context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let context = context.clone();
        async move { Ok::<_, Infallible>(answer(request.method(), request.uri().path(), &context).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_WITHIN)
        .max_buf_size(HEADER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = Box::pin(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        log::debug!("a connection for figures ended early: {error}");
    }
}

async fn answer(method: &Method, path: &str, context: &Shared) -> Response<Body> {
    if method != Method::GET && method != Method::HEAD {
        return said(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET is served here\n".to_owned());
    }
    match path {
        "/metrics" => said(StatusCode::OK, OPENMETRICS, text(context).await),
        // Whoever can answer is alive.
        "/healthz" => said(StatusCode::OK, TEXT, "alive\n".to_owned()),
        "/readyz" => match ready::reasons(context).await {
            reasons if reasons.is_empty() => said(StatusCode::OK, TEXT, "ready\n".to_owned()),
            reasons => said(StatusCode::SERVICE_UNAVAILABLE, TEXT, format!("{}\n", reasons.join("\n"))),
        },
        _ => said(StatusCode::NOT_FOUND, TEXT, "here are /metrics, /healthz and /readyz\n".to_owned()),
    }
}

fn said(status: StatusCode, kind: HeaderValue, text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// All figures as they are now.
pub async fn text(context: &Shared) -> String {
    measure(context).await;
    context.observer.metrics.text()
}

/// Sets what is measured only when somebody looks. What cannot be found out keeps its last value.
async fn measure(context: &Shared) {
    let now = &context.observer.metrics.now;
    let set = |gauge: &prometheus_client::metrics::gauge::Gauge, value: u64| {
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
    };
    set(&now.uptime_seconds, context.started.elapsed().as_secs());
    set(&now.ready, u64::from(ready::reasons(context).await.is_empty()));
    set(&now.connections, context.open_connections() as u64);
    set(&now.connections_max, context.config.limits.links as u64);
    let (devices, users) = context.switchboard.counts();
    set(&now.devices, devices as u64);
    set(&now.users, users as u64);
    if let Ok((apps, position)) = context.ledger.read(|snapshot| Ok((snapshot.apps()?.len(), snapshot.end().0))).await {
        set(&now.apps, apps as u64);
        set(&now.position, position);
    }
    let health = context.ledger.health();
    set(&now.queue_commands, health.waiting_commands as u64);
    set(&now.queue_bytes, health.waiting_bytes as u64);
    set(&now.passwords_waiting, context.passwords.waiting() as u64);
    if let Some(bytes) = store_bytes(context) {
        set(&now.store_bytes, bytes);
    }
    if let Ok((free, _)) = machine::disk_space(&context.config.data_dir) {
        set(&now.disk_free_bytes, free);
    }
    set(&now.damaged_rows, context.scrubs.shown().damaged());
    if let Some(bytes) = machine::memory_bytes() {
        set(&now.memory_bytes, bytes);
    }
    if let Some(files) = machine::open_files() {
        set(&now.open_files, files as u64);
    }
    if let Some(files) = machine::open_files_max("self") {
        set(&now.open_files_max, files);
    }
    let logged = crate::logging::counts();
    for (counter, lines) in now.log_lines.iter().zip(logged.lines) {
        counter.inner().store(lines, Ordering::Relaxed);
    }
    now.log_lines_dropped.inner().store(logged.dropped, Ordering::Relaxed);
}

pub fn store_bytes(context: &Shared) -> Option<u64> {
    let file = anser_storage::disk::file_in(&context.config.data_dir);
    std::fs::metadata(file).ok().map(|file| file.len())
}
