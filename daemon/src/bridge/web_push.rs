//! Web Push: to whatever push service the browser names, sealed for the browser, within the walls of [`super::guard`].

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use hyper::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::digest::{SHA256, digest};
use rustls::ClientConfig;
use serde::Deserialize;
use serde_json::{Value, json};

use super::credentials::{BridgeError, Versions, tls};
use super::endpoint::{Answer, Endpoint};
use super::guard::Reach;
use super::seal::{PLAIN_BYTES_MAX, Recipient, seal};
use super::vapid::Vapid;
use super::{Clock, Handed, Notice, Origin, Url, shorten};
use crate::config::WebPushConfig;

/// Push services with a kept connection. A handful serve all browsers, but devices may name any.
const ENDPOINTS_MAX: usize = 64;
/// Less than the bridge has: one slow host must not hold up the others.
const AT_ONCE_MAX: usize = 16;
const ENDPOINT_BYTES_MAX: usize = 2048;
const TTL_SECONDS_MAX: u64 = 28 * 86_400;

pub(super) struct WebPush {
    vapid: Vapid,
    tls: Arc<ClientConfig>,
    reach: Reach,
    endpoints: Mutex<Endpoints>,
    clock: Clock,
}

#[derive(Default)]
struct Endpoints {
    by_origin: BTreeMap<Origin, (Arc<Endpoint>, u64)>,
    uses: u64,
}

/// As browsers serialise it; they may add to it.
#[derive(Deserialize)]
struct Subscription {
    endpoint: String,
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    p256dh: String,
    auth: String,
}

impl WebPush {
    pub(super) fn new(
        config: &WebPushConfig,
        ca: Option<&Path>,
        data_dir: &Path,
        clock: Clock,
    ) -> Result<Self, BridgeError> {
        Ok(Self {
            vapid: Vapid::open(data_dir, &config.subject)?,
            tls: tls(ca, None, Versions::Either)?,
            reach: if config.allow_private { Reach::Anywhere } else { Reach::PublicOnly },
            endpoints: Mutex::default(),
            clock,
        })
    }

    pub(super) async fn send(&self, token: &str, notice: &Notice) -> Handed {
        // What is no subscription will never be one.
        let Some((url, recipient)) = parse(token) else { return Handed::TokenGone };
        let Some(plain) = shorten::fit(&notice.alert, PLAIN_BYTES_MAX, |alert| content(notice, alert)) else {
            return Handed::Refused(format!("more than {PLAIN_BYTES_MAX} bytes even with a short alert"));
        };
        let Ok(body) = seal(&recipient, &plain) else { return Handed::TokenGone };
        let endpoint = self.endpoint(&url.origin);
        let headers = self.headers(endpoint.origin(), notice);
        endpoint.post(&url.path, headers, body.into()).await.map_or_else(Handed::from, |answer| outcome(&answer))
    }

    fn headers(&self, origin: &Origin, notice: &Notice) -> HeaderMap {
        let now_ms = (self.clock)();
        let mut headers = HeaderMap::new();
        let mut authorization = HeaderValue::from_str(&self.vapid.authorization(origin, now_ms))
            .expect("base64url has visible characters only");
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("aes128gcm"));
        let ttl = notice.seconds_left(now_ms).min(TTL_SECONDS_MAX);
        headers.insert(HeaderName::from_static("ttl"), HeaderValue::from(ttl));
        headers.insert(HeaderName::from_static("urgency"), HeaderValue::from_static(urgency(notice)));
        if let Some(id) = &notice.collapse_id {
            let topic = HeaderValue::from_str(&topic(id)).expect("base64url has visible characters only");
            headers.insert(HeaderName::from_static("topic"), topic);
        }
        headers
    }

    /// The kept one, or a new one in the place of that which was used the longest time ago.
    fn endpoint(&self, origin: &Origin) -> Arc<Endpoint> {
        let mut endpoints = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        endpoints.uses += 1;
        let uses = endpoints.uses;
        if let Some((endpoint, used)) = endpoints.by_origin.get_mut(origin) {
            *used = uses;
            return endpoint.clone();
        }
        if endpoints.by_origin.len() >= ENDPOINTS_MAX {
            let oldest =
                endpoints.by_origin.iter().min_by_key(|(_, (_, used))| *used).map(|(origin, _)| origin.clone());
            oldest.and_then(|origin| endpoints.by_origin.remove(&origin));
        }
        let endpoint = Arc::new(Endpoint::new(origin.clone(), self.tls.clone(), self.reach, AT_ONCE_MAX));
        endpoints.by_origin.insert(origin.clone(), (endpoint.clone(), uses));
        endpoint
    }
}

