//! The store's reasons as codes of the wire.

mod room;

use anser_protocol::error::ErrorCode;
use anser_storage::outcome::{Refusal, Relation};

pub use self::room::AskedOfRoom;

pub const REGISTRATION_CLOSED: &str = "registration by clients is switched off";

/// What was asked for: the same reason has another code for a send than for a change of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Send,
    Block,
    Unblock,
    Mute,
    Shield,
    /// To be friends, or no more, or notes.
    Friend,
    /// Making a group, or a change of its members.
    Members,
    /// Another order about a group.
    Order,
    Other,
    Room(AskedOfRoom),
}

/// Code and text for a refusal; an empty text means the code's own.
pub fn to_wire(refusal: &Refusal, asked: Asked) -> (ErrorCode, String) {
    let named = |code: ErrorCode, name: &str| (code, format!("{}: {name}", code.text()));
    let plain = |code: ErrorCode| (code, String::new());
    if let Some(code) = of_people(refusal, asked) {
        return plain(code);
    }
    match refusal {
        Refusal::AppUnknown | Refusal::AppNameTaken | Refusal::AppKeyTaken => plain(ErrorCode::APP_KEY),
        Refusal::RegistrationIdTaken | Refusal::RegistrationIdUnknown | Refusal::DeviceUnknown => {
            plain(ErrorCode::REGISTRATION)
        }
        Refusal::TooManyTags => plain(ErrorCode::TAGS_PER_DEVICE),
        Refusal::AliasFull => plain(ErrorCode::ALIAS_FULL),
        Refusal::UserExists => plain(ErrorCode::USER_EXISTS),
        Refusal::UserUnknown { username } if asked == Asked::Send => named(ErrorCode::SEND_TARGET_UNKNOWN, username),
        Refusal::UserUnknown { username } if asked == Asked::Members => named(ErrorCode::MEMBER_UNREGISTERED, username),
        Refusal::UserUnknown { username } => named(ErrorCode::NO_SUCH_USER, username),
        Refusal::AppsNotLinked if asked == Asked::Send => plain(ErrorCode::SEND_NOT_ALLOWED),
        // A device learns no more of other apps than that nobody there has the name.
        Refusal::OtherAppUnknown | Refusal::AppsNotLinked if asked == Asked::Send => {
            plain(ErrorCode::SEND_TARGET_UNKNOWN)
        }
        Refusal::OtherAppUnknown | Refusal::AppsNotLinked => plain(ErrorCode::NO_SUCH_USER),
        Refusal::SenderUnknown => plain(ErrorCode::NOT_LOGGED_IN),
        Refusal::UserDisabled => plain(ErrorCode::USER_DISABLED),
        Refusal::PasswordChanged => plain(ErrorCode::PASSWORD_WRONG),
        Refusal::GroupUnknown if asked == Asked::Send => plain(ErrorCode::SEND_GROUP_UNKNOWN),
        Refusal::GroupUnknown => plain(ErrorCode::GROUP_UNKNOWN),
        Refusal::NotAMember if asked == Asked::Send => plain(ErrorCode::SEND_NOT_A_MEMBER),
        Refusal::NotAMember => plain(ErrorCode::NOT_A_MEMBER),
        Refusal::NotTheOwner if asked == Asked::Order => plain(ErrorCode::NOT_PERMITTED),
        Refusal::NotPermitted => plain(ErrorCode::NOT_PERMITTED),
        Refusal::Protected { username } => named(ErrorCode::REMOVAL_NOT_PERMITTED, username),
        Refusal::TargetNotInGroup { username } => named(ErrorCode::TARGET_NOT_IN_GROUP, username),
        Refusal::Banned { username } => named(ErrorCode::MEMBER_BANNED, username),
        Refusal::BansFull => plain(ErrorCode::BLACKLIST_FULL),
        Refusal::TooManyGroupAdmins => (ErrorCode::NOT_PERMITTED, "a group has at most 15 admins".to_owned()),
        Refusal::BadMaximum => plain(ErrorCode::GROUP_BAD_MAXIMUM),
        Refusal::Silenced => plain(ErrorCode::SEND_SILENCED),
        Refusal::SilenceTime => plain(ErrorCode::SILENCE_TIME),
        Refusal::AnnouncementTooLong => plain(ErrorCode::ANNOUNCEMENT_TOO_LONG),
        Refusal::AnnouncementUnknown => plain(ErrorCode::ANNOUNCEMENT_UNKNOWN),
        Refusal::AlreadyJoined { username } => named(ErrorCode::JOIN_MEMBER, username),
        Refusal::NotPublic => plain(ErrorCode::JOIN_CLOSED),
        Refusal::AskedAlready { username } => named(ErrorCode::JOIN_ASKED, username),
        Refusal::JoinAnswered => plain(ErrorCode::JOIN_ANSWERED),
        Refusal::JoinUnknown => plain(ErrorCode::JOIN_INVALID),
        Refusal::TooManyJoinRequests => plain(ErrorCode::TOO_MANY),
        Refusal::NotTheOwner => plain(ErrorCode::NO_PERMISSION),
        Refusal::AlreadyAMember { username } => named(ErrorCode::ALREADY_A_MEMBER, username),
        Refusal::MemberUnknown { username } => named(ErrorCode::MEMBER_UNKNOWN, username),
        Refusal::GroupFull => plain(ErrorCode::GROUP_FULL),
        Refusal::GroupQuotaFull { username } => named(ErrorCode::GROUP_QUOTA, username),
        Refusal::OutboxTooOld => plain(ErrorCode::SEND_TOO_OLD),
        // Later sends were carried out already: one that may be repeated would overtake nothing, but come after them.
        Refusal::Internal if asked == Asked::Send => plain(ErrorCode::SEND_FAILED),
        Refusal::Blocked => plain(ErrorCode::SEND_BLOCKED),
        Refusal::AppServerRefused { message } => (ErrorCode::SEND_NOT_ALLOWED, message.clone()),
        Refusal::RegistrationClosed => (ErrorCode::NO_PERMISSION, REGISTRATION_CLOSED.to_owned()),
        Refusal::Room(reason) => match asked {
            Asked::Send => room::of_send(reason),
            Asked::Room(asked) => room::to_wire(reason, asked),
            // Nothing else is about rooms.
            _ => plain(ErrorCode::INTERNAL),
        },
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
        | Refusal::TooManyBroadcasts
        | Refusal::CidExpired
        | Refusal::FileUnknown
        | Refusal::TooManyFiles
        | Refusal::MediaUnknown
        | Refusal::MediaQuotaFull
        | Refusal::OperatorExists
        | Refusal::OperatorUnknown
        | Refusal::LastOwner
        | Refusal::SetUpOver
        | Refusal::ErasureUnknown
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

/// Changes of what users are to each other have codes of their own for each kind.
fn of_people(refusal: &Refusal, asked: Asked) -> Option<ErrorCode> {
    Some(match (asked, refusal) {
        (Asked::Block, Refusal::UserUnknown { .. } | Refusal::OtherAppUnknown | Refusal::AppsNotLinked) => {
            ErrorCode::BLACKLIST_UNKNOWN
        }
        (Asked::Block, Refusal::OneSelf) => ErrorCode::BLACKLIST_ONESELF,
        (Asked::Block, Refusal::AlreadySo { .. }) => ErrorCode::BLACKLISTED,
        (Asked::Block, Refusal::TooManyRelations { .. }) => ErrorCode::BLACKLIST_FULL,
        (Asked::Block, Refusal::AdminProtected { .. }) => ErrorCode::BLACKLIST_PROTECTED,
        (Asked::Unblock, Refusal::UserUnknown { .. } | Refusal::OtherAppUnknown | Refusal::AppsNotLinked) => {
            ErrorCode::UNBLOCK_UNKNOWN
        }
        (Asked::Unblock, Refusal::NotSo { .. }) => ErrorCode::NOT_BLACKLISTED,
        (Asked::Mute, Refusal::AlreadySo { relation, .. }) => match relation {
            Relation::MutedGroup => ErrorCode::GROUP_MUTED,
            Relation::MutedEverything => ErrorCode::EVERYTHING_MUTED,
            _ => ErrorCode::USER_MUTED,
        },
        (Asked::Mute, Refusal::NotSo { relation, .. }) => match relation {
            Relation::MutedGroup => ErrorCode::GROUP_NOT_MUTED,
            Relation::MutedEverything => ErrorCode::EVERYTHING_NOT_MUTED,
            _ => ErrorCode::USER_NOT_MUTED,
        },
        (Asked::Mute, Refusal::GroupUnknown) => ErrorCode::MUTE_GROUP_UNKNOWN,
        (Asked::Mute, Refusal::NotAMember) => ErrorCode::MUTE_NOT_A_MEMBER,
        (Asked::Shield, Refusal::GroupUnknown) => ErrorCode::SHIELD_GROUP_UNKNOWN,
        (Asked::Shield, Refusal::NotAMember) => ErrorCode::SHIELD_NOT_A_MEMBER,
        (Asked::Shield, Refusal::AlreadySo { .. }) => ErrorCode::SHIELDED,
        (Asked::Shield, Refusal::NotSo { .. }) => ErrorCode::NOT_SHIELDED,
        (Asked::Friend, Refusal::UserUnknown { .. } | Refusal::OtherAppUnknown | Refusal::AppsNotLinked) => {
            ErrorCode::FRIEND_UNKNOWN
        }
        (Asked::Friend, Refusal::AlreadySo { .. }) => ErrorCode::ALREADY_FRIENDS,
        (Asked::Friend, Refusal::NotSo { relation: Relation::FriendRequest, .. }) => ErrorCode::NO_FRIEND_REQUEST,
        (Asked::Friend, Refusal::NotSo { .. }) => ErrorCode::NOT_FRIENDS,
        _ => return None,
    })
}
