//! One kept connection to one server of a push service, opened when needed and reopened when it broke.
//!
//! Everything has a limit: ten seconds each for the connection, the handshake and the answer; 64 KiB for an answer, or what
//! its owner says; so many requests at once. Redirects are answers like any other: nothing here follows them.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::header::{HOST, HeaderMap, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::guard::{self, Reach};
use super::origin::Origin;

/// For each of connecting, handshake and answer.
const WAIT_MAX: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Why there is no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The address is one that a device may not send us to.
    Forbidden(String),
    /// The other side had us, and ended the connection instead of answering.
    Cut(String),
    /// Everything else may be better later.
    Unreachable(String),
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Forbidden(why) | Self::Cut(why) | Self::Unreachable(why)) = self;
        f.write_str(why)
    }
}

#[derive(Debug)]
pub(super) struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Empty if it was too long or broke off.
    pub body: Bytes,
}

pub(super) struct Endpoint {
    origin: Origin,
    tls: TlsConnector,
    reach: Reach,
    kept: Mutex<Option<Sender>>,
    at_once: Semaphore,
    answer_bytes_max: usize,
    answer_within: Duration,
}

/// Requests on HTTP/2 share the connection; HTTP/1.1 is taken for one request and put back.
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Endpoint {
    pub(super) fn new(origin: Origin, tls: Arc<rustls::ClientConfig>, reach: Reach, at_once: usize) -> Self {
        let at_once = Semaphore::new(at_once);
        Self {
            origin,
            tls: TlsConnector::from(tls),
            reach,
            kept: Mutex::new(None),
            at_once,
            answer_bytes_max: ANSWER_BYTES_MAX,
            answer_within: WAIT_MAX,
        }
    }

    /// With other limits of an answer.
    pub(super) fn with_answers(self, answer_bytes_max: usize, answer_within: Duration) -> Self {
        Self { answer_bytes_max, answer_within, ..self }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Posts `body` to a path of this server.
    ///
    /// A kept connection may have been closed by the other side in the meantime, so a failure on it is tried once more
    /// on a new one. The notice may then come twice; losing it would be worse.
    pub(super) async fn post(&self, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, Silence> {
        self.call(Method::POST, path, headers, body).await
    }

    /// Reads a path of this server.
    pub(super) async fn get(&self, path: &str, headers: HeaderMap) -> Result<Answer, Silence> {
        self.call(Method::GET, path, headers, Bytes::new()).await
    }

    /// Any other request.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, Silence> {
        self.call(method, path, headers, body).await
    }

    async fn call(&self, method: Method, path: &str, headers: HeaderMap, body: Bytes) -> Result<Answer, Silence> {
        let Ok(_permit) = self.at_once.acquire().await else {
            return Err(Silence::Unreachable("shutting down".to_owned()));
        };
        if let Some(sender) = self.take_kept() {
            match self.ask(sender, &method, path, &headers, &body).await {
                Ok(answer) => return Ok(answer),
                Err(Broken::Slow) => return Err(self.silence(Broken::Slow)),
                Err(Broken::Cut(_)) => {}
            }
        }
        let sender = self.connect().await?;
        self.ask(sender, &method, path, &headers, &body).await.map_err(|broken| self.silence(broken))
    }

    fn silence(&self, broken: Broken) -> Silence {
        match broken {
            Broken::Slow => self.unreachable(format!("no answer within {} s", self.answer_within.as_secs())),
            Broken::Cut(why) => Silence::Cut(format!("{}: {why}", self.origin)),
        }
    }

    async fn ask(
        &self,
        sender: Sender,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Answer, Broken> {
        let mut request = self.request(&sender, path, headers, body)?;
        *request.method_mut() = method.clone();
        match sender {
            Sender::Http2(mut sender) => {
                self.keep(Sender::Http2(sender.clone()));
                let answer = self
                    .in_time(async {
                        sender.ready().await?;
                        Ok(self.read(sender.send_request(request).await?).await.0)
                    })
                    .await;
                if answer.is_err() {
                    self.forget();
                }
                answer
            }
            Sender::Http1(mut sender) => {
                let (answer, whole) = self
                    .in_time(async {
                        sender.ready().await?;
                        Ok(self.read(sender.send_request(request).await?).await)
                    })
                    .await?;
                if whole {
                    self.keep(Sender::Http1(sender));
                }
                Ok(answer)
            }
        }
    }

    /// HTTP/2 wants the whole address in the request, HTTP/1.1 the path and a `Host`.
    fn request(
        &self,
        sender: &Sender,
        path: &str,
        headers: &HeaderMap,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, Broken> {
        let uri = match sender {
            Sender::Http1(_) => path.to_owned(),
            Sender::Http2(_) => format!("{}{path}", self.origin),
        };
        let mut request = Request::builder().uri(uri).body(Full::new(body.clone()))?;
        *request.headers_mut() = headers.clone();
        if matches!(sender, Sender::Http1(_)) {
            let host = HeaderValue::from_str(&self.origin.authority()).map_err(hyper::http::Error::from)?;
            request.headers_mut().insert(HOST, host);
        }
        Ok(request)
    }

    async fn connect(&self) -> Result<Sender, Silence> {
        let socket = timeout(WAIT_MAX, guard::connect(&self.origin, self.reach))
            .await
            .map_err(|_| self.unreachable("no connection within 10 s"))??;
        timeout(WAIT_MAX, self.shake_hands(socket)).await.map_err(|_| self.unreachable("no handshake within 10 s"))?
    }

    async fn shake_hands(&self, socket: TcpStream) -> Result<Sender, Silence> {
        let cut = |error: &dyn fmt::Display| Silence::Cut(format!("{}: {error}", self.origin));
        if !self.origin.is_tls {
            return http1_over(socket).await.map_err(|error| cut(&error));
        }
        let name = ServerName::try_from(self.origin.host.clone()).map_err(|error| self.unreachable(error))?;
        let stream = self.tls.connect(name, socket).await.map_err(|error| match is_alert(&error) {
            true => cut(&error),
            false => self.unreachable(error),
        })?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return http1_over(stream).await.map_err(|error| cut(&error));
        }
        let shaken = http2::Builder::new(TokioExecutor::new()).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(|error| cut(&error))?;
        // It ends with the connection, or when no sender is left.
        tokio::spawn(connection);
        Ok(Sender::Http2(sender))
    }

    fn unreachable(&self, why: impl fmt::Display) -> Silence {
        Silence::Unreachable(format!("{}: {why}", self.origin))
    }

    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, Broken>>) -> Result<T, Broken> {
        timeout(self.answer_within, answer).await.unwrap_or(Err(Broken::Slow))
    }

    /// The answer, and whether its body came whole.
    async fn read(&self, response: Response<Incoming>) -> (Answer, bool) {
        let (head, body) = response.into_parts();
        let body = Limited::new(body, self.answer_bytes_max).collect().await.ok().map(|body| body.to_bytes());
        let whole = body.is_some();
        (Answer { status: head.status, headers: head.headers, body: body.unwrap_or_default() }, whole)
    }

    fn take_kept(&self) -> Option<Sender> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = kept.take().filter(|sender| match sender {
            Sender::Http1(sender) => !sender.is_closed(),
            Sender::Http2(sender) => !sender.is_closed(),
        });
        if let Some(Sender::Http2(sender)) = &sender {
            *kept = Some(Sender::Http2(sender.clone()));
        }
        sender
    }

    fn keep(&self, sender: Sender) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
    }

    fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

async fn http1_over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Result<Sender, hyper::Error> {
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(Sender::Http1(sender))
}

/// Before TLS 1.3 a server tells during the handshake that it does not take our certificate.
fn is_alert(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::AlertReceived(_)))
}

/// Why a request that was begun has no answer.
enum Broken {
    Slow,
    Cut(String),
}

impl From<hyper::Error> for Broken {
    fn from(error: hyper::Error) -> Self {
        Self::Cut(error.to_string())
    }
}

impl From<hyper::http::Error> for Broken {
    fn from(error: hyper::http::Error) -> Self {
        Self::Cut(error.to_string())
    }
}
