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
        Refusal::NothingToPush => Fault::new(StatusCode::BAD_REQUEST, 1002, "no platform of the push gets anything"),
        Refusal::PushUnknown => Family::Push.invalid("the msg_id is not one of this app within a day"),
        Refusal::TooManySlowPushes => {
            Fault::new(StatusCode::BAD_REQUEST, 1012, "20 slow pushes of this app are not finished yet")
        }
        Refusal::AppUnknown => Fault::new(StatusCode::BAD_REQUEST, 1008, "the app does not exist any more"),
        _ => Family::Push.internal(),
    }
}
