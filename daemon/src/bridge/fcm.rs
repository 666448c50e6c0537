//! Firebase Cloud Messaging, HTTP v1, with a service account.

use std::path::Path;

use anser_protocol::ids::TimeMs;
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use ring::signature::RsaKeyPair;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use super::credentials::{BridgeError, Versions, read, rs256_key, tls};
use super::endpoint::{Answer, Endpoint};
use super::guard::Reach;
use super::{AT_ONCE_MAX, Clock, Handed, Notice, Url, jwt, shorten};
use crate::config::FcmConfig;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const ASSERTION_SECONDS: u64 = 3600;
/// An access token is not used in its last minutes: clocks differ and requests take time.
const SPARE_MS: u64 = 5 * 60 * 1000;
/// Title, body and data together.
const MESSAGE_BYTES_MAX: usize = 4096;
const TTL_SECONDS_MAX: u64 = 28 * 86_400;

pub(super) struct Fcm {
    key: RsaKeyPair,
    account: Account,
    token_path: String,
    accounts: Endpoint,
    messages: Endpoint,
    /// Held while a new one is fetched, so that many notices fetch one.
    access: Mutex<Option<Access>>,
    clock: Clock,
}

/// The file of a service account; it has more than this.
#[derive(Deserialize)]
struct Account {
    project_id: String,
    private_key_id: String,
    private_key: String,
    client_email: String,
    token_uri: String,
}

#[derive(Clone)]
struct Access {
    bearer: HeaderValue,
    until_ms: TimeMs,
}

impl Fcm {
    pub(super) fn new(config: &FcmConfig, ca: Option<&Path>, clock: Clock) -> Result<Self, BridgeError> {
        let path = &config.service_account;
        let broken =
            |what: String| BridgeError::Broken { path: path.clone(), expected: "a service account (JSON)", what };
        let mut account: Account = serde_json::from_slice(&read(path)?).map_err(|error| broken(error.to_string()))?;
        let key = rs256_key(path, &std::mem::take(&mut account.private_key))?;
        let token_url = Url::parse(&account.token_uri)
            .filter(|url| url.origin.is_tls)
            .ok_or_else(|| broken("token_uri must be an https address".to_owned()))?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-:.".contains(&byte);
        if account.project_id.is_empty() || !account.project_id.bytes().all(is_plain) {
            return Err(broken("project_id must be letters, digits and hyphens".to_owned()));
        }
        let tls = tls(ca, None, Versions::Either)?;
        Ok(Self {
            key,
            account,
            token_path: token_url.path,
            accounts: Endpoint::new(token_url.origin, tls.clone(), Reach::Anywhere, AT_ONCE_MAX),
            messages: Endpoint::new(config.url.origin.clone(), tls, Reach::Anywhere, AT_ONCE_MAX),
            access: Mutex::default(),
            clock,
        })
    }

    pub(super) async fn send(&self, token: &str, notice: &Notice) -> Handed {
        let Some(body) = self.body(token, notice) else {
            return Handed::Refused(format!("more than {MESSAGE_BYTES_MAX} bytes even with a short alert"));
        };
        let body = Bytes::from(body);
        let access = match self.access(None).await {
            Ok(access) => access,
            Err(handed) => return handed,
        };
        match self.post(&access, body.clone()).await {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => match self.access(Some(&access)).await {
                Ok(access) => self.post(&access, body).await.map_or_else(Handed::from, |answer| outcome(&answer)),
                Err(handed) => handed,
            },
            Ok(answer) => outcome(&answer),
            Err(silence) => silence.into(),
        }
    }

    async fn post(&self, access: &Access, body: Bytes) -> Result<Answer, super::endpoint::Silence> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(AUTHORIZATION, access.bearer.clone());
        self.messages.post(&format!("/v1/projects/{}/messages:send", self.account.project_id), headers, body).await
    }

    /// The access token that is good now, and another one than `refused`.
    async fn access(&self, refused: Option<&Access>) -> Result<Access, Handed> {
        let mut kept = self.access.lock().await;
        let now_ms = (self.clock)();
        if let Some(access) = &*kept
            && now_ms.saturating_add(SPARE_MS) < access.until_ms
            && refused.is_none_or(|refused| refused.bearer != access.bearer)
        {
            return Ok(access.clone());
        }
        *kept = None;
        let access = self.fetch_access(now_ms).await?;
        *kept = Some(access.clone());
        Ok(access)
    }

    async fn fetch_access(&self, now_ms: TimeMs) -> Result<Access, Handed> {
        let issued = now_ms / 1000;
        let claims = json!({
            "iss": self.account.client_email,
            "scope": SCOPE,
            "aud": self.account.token_uri,
            "iat": issued,
            "exp": issued + ASSERTION_SECONDS,
        });
        let assertion = jwt::rs256(&self.key, &self.account.private_key_id, &claims);
        let form = format!("grant_type={}&assertion={assertion}", GRANT.replace(':', "%3A"));
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let answer = self.accounts.post(&self.token_path, headers, form.into()).await?;
        if answer.is_passing() {
            return Err(answer.later());
        }
        let granted = answer.json();
        let refused = || {
            let why = granted["error_description"].as_str().or(granted["error"].as_str()).unwrap_or("no access token");
            log::warn!(
                "the service account {} gets no access token, its notices wait; look at it in the maker's console: {why}",
                self.account.client_email
            );
            answer.refused(why)
        };
        if answer.status != StatusCode::OK {
            return Err(refused());
        }
        let token = granted["access_token"].as_str().ok_or_else(refused)?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| refused())?;
        bearer.set_sensitive(true);
        let seconds = granted["expires_in"].as_u64().unwrap_or(ASSERTION_SECONDS).min(ASSERTION_SECONDS);
        Ok(Access { bearer, until_ms: now_ms + seconds * 1000 })
    }

    fn body(&self, token: &str, notice: &Notice) -> Option<Vec<u8>> {
        let ttl = notice.seconds_left((self.clock)()).min(TTL_SECONDS_MAX);
        let whole = |alert: &str| message(token, notice, alert, ttl);
        // The envelope around title, text and data does not count; ours counts in the data only.
        let counted = |alert: &str| {
            let message = whole(alert);
            format!("{}{}", message["notification"], message["data"]).into_bytes()
        };
        let fitted = shorten::fitted(&notice.alert, MESSAGE_BYTES_MAX, counted)?;
        Some(json!({ "message": whole(&fitted) }).to_string().into_bytes())
    }
}

