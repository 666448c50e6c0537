//! Why a command failed, for the person who gave it.

use std::process::ExitCode;

use anser_client::session::{LinkEnd, RequestError};
use anser_client::shell::{DialerError, LoginError, SendFailed, Unreachable};
use anser_client::store::StoreError;
use anser_protocol::error::ErrorCode;

/// What is wrong and what to do.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 2 }
    }

    pub fn exit(self) -> ExitCode {
        eprintln!("anser: {}", self.message);
        ExitCode::from(self.code)
    }

    pub fn login(user: &str, error: LoginError) -> Self {
        Self::new(match error {
            LoginError::Refused { code: ErrorCode::PASSWORD_WRONG, .. } => {
                format!("wrong password for the user \"{user}\"")
            }
            LoginError::Refused { code: ErrorCode::USER_UNKNOWN, .. } => {
                format!("there is no user \"{user}\" in this app; make one with: anser register {user}")
            }
            other => format!("cannot log in \"{user}\": {other}"),
        })
    }

    /// A link that ended in a way that trying again does not mend.
    pub fn of_link_end(reason: &LinkEnd) -> Option<Self> {
        match reason {
            LinkEnd::Refused { code: ErrorCode::APP_KEY, .. } => Some(Self::new(
                "the server does not know this app key; check --app-key or ANSER_APP_KEY against \"anserd app list\"",
            )),
            LinkEnd::Refused { code: ErrorCode::VERSION, .. } => {
                Some(Self::new("the server speaks another version of the protocol; update the older of the two"))
            }
            LinkEnd::GoAway { code: ErrorCode::REPLACED, .. } => {
                Some(Self::new("another process with a copy of this device's state has connected in our place"))
            }
            _ => None,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<Unreachable> for Failure {
    fn from(unreachable: Unreachable) -> Self {
        let hint = if unreachable.is_certificate() {
            "\nThe server's certificate is not trusted. Name the file of the authority that signed it with --ca FILE \
             (a server with a self-made certificate keeps it as ca.pem in its data folder)."
        } else {
            "\nIs the server running, and is --server (or ANSER_SERVER) its address?"
        };
        Self::new(format!("{unreachable}{hint}"))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let hint = match &error {
            StoreError::InUse { .. } => "\nStop that process, or give another --state-dir to be another device.",
            _ => "",
        };
        Self::new(format!("{error}{hint}"))
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<SendFailed> for Failure {
    fn from(error: SendFailed) -> Self {
        Self::new(format!("not sent: {error}"))
    }
}

impl From<DialerError> for Failure {
    fn from(error: DialerError) -> Self {
        Self::usage(error.to_string())
    }
}
