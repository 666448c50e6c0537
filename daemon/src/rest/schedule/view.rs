//! Schedules as app servers see them.

use anser_storage::Schedule;
use anser_storage::command::ScheduleContent;
use anser_storage::ids::ScheduleId;
use anser_storage::outcome::{Firing, FiringResult, Refusal};
use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::push::of_push;
use crate::rest::uuid;

pub fn id(id: ScheduleId) -> String {
    uuid::write(&id.0)
}

pub fn parse_id(text: &str) -> Option<ScheduleId> {
    uuid::parse(text).map(ScheduleId)
}

pub fn schedule(schedule: &Schedule) -> Value {
    object(schedule.id, &schedule.content)
}

pub fn object(id: ScheduleId, content: &ScheduleContent) -> Value {
    json!({
        "schedule_id": self::id(id),
        "name": content.name,
        "enabled": content.is_enabled,
        "trigger": as_sent(&content.trigger),
        "push": as_sent(&content.push),
    })
}

/// What was stored is a text that was JSON.
fn as_sent(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// A firing without an id has 0, which no push has: some callers read it as a number.
pub fn firing(firing: Firing) -> Value {
    let (msg_id, fault) = match firing.result {
        FiringResult::Pushed { msg_id } => (msg_id.to_string(), None),
        result => {
            let fault = fault_of(result);
            (fault.msg_id.map_or_else(|| "0".to_owned(), |msg_id| msg_id.to_string()), Some(fault))
        }
    };
    let (code, message) = fault.map_or((0, String::new()), |fault| (fault.code, fault.message.into_owned()));
    json!({
        "msg_id": msg_id,
        "error": {"code": code, "message": message},
        "needRetry": false,
        "ts": firing.at_ms,
    })
}

fn fault_of(result: FiringResult) -> Fault {
    match result {
        FiringResult::NoTarget { msg_id } => of_push(Refusal::NoTarget { msg_id }),
        FiringResult::RegistrationIdUnknown => of_push(Refusal::RegistrationIdUnknown),
        FiringResult::NothingToPush => of_push(Refusal::NothingToPush),
        FiringResult::FileUnknown => of_push(Refusal::FileUnknown),
        FiringResult::TooManyBroadcasts => of_push(Refusal::TooManyBroadcasts),
        FiringResult::AppBlocked => crate::rest::permit::blocked(),
        FiringResult::Invalid { code, message } => Fault::new(StatusCode::BAD_REQUEST, code, message),
        FiringResult::Missed { count } => {
            let message = format!("{count} firings were left out: the server was not running when they were due");
            Fault::new(StatusCode::SERVICE_UNAVAILABLE, 1030, message)
        }
        FiringResult::Pushed { .. } | FiringResult::Refused => Family::Push.internal(),
    }
}
