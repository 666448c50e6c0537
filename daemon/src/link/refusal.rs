//! The store's reasons as codes of the wire.

use anser_protocol::error::ErrorCode;
use anser_storage::outcome::Refusal;

pub const REGISTRATION_CLOSED: &str = "registration by clients is switched off";

/// What was asked for: the same reason has another code for a send than for a change of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Send,
    Other,
}

/// Code and text for a refusal; an empty text means the code's own.
pub fn to_wire(refusal: &Refusal, asked: Asked) -> (ErrorCode, String) {
    let named = |code: ErrorCode, name: &str| (code, format!("{}: {name}", code.text()));
    let plain = |code: ErrorCode| (code, String::new());
    match refusal {
        Refusal::AppUnknown | Refusal::AppNameTaken | Refusal::AppKeyTaken => plain(ErrorCode::APP_KEY),
        Refusal::RegistrationIdTaken | Refusal::RegistrationIdUnknown | Refusal::DeviceUnknown => {
            plain(ErrorCode::REGISTRATION)
        }
        Refusal::TooManyTags => plain(ErrorCode::TAGS_PER_DEVICE),
        Refusal::AliasFull => plain(ErrorCode::ALIAS_FULL),
        Refusal::UserExists => plain(ErrorCode::USER_EXISTS),
        Refusal::UserUnknown { username } if asked == Asked::Send => named(ErrorCode::SEND_TARGET_UNKNOWN, username),
        Refusal::UserUnknown { username } => named(ErrorCode::NO_SUCH_USER, username),
        Refusal::SenderUnknown => plain(ErrorCode::NOT_LOGGED_IN),
        Refusal::UserDisabled => plain(ErrorCode::USER_DISABLED),
        Refusal::PasswordChanged => plain(ErrorCode::PASSWORD_WRONG),
        Refusal::GroupUnknown if asked == Asked::Send => plain(ErrorCode::SEND_GROUP_UNKNOWN),
        Refusal::GroupUnknown => plain(ErrorCode::GROUP_UNKNOWN),
        Refusal::NotAMember if asked == Asked::Send => plain(ErrorCode::SEND_NOT_A_MEMBER),
        Refusal::NotAMember => plain(ErrorCode::NOT_A_MEMBER),
        Refusal::NotTheOwner => plain(ErrorCode::NO_PERMISSION),
        Refusal::AlreadyAMember { username } => named(ErrorCode::ALREADY_A_MEMBER, username),
        Refusal::MemberUnknown { username } => named(ErrorCode::MEMBER_UNKNOWN, username),
        Refusal::GroupFull => plain(ErrorCode::GROUP_FULL),
        Refusal::GroupQuotaFull { username } => named(ErrorCode::GROUP_QUOTA, username),
        Refusal::OutboxTooOld => plain(ErrorCode::SEND_TOO_OLD),
        // Later sends were carried out already: one that may be repeated would overtake nothing, but come after them.
        Refusal::Internal if asked == Asked::Send => plain(ErrorCode::SEND_FAILED),
        Refusal::Blocked => plain(ErrorCode::SEND_BLOCKED),
        Refusal::RegistrationClosed => (ErrorCode::NO_PERMISSION, REGISTRATION_CLOSED.to_owned()),
        Refusal::MessageUnknown => plain(ErrorCode::RETRACT_UNKNOWN),
        Refusal::NotTheSender => plain(ErrorCode::RETRACT_NOT_THE_SENDER),
        Refusal::AlreadyRetracted => plain(ErrorCode::RETRACT_DONE),
        Refusal::TooLateToAmend => plain(ErrorCode::RETRACT_TOO_LATE),
        Refusal::SensitiveWord { word } => named(ErrorCode::SEND_SENSITIVE, word),
        // None of these is asked for over a link.
        Refusal::NoTarget { .. }
        | Refusal::NothingToPush
        | Refusal::SegmentUnknown
        | Refusal::TooManySegments
        | Refusal::NotATestDevice
        | Refusal::TooManyTestDevices
        | Refusal::AccountNameTaken
        | Refusal::AccountKeyTaken
        | Refusal::AccountUnknown
        | Refusal::TooManyAccounts
        | Refusal::AppGroupFull
        | Refusal::ScheduleUnknown
        | Refusal::ScheduleOver
        | Refusal::ScheduleChanged
        | Refusal::AlreadyFired
        | Refusal::TooManySchedules
        | Refusal::PushUnknown
        | Refusal::TooManySlowPushes
        | Refusal::FileUnknown
        | Refusal::TooManyFiles
        | Refusal::TooManyWords
        | Refusal::AlreadySo { .. }
        | Refusal::NotSo { .. }
        | Refusal::TooManyRelations { .. }
        | Refusal::AdminProtected { .. }
        | Refusal::OneSelf
        | Refusal::CertificateExists => plain(ErrorCode::INVALID),
        Refusal::Internal => plain(ErrorCode::INTERNAL),
    }
}
