//! App servers that hear of messages and events, and that are asked about messages and passwords: signed requests to
//! addresses that the operator set.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use anser_storage::command::EventFamilies;
use data_encoding::{BASE64, HEXLOWER};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use serde_json::Value;
use tokio::time::timeout;

use super::Handed;
use super::Url;
use super::credentials::{BridgeError, Versions, tls};
use super::endpoint::Endpoint;
use super::guard::Reach;
use crate::app_callback::Feed;
use crate::clock::now_ms;
use crate::config::{Config, EventCallback, MessageCallback, MessageCheck, PasswordCallback};

/// Requests to one server that are under way at the same time.
const AT_ONCE_MAX: usize = 64;
/// How long a server may take over what it is told.
const HEARS_WITHIN: Duration = Duration::from_secs(5);

/// Every configured server; none by default.
#[derive(Default)]
pub struct AppServers {
    callbacks: Vec<(MessageCallback, Endpoint)>,
    events: Vec<(EventCallback, Endpoint)>,
    /// How the telling of each app goes, since the start.
    tellings: Mutex<BTreeMap<(String, Feed), Telling>>,
    checks: Vec<(MessageCheck, Endpoint)>,
    passwords: Vec<(PasswordCallback, Endpoint)>,
}

/// As whom a server knows us.
#[derive(Clone, Copy)]
pub struct Signer<'a> {
    pub app_key: &'a str,
    pub master_secret: &'a str,
}

/// How telling one app's server goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Telling {
    /// Messages or events that it heard of.
    pub told: u64,
    /// Requests that it did not hear.
    pub failed: u64,
    /// Since it heard last.
    pub failed_in_a_row: u64,
    pub last_failure: Option<String>,
}

/// Why a server has not heard, and how long it wants to be left alone.
pub type Unheard = (String, Option<Duration>);

/// What a server said of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    Refused { message: String },
}

/// What a server said of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vouched {
    Right,
    Wrong,
    /// It could not be asked, or its answer is none.
    Unknown,
}

impl AppServers {
    pub fn new(config: &Config) -> Result<Self, BridgeError> {
        let (callbacks, events, checks) = (&config.message_callbacks, &config.event_callbacks, &config.message_checks);
        let passwords = &config.password_callbacks;
        if callbacks.is_empty() && events.is_empty() && checks.is_empty() && passwords.is_empty() {
            return Ok(Self::default());
        }
        let tls = tls(config.callback.ca.as_deref(), None, Versions::Either)?;
        let endpoint = |url: &Url| Endpoint::new(url.origin.clone(), tls.clone(), Reach::Anywhere, AT_ONCE_MAX);
        Ok(Self {
            callbacks: callbacks.iter().map(|config| (config.clone(), endpoint(&config.url))).collect(),
            events: events.iter().map(|config| (config.clone(), endpoint(&config.url))).collect(),
            tellings: Mutex::default(),
            checks: checks.iter().map(|config| (config.clone(), endpoint(&config.url))).collect(),
            passwords: passwords.iter().map(|config| (config.clone(), endpoint(&config.url))).collect(),
        })
    }

    pub fn tells_anybody(&self, feed: Feed) -> bool {
        match feed {
            Feed::Messages => !self.callbacks.is_empty(),
            Feed::Events => !self.events.is_empty(),
        }
    }

    pub fn checks_anybody(&self) -> bool {
        !self.checks.is_empty()
    }

    pub fn is_told(&self, feed: Feed, app_key: &str) -> bool {
        self.address(feed, app_key).is_some()
    }

    /// Does the app's server want to hear of messages that it sent itself?
    pub fn wants_rest_sent(&self, app_key: &str) -> bool {
        self.callback_of(app_key).is_some_and(|(config, _)| config.rest_sent)
    }

    /// What events the app's server wants to hear of.
    pub fn families(&self, app_key: &str) -> EventFamilies {
        self.events_of(app_key).map_or_else(EventFamilies::default, |(config, _)| config.families)
    }

    /// An app's own setting comes before one for all.
    fn callback_of(&self, app_key: &str) -> Option<&(MessageCallback, Endpoint)> {
        own_or_any(&self.callbacks, app_key, |(config, _)| config.app.as_deref())
    }

    fn events_of(&self, app_key: &str) -> Option<&(EventCallback, Endpoint)> {
        own_or_any(&self.events, app_key, |(config, _)| config.app.as_deref())
    }

