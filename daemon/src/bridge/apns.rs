//! Apple's push service: HTTP/2, with a provider token or a client certificate.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anser_protocol::ids::TimeMs;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use ring::signature::EcdsaKeyPair;
use serde_json::{Map, Value, json};

use super::certified::{Certificate, Certified};
use super::credentials::{BridgeError, Identity, Versions, authorities, es256_key, tls_under};
use super::endpoint::{Answer, Endpoint, Silence};
use super::guard::Reach;
use super::{AT_ONCE_MAX, Clock, Handed, Notice, TokenKind, jwt, shorten};
use crate::config::{ApnsAuth, ApnsConfig};

const PAYLOAD_BYTES_MAX: usize = 4096;
/// Apple takes tokens of 20 to 60 minutes.
const TOKEN_AGE_MAX_MS: u64 = 40 * 60 * 1000;
/// Words of the block that stand in `aps` as they are.
const PASSED_ON: [&str; 7] =
    ["sound", "category", "thread-id", "interruption-level", "relevance-score", "target-content-id", "filter-criteria"];
/// Words of what is said to a live activity.
const OF_ACTIVITY: [&str; 9] = [
    "timestamp",
    "event",
    "content-state",
    "attributes-type",
    "attributes",
    "alert",
    "dismissal-date",
    "stale-date",
    "relevance-score",
];

/// What a token is for: Apple has a topic and a form of the payload for each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Notification,
    Call,
    Activity,
}

impl Use {
    pub(super) fn of(kind: TokenKind) -> Option<Self> {
        [
            (Self::Notification, TokenKind::OF_APNS.as_slice()),
            (Self::Call, &TokenKind::OF_CALLS),
            (Self::Activity, &TokenKind::OF_ACTIVITIES),
        ]
        .into_iter()
        .find_map(|(of, kinds)| kinds.contains(&kind).then_some(of))
    }

    fn topic(self, bundle: &str) -> String {
        match self {
            Self::Notification => bundle.to_owned(),
            Self::Call => format!("{bundle}.voip"),
            Self::Activity => format!("{bundle}.push-type.liveactivity"),
        }
    }
}

pub(super) struct Apns {
    bundle: String,
    /// For the certificates that were uploaded, if they are to be used.
    certified: Option<Certified>,
    /// Without either of the two there is nothing else to show.
    needs_certificate: bool,
    signer: Option<Signer>,
    production: Endpoint,
    sandbox: Endpoint,
    clock: Clock,
}

struct Signer {
    key: EcdsaKeyPair,
    key_id: String,
    team_id: String,
    current: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: String,
    made_ms: TimeMs,
}

impl Apns {
    pub(super) fn new(config: &ApnsConfig, ca: Option<&Path>, clock: Clock) -> Result<Self, BridgeError> {
        let authorities = Arc::new(authorities(ca)?);
        let (signer, identity) = match &config.auth {
            ApnsAuth::Uploaded => (None, None),
            ApnsAuth::Token { key, key_id, team_id } => {
                let (key_id, team_id) = (key_id.clone(), team_id.clone());
                (Some(Signer { key: es256_key(key)?, key_id, team_id, current: Mutex::default() }), None)
            }
            ApnsAuth::Certificate { certificate, key } => (None, Some(Identity::read(certificate, key)?)),
        };
        let tls = tls_under(authorities.clone(), identity, Versions::Http2Only)?;
        let endpoint = |url: &super::Url| Endpoint::new(url.origin.clone(), tls.clone(), Reach::Anywhere, AT_ONCE_MAX);
        Ok(Self {
            bundle: config.topic.clone(),
            certified: config.uploaded_certificates.then(|| Certified::new(authorities)),
            needs_certificate: config.auth == ApnsAuth::Uploaded,
            signer,
            production: endpoint(&config.url),
            sandbox: endpoint(&config.sandbox_url),
            clock,
        })
    }

