//! Codes that travel in error frames.
//!
//! Chat and group codes are those that JMessage devices know (`im-rest` contract, section 19.3), push and hello codes those
//! of the JPush client SDKs; codes of the link itself, which neither has, are below 1,000.

use serde::{Deserialize, Serialize};

/// A code in an error frame: an open enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ErrorCode(pub u32);

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        impl ErrorCode {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// Every code of this version with its text, for documents and tests.
            pub const ALL: &'static [(Self, &'static str, &'static str)] = &[$((Self($code), stringify!($name), $text)),*];
        }
    };
}

codes! {
    /// The peer sent something that is no frame of this protocol; the link is closed.
    MALFORMED = 1, "the frame could not be decoded";
    TOO_LONG = 2, "the frame is longer than allowed";
    /// The frame type is not known here; the link goes on.
    UNSUPPORTED = 3, "this frame type is not supported";
    VERSION = 4, "no common protocol version; update the software";
    /// A frame that needs a hello came before it.
    HELLO_FIRST = 5, "say hello first";
    /// A limit of the server in number or rate.
    TOO_MANY = 6, "too many requests; slow down";
    /// The server cannot do it now; repeat later.
    BUSY = 7, "the server is busy; try again later";
    INTERNAL = 8, "internal error";
    /// A value is empty, too long or has characters that are not allowed.
    INVALID = 9, "a value is not allowed";
    SLOW_READER = 10, "the link did not read fast enough";
    /// No hello within the time allowed, or no heartbeat.
    TIMED_OUT = 11, "timed out";
    /// Another link of the same device said hello.
    REPLACED = 12, "another link of this device took over";
    SHUTTING_DOWN = 13, "the server is shutting down";
    /// The server's disk is full or fails. What is stored is still served.
    NOT_STORED = 14, "the server can store nothing at the moment; try again later";

    /// The message says why, if the operator did.
    ENDED_BY_OPERATOR = 40, "the server's operator ended this link";

    MEDIA_TOO_LARGE = 210, "the file is larger than this server takes";
    MEDIA_UNKNOWN = 211, "there is no such media_id, or not any more";

    /// The app key is unknown (JPush client code).
    APP_KEY = 1008, "unknown app key";
    /// The registration id is unknown or its secret is wrong: register again.
    REGISTRATION = 6016, "unknown registration id or wrong device secret; register this device again";
    ALIAS_CHARACTERS = 6003, "the alias has characters that are not allowed";
    ALIAS_TOO_LONG = 6004, "the alias is longer than 40 bytes";
    TAG_CHARACTERS = 6005, "a tag has characters that are not allowed";
    TAG_TOO_LONG = 6006, "a tag is longer than 40 bytes";
    TAGS_PER_CALL = 6007, "more than 1000 tags in one call";
    TAGS_TOO_LONG = 6008, "the tags of one call are longer than 5000 bytes in all";
    TAGS_PER_DEVICE = 6018, "more than 1000 tags on this device";
    MOBILE_CHARACTERS = 6023, "a mobile number begins with + or a digit; digits and - follow";
    MOBILE_TOO_LONG = 6025, "the mobile number is longer than 20 characters";
    ALIAS_FULL = 7015, "the alias is bound to as many devices as it may be";

    NOT_LOGGED_IN = 800_012, "log in first";
    /// More devices of a kind than a user may be logged in on: the earliest makes room.
    LOGGED_IN_ELSEWHERE = 800_016, "the user has logged in on another device of this kind";
    USER_UNKNOWN = 801_003, "no such user";
    PASSWORD_WRONG = 801_004, "wrong password";
    USER_DISABLED = 801_006, "the user is disabled";
    /// The session token is unknown, expired or was ended by a logout.
    TOKEN_INVALID = 898_010, "the session has expired; log in with the password";
    USER_EXISTS = 898_001, "the user name is taken";
    /// A name asked for in another request does not exist.
    NO_SUCH_USER = 898_002, "no such user";

    /// Of the app's own server: not signed with the app's secret, for another app or user, expired or too long-lived.
    SIGNED_TOKEN = 898_008, "the app server's token is not good for this login";
    /// Not made with the app's secret, or no signature at all.
    WEB_SIGNATURE = 880_102, "the signature is wrong";
    /// Older or younger than ten minutes, or shown before.
    WEB_SIGNATURE_OVER = 880_106, "the signature has expired, or was used before";
    /// The present password, where it is asked for to change it.
    OLD_PASSWORD_WRONG = 898_004, "the present password is wrong";

    FRIEND_UNKNOWN = 805_001, "no such user to be friends with";
    ALREADY_FRIENDS = 805_002, "friends already";
    NOT_FRIENDS = 805_003, "not friends";
    NOTE_INVALID = 805_004, "a note's name has at most 64 bytes and one line, its text at most 250 bytes";
    NO_FRIEND_REQUEST = 805_006, "there is no friend request of this user, or it was answered";
    /// Of a user's or a group's blacklist.
    BLACKLIST_EMPTY = 818_001, "no user is named to be blocked";
    BLACKLIST_UNKNOWN = 818_002, "no such user to be blocked";
    /// One cannot block oneself.
    BLACKLIST_ONESELF = 818_003, "this user cannot be blocked";
    BLACKLISTED = 818_004, "the user is blocked already";
    BLACKLIST_FULL = 818_005, "the blacklist is full";
    BLACKLIST_PROTECTED = 818_006, "an admin cannot be blocked";
    UNBLOCK_EMPTY = 819_001, "no user is named to be unblocked";
    UNBLOCK_UNKNOWN = 819_002, "no such user to be unblocked";
    NOT_BLACKLISTED = 819_004, "the user is not blocked";
    USER_MUTED = 831_001, "the user is muted already";
    USER_NOT_MUTED = 832_001, "the user is not muted";
    MUTE_GROUP_UNKNOWN = 833_001, "no such group to be muted";
    MUTE_NOT_A_MEMBER = 833_002, "not a member of the group to be muted";
    GROUP_MUTED = 833_003, "the group is muted already";
    GROUP_NOT_MUTED = 834_001, "the group is not muted";
    EVERYTHING_MUTED = 835_001, "everything is muted already";
    EVERYTHING_NOT_MUTED = 836_001, "not everything is muted";
    SHIELD_GROUP_UNKNOWN = 842_001, "no such group to be shielded";
    SHIELD_NOT_A_MEMBER = 842_002, "not a member of the group to be shielded";
    SHIELDED = 842_003, "the group is shielded already";
    NOT_SHIELDED = 843_001, "the group is not shielded";

    SEND_TARGET_UNKNOWN = 803_003, "the target user does not exist";
    SEND_GROUP_UNKNOWN = 803_004, "the target group does not exist";
    SEND_NOT_A_MEMBER = 803_005, "the sender is not a member of the group";
    SEND_NOT_ALLOWED = 803_006, "this kind of message may not be sent";
    SEND_TOO_LONG = 803_007, "the message is longer than 4096 bytes";
    SEND_BLOCKED = 803_008, "the receiver has blocked the sender";
    /// The message carries the word.
    SEND_SENSITIVE = 803_009, "the message has a sensitive word";
    SEND_TOO_OFTEN = 803_010, "too many messages in a minute";
    SEND_MALFORMED = 803_011, "the message content is malformed";
    /// The outbox number is older than the server can check, or a later message of the sender to the same chat was
    /// accepted: it will never be accepted.
    SEND_TOO_OLD = 803_901, "the outbox number is too old to be repeated";
    /// An earlier message of this device to the same chat was refused for a passing reason: repeat that first.
    SEND_OUT_OF_ORDER = 803_902, "an earlier message to this chat must be repeated first";
    /// The server failed while it carried the message out. Later ones stand, so a repeat would come out of order.
    SEND_FAILED = 803_903, "the server failed at this message and will not accept it";

    SEND_SILENCED = 803_012, "the sender is silenced in this group";
    READ_NOT_ASKED = 871_320, "the message did not ask for receipts";
    READERS_NOT_THE_SENDER = 871_321, "only its sender is told who has read a message";
    READERS_NOT_SENT = 871_322, "there is no such message, or it was not sent yet";
    RETRACT_TOO_LATE = 855_001, "it is too late to take the message back";
    RETRACT_NOT_THE_SENDER = 855_002, "only its sender may take a message back";
    RETRACT_UNKNOWN = 855_003, "there is no such message";
    RETRACT_DONE = 855_004, "the message was taken back already";

    COMMAND_GROUP_UNKNOWN = 857_001, "the target group does not exist";
    COMMAND_OFFLINE = 857_002, "the target is offline";
    COMMAND_USER_UNKNOWN = 857_003, "the target user does not exist";
    COMMAND_TOO_LONG = 857_004, "the command is longer than 1024 bytes";
    COMMAND_NOT_A_MEMBER = 857_005, "the sender is not a member of the group";
    COMMAND_TO_SELF = 857_006, "a command cannot be sent to oneself";

    GROUP_UNKNOWN = 800_018, "no such group";
    NOT_A_MEMBER = 800_019, "not a member of this group";
    NO_PERMISSION = 800_020, "no permission";
    GROUP_NAME_EMPTY = 808_001, "the group name is empty";
    OWN_GROUP_QUOTA = 808_003, "the maker of the group is in 500 groups already";
    GROUP_NAME_TOO_LONG = 808_004, "the group name is longer than 64 bytes";
    ALREADY_A_MEMBER = 810_007, "already a member of this group";
    GROUP_FULL = 810_008, "the group is full";
    GROUP_QUOTA = 810_009, "the user is in 500 groups already";
    MEMBER_UNKNOWN = 811_008, "not a member of this group";
    GROUP_DESCRIPTION_TOO_LONG = 808_005, "the group description is longer than 250 bytes";
    GROUP_BAD_MAXIMUM = 808_006, "a group's maximum of members is out of range";
    MEMBER_BANNED = 810_001, "on the blacklist of this group";
    MEMBERS_EMPTY = 810_002, "nobody is named";
    MEMBER_UNREGISTERED = 810_005, "no such user";
    REMOVAL_EMPTY = 811_002, "nobody is named";
    REMOVAL_NOT_PERMITTED = 811_006, "an admin removes plain members only";
    CHANGED_NAME_TOO_LONG = 812_003, "the group name is longer than 64 bytes";
    CHANGED_DESCRIPTION_TOO_LONG = 812_004, "the group description is longer than 250 bytes";
    JOIN_ANSWERED = 856_001, "the request was answered already";
    JOIN_INVALID = 856_002, "there is no such request";
    JOIN_ASKED = 856_003, "there is a request already";
    JOIN_MEMBER = 859_001, "already a member of this group";
    JOIN_CLOSED = 859_002, "this kind of group takes no applications";
    TARGET_NOT_IN_GROUP = 765_001, "the target is not in this group or room";
    NOT_PERMITTED = 765_002, "not permitted in this group or room";
    SILENCE_TIME = 765_003, "a silence lasts from 300,000 to 31,536,000,000 milliseconds";
    ANNOUNCEMENT_TOO_LONG = 786_001, "an announcement has 1 to 1,024 bytes";
    ANNOUNCEMENT_UNKNOWN = 787_001, "no such announcement";
    /// Information was asked for about a group that is not there.
    NO_SUCH_GROUP = 898_006, "no such group";

    ROOM_SEND_OUTSIDE = 847_001, "the sender is not in the room";
    ROOM_SEND_SILENCED = 847_002, "the sender may not speak in the room";
    ROOM_SEND_UNKNOWN = 847_003, "no such room";
    ROOM_SEND_TOO_LONG = 847_004, "the message is longer than 4096 bytes";
    ROOM_SEND_MALFORMED = 847_005, "the message content is malformed";
    ROOM_ALREADY_IN = 851_003, "in the room already";
    ROOM_UNKNOWN = 851_004, "no such room";
    ROOM_FULL = 851_006, "the room is full";
    ROOM_BLOCKED = 851_007, "on the room's blacklist";
    ROOM_NOT_IN = 852_001, "not in the room";
    ROOM_LEAVE_UNKNOWN = 852_002, "no such room";
    ROOM_OWNER_STAYS = 852_004, "the owner may not leave the room";
    ROOM_ADMIN_NO_RIGHT = 7_130_001, "only the room's owner appoints admins";
    ROOM_ADMIN_ALREADY = 7_130_002, "an admin of the room already";
    ROOM_ADMIN_IS_OWNER = 7_130_003, "the room's owner cannot be an admin";
    ROOM_ADMINS_FULL = 7_130_004, "the room has 15 admins already";
    ROOM_ADMIN_ROOM_UNKNOWN = 7_130_005, "no such room";
    ROOM_ADMIN_NOT_IN = 7_130_006, "not in the room";
    ROOM_ADMIN_NOBODY = 7_130_007, "nobody is named";
    ROOM_UNADMIN_NO_RIGHT = 7_131_001, "only the room's owner dismisses admins";
    ROOM_UNADMIN_NOT_ADMIN = 7_131_002, "not an admin of the room";
    ROOM_BLACKLIST_NO_RIGHT = 7_132_001, "only the room's owner and admins keep its blacklist";
    ROOM_BLACKLIST_OWNER = 7_132_002, "the room's owner cannot be put on its blacklist";
    ROOM_BLACKLIST_ADMIN = 7_132_003, "an admin of the room cannot be put on its blacklist";
    ROOM_BLACKLIST_ROOM_UNKNOWN = 7_132_004, "no such room";
    ROOM_BLACKLIST_FULL = 7_132_005, "the room's blacklist is full";
    ROOM_BLACKLIST_ALREADY = 7_132_006, "on the room's blacklist already";
    ROOM_BLACKLIST_NOBODY = 7_132_007, "nobody is named";
    ROOM_BLACKLIST_NOT_LISTED = 7_133_001, "not on the room's blacklist";
}

impl ErrorCode {
    /// The text of a known code.
    pub fn text(self) -> &'static str {
        Self::ALL.iter().find(|(code, _, _)| *code == self).map_or("unknown error", |(_, _, text)| text)
    }

    /// May the same request succeed later without change?
    pub fn is_passing(self) -> bool {
        let passing = [
            Self::TOO_MANY,
            Self::BUSY,
            Self::INTERNAL,
            Self::SHUTTING_DOWN,
            Self::NOT_STORED,
            Self::SEND_OUT_OF_ORDER,
            Self::SEND_TOO_OFTEN,
        ];
        passing.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_given_twice() {
        for (index, (code, name, _)) in ErrorCode::ALL.iter().enumerate() {
            let twin = ErrorCode::ALL.iter().skip(index + 1).find(|(other, _, _)| other == code);
            assert!(twin.is_none(), "{name} and {twin:?} share a code");
        }
    }
}
