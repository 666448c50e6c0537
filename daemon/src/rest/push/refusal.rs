//! Why a push was not accepted, as a code of the push API.

use anser_storage::outcome::Refusal;
use axum::http::StatusCode;

use super::object::{Finding, Kind};
use crate::rest::family::Family;
use crate::rest::fault::Fault;

pub fn of_finding(finding: Finding) -> Fault {
    let code = match finding.kind {
        Kind::UnknownKey => 1009,
        Kind::Missing => 1002,
        Kind::Invalid => 1003,
        Kind::TooLarge => 1005,
        Kind::ActivePushConflict => 1035,
    };
    Fault::new(StatusCode::BAD_REQUEST, code, finding.message)
}

pub fn of_push(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::NoTarget { msg_id } => Fault {
            msg_id: Some(msg_id),
            ..Fault::new(StatusCode::BAD_REQUEST, 1011, "cannot find user by this audience")
        },
        Refusal::RegistrationIdUnknown => Family::Push.invalid("the registration id is not one of this app"),
        Refusal::FileUnknown => Family::Push.invalid("audience.file names no list that this app may use, or no longer"),
        Refusal::SegmentUnknown => Family::Push.invalid("audience.segment names none of this app"),
        Refusal::NothingToPush => Fault::new(StatusCode::BAD_REQUEST, 1002, "no platform of the push gets anything"),
        Refusal::CidExpired => Family::Push
            .invalid("cid is not one that GET /v3/push/cid gave within a day, nor a repeat of one used then"),
        Refusal::TooManyBroadcasts => {
            let message = "as many pushes to all devices as this app may send in a day were sent today";
            Fault::new(StatusCode::FORBIDDEN, 2008, message)
        }
        Refusal::PushUnknown => Family::Push.invalid("the msg_id is not one of this app within a day"),
        Refusal::TooManySlowPushes => {
            Fault::new(StatusCode::BAD_REQUEST, 1012, "20 slow pushes of this app are not finished yet")
        }
        Refusal::AppUnknown => Fault::new(StatusCode::BAD_REQUEST, 1008, "the app does not exist any more"),
        _ => Family::Push.internal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::device;

    #[test]
    fn an_app_that_was_deleted_after_its_credentials_were_looked_at_is_1008_or_7008() {
        for (fault, code) in [(of_push(Refusal::AppUnknown), 1008), (device::of_device(Refusal::AppUnknown), 7008)] {
            assert_eq!((fault.status, fault.code), (StatusCode::BAD_REQUEST, code));
        }
    }
}