    pub(super) async fn send(&self, kind: TokenKind, token: &str, notice: &Notice) -> Handed {
        let Some(of) = Use::of(kind) else { return Handed::TokenGone };
        // Those of activities have a name before them.
        let token = token.rsplit_once(':').filter(|_| of == Use::Activity).map_or(token, |(_, token)| token);
        // It becomes a part of the path.
        if token.is_empty() || token.len() > 200 || !token.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Handed::TokenGone;
        }
        let Some(payload) = payload(of, notice) else {
            return Handed::Refused(format!("more than {PAYLOAD_BYTES_MAX} bytes even with a short alert"));
        };
        let endpoint = if kind.is_sandbox() { &self.sandbox } else { &self.production };
        let (path, payload) = (format!("/3/device/{token}"), Bytes::from(payload));
        if let (Some(certified), Some(uploaded)) = (&self.certified, &notice.certificate) {
            let certificate = certified.of(&notice.app_key, kind.is_sandbox(), endpoint.origin(), uploaded);
            let headers = self.headers(of, certificate.bundle.as_deref(), notice, None);
            return certificate
                .send(&path, headers, payload, (&notice.app_key, kind.is_sandbox(), (self.clock)()))
                .await;
        }
        if self.needs_certificate {
            return Handed::Refused("no push certificate was uploaded for the app and this environment".to_owned());
        }
        let mut shown = self.signer.as_ref().map(|signer| signer.token((self.clock)()));
        let mut answer = endpoint.post(&path, self.headers(of, None, notice, shown.as_ref()), payload.clone()).await;
        if let (Ok(given), Some(signer), Some(old)) = (&answer, &self.signer, &shown)
            && given.status == StatusCode::FORBIDDEN
            && reason(given) == "ExpiredProviderToken"
        {
            shown = Some(signer.token_after(old, (self.clock)()));
            answer = endpoint.post(&path, self.headers(of, None, notice, shown.as_ref()), payload).await;
        }
        answer.map_or_else(Handed::from, |answer| outcome(&answer))
    }

    pub(super) fn wants_certificates(&self) -> bool {
        self.certified.is_some()
    }

    fn headers(&self, of: Use, bundle: Option<&str>, notice: &Notice, token: Option<&Token>) -> HeaderMap {
        let (push_type, is_quiet) = match of {
            Use::Notification if is_background(notice) => ("background", true),
            Use::Notification => ("alert", notice.block.get("interruption-level") == Some(&json!("passive"))),
            Use::Call => ("voip", false),
            Use::Activity => ("liveactivity", notice.block.get("apns-priority") == Some(&json!(5))),
        };
        let expires = if notice.seconds_left((self.clock)()) > 0 { notice.expires_ms / 1000 } else { 0 };
        let mut headers = HeaderMap::new();
        let mut set = |name: &'static str, value: HeaderValue| headers.insert(HeaderName::from_static(name), value);
        set("apns-topic", header(&of.topic(bundle.unwrap_or(&self.bundle))));
        set("apns-push-type", HeaderValue::from_static(push_type));
        set("apns-priority", HeaderValue::from_static(if is_quiet { "5" } else { "10" }));
        set("apns-expiration", HeaderValue::from(expires));
        // Apple takes at most 64 bytes.
        if let Some(id) = notice.collapse_id.as_deref().filter(|id| !id.is_empty() && id.len() <= 64)
            && let Ok(id) = HeaderValue::from_str(id)
        {
            set("apns-collapse-id", id);
        }
        if let Some(token) = token {
            let mut bearer = header(&format!("bearer {}", token.text));
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        headers
    }
}

impl Signer {
    fn token(&self, now_ms: TimeMs) -> Token {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            // A clock that was set back makes a new one, too.
            Some(token) if (token.made_ms..token.made_ms.saturating_add(TOKEN_AGE_MAX_MS)).contains(&now_ms) => {
                token.clone()
            }
            _ => current.insert(self.sign(now_ms)).clone(),
        }
    }

    /// Another one than that which Apple called expired. Others may have made it already: Apple dislikes many.
    fn token_after(&self, old: &Token, now_ms: TimeMs) -> Token {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        match &*current {
            Some(token) if token.text != old.text => token.clone(),
            _ => current.insert(self.sign(now_ms)).clone(),
        }
    }

    fn sign(&self, now_ms: TimeMs) -> Token {
        let claims = json!({ "iss": self.team_id, "iat": now_ms / 1000 });
        Token { text: jwt::es256(&self.key, Some(&self.key_id), &claims), made_ms: now_ms }
    }
}

impl Certificate {
    /// What fails for the certificate's sake is tried again: another one may be uploaded.
    pub(super) async fn send(
        &self,
        path: &str,
        headers: HeaderMap,
        payload: Bytes,
        (app_key, is_sandbox, now_ms): (&str, bool, TimeMs),
    ) -> Handed {
        let failed = |why: &str| {
            self.note_failure(app_key, is_sandbox, why);
            Handed::Later(None)
        };
        let endpoint = match self.endpoint(now_ms) {
            Ok(endpoint) => endpoint,
            Err(why) => return failed(&why),
        };
        if let Some(rest) = self.rests(now_ms) {
            return Handed::Later(Some(rest));
        }
        match endpoint.post(path, headers, payload).await {
            Ok(answer) => {
                self.note_answer();
                if is_for_the_certificate(&answer) {
                    return failed(&reason(&answer));
                }
                self.note_success();
                outcome(&answer)
            }
            Err(silence) => {
                self.note_silence(now_ms);
                match silence {
                    // A server that refuses a certificate ends the connection: that cannot be told from other trouble.
                    Silence::Cut(why) => failed(&why),
                    silence => silence.into(),
                }
            }
        }
    }
}

