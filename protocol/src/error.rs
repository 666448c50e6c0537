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
    ALIAS_FULL = 7015, "the alias is bound to 10 devices already";

    NOT_LOGGED_IN = 800_012, "log in first";
    USER_UNKNOWN = 801_003, "no such user";
    PASSWORD_WRONG = 801_004, "wrong password";
    USER_DISABLED = 801_006, "the user is disabled";
    /// The session token is unknown, expired or was ended by a logout.
    TOKEN_INVALID = 898_010, "the session has expired; log in with the password";
    USER_EXISTS = 898_001, "the user name is taken";
    /// A name asked for in another request does not exist.
    NO_SUCH_USER = 898_002, "no such user";

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
    GROUP_NAME_TOO_LONG = 808_004, "the group name is longer than 64 bytes";
    ALREADY_A_MEMBER = 810_007, "already a member of this group";
    GROUP_FULL = 810_008, "the group is full";
    GROUP_QUOTA = 810_009, "the user is in 500 groups already";
    MEMBER_UNKNOWN = 811_008, "not a member of this group";
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
