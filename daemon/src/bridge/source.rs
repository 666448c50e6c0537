//! Another service of the same API that an app comes from: read for `anserd import`, at the pace that it allows.
//!
//! It is somebody else's, so what it says has limits, and a file that it names is fetched only from itself or from the open
//! internet.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use serde_json::Value;
use thiserror::Error;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, sleep_until};

use super::Url;
use super::credentials::{BridgeError, Versions, tls};
use super::endpoint::{Answer, Endpoint, Silence};
use super::guard::Reach;

/// A page of 500 users with everything that they may say of themselves has some 1.5 MiB.
const ANSWER_BYTES_MAX: usize = 16 << 20;
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// Between two tries of a request that was put off, unless the source names a time.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// No source is believed that wants to be left alone for longer.
const TOLD_PAUSE_MAX: Duration = Duration::from_secs(300);
/// With pauses that double up to the longest, about a quarter of an hour.
const TRIES_MAX: u32 = 20;

/// Whose door it is, and how it is to be knocked at.
#[derive(Clone, Debug)]
pub struct SourceOrder {
    pub url: Url,
    pub app_key: String,
    pub master_secret: String,
    /// At least so long from one request to the next.
    pub interval: Duration,
    /// The first pause after a failure; the next ones double.
    pub pause: Duration,
}

pub struct Source {
    order: SourceOrder,
    endpoint: Endpoint,
    tls: Arc<rustls::ClientConfig>,
    /// Before this nothing is asked.
    next_at: Mutex<Instant>,
}

#[derive(Debug, Error)]
pub enum SourceError {
    #[error("the source refused the app key or the master secret ({0}); check --source-key and --source-secret-file")]
    Credentials(String),
    /// It answered, and asking again would not help.
    #[error("the source refused {path}: {status}, code {code}: {message}")]
    Refused { path: String, status: u16, code: i64, message: String },
    #[error("the source's answer to {path} is none: {why}")]
    Strange { path: String, why: String },
    #[error("the source did not answer {TRIES_MAX} times in a row: {0}; start the same command again to go on")]
    Unreachable(String),
}

impl Source {
    /// `ca` is a file of authorities to trust in place of the system's.
    pub fn new(order: SourceOrder, ca: Option<&Path>) -> Result<Self, BridgeError> {
        let tls = tls(ca, None, Versions::Either)?;
        let endpoint = Endpoint::new(order.url.origin.clone(), tls.clone(), Reach::Anywhere, 1)
            .with_answers(ANSWER_BYTES_MAX, ANSWER_WITHIN);
        Ok(Self { order, endpoint, tls, next_at: Mutex::new(Instant::now()) })
    }

    pub fn order(&self) -> &SourceOrder {
        &self.order
    }

    /// What a path says, waiting while the source is in trouble or wants fewer requests.
    pub async fn json(&self, path: &str) -> Result<Value, SourceError> {
        let answer = self.answer(path).await?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| SourceError::Strange { path: path.to_owned(), why: error.to_string() })
    }

    async fn answer(&self, path: &str) -> Result<Answer, SourceError> {
        let whole_path = format!("{}{path}", self.order.url.path.trim_end_matches('/'));
        let mut pause = self.order.pause;
        let mut last = String::new();
        for _ in 0..TRIES_MAX {
            self.wait_for_turn().await;
            let told = match self.endpoint.get(&whole_path, self.headers()).await {
                Ok(answer) if answer.status.is_success() => {
                    self.heed(&answer).await;
                    return Ok(answer);
                }
                Ok(answer) if answer.status.as_u16() == 429 || answer.status.is_server_error() => {
                    last = format!("it answered {}", answer.status.as_u16());
                    told_pause(&answer.headers)
                }
                Ok(answer) => return Err(refused(path, &answer)),
                Err(silence) => {
                    last = silence.to_string();
                    None
                }
            };
            sleep(told.unwrap_or(pause)).await;
            pause = (pause * 2).min(PAUSE_MAX);
        }
        Err(SourceError::Unreachable(last))
    }

    /// The bytes of a file that the source names, at most so many.
    pub async fn download(&self, url: &str, bytes_max: usize) -> Result<Bytes, String> {
        let mut url = Url::parse(url).ok_or_else(|| format!("{url:?} is no address of a file"))?;
        let is_own = url.origin == self.order.url.origin;
        if !is_own && !url.origin.is_tls {
            // Stores of media still name plain HTTP, and serve the same over TLS.
            url.origin.is_tls = true;
            url.origin.port = if url.origin.port == 80 { 443 } else { url.origin.port };
        }
        let reach = if is_own { Reach::Anywhere } else { Reach::PublicOnly };
        let endpoint =
            Endpoint::new(url.origin.clone(), self.tls.clone(), reach, 1).with_answers(bytes_max, ANSWER_WITHIN);
        self.wait_for_turn().await;
        let answer = endpoint.get(&url.path, HeaderMap::new()).await.map_err(|silence: Silence| silence.to_string())?;
        match answer.status.as_u16() {
            200 if answer.body.is_empty() => Err(format!("it is empty or has more than {bytes_max} bytes")),
            200 => Ok(answer.body),
            status => Err(format!("its place answered {status}")),
        }
    }

    async fn wait_for_turn(&self) {
        let mut next_at = self.next_at.lock().await;
        sleep_until(*next_at).await;
        *next_at = Instant::now() + self.order.interval;
    }

    /// A source that says that it has had enough for this minute is believed.
    async fn heed(&self, answer: &Answer) {
        if number(&answer.headers, "x-rate-limit-remaining") == Some(0)
            && let Some(seconds) = number(&answer.headers, "x-rate-limit-reset")
        {
            let until = Instant::now() + Duration::from_secs(seconds).min(TOLD_PAUSE_MAX);
            let mut next_at = self.next_at.lock().await;
            *next_at = (*next_at).max(until);
        }
    }

    fn headers(&self) -> HeaderMap {
        let credentials = format!("{}:{}", self.order.app_key, self.order.master_secret);
        let mut headers = HeaderMap::new();
        if let Ok(mut value) = HeaderValue::from_str(&format!("Basic {}", BASE64.encode(credentials.as_bytes()))) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("url", &self.order.url.to_string()).finish_non_exhaustive()
    }
}

fn told_pause(headers: &HeaderMap) -> Option<Duration> {
    let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let seconds = after.or_else(|| number(headers, "x-rate-limit-reset"))?;
    Some(Duration::from_secs(seconds).min(TOLD_PAUSE_MAX))
}

fn number(headers: &HeaderMap, name: &'static str) -> Option<u64> {
    headers.get(HeaderName::from_static(name))?.to_str().ok()?.trim().parse().ok()
}

fn refused(path: &str, answer: &Answer) -> SourceError {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = body["error"]["code"].as_i64().unwrap_or_default();
    let mut message = body["error"]["message"].as_str().unwrap_or("it does not say why").to_owned();
    message.retain(|letter| !letter.is_control());
    message.truncate(message.floor_char_boundary(200));
    match answer.status.as_u16() {
        401 => SourceError::Credentials(message),
        status => SourceError::Refused { path: path.to_owned(), status, code, message },
    }
}