fn outcome(answer: &Answer) -> Handed {
    let reason = reason(answer);
    match (answer.status.as_u16(), reason.as_str()) {
        (200, _) => Handed::Accepted,
        (410, _) | (400, "BadDeviceToken" | "DeviceTokenNotForTopic" | "Unregistered") => Handed::TokenGone,
        _ if answer.is_passing() => answer.later(),
        _ => answer.refused(&reason),
    }
}

/// A certificate of another application makes every token look wrong: none of them may be dropped for that.
fn is_for_the_certificate(answer: &Answer) -> bool {
    const OF_TOPIC: [&str; 4] = ["DeviceTokenNotForTopic", "BadTopic", "TopicDisallowed", "MissingTopic"];
    answer.status == StatusCode::FORBIDDEN
        || (answer.status == StatusCode::BAD_REQUEST && OF_TOPIC.contains(&reason(answer).as_str()))
}

fn reason(answer: &Answer) -> String {
    answer.json()["reason"].as_str().unwrap_or_default().to_owned()
}

fn header(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).expect("settings and tokens are of visible characters")
}

/// Apple wants such pushes to say so, and to have a low priority.
fn is_background(notice: &Notice) -> bool {
    notice.is_silent()
        && is_on(notice.block.get("content-available"))
        && !notice.block.get("alert").is_some_and(Value::is_object)
}

/// The payload, with a shorter alert if it is too long otherwise.
fn payload(of: Use, notice: &Notice) -> Option<Vec<u8>> {
    let fitting = |payload: Map<String, Value>| {
        Some(Value::Object(payload).to_string().into_bytes()).filter(|bytes| bytes.len() <= PAYLOAD_BYTES_MAX)
    };
    match of {
        Use::Notification => {}
        Use::Call => {
            let mut payload = notice.block.clone();
            payload.insert("_j_msgid".to_owned(), notice.msg_id.0.into());
            return fitting(payload);
        }
        Use::Activity => {
            let members = notice.block.iter().filter(|(name, _)| OF_ACTIVITY.contains(&name.as_str()));
            let aps: Map<_, _> = members.map(|(name, value)| (name.clone(), value.clone())).collect();
            return fitting(Map::from_iter([("aps".to_owned(), aps.into())]));
        }
    }
    let object = notice.block.get("alert").and_then(Value::as_object);
    let text = object.map_or(Some(notice.alert.as_str()), |alert| alert.get("body").and_then(Value::as_str));
    shorten::fit(text.unwrap_or_default(), PAYLOAD_BYTES_MAX, |text| {
        whole(notice, object, text).to_string().into_bytes()
    })
}

fn whole(notice: &Notice, object: Option<&Map<String, Value>>, text: &str) -> Value {
    let mut aps = Map::new();
    if let Some(object) = object {
        let mut object = object.clone();
        if !text.is_empty() {
            object.insert("body".to_owned(), text.into());
        }
        aps.insert("alert".to_owned(), object.into());
    } else if !notice.title.is_empty() {
        aps.insert("alert".to_owned(), json!({ "title": notice.title, "body": text }));
    } else if !text.is_empty() {
        aps.insert("alert".to_owned(), text.into());
    }
    if let Some(badge) = notice.badge {
        aps.insert("badge".to_owned(), badge.into());
    }
    for word in ["content-available", "mutable-content"] {
        if is_on(notice.block.get(word)) {
            aps.insert(word.to_owned(), 1.into());
        }
    }
    for word in PASSED_ON {
        if let Some(value) = notice.block.get(word) {
            aps.insert(word.to_owned(), value.clone());
        }
    }
    let mut payload = notice.extras.clone();
    payload.insert("aps".to_owned(), aps.into());
    payload.insert("_j_msgid".to_owned(), notice.msg_id.0.into());
    payload.into()
}

/// The official clients write switches in all these ways.
fn is_on(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(on)) => *on,
        Some(Value::Number(number)) => number.as_u64() == Some(1),
        Some(Value::String(word)) => word == "1" || word == "true",
        _ => false,
    }
}
