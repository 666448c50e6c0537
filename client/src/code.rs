//! What went wrong with a push call, in the numbers that JPush devices know.

use anser_protocol::error::ErrorCode;

use crate::session::{LinkEnd, RequestError};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        /// Why a push call failed. What has no name here keeps its number.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PushCode {
            $($(#[$doc])* $name,)*
            Other(i32),
        }

        impl PushCode {
            /// Every code with a name.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            pub fn number(self) -> i32 {
                match self {
                    $(Self::$name => $number,)*
                    Self::Other(number) => number,
                }
            }

            pub fn from_number(number: i32) -> Self {
                match number {
                    $($number => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "the push call failed",
                }
            }
        }
    };
}

codes! {
    NothingToSet = 6001, "there is nothing to set";
    TimedOut = 6002, "timed out; try again a little later";
    AliasCharacters = 6003, "the alias has characters that are not allowed";
    AliasTooLong = 6004, "the alias is longer than 40 bytes";
    TagCharacters = 6005, "a tag is empty or has characters that are not allowed";
    TagTooLong = 6006, "a tag is longer than 40 bytes";
    TagsPerCall = 6007, "more than 1000 tags in one call";
    TagsTooLong = 6008, "the tags of one call are longer than 5000 bytes in all; split it";
    Unknown = 6009, "an error that is not known";
    TooOften = 6011, "too many calls in 10 seconds; wait";
    Stopped = 6012, "push is stopped on this device; resume it first";
    /// Not met here: the core measures with a clock that does not jump.
    ClockJumped = 6013, "the clock of the device jumped";
    Busy = 6014, "the server or the network is busy; try again later";
    /// A server of Anser has no such list of devices.
    Blacklisted = 6015, "the app or the device is not wanted";
    InvalidDevice = 6016, "the device is not known to the server; it registers again";
    InvalidRequest = 6017, "the server does not take this request";
    TagsPerDevice = 6018, "more than 1000 tags on this device";
    QueryFailed = 6019, "what was asked for could not be read; try again later";
    Suspended = 6020, "tags and aliases cannot be changed at the moment";
    TagCallOpen = 6021, "the previous tag call is not answered yet";
    AliasCallOpen = 6022, "the previous alias call is not answered yet";
    MobileCharacters = 6023, "a mobile number begins with + or a digit; digits and - follow";
    ServerFault = 6024, "the server failed; try again later";
    MobileTooLong = 6025, "the mobile number is longer than 20 characters";
    PacketTooLong = 6026, "the call is too long; shorten it";
    AliasFull = 7015, "the alias is bound to as many devices as it may be";
    /// A server of Anser does not know packages.
    PackageMismatch = 1005, "the package and the app key do not belong together";
    AppKeyUnknown = 1008, "unknown app key";
    /// A server of Anser takes every platform.
    PlatformNotEnabled = 1009, "the app does not take this platform";
    RegisterTimedOut = -994, "the server did not answer";
    RegisterCut = -996, "the connection was cut";
    RegisterUnreachable = -997, "no network, or the server refuses";
}

impl std::fmt::Display for PushCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} (code {})", self.text(), self.number())
    }
}

impl std::error::Error for PushCode {}

impl From<ErrorCode> for PushCode {
    fn from(code: ErrorCode) -> Self {
        match code {
            ErrorCode::TOO_MANY => Self::TooOften,
            ErrorCode::BUSY | ErrorCode::SHUTTING_DOWN | ErrorCode::NOT_STORED => Self::Busy,
            ErrorCode::INTERNAL => Self::ServerFault,
            ErrorCode::INVALID | ErrorCode::UNSUPPORTED | ErrorCode::MALFORMED => Self::InvalidRequest,
            ErrorCode::TOO_LONG => Self::PacketTooLong,
            ErrorCode::TIMED_OUT => Self::TimedOut,
            ErrorCode(number) => i32::try_from(number).map_or(Self::Unknown, Self::from_number),
        }
    }
}

impl From<&RequestError> for PushCode {
    fn from(error: &RequestError) -> Self {
        match error {
            RequestError::Refused { code, .. } | RequestError::Forbidden(code) => (*code).into(),
            RequestError::TimedOut => Self::TimedOut,
            RequestError::LinkLost | RequestError::TooMany => Self::Busy,
            RequestError::NotLoggedIn | RequestError::Invalid(_) => Self::InvalidRequest,
            RequestError::PushStopped => Self::Stopped,
        }
    }
}

impl PushCode {
    /// Why a device that wanted to register could not, when its link ended like this.
    pub fn of_registration(reason: &LinkEnd) -> Self {
        match reason {
            LinkEnd::Refused { code, .. } if *code == ErrorCode::APP_KEY => Self::AppKeyUnknown,
            LinkEnd::Refused { code, .. } if *code == ErrorCode::TIMED_OUT => Self::RegisterTimedOut,
            LinkEnd::Unreachable | LinkEnd::Refused { .. } => Self::RegisterUnreachable,
            LinkEnd::Silent => Self::RegisterTimedOut,
            _ => Self::RegisterCut,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_number_of_its_own_and_is_found_by_it() {
        for code in PushCode::ALL {
            assert_eq!(PushCode::from_number(code.number()), *code);
        }
        assert_eq!(PushCode::from_number(1234), PushCode::Other(1234));
    }

    #[test]
    fn what_the_server_answers_has_the_number_that_devices_know() {
        for (wire, number) in [
            (ErrorCode::ALIAS_CHARACTERS, 6003),
            (ErrorCode::ALIAS_TOO_LONG, 6004),
            (ErrorCode::TAG_CHARACTERS, 6005),
            (ErrorCode::TAG_TOO_LONG, 6006),
            (ErrorCode::TAGS_PER_CALL, 6007),
            (ErrorCode::TAGS_TOO_LONG, 6008),
            (ErrorCode::TAGS_PER_DEVICE, 6018),
            (ErrorCode::MOBILE_CHARACTERS, 6023),
            (ErrorCode::MOBILE_TOO_LONG, 6025),
            (ErrorCode::ALIAS_FULL, 7015),
            (ErrorCode::TOO_MANY, 6011),
            (ErrorCode::BUSY, 6014),
            (ErrorCode::NOT_STORED, 6014),
            (ErrorCode::INTERNAL, 6024),
            (ErrorCode::INVALID, 6017),
            (ErrorCode::REGISTRATION, 6016),
            (ErrorCode(u32::MAX), 6009),
        ] {
            assert_eq!(PushCode::from(wire).number(), number, "{wire:?}");
        }
    }
}
