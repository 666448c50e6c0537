//! App servers that hear what became of their pushes: one kept connection to each host that the operator permits.

use std::time::Duration;

use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use super::credentials::{BridgeError, Versions, tls};
use super::endpoint::Endpoint;
use super::guard::Reach;
use super::{Handed, Url};
use crate::config;

/// Requests to one server that are under way at the same time.
const AT_ONCE_MAX: usize = 8;

pub struct Callbacks {
    endpoints: Vec<Endpoint>,
}

/// What became of telling a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    Heard,
    /// Not now; the server may have said when.
    Later {
        why: String,
        after: Option<Duration>,
    },
}

impl Callbacks {
    pub fn new(config: &config::Callbacks) -> Result<Self, BridgeError> {
        let mut endpoints = Vec::with_capacity(config.hosts.len());
        if !config.hosts.is_empty() {
            let tls = tls(config.ca.as_deref(), None, Versions::Either)?;
            for origin in &config.hosts {
                endpoints.push(Endpoint::new(origin.clone(), tls.clone(), Reach::Anywhere, AT_ONCE_MAX));
            }
        }
        Ok(Self { endpoints })
    }

    /// Every answer but a success may be another one tomorrow: a server that is being set up answers anything.
    pub async fn tell(&self, url: &Url, authorization: &str, body: String) -> Told {
        let Some(endpoint) = self.endpoints.iter().find(|endpoint| *endpoint.origin() == url.origin) else {
            return Told::Later { why: "the host is not permitted".to_owned(), after: None };
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Ok(mut authorization) = HeaderValue::from_str(authorization) {
            authorization.set_sensitive(true);
            headers.insert(AUTHORIZATION, authorization);
        }
        match endpoint.post(&url.path, headers, body.into()).await {
            Ok(answer) if answer.status.is_success() => Told::Heard,
            Ok(answer) => {
                let after = match answer.later() {
                    Handed::Later(after) => after,
                    _ => None,
                };
                Told::Later { why: format!("it answered {}", answer.status.as_u16()), after }
            }
            Err(silence) => Told::Later { why: silence.to_string(), after: None },
        }
    }
}
