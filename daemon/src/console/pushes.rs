//! Pushes: their history, how many devices one would be for, segments.

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::ids::AppNumber;
use anser_storage::{ListedPush, PushStanding};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::call::{Answer, Answered, Call};
use super::fault::Fault;
use crate::admin::Request;
use crate::clock::now_ms;
use crate::rest::push_targets;

/// What an estimate tells apart.
const PLATFORMS: [Platform; 5] =
    [Platform::ANDROID, Platform::IOS, Platform::WINPHONE, Platform::QUICKAPP, Platform::HMOS];

/// Which pushes are wanted.
#[derive(Clone)]
struct Wanted {
    text: Option<String>,
    kind: Option<String>,
    is_of_console: Option<bool>,
    from_ms: TimeMs,
    to_ms: TimeMs,
}

impl Wanted {
    fn of(call: &Call) -> Result<Self, Fault> {
        let kind = call.query("kind");
        if kind.as_deref().is_some_and(|kind| !matches!(kind, "notification" | "message" | "both")) {
            return Err(Fault::invalid("kind is notification, message or both"));
        }
        let is_of_console = match call.query("origin").as_deref() {
            None => None,
            Some("console") => Some(true),
            Some("api") => Some(false),
            Some(_) => return Err(Fault::invalid("origin is console or api")),
        };
        Ok(Self {
            text: call.query("q").map(|text| text.to_lowercase()),
            kind,
            is_of_console,
            from_ms: call.number("from_ms")?.unwrap_or_default(),
            to_ms: call.number("to_ms")?.unwrap_or(TimeMs::MAX),
        })
    }

    fn has(&self, push: &ListedPush) -> bool {
        let is_like = |text: &String| {
            let (title, body) = texts(push);
            let object = push.origin.as_ref().map_or("", |(_, object)| object.as_str());
            [title.as_str(), body.as_str(), object, &push.msg_id.0.to_string()]
                .iter()
                .any(|shown| shown.to_lowercase().contains(text.as_str()))
        };
        (self.from_ms..self.to_ms).contains(&push.accepted_ms)
            && self.is_of_console.is_none_or(|wanted| push.origin.is_some() == wanted)
            && self.kind.as_ref().is_none_or(|wanted| kind(push) == wanted)
            && self.text.as_ref().is_none_or(is_like)
    }
}

/// `GET /apps/{app_key}/pushes`
pub async fn list(call: Call) -> Answered {
    let (pushes, next) = listed(&call, call.limit()?, call.number("after")?.map(Position)).await?;
    let pushes: Vec<Value> = pushes.iter().map(shown).collect();
    Ok(json!({"pushes": pushes, "next": next.map(|next| next.0.to_string())}).into())
}

/// The pushes that the call asks for, and where the next begin.
pub async fn listed(
    call: &Call,
    limit: usize,
    before: Option<Position>,
) -> Result<(Vec<ListedPush>, Option<Position>), Fault> {
    let (app, wanted, now_ms) = (call.app()?, Wanted::of(call)?, now_ms());
    let read = call
        .context
        .ledger
        .read(move |snapshot| snapshot.list_pushes(app, before, limit, now_ms, |push| wanted.has(push)));
    let part = read.await?;
    Ok((part.items, part.next))
}

/// `GET /apps/{app_key}/pushes/{msg_id}`
pub async fn show(call: Call) -> Answered {
    let (app, now_ms) = (call.app()?, now_ms());
    let msg_id = Position(call.name(0)?.parse().map_err(|_| Fault::invalid("the msg_id must be a whole number"))?);
    let read = call
        .context
        .ledger
        .read(move |snapshot| Ok((snapshot.listed_push(app, msg_id, now_ms)?, snapshot.push_report(app, msg_id)?)));
    let (Some(push), report) = read.await? else {
        return Err(Fault::unknown("the app has no such push, or it was too long ago"));
    };
    let mut value = shown(&push);
    value["payload"] = payload(&push);
    let figures = report.iter().flat_map(|report| &report.platforms).map(|of| {
        let figures = json!({
            "targets": of.targets, "online": of.reached, "sent": of.sent, "received": of.received,
            "shown": of.shown + of.message_shown, "clicked": of.clicked + of.message_clicked, "bridged": of.bridged,
        });
        (of.platform.name().to_owned(), figures)
    });
    value["figures"] = Value::Object(figures.collect());
    Ok(value.into())
}

pub fn shown(push: &ListedPush) -> Value {
    let standing = match push.standing {
        PushStanding::Waiting => "waiting",
        PushStanding::Expired => "expired",
        PushStanding::Withdrawn => "withdrawn",
        PushStanding::Replaced => "replaced",
    };
    let platforms = push.platforms.iter().map(|(platform, count)| (platform.name().to_owned(), (*count).into()));
    let (title, text) = texts(push);
    let operator = push.origin.as_ref().map(|(operator, _)| operator);
    json!({
        "msg_id": push.msg_id.0.to_string(), "accepted_ms": push.accepted_ms, "expires_ms": push.expires_ms,
        "state": standing, "origin": if operator.is_some() { "console" } else { "api" }, "operator": operator,
        "kind": kind(push), "title": title, "text": text, "targets": push.targets,
        "platforms": Value::Object(platforms.collect::<Map<_, _>>()), "online": push.counts.reached,
        "received": push.counts.received, "shown": push.counts.shown, "clicked": push.counts.clicked,
        "bridged": push.counts.bridged, "audience": object(push)["audience"],
    })
}

/// What the console sent; null for other pushes.
fn object(push: &ListedPush) -> Value {
    let object = push.origin.as_ref().and_then(|(_, object)| serde_json::from_str(object).ok());
    object.unwrap_or_default()
}

