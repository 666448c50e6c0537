//! Schedules as app servers see them.

use anser_storage::Schedule;
use anser_storage::command::ScheduleContent;
use anser_storage::ids::ScheduleId;
use anser_storage::outcome::{Firing, FiringResult, Refusal};
use axum::http::StatusCode;
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::{Value, json};

use crate::rest::family::Family;
use crate::rest::fault::Fault;
use crate::rest::push::of_push;

/// Lengths of the groups of a UUID, in digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

pub fn id(id: ScheduleId) -> String {
    let hex = HEXLOWER_PERMISSIVE.encode(&id.0);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

pub fn parse_id(text: &str) -> Option<ScheduleId> {
    let groups: Vec<&str> = text.split('-').collect();
    if groups.iter().map(|group| group.len()).ne(GROUPS) {
        return None;
    }
    let bytes = HEXLOWER_PERMISSIVE.decode(groups.concat().as_bytes()).ok()?;
    Some(ScheduleId(bytes.try_into().ok()?))
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
        FiringResult::AppBlocked => crate::rest::permit::blocked(),
        FiringResult::Invalid { code, message } => Fault::new(StatusCode::BAD_REQUEST, code, message),
        FiringResult::Missed { count } => {
            let message = format!("{count} firings were left out: the server was not running when they were due");
            Fault::new(StatusCode::SERVICE_UNAVAILABLE, 1030, message)
        }
        FiringResult::Pushed { .. } | FiringResult::Refused => Family::Push.internal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written_whatever_its_case() {
        let given = ScheduleId([0xab, 1, 2, 3, 4, 5, 0x86, 7, 0x88, 9, 10, 11, 12, 13, 14, 0xff]);
        let text = id(given);
        assert_eq!(text, "ab010203-0405-8607-8809-0a0b0c0d0eff");
        assert_eq!(parse_id(&text), Some(given));
        assert_eq!(parse_id(&text.to_ascii_uppercase()), Some(given));
    }

    #[test]
    fn what_is_no_uuid_is_no_id() {
        for wrong in ["", "x", "ab0102030405860788090a0b0c0d0eff", "ab010203-0405-8607-8809-0a0b0c0d0efg", "----"] {
            assert_eq!(parse_id(wrong), None, "{wrong}");
        }
        assert_eq!(parse_id("é0102030-405-8607-8809-0a0b0c0d0eff"), None);
    }
}