    fn address(&self, feed: Feed, app_key: &str) -> Option<(&Url, &Endpoint)> {
        match feed {
            Feed::Messages => self.callback_of(app_key).map(|(config, endpoint)| (&config.url, endpoint)),
            Feed::Events => self.events_of(app_key).map(|(config, endpoint)| (&config.url, endpoint)),
        }
    }

    /// Tells the app's server of so many messages or events.
    pub async fn tell(&self, feed: Feed, signer: Signer<'_>, body: &Value, items: usize) -> Result<(), Unheard> {
        let heard = self.post(feed, signer, body).await;
        let mut tellings = self.tellings.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let telling = tellings.entry((signer.app_key.to_owned(), feed)).or_default();
        match &heard {
            Ok(()) => {
                telling.told += items as u64;
                telling.failed_in_a_row = 0;
            }
            Err((why, _)) => {
                telling.failed += 1;
                telling.failed_in_a_row += 1;
                telling.last_failure = Some(why.clone());
            }
        }
        heard
    }

    /// Asks the app's server to hear nothing, to see whether it can; nothing when it is not told by this feed.
    pub async fn try_out(&self, feed: Feed, signer: Signer<'_>) -> Option<(String, Result<(), Unheard>)> {
        let (url, _) = self.address(feed, signer.app_key)?;
        Some((url.to_string(), self.post(feed, signer, &feed.empty()).await))
    }

    /// Of every app that was told of something, by its key.
    pub fn tellings(&self) -> BTreeMap<(String, Feed), Telling> {
        self.tellings.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    async fn post(&self, feed: Feed, signer: Signer<'_>, body: &Value) -> Result<(), Unheard> {
        let Some((url, endpoint)) = self.address(feed, signer.app_key) else { return Ok(()) };
        let body = body.to_string();
        let posted = endpoint.post(&url.path, headers(signer, &body), body.into());
        match timeout(HEARS_WITHIN, posted).await {
            Err(_) => Err((format!("it did not answer within {} s", HEARS_WITHIN.as_secs()), None)),
            Ok(Err(silence)) => Err((silence.to_string(), None)),
            Ok(Ok(answer)) if answer.status.is_success() => Ok(()),
            Ok(Ok(answer)) => {
                let after = match answer.later() {
                    Handed::Later(after) => after,
                    _ => None,
                };
                Err((format!("it answered {}", answer.status.as_u16()), after))
            }
        }
    }

    /// Is somebody to be asked about the messages of this app?
    pub fn checks(&self, app_key: &str) -> bool {
        own_or_any(&self.checks, app_key, |(config, _)| config.app.as_deref()).is_some()
    }

    /// Asks the app's server whether a message may be sent. Without an answer that is one, the setting decides.
    pub async fn check(&self, signer: Signer<'_>, body: &Value) -> Verdict {
        let found = own_or_any(&self.checks, signer.app_key, |(config, _)| config.app.as_deref());
        let Some((config, endpoint)) = found else { return Verdict::Allowed };
        let why = match ask((endpoint, &config.url), config.wait, signer, body, verdict).await {
            Ok(verdict) => return verdict,
            Err(why) => why,
        };
        log::warn!(app = signer.app_key, allowed = config.allows_unanswered; "a message was not checked, see message_check.unanswered; its server must answer: {why}");
        match config.allows_unanswered {
            true => Verdict::Allowed,
            false => Verdict::Refused { message: "the app's server did not say that it may be sent".to_owned() },
        }
    }

    /// Is there anybody to ask about the passwords of this app's users?
    pub fn knows_passwords(&self, app_key: &str) -> bool {
        own_or_any(&self.passwords, app_key, |(config, _)| config.app.as_deref()).is_some()
    }

    /// Asks the app's server whether this is the user's password.
    pub async fn vouch(&self, signer: Signer<'_>, username: &str, password: &str) -> Vouched {
        let found = own_or_any(&self.passwords, signer.app_key, |(config, _)| config.app.as_deref());
        let Some((config, endpoint)) = found else { return Vouched::Wrong };
        let body = serde_json::json!({"username": username, "password": password});
        let asked = ask((endpoint, &config.url), config.wait, signer, &body, vouched).await;
        asked.unwrap_or_else(|why| {
            log::warn!(app = signer.app_key; "the app's server was asked about a password in vain, and must answer: {why}");
            Vouched::Unknown
        })
    }
}

/// What an app's server says, as `read` understands its status and body; or why it said nothing.
async fn ask<T>(
    (endpoint, url): (&Endpoint, &Url),
    wait: Duration,
    signer: Signer<'_>,
    body: &Value,
    read: fn(u16, &[u8]) -> Option<T>,
) -> Result<T, String> {
    let body = body.to_string();
    let posted = endpoint.post(&url.path, headers(signer, &body), body.into());
    match timeout(wait, posted).await {
        Err(_) => Err("it did not answer in time".to_owned()),
        Ok(Err(silence)) => Err(silence.to_string()),
        Ok(Ok(answer)) => {
            let status = answer.status.as_u16();
            read(status, &answer.body).ok_or_else(|| format!("its answer is none, with status {status}"))
        }
    }
}

fn vouched(status: u16, body: &[u8]) -> Option<Vouched> {
    let body: Option<Value> = serde_json::from_slice(body).ok();
    match (status, body.and_then(|body| body.get("ok")?.as_bool())) {
        (200, Some(true)) => Some(Vouched::Right),
        (200, Some(false)) | (401 | 403 | 404, _) => Some(Vouched::Wrong),
        _ => None,
    }
}

fn own_or_any<'a, T>(all: &'a [T], app_key: &str, app_of: impl Fn(&T) -> Option<&str>) -> Option<&'a T> {
    let own = all.iter().find(|one| app_of(one) == Some(app_key));
    own.or_else(|| all.iter().find(|one| app_of(one).is_none()))
}