/// As it was sent, or what is known of it: the audience of a push of the API is not kept.
fn payload(push: &ListedPush) -> Value {
    match object(push) {
        Value::Null => {}
        object => return object,
    }
    let mut made: Map<String, Value> = serde_json::from_str(&push.kept).unwrap_or_default();
    let Some(content) = &push.push else { return Value::Object(made) };
    let mut notification = Map::new();
    let mut platforms = Vec::new();
    for (platform, content) in &content.contents {
        platforms.push(Value::from(platform.name()));
        if let Some(said) = &content.notification {
            let mut block: Map<String, Value> = serde_json::from_str(&said.options).unwrap_or_default();
            // For Apple the options may have a dictionary, of which text and title are parts.
            if !block.contains_key("alert") {
                block.insert("alert".to_owned(), said.alert.clone().into());
                if !said.title.is_empty() {
                    block.insert("title".to_owned(), said.title.clone().into());
                }
            }
            if let Ok(extras @ Value::Object(_)) = serde_json::from_str(&said.extras) {
                block.insert("extras".to_owned(), extras);
            }
            notification.insert(platform.name().to_owned(), Value::Object(block));
        }
        if let Some(said) = &content.message
            && !made.contains_key("message")
        {
            let mut message = Map::from_iter([("msg_content".to_owned(), Value::from(said.content.clone()))]);
            let texts = [("title", &said.title), ("content_type", &said.content_type)];
            let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
            message.extend(texts.map(|(key, text)| (key.to_owned(), Value::from(text.clone()))));
            if let Ok(extras @ Value::Object(_)) = serde_json::from_str(&said.extras) {
                message.insert("extras".to_owned(), extras);
            }
            made.insert("message".to_owned(), message.into());
        }
    }
    if !notification.is_empty() {
        made.insert("notification".to_owned(), Value::Object(notification));
    }
    made.insert("platform".to_owned(), Value::Array(platforms));
    Value::Object(made)
}

fn kind(push: &ListedPush) -> &'static str {
    let contents = push.push.iter().flat_map(|push| &push.contents);
    let (mut notification, mut message) = (false, false);
    for (_, content) in contents {
        notification |= content.notification.is_some();
        message |= content.message.is_some();
    }
    match (notification, message) {
        (true, true) => "both",
        (false, true) => "message",
        _ => "notification",
    }
}

/// Title and text, those of the notification first.
fn texts(push: &ListedPush) -> (String, String) {
    let contents = || push.push.iter().flat_map(|push| &push.contents).map(|(_, content)| content);
    if let Some(said) = contents().find_map(|content| content.notification.as_ref()) {
        return (said.title.clone(), said.alert.clone());
    }
    let said = contents().find_map(|content| content.message.as_ref());
    said.map(|said| (said.title.clone(), said.content.clone())).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Estimated {
    #[serde(default = "all")]
    platform: Value,
    audience: Value,
}

fn all() -> Value {
    "all".into()
}

/// `POST /apps/{app_key}/pushes/estimate`
pub async fn estimate(call: Call) -> Answered {
    let Estimated { platform, audience } = call.parsed()?;
    let (app, app_key) = (call.app()?, call.app_key()?);
    let devices = targets(&call, app, &app_key, &platform, &audience).await?;
    let is_meant = |name: &str| match &platform {
        Value::Array(names) => names.iter().any(|of| of == name),
        Value::String(of) => of == "all" || of == name,
        _ => false,
    };
    let mut by_platform = Map::new();
    for name in PLATFORMS.map(Platform::name).into_iter().filter(|name| is_meant(name)) {
        let of_it = targets(&call, app, &app_key, &json!([name]), &audience).await?;
        if of_it > 0 {
            by_platform.insert(name.to_owned(), of_it.into());
        }
    }
    // Browsers and computers have no name in the push API.
    let named: u64 = by_platform.values().filter_map(Value::as_u64).sum();
    if devices > named && platform == "all" {
        by_platform.insert("other".to_owned(), (devices - named).into());
    }
    Ok(json!({"devices": devices, "by_platform": by_platform}).into())
}

async fn targets(call: &Call, app: AppNumber, app_key: &str, platform: &Value, audience: &Value) -> Result<u64, Fault> {
    let body = json!({"platform": platform, "audience": audience, "notification": {"alert": "?"}});
    let found = push_targets(&call.context, app, app_key, &body).await;
    found.map_err(|fault| Fault::refused(format!("{}: {}", fault.code, fault.message)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSegment {
    name: String,
    rule: Value,
}

/// `GET /apps/{app_key}/segments`
pub async fn segments(call: Call) -> Answered {
    Ok(json!({"segments": call.ask_plain(Request::SegmentList { app: call.app_key()? }).await?}).into())
}

/// `POST /apps/{app_key}/segments`
pub async fn create_segment(call: Call) -> Answered {
    let NewSegment { name, rule } = call.parsed()?;
    let request = Request::SegmentCreate { app: call.app_key()?, name: name.clone(), rule: rule.to_string() };
    Ok(Answer::from(call.ask_plain(request).await?).on(name))
}

/// `GET /apps/{app_key}/segments/{segment}`
pub async fn segment(call: Call) -> Answered {
    Ok(call.ask_plain(Request::SegmentShow { app: call.app_key()?, segment: call.name(0)? }).await?.into())
}

/// `DELETE /apps/{app_key}/segments/{segment}`
pub async fn delete_segment(call: Call) -> Answered {
    Ok(call.ask_plain(Request::SegmentDelete { app: call.app_key()?, segment: call.name(0)? }).await?.into())
}
