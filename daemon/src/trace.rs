//! What became of one push or one message: why did this phone not get it?
//!
//! The store says how far a push came with each device, as bits; when it came there is remembered only of the last
//! deliveries (see [`crate::observe::deliveries`]). Which of the two is shown is always said.

use std::collections::BTreeMap;

use anser_protocol::content::Platform;
use anser_protocol::ids::{Position, TimeMs};
use anser_storage::ids::{AppNumber, DeviceNumber};
use anser_storage::{
    AmendedHow, App, DeviceTrace, MessageTrace, PushSteps, PushTrace, ReadError, ReportTarget, Snapshot,
};
use serde::{Deserialize, Serialize};

use crate::clock::{Written, now_ms};
use crate::config::TimeZone;
use crate::context::Shared;
use crate::observe::{Kept, Times};

/// More than any setting lets wait for a device.
const WAITING_LOOKED_AT: usize = 1000;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Traced {
    Push(Box<TracedPush>),
    Message(TracedMessage),
    /// A push to an app group became one in each of its apps.
    GroupPush {
        msg_id: u64,
        group_key: String,
        /// App and msg_id.
        pushes: Vec<(String, u64)>,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedPush {
    pub msg_id: u64,
    pub app: String,
    pub app_key: String,
    pub accepted_ms: TimeMs,
    /// When the answer was given, and with it a promise: it was on disk. Only while it is remembered.
    pub stored_ms: Option<TimeMs>,
    pub expires_ms: TimeMs,
    /// How it stands, in a sentence.
    pub state: String,
    /// Devices that it was for.
    pub chosen: u64,
    pub platforms: BTreeMap<String, u64>,
    /// How many devices are how far, from the stored bits.
    pub counts: Steps<u64>,
    /// Where the times come from, or why there are none.
    pub times: String,
    /// Of a push to few: each delivery that is remembered, by registration id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deliveries: Vec<(String, Steps<Option<TimeMs>>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<TracedDevice>,
}

/// One value for each step of a push on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Steps<T> {
    pub sent: T,
    pub received: T,
    pub shown: T,
    pub clicked: T,
    pub bridged: T,
    pub texted: T,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedDevice {
    pub registration_id: String,
    pub platform: String,
    pub is_connected: bool,
    /// Nothing when it cannot be told any more.
    pub is_chosen: Option<bool>,
    pub steps: Steps<bool>,
    pub times: Steps<Option<TimeMs>>,
    /// `exact_few`, `exact_last` or `bits`.
    pub source: String,
    /// What became of it there, or why it did not come.
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TracedMessage {
    pub msg_id: u64,
    pub app: String,
    pub app_key: String,
    pub accepted_ms: TimeMs,
    pub from: String,
    /// `user NAME`, `group N` or `room N`.
    pub to: String,
    /// Of the device that sent it; nothing for an app server.
    pub platform: Option<String>,
    /// `retracted`, `edited` or `erased`, and when.
    pub amended: Option<(String, TimeMs)>,
    /// Given to so many, read by so many; only of one that asked for receipts.
    pub receipts: Option<(u64, u64)>,
    pub state: String,
}

/// What one look at the store finds.
enum Found {
    Nothing,
    GroupPush(String, Vec<(String, u64)>),
    Push { app: (AppNumber, App), push: PushTrace, named: Vec<(DeviceNumber, String)>, device: Option<FoundDevice> },
    Message((AppNumber, App), MessageTrace),
    NoSuchDevice,
}

struct FoundDevice {
    registration_id: String,
    trace: DeviceTrace,
    /// Newer pushes that wait for it before this one; nothing when it does not wait.
    newer_waiting: Option<usize>,
    last_seen_ms: Option<TimeMs>,
}

/// Looks in the named app, or in all.
pub async fn trace(
    context: &Shared,
    msg_id: u64,
    app: Option<AppNumber>,
    registration_id: Option<String>,
) -> Result<Traced, String> {
    let (position, zone, now) = (Position(msg_id), context.config.time_zone, now_ms());
    let observer = context.observer.clone();
    let wanted = registration_id.clone();
    let found = context
        .ledger
        .read(move |snapshot| {
            let few = |app| observer.deliveries.of_few(app, position).into_iter().map(|(device, _)| device).collect();
            find(snapshot, position, app, wanted.as_deref(), &few, now)
        })
        .await
        .map_err(|error| error.to_string())?;
    match found {
        Found::Nothing => Err(format!(
            "nothing of msg_id {msg_id} is known: it was refused, its days are over (retention), or it is of another daemon"
        )),
        Found::NoSuchDevice => {
            Err(format!("the app of this push has no device {:?}", registration_id.unwrap_or_default()))
        }
        Found::GroupPush(group_key, pushes) => Ok(Traced::GroupPush { msg_id, group_key, pushes }),
        Found::Message((_, app), message) => Ok(Traced::Message(shown_message(msg_id, app, message, zone))),
        Found::Push { app, push, named, device } => {
            Ok(Traced::Push(Box::new(shown_push(context, position, app, &push, &named, device))))
        }
    }
}

fn find(
    snapshot: &Snapshot,
    position: Position,
    wanted: Option<AppNumber>,
    registration_id: Option<&str>,
    few: &dyn Fn(AppNumber) -> Vec<DeviceNumber>,
    now: TimeMs,
) -> Result<Found, ReadError> {
    if let Some(group) = snapshot.group_push(position)? {
        let mut pushes = Vec::new();
        for (app, push) in group.pushes {
            pushes.push((snapshot.app(app)?.map_or_else(String::new, |app| app.name), push.0));
        }
        return Ok(Found::GroupPush(group.group, pushes));
    }
    for (number, app) in snapshot.apps()? {
        if wanted.is_some_and(|wanted| wanted != number) {
            continue;
        }
        if let Some(push) = snapshot.push_trace(number, position)? {
            let device = match registration_id {
                None => None,
                Some(id) => match found_device(snapshot, number, position, id, now)? {
                    None => return Ok(Found::NoSuchDevice),
                    found => found,
                },
            };
            let mut named = Vec::new();
            for device in few(number) {
                named.extend(snapshot.device(number, device)?.map(|row| (device, row.registration_id)));
            }
            return Ok(Found::Push { app: (number, app), push, named, device });
        }
        if let Some(message) = snapshot.message_trace(number, position)? {
            return Ok(Found::Message((number, app), message));
        }
    }
    Ok(Found::Nothing)
}

fn found_device(
    snapshot: &Snapshot,
    app: AppNumber,
    position: Position,
    registration_id: &str,
    now: TimeMs,
) -> Result<Option<FoundDevice>, ReadError> {
    let Some((number, device)) = snapshot.device_by_registration_id(app, registration_id)? else { return Ok(None) };
    let Some(trace) = snapshot.device_trace(app, position, number)? else { return Ok(None) };
    let waiting = snapshot.pending_pushes(app, number, device.platform, trace.cursor, now, WAITING_LOOKED_AT)?;
    let place = waiting.iter().position(|pending| pending.push.msg_id == position);
    Ok(Some(FoundDevice {
        registration_id: registration_id.to_owned(),
        newer_waiting: place.map(|place| waiting.len() - 1 - place),
        last_seen_ms: snapshot.last_seen(app, number, now)?,
        trace,
    }))
}

fn shown_push(
    context: &Shared,
    position: Position,
    (number, app): (AppNumber, App),
    push: &PushTrace,
    named: &[(DeviceNumber, String)],
    device: Option<FoundDevice>,
) -> TracedPush {
    let (zone, now) = (context.config.time_zone, now_ms());
    let deliveries = &context.observer.deliveries;
    let accepted = deliveries.of_push(number, position);
    let remembered = deliveries.of_few(number, position);
    let id = |device: DeviceNumber| named.iter().find(|(known, _)| *known == device).map(|(_, id)| id.clone());
    let device = device.map(|found| {
        let kept = deliveries.of_device(number, position, found.trace.device);
        let facts = Facts {
            push,
            device: &found.trace,
            is_connected: context.switchboard.is_connected(number, found.trace.device),
            sent_ms: kept.and_then(|(times, _)| times.sent_ms),
            newer_waiting: found.newer_waiting,
            waiting_max: context.config.push.offline_limit,
            last_seen_ms: found.last_seen_ms,
            now_ms: now,
            zone,
        };
        shown_device(&found, &facts, kept)
    });
    TracedPush {
        msg_id: position.0,
        app: app.name,
        app_key: app.app_key,
        accepted_ms: push.accepted_ms,
        stored_ms: accepted.map(|accepted| accepted.stored_ms),
        expires_ms: push.expires_ms,
        state: state_of(push, now, zone),
        chosen: push.targets,
        platforms: push.platforms.iter().map(|(platform, count)| (name_of(*platform), *count)).collect(),
        counts: counted(&push.counts),
        times: match remembered.is_empty() {
            false => "exact, remembered since the start because the push was for few devices".to_owned(),
            true => "none: these are the stored bits, which say what but not when".to_owned(),
        },
        deliveries: remembered.into_iter().filter_map(|(device, times)| Some((id(device)?, of_times(times)))).collect(),
        device,
    }
}

fn shown_device(found: &FoundDevice, facts: &Facts<'_>, kept: Option<(Times, Kept)>) -> TracedDevice {
    let source = match kept {
        Some((_, Kept::Few)) => "exact_few",
        Some((_, Kept::Last)) => "exact_last",
        None => "bits",
    };
    let PushSteps { reached, received, shown, clicked, bridged, texted, .. } = found.trace.steps;
    let sent = reached || facts.sent_ms.is_some();
    TracedDevice {
        registration_id: found.registration_id.clone(),
        platform: name_of(found.trace.platform),
        is_connected: facts.is_connected,
        is_chosen: found.trace.is_target,
        steps: Steps { sent, received, shown, clicked, bridged, texted },
        times: kept.map_or_else(Steps::default, |(times, _)| of_times(times)),
        source: source.to_owned(),
        why: facts.why(),
    }
}

fn shown_message(msg_id: u64, app: App, message: MessageTrace, zone: TimeZone) -> TracedMessage {
    let to = match message.to {
        ReportTarget::User(name) => format!("user {name}"),
        ReportTarget::Group(group) => format!("group {}", group.0),
        ReportTarget::Room(room) => format!("room {}", room.0),
    };
    let amended = message.amended.map(|(how, at_ms)| {
        let word = match how {
            AmendedHow::Retracted => "retracted",
            AmendedHow::Edited => "edited",
            AmendedHow::Erased => "erased",
        };
        (word.to_owned(), at_ms)
    });
    let state = match (&amended, message.receipts) {
        (Some((how, at_ms)), _) => format!("It was {how} at {}.", Written(*at_ms, zone)),
        (None, Some((given, read))) => format!("It stands; {read} of the {given} to whom it was given have read it."),
        (None, None) => "It stands, on disk; it did not ask for receipts, so who has read it is not known.".to_owned(),
    };
    TracedMessage {
        msg_id,
        app: app.name,
        app_key: app.app_key,
        accepted_ms: message.accepted_ms,
        from: message.from,
        to,
        platform: message.platform.map(name_of),
        amended,
        receipts: message.receipts,
        state,
    }
}

fn state_of(push: &PushTrace, now: TimeMs, zone: TimeZone) -> String {
    if push.is_withdrawn {
        return "It was withdrawn: nobody is given it any more.".to_owned();
    }
    if let Some(newer) = push.replaced_by {
        return format!("It was replaced by the push {}: nobody is given it any more.", newer.0);
    }
    if push.is_live_only {
        return "It had no lifetime: only devices connected when it was accepted were sent it.".to_owned();
    }
    let expires = Written(push.expires_ms, zone);
    if push.expires_ms <= now {
        return format!("It expired at {expires}: devices that had not come by then are not given it.");
    }
    match push.parts {
        Some((done, parts)) => format!("It is given out slowly, {done} of {parts} parts so far, until {expires}."),
        None => format!("It waits for devices that are away until {expires}."),
    }
}

/// What decides whether a device has a push.
struct Facts<'a> {
    push: &'a PushTrace,
    device: &'a DeviceTrace,
    is_connected: bool,
    sent_ms: Option<TimeMs>,
    newer_waiting: Option<usize>,
    waiting_max: usize,
    last_seen_ms: Option<TimeMs>,
    now_ms: TimeMs,
    zone: TimeZone,
}

impl Facts<'_> {
    /// The first reason that holds, in a sentence.
    fn why(&self) -> String {
        let (push, device, zone) = (self.push, self.device, self.zone);
        if device.steps.received {
            let clicked = if device.steps.clicked { ", and its user clicked it" } else { "" };
            return format!("The device received it{clicked}.");
        }
        if device.is_younger {
            let registered = Written(device.registered_ms, zone);
            return format!(
                "It is not for this device, which was registered at {registered}, after the push was accepted."
            );
        }
        match device.is_target {
            None => return "Too old to tell: retention has removed for whom it was.".to_owned(),
            Some(false) => return self.why_not_chosen(),
            Some(true) => {}
        }
        if device.steps.bridged {
            return "A bridge handed it to the service of the device's maker; the device has not reported it. If it does not \
                    show there, look at the app's permission for notifications."
                .to_owned();
        }
        if push.is_withdrawn || push.replaced_by.is_some() {
            return format!("It did not come before that: {}", state_of(push, self.now_ms, zone));
        }
        if push.is_live_only && self.sent_ms.is_none() && !device.steps.reached {
            return "It had no lifetime (time_to_live 0), and the device was not connected then.".to_owned();
        }
        if device.has_stopped_pushes {
            return "The device asked for no pushes (stop); it is given this one if it resumes in time.".to_owned();
        }
        if let (Some(newer), true) = (self.newer_waiting, !self.is_connected)
            && newer >= self.waiting_max
        {
            return format!(
                "{newer} newer pushes wait for the device, and only the newest {} are given to it (push.offline_limit).",
                self.waiting_max
            );
        }
        self.why_not_received()
    }

    fn why_not_chosen(&self) -> String {
        let (push, device) = (self.push, self.device);
        let has_platform = push.platforms.iter().any(|(platform, _)| *platform == device.platform);
        if !has_platform {
            let platform = name_of(device.platform);
            return format!(
                "It was not chosen: no {platform} device was; the push says nothing for {platform}, or its audience has none."
            );
        }
        if push.is_live_only {
            return "It was not sent: the push had no lifetime (time_to_live 0), and the device was not connected then or \
                    not in the audience."
                .to_owned();
        }
        if device.is_dormant {
            return "It was not chosen: the device was away for so long that no push is for it until it comes back \
                    (push.inactive_days)."
                .to_owned();
        }
        "It was not chosen: the device was not in the audience when the push was accepted. Compare its tags and alias (GET \
         /v3/devices/…) with the audience of the push."
            .to_owned()
    }

    fn why_not_received(&self) -> String {
        let (push, zone) = (self.push, self.zone);
        let has_expired = push.expires_ms <= self.now_ms;
        if let Some(sent_ms) = self.sent_ms {
            let sent = Written(sent_ms, zone);
            return format!(
                "It was written to the device's link at {sent}, and the device has not reported it: the link may have broken then, or its app has not stored it yet."
            );
        }
        if self.device.steps.reached {
            return "It was handed to the device's link when it was accepted, and the device has not reported it."
                .to_owned();
        }
        let seen = match self.last_seen_ms {
            Some(seen_ms) => format!("last seen at {}", Written(seen_ms, zone)),
            None => "never seen as far as is known".to_owned(),
        };
        if has_expired {
            return format!("The device did not come before it expired at {}; {seen}.", Written(push.expires_ms, zone));
        }
        if self.is_connected {
            return "The device is connected and has not been sent it yet; look again in a moment.".to_owned();
        }
        if push.parts.is_some() {
            return format!("It is given out slowly, and this device's part may not have been released yet; {seen}.");
        }
        format!("The device is away, {seen}; the push waits for it until {}.", Written(push.expires_ms, zone))
    }
}

fn counted(counts: &PushSteps<u64>) -> Steps<u64> {
    let PushSteps { reached, received, shown, clicked, bridged, texted, .. } = *counts;
    Steps { sent: reached, received, shown, clicked, bridged, texted }
}

fn of_times(times: Times) -> Steps<Option<TimeMs>> {
    let Times { sent_ms, received_ms, shown_ms, clicked_ms, bridged_ms } = times;
    Steps {
        sent: sent_ms,
        received: received_ms,
        shown: shown_ms,
        clicked: clicked_ms,
        bridged: bridged_ms,
        texted: None,
    }
}

fn name_of(platform: Platform) -> String {
    let known = Platform::NAMES.into_iter().find(|(known, _)| *known == platform);
    known.map_or_else(|| "other".to_owned(), |(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests;