fn parse(token: &str) -> Option<(Url, Recipient)> {
    let subscription: Subscription = serde_json::from_str(token).ok()?;
    if subscription.endpoint.len() > ENDPOINT_BYTES_MAX {
        return None;
    }
    let url = Url::parse(&subscription.endpoint).filter(|url| url.origin.is_tls)?;
    let point: [u8; 65] = decode(&subscription.keys.p256dh)?.try_into().ok()?;
    let auth = decode(&subscription.keys.auth)?.try_into().ok()?;
    // Uncompressed, the only form that the RFC knows.
    (point[0] == 4).then_some((url, Recipient { point, auth }))
}

/// Libraries in browsers write base64 in each of its forms.
fn decode(text: &str) -> Option<Vec<u8>> {
    [BASE64URL_NOPAD, BASE64URL, BASE64_NOPAD, BASE64].iter().find_map(|form| form.decode(text.as_bytes()).ok())
}

/// What the page's service worker reads.
fn content(notice: &Notice, alert: &str) -> Vec<u8> {
    let mut content = json!({
        "_j_msgid": notice.msg_id.0,
        "title": notice.title,
        "alert": alert,
        "extras": notice.extras,
    });
    if let Some(badge) = notice.badge {
        content["badge"] = badge.into();
    }
    content.to_string().into_bytes()
}

fn urgency(notice: &Notice) -> &'static str {
    let known = ["very-low", "low", "normal", "high"];
    let asked = notice.block.get("urgency").and_then(Value::as_str);
    let asked = asked.and_then(|word| known.into_iter().find(|known| *known == word));
    asked.unwrap_or(if notice.is_silent() { "low" } else { "high" })
}

/// At most 32 characters of base64url: the id itself if it is such, or else a digest of it.
fn topic(collapse_id: &str) -> String {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=32).contains(&collapse_id.len()) && collapse_id.bytes().all(is_fine) {
        return collapse_id.to_owned();
    }
    BASE64URL_NOPAD.encode(&digest(&SHA256, collapse_id.as_bytes()).as_ref()[..24])
}

fn outcome(answer: &Answer) -> Handed {
    match answer.status.as_u16() {
        200..=299 => Handed::Accepted,
        404 | 410 => Handed::TokenGone,
        _ if answer.is_passing() => answer.later(),
        _ => answer.refused(&String::from_utf8_lossy(&answer.body)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_topic_is_always_short_and_of_the_allowed_letters() {
        assert_eq!(topic("order-17_b"), "order-17_b");
        for id in ["", "订单", "a b", &"x".repeat(33)] {
            let topic = topic(id);
            assert!(
                topic.len() == 32 && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
            );
        }
        assert_ne!(topic("a b"), topic("a c"));
    }

    proptest! {
        #[test]
        fn no_token_makes_it_panic(token in "\\PC{0,80}", endpoint in "\\PC{0,40}", key in "[A-Za-z0-9_=/+-]{0,90}") {
            let _ = parse(&token);
            let _ = parse(&json!({ "endpoint": endpoint, "keys": { "p256dh": key, "auth": key } }).to_string());
        }
    }
}
