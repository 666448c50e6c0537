//! The job that tells app servers what became of their pushes (`callback` of the push object).
//!
//! What is to be told stands in the store until the server has heard it, so that a restart changes nothing. A crash between
//! its answer and our noting it tells it once more: `msg_id`, `registration_id` and `event` name an event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use anser_protocol::ids::TimeMs;
use anser_storage::command::{BridgeCommand, Command};
use anser_storage::ids::AppNumber;
use anser_storage::{App, Callback, CallbackEvent, CallbackKind, WaitingCallback, WaitingCallbacks};
use data_encoding::BASE64;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::bridge::{Callbacks, Told};
use crate::clock::now_ms;
use crate::config;
use crate::context::{Context, Shared};
use crate::keys;
use crate::ledger::Unavailable;

/// How late an event may come to be told when its server answers.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// In one request.
const EVENTS_MAX: usize = 500;
/// An older event is given up.
const WAITING_MS_MAX: TimeMs = 24 * 3600 * 1000;
/// After the first failure; then twice as long each time.
const PAUSE_MS_MIN: TimeMs = 1000;
const PAUSE_MS_MAX: TimeMs = 5 * 60 * 1000;

/// Bits of `callback.type`.
const TYPE_RECEIVED: i64 = 1;
const TYPE_CLICKED: i64 = 2;
const TYPE_UNRECEIVED: i64 = 4;
const TYPE_PUSHED: i64 = 8;

/// The callback of a push, if the operator permits its host; `kept` is what is kept of the push object.
pub fn order(config: &config::Callbacks, kept: &str) -> Option<Callback> {
    if config.hosts.is_empty() || kept.is_empty() {
        return None;
    }
    let kept: Value = serde_json::from_str(kept).ok()?;
    let asked = kept.get("callback")?;
    let url = asked.get("url")?.as_str()?;
    config.permitted(url)?;
    let kinds = asked.get("type").and_then(Value::as_i64).unwrap_or(0);
    let wants = |bit: i64| kinds & bit != 0;
    let callback = Callback {
        url: url.to_owned(),
        params: asked.get("params").map(Value::to_string).unwrap_or_default(),
        wants_received: wants(TYPE_RECEIVED),
        wants_clicked: wants(TYPE_CLICKED),
        wants_pushed: wants(TYPE_PUSHED),
        wants_unreceived: wants(TYPE_UNRECEIVED),
    };
    let wants_any = TYPE_RECEIVED | TYPE_CLICKED | TYPE_UNRECEIVED | TYPE_PUSHED;
    wants(wants_any).then_some(callback)
}

/// Runs until the daemon stops.
pub async fn run(context: Shared, door: Callbacks) {
    let mut teller = Teller { door: Arc::new(door), pauses: BTreeMap::new() };
    let mut shutdown = context.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let told = tokio::select! {
            () = shutdown.begun() => return,
            told = teller.round(&context, now_ms()) => told,
        };
        if let Err(error) = told {
            log::warn!("app servers could not be told what became of their pushes, it is tried again soon: {error}");
        }
    }
}

struct Teller {
    door: Arc<Callbacks>,
    /// By address; only of those that failed last time.
    pauses: BTreeMap<String, Pause>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pause {
    failures: u32,
    until_ms: TimeMs,
}

/// What is told in one request.
struct Letter {
    app: AppNumber,
    url: String,
    authorization: String,
    events: Vec<CallbackEvent>,
    body: String,
}

impl Teller {
    /// Tells each address the oldest that it has not heard.
    async fn round(&mut self, context: &Context, now_ms: TimeMs) -> Result<(), Unavailable> {
        // Nobody waits any more at an address that was not needed for so long.
        self.pauses.retain(|_, pause| pause.until_ms + WAITING_MS_MAX > now_ms);
        let paused: BTreeSet<String> =
            self.pauses.iter().filter(|(_, pause)| pause.until_ms > now_ms).map(|(url, _)| url.clone()).collect();
        let found = context.ledger.read(move |snapshot| {
            let mut found = Vec::new();
            for (number, app) in snapshot.apps()? {
                let waiting = snapshot.waiting_callbacks(number, EVENTS_MAX, |url| paused.contains(url))?;
                if waiting != WaitingCallbacks::default() {
                    found.push((number, app, waiting));
                }
            }
            Ok(found)
        });
        let mut under_way = JoinSet::new();
        for (number, app, waiting) in found.await? {
            let (letters, useless) = sort(&context.config.callback, number, &app, waiting, now_ms);
            note_told(context, number, useless).await?;
            for letter in letters {
                let (door, config) = (self.door.clone(), context.config.callback.clone());
                under_way.spawn(async move {
                    let told = match config.permitted(&letter.url) {
                        Some(url) => door.tell(&url, &letter.authorization, letter.body.clone()).await,
                        None => Told::Later { why: "the host is not permitted".to_owned(), after: None },
                    };
                    (letter, told)
                });
            }
        }
        while let Some(answered) = under_way.join_next().await {
            let Ok((letter, told)) = answered else { continue };
            match told {
                Told::Heard => {
                    self.pauses.remove(&letter.url);
                    note_told(context, letter.app, letter.events).await?;
                }
                Told::Later { why, after } => self.pause(letter.url, &why, after, now_ms),
            }
        }
        Ok(())
    }

