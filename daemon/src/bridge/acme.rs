//! How the daemon speaks with an authority that gives out certificates (ACME): over the same connections as with every
//! other service, with the same limits.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};

use super::Url;
use super::credentials::{BridgeError, Versions, tls};
use super::endpoint::Endpoint;
use super::guard::Reach;
use super::origin::Origin;

/// A chain of certificates in PEM has some kilobytes.
const ANSWER_BYTES_MAX: usize = 256 << 10;
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// An authority has one, perhaps two servers.
const ORIGINS_MAX: usize = 4;

/// One connection for each server that the authority's directory names.
pub struct AcmeHttp {
    tls: Arc<rustls::ClientConfig>,
    endpoints: Mutex<BTreeMap<Origin, Arc<Endpoint>>>,
}

pub struct AcmeAnswer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl AcmeHttp {
    /// `ca` is a file of authorities to trust in place of the system's.
    pub fn new(ca: Option<&Path>) -> Result<Self, BridgeError> {
        Ok(Self { tls: tls(ca, None, Versions::Either)?, endpoints: Mutex::default() })
    }

    /// Asks once; the reason why there is no answer.
    pub async fn ask(&self, method: Method, url: &str, jose: Option<Vec<u8>>) -> Result<AcmeAnswer, String> {
        let parsed = Url::parse(url).filter(|url| url.origin.is_tls);
        let Some((endpoint, path)) = parsed.and_then(|url| Some((self.endpoint(url.origin)?, url.path))) else {
            return Err(format!("{url} is no https:// address, or on one server too many"));
        };
        let mut headers = HeaderMap::new();
        if jose.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/jose+json"));
        }
        // RFC 8555 wants clients to say what they are.
        let agent = HeaderValue::from_static(concat!("anserd/", env!("CARGO_PKG_VERSION")));
        headers.insert(hyper::header::USER_AGENT, agent);
        let body = jose.map(Bytes::from).unwrap_or_default();
        let answer = endpoint.send(method, &path, headers, body).await.map_err(|silence| silence.to_string())?;
        Ok(AcmeAnswer { status: answer.status, headers: answer.headers, body: answer.body })
    }

    fn endpoint(&self, origin: Origin) -> Option<Arc<Endpoint>> {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = endpoints.get(&origin) {
            return Some(known.clone());
        }
        if endpoints.len() >= ORIGINS_MAX {
            return None;
        }
        let made = Endpoint::new(origin.clone(), self.tls.clone(), Reach::Anywhere, 1);
        let made = Arc::new(made.with_answers(ANSWER_BYTES_MAX, ANSWER_WITHIN));
        endpoints.insert(origin, made.clone());
        Some(made)
    }
}
