//! The schedule object: its sections, each whole or absent, and the first time that it is due.

use anser_protocol::ids::TimeMs;
use anser_storage::Schedule;
use anser_storage::command::ScheduleContent;
use serde_json::Value;

use crate::config::TimeZone;
use crate::context::Context;
use crate::rest::access::Caller;
use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::lenient::{as_bool, as_name, member};
use crate::rest::push::{CidType, Cids, check_later};
use crate::schedule::trigger::{self, Local, Trigger};

const NAME_BYTES_MAX: usize = 255;

/// What stood in a request; each was checked by itself.
pub struct Sections {
    name: Option<String>,
    is_enabled: Option<bool>,
    trigger: Option<(Trigger, String)>,
    /// As it was sent.
    push: Option<String>,
}

impl Sections {
    pub fn parse(context: &Context, body: &Value) -> Result<Self, Fault> {
        let Value::Object(object) = body else { return Err(invalid("the task must be a JSON object")) };
        let name = member(object, "name").map(|name| {
            let name = as_name(name).filter(|name| (1..=NAME_BYTES_MAX).contains(&name.len()));
            name.ok_or_else(|| invalid("name must be a text of 1 to 255 bytes"))
        });
        let is_enabled = member(object, "enabled")
            .map(|enabled| as_bool(enabled).ok_or_else(|| invalid("enabled must be true or false")));
        let trigger = member(object, "trigger")
            .map(|trigger| Ok((trigger::parse(trigger).map_err(invalid)?, trigger.to_string())));
        let push = member(object, "push").map(|push| {
            let checked = check_later(context, push);
            checked.map_err(|fault| invalid(format!("push: {} ({})", fault.message, fault.code)))?;
            Ok(push.to_string())
        });
        Ok(Self {
            name: name.transpose()?,
            is_enabled: is_enabled.transpose()?,
            trigger: trigger.transpose()?,
            push: push.transpose()?,
        })
    }

    /// A new task has all of them.
    pub fn complete(self, now_ms: TimeMs, zone: TimeZone) -> Result<(ScheduleContent, TimeMs), Fault> {
        let name = self.name.ok_or_else(|| invalid("name is missing"))?;
        if self.is_enabled != Some(true) {
            return Err(invalid("enabled must be true in a new task"));
        }
        let (trigger, text) = self.trigger.ok_or_else(|| invalid("trigger is missing"))?;
        let push = self.push.ok_or_else(|| invalid("push is missing"))?;
        let due_ms = first_due(&trigger, now_ms, now_ms, zone)?;
        Ok((ScheduleContent { name, is_enabled: true, trigger: text, push }, due_ms))
    }

    /// What the stored task becomes.
    pub fn change(
        &self,
        stored: &Schedule,
        now_ms: TimeMs,
        zone: TimeZone,
    ) -> Result<(ScheduleContent, TimeMs), Fault> {
        if stored.is_over {
            return Err(expired());
        }
        let mut content = stored.content.clone();
        let mut due_ms = stored.due_ms;
        if let Some((trigger, text)) = &self.trigger {
            if is_single(&content.trigger).is_some_and(|is_single| is_single != trigger.is_single()) {
                return Err(invalid("a single task cannot become a periodical one, nor the reverse"));
            }
            // A firing that is due and under way is not lost by a new trigger that has it, too.
            let from_ms = now_ms.min(stored.due_ms.saturating_sub(1));
            due_ms = first_due(trigger, if stored.due_ms <= now_ms { from_ms } else { now_ms }, now_ms, zone)?;
            content.trigger.clone_from(text);
        }
        if let Some(name) = &self.name {
            content.name.clone_from(name);
        }
        content.is_enabled = self.is_enabled.unwrap_or(content.is_enabled);
        if let Some(push) = &self.push {
            content.push.clone_from(push);
        }
        Ok((content, due_ms))
    }
}

/// The cid, if one is given; it must be one of ours for this app and use.
pub fn cid(context: &Context, caller: &Caller, body: &Value, now_ms: TimeMs) -> Result<Option<String>, Fault> {
    let value = body.as_object().and_then(|object| member(object, "cid"));
    let Some(value) = value.filter(|value| value.as_str() != Some("")) else { return Ok(None) };
    let cid = as_name(value).filter(|cid| Cids::of(context).is_valid(cid, &caller.app_key, CidType::Schedule, now_ms));
    match cid {
        Some(cid) => Ok(Some(cid)),
        None => Err(wrong_cid()),
    }
}

pub fn wrong_cid() -> Fault {
    invalid(
        "cid is not one that GET /v3/push/cid?type=schedule gave this app within a day, nor a repeat of one used then",
    )
}

pub fn expired() -> Fault {
    invalid("the task has expired")
}

/// The first firing after `from_ms`, if the trigger is one that may be given now.
fn first_due(trigger: &Trigger, from_ms: TimeMs, now_ms: TimeMs, zone: TimeZone) -> Result<TimeMs, Fault> {
    match trigger {
        Trigger::Single(at) => {
            let now = Local::floor(now_ms, zone);
            if *at <= now || *at > now.a_year_later() {
                return Err(invalid("trigger.single.time must lie in the future, within a year"));
            }
            trigger.next_after(now_ms, zone)
        }
        Trigger::Periodical(_) => trigger.next_after(from_ms, zone),
    }
    .ok_or_else(|| invalid("no firing lies ahead: every time of trigger.periodical is past, or behind its end"))
}

fn is_single(trigger: &str) -> Option<bool> {
    let trigger = serde_json::from_str(trigger).ok()?;
    trigger::parse(&trigger).ok().map(|trigger| trigger.is_single())
}

fn invalid(message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
    Family::Schedule.invalid(message)
}