    fn pause(&mut self, url: String, why: &str, after: Option<Duration>, now_ms: TimeMs) {
        let failures = self.pauses.get(&url).map_or(0, |pause| pause.failures);
        let pause_ms = pause_ms(failures, after, u64::from_le_bytes(keys::random()));
        log::info!(url = url.as_str(), pause_ms; "an app server was not told what became of its pushes: {why}");
        self.pauses.insert(url, Pause { failures: failures.saturating_add(1), until_ms: now_ms + pause_ms });
    }
}

/// Twice as long with each failure, and up to half of that more by chance; or as long as the server says.
fn pause_ms(failures: u32, after: Option<Duration>, random: u64) -> TimeMs {
    let doubled = PAUSE_MS_MIN.saturating_mul(1 << failures.min(20)).min(PAUSE_MS_MAX);
    let own = doubled + random % (doubled / 2);
    let asked = after.map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    own.max(asked.min(WAITING_MS_MAX))
}

async fn note_told(context: &Context, app: AppNumber, events: Vec<CallbackEvent>) -> Result<(), Unavailable> {
    if events.is_empty() {
        return Ok(());
    }
    let command = Command::Bridge(BridgeCommand::CallbacksTold { app, events });
    // The app may be gone by now, and its events with it.
    context.ledger.submit(command).await.map(drop)
}

/// A letter to each address, and what is of no use to anybody.
fn sort(
    config: &config::Callbacks,
    number: AppNumber,
    app: &App,
    found: WaitingCallbacks,
    now_ms: TimeMs,
) -> (Vec<Letter>, Vec<CallbackEvent>) {
    let mut useless = found.orphaned;
    let mut by_url: BTreeMap<String, Vec<WaitingCallback>> = BTreeMap::new();
    let mut given_up = 0_u64;
    for waiting in found.waiting {
        let is_late = waiting.event.at_ms + WAITING_MS_MAX <= now_ms;
        if is_late || config.permitted(&waiting.callback.url).is_none() {
            given_up += 1;
            useless.push(waiting.event);
        } else {
            by_url.entry(waiting.callback.url.clone()).or_default().push(waiting);
        }
    }
    if given_up > 0 {
        log::warn!(
            app = app.app_key.as_str(), given_up;
            "an app server will not be told of some events: they are a day old, or its host is not permitted any more; look at that server, and at callback.hosts"
        );
    }
    let authorization = BASE64.encode(format!("{}:{}", app.app_key, app.master_secret).as_bytes());
    let letters = by_url.into_iter().map(|(url, waiting)| Letter {
        app: number,
        url,
        authorization: format!("Basic {authorization}"),
        events: waiting.iter().map(|waiting| waiting.event).collect(),
        body: Value::Array(waiting.iter().map(written).collect()).to_string(),
    });
    (letters.collect(), useless)
}

fn written(waiting: &WaitingCallback) -> Value {
    let event = match waiting.event.kind {
        CallbackKind::Received => "received",
        CallbackKind::Clicked => "clicked",
        CallbackKind::Pushed => "pushed",
        CallbackKind::Unreceived => "not_received",
    };
    json!({
        // A text, because many readers of JSON have no whole numbers of 64 bits.
        "msg_id": waiting.event.push.to_string(),
        "registration_id": waiting.registration_id,
        "platform": waiting.platform.name(),
        "event": event,
        "time": waiting.event.at_ms,
        "params": serde_json::from_str(&waiting.callback.params).unwrap_or_else(|_| json!({})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bridge::Url;

    fn permitting(hosts: &[&str]) -> config::Callbacks {
        let hosts = hosts.iter().map(|host| Url::parse(host).expect("an address").origin).collect();
        config::Callbacks { hosts, ca: None }
    }

    #[test]
    fn only_permitted_hosts_and_known_events_make_a_callback() {
        let config = permitting(&["https://app.example.com", "http://10.0.0.5:8080"]);
        let order = |url: &str, kinds: i64| {
            order(&config, &json!({"callback": {"url": url, "type": kinds, "params": {"k": 1}}}).to_string())
        };
        let callback = order("https://App.example.com:443/told?x=1", 1 | 8).expect("permitted");
        assert_eq!((callback.wants_received, callback.wants_clicked, callback.wants_pushed), (true, false, true));
        assert_eq!(callback.params, r#"{"k":1}"#);
        assert!(order("http://10.0.0.5:8080/", 2).is_some());
        for url in [
            "http://app.example.com/",
            "https://app.example.com:8443/",
            "https://app.example.com.evil.example/",
            "https://evil@app.example.com/",
            "http://10.0.0.5/",
            "",
            "/told",
        ] {
            assert_eq!(order(url, 3), None, "{url}");
        }
        let unreceived = order("https://app.example.com/", 4).expect("permitted");
        assert!(unreceived.wants_unreceived && !unreceived.wants_received && !callback.wants_unreceived);
        for kinds in [0, 16] {
            assert_eq!(order("https://app.example.com/", kinds), None, "{kinds}");
        }
        assert_eq!(super::order(&config, ""), None);
        assert_eq!(super::order(&config, r#"{"sms_message":{}}"#), None);
        assert_eq!(super::order(&permitting(&[]), r#"{"callback":{"url":"https://app.example.com/","type":1}}"#), None);
    }

    #[test]
    fn pauses_double_up_to_five_minutes_and_a_server_may_ask_for_more() {
        let least: Vec<TimeMs> = (0..10).map(|failures| pause_ms(failures, None, 0)).collect();
        assert_eq!(least, [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 128_000, 256_000, 300_000]);
        assert_eq!(pause_ms(u32::MAX, None, 149_999), 449_999);
        assert_eq!(pause_ms(0, None, 499), 1499);
        assert_eq!(pause_ms(0, Some(Duration::from_secs(60)), 0), 60_000);
        assert_eq!(pause_ms(9, Some(Duration::from_secs(60)), 0), 300_000);
        assert_eq!(pause_ms(0, Some(Duration::MAX), 0), WAITING_MS_MAX);
    }
}