/// `{"allow": bool, "code"?, "message"?}`; a code goes into the text, since clients know only ours.
fn verdict(status: u16, body: &[u8]) -> Option<Verdict> {
    const MESSAGE_BYTES_MAX: usize = 250;
    if status != 200 {
        return None;
    }
    let answer: Value = serde_json::from_slice(body).ok()?;
    if answer.get("allow")?.as_bool()? {
        return Some(Verdict::Allowed);
    }
    let said = answer.get("message").and_then(Value::as_str).unwrap_or("the app's server refused it");
    let mut message = match answer.get("code") {
        Some(Value::Number(code)) => format!("{said} ({code})"),
        _ => said.to_owned(),
    };
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
    Some(Verdict::Refused { message })
}

/// The app's credentials, and a signature: HMAC-SHA256 with the master secret over `timestamp.body`, as webhooks have it.
fn headers(signer: Signer<'_>, body: &str) -> HeaderMap {
    let Signer { app_key, master_secret } = signer;
    let timestamp = (now_ms() / 1000).to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, master_secret.as_bytes());
    let signature = HEXLOWER.encode(hmac::sign(&key, format!("{timestamp}.{body}").as_bytes()).as_ref());
    let credentials = format!("Basic {}", BASE64.encode(format!("{app_key}:{master_secret}").as_bytes()));
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in [
        (AUTHORIZATION, credentials),
        (HeaderName::from_static("x-anser-timestamp"), timestamp),
        (HeaderName::from_static("x-anser-signature"), format!("v1={signature}")),
    ] {
        let mut value = HeaderValue::from_str(&value).expect("digits and letters");
        value.set_sensitive(name == AUTHORIZATION);
        headers.insert(name, value);
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_right_only_when_the_server_says_so_clearly() {
        assert_eq!(vouched(200, br#"{"ok":true}"#), Some(Vouched::Right));
        for (status, body) in [(200, "{\"ok\":false}"), (401, ""), (403, "{\"ok\":true}"), (404, "no such user")] {
            assert_eq!(vouched(status, body.as_bytes()), Some(Vouched::Wrong), "{status} {body}");
        }
        for (status, body) in
            [(200, ""), (200, "{\"ok\":1}"), (201, "{\"ok\":true}"), (302, ""), (500, "{\"ok\":true}")]
        {
            assert_eq!(vouched(status, body.as_bytes()), None, "{status} {body}");
        }
    }

    #[test]
    fn only_a_clear_answer_is_one() {
        assert_eq!(verdict(200, br#"{"allow":true}"#), Some(Verdict::Allowed));
        let refused = |message: &str| Some(Verdict::Refused { message: message.to_owned() });
        assert_eq!(verdict(200, br#"{"allow":false,"code":7,"message":"no"}"#), refused("no (7)"));
        assert_eq!(verdict(200, br#"{"allow":false}"#), refused("the app's server refused it"));
        for (status, body) in [(500, "{\"allow\":true}"), (200, ""), (200, "{}"), (200, "{\"allow\":\"yes\"}")] {
            assert_eq!(verdict(status, body.as_bytes()), None, "{status} {body}");
        }
        let long = format!(r#"{{"allow":false,"message":"{}"}}"#, "鸿".repeat(200));
        assert!(matches!(verdict(200, long.as_bytes()), Some(Verdict::Refused { message }) if message.len() == 249));
    }
}