fn message(token: &str, notice: &Notice, alert: &str, ttl: u64) -> Value {
    let is_low =
        notice.is_silent() || notice.block.get("priority").and_then(Value::as_i64).is_some_and(|level| level < 0);
    let mut android = Map::new();
    android.insert("priority".to_owned(), if is_low { "NORMAL" } else { "HIGH" }.into());
    android.insert("ttl".to_owned(), format!("{ttl}s").into());
    if let Some(key) = &notice.collapse_id {
        android.insert("collapse_key".to_owned(), key.as_str().into());
    }
    let mut message = json!({ "token": token, "data": data(notice) });
    if !notice.title.is_empty() || !alert.is_empty() {
        let mut shown = Map::new();
        for (name, text) in [("title", notice.title.as_str()), ("body", alert)] {
            if !text.is_empty() {
                shown.insert(name.to_owned(), text.into());
            }
        }
        message["notification"] = shown.into();
        let mut channel = Map::new();
        for word in ["channel_id", "sound"] {
            if let Some(text) = said(notice, word).and_then(Value::as_str).filter(|text| !text.is_empty()) {
                channel.insert(word.to_owned(), text.into());
            }
        }
        if let Some(url) = picture(notice) {
            channel.insert("image".to_owned(), url.into());
        }
        if let Some(badge) = notice.badge {
            channel.insert("notification_count".to_owned(), badge.into());
        }
        if !channel.is_empty() {
            android.insert("notification".to_owned(), channel.into());
        }
    }
    message["android"] = android.into();
    message
}

/// What is said to this channel comes before what is said to all of Android.
fn said<'a>(notice: &'a Notice, word: &str) -> Option<&'a Value> {
    let to_fcm = notice.vendors.get("fcm").and_then(|options| options.get(word));
    to_fcm.or_else(|| notice.block.get(word))
}

/// Where the big picture is, if there is to be one. A path on the device means nothing to Google.
fn picture(notice: &Notice) -> Option<&str> {
    const BIG_PICTURE: i64 = 3;
    let is_wanted = said(notice, "style").and_then(Value::as_i64) == Some(BIG_PICTURE);
    let url = said(notice, "big_pic_path").and_then(Value::as_str)?;
    (is_wanted && ["https://", "http://"].iter().any(|begin| url.starts_with(begin))).then_some(url)
}

/// FCM takes texts only, and keeps some names to itself: a message with one of those would be refused as a whole.
fn data(notice: &Notice) -> Value {
    let is_reserved = |name: &str| {
        ["from", "message_type", "collapse_key"].contains(&name)
            || name.starts_with("google")
            || name.starts_with("gcm")
    };
    let mut data = Map::new();
    for (name, value) in notice.extras.iter().filter(|(name, _)| !is_reserved(name)) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        data.insert(name.clone(), text.into());
    }
    data.insert("_j_msgid".to_owned(), notice.msg_id.to_string().into());
    data.into()
}

fn outcome(answer: &Answer) -> Handed {
    if answer.status == StatusCode::OK {
        return Handed::Accepted;
    }
    let error = answer.json()["error"].take();
    let mut codes = error["details"].as_array().into_iter().flatten().filter_map(|detail| detail["errorCode"].as_str());
    let code = codes.next_back().or(error["status"].as_str()).unwrap_or_default();
    let is_no_token = code == "INVALID_ARGUMENT"
        && error["message"].as_str().is_some_and(|text| text.contains("not a valid FCM registration token"));
    if answer.status == StatusCode::NOT_FOUND || code == "UNREGISTERED" || is_no_token {
        Handed::TokenGone
    } else if answer.is_passing() {
        answer.later()
    } else {
        answer.refused(&format!("{code} {}", error["message"].as_str().unwrap_or_default()))
    }
}
