//! The families of calls: who may call, and which codes they answer for what every call can meet.

use axum::http::StatusCode;

use super::fault::Fault;
use crate::ledger::Unavailable;

/// One family per block of error codes in the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Push: 1000 and up.
    Push,
    /// Devices, tags, aliases: 7000 and up.
    Device,
    /// Statistics of pushes and users: 3001 and up, and 10.
    Report,
    /// What developers do with their apps: 4001 and up, 10.
    Admin,
    /// Scheduled pushes: 8100 and up.
    Schedule,
    /// Users, groups, messages: 899000 and up.
    Im,
}

impl Family {
    /// The family of a path that has no route, or not for this method.
    pub fn of_path(path: &str) -> Self {
        let mut segments = path.split('/').skip(1);
        match (segments.next(), segments.next(), segments.next()) {
            (Some("v3"), Some("report" | "received" | "messages" | "users" | "status" | "group"), _) => Self::Report,
            (Some("v3"), Some("device" | "devices" | "tags" | "aliases" | "test"), _) => Self::Device,
            (Some("v3"), Some("schedules"), _) | (Some("v3"), Some("push"), Some("schedules")) => Self::Schedule,
            (Some("v3" | "images"), ..) => Self::Push,
            (Some("v1"), Some("app"), _) => Self::Admin,
            _ => Self::Im,
        }
    }

    pub fn no_credentials(self) -> Fault {
        match self {
            Self::Push => unauthorized(1004, "Authen failed: send Authorization: Basic with app key and master secret"),
            Self::Device => unauthorized(7001, "Authorization is missing: send Basic with app key and master secret"),
            Self::Report => unauthorized(3001, "Basic authentication failed: send app key and master secret"),
            Self::Admin => unauthorized(4006, "Authorization is missing: send Basic with developer key and secret"),
            Self::Schedule => unauthorized(8101, "Basic authentication failed."),
            Self::Im => unauthorized(899_007, "missing authen info"),
        }
    }

    pub fn wrong_credentials(self) -> Fault {
        match self {
            Self::Push => unauthorized(1004, "Authen failed"),
            Self::Device => unauthorized(7004, "Authen failed"),
            Self::Report => unauthorized(3001, "Basic authentication failed"),
            Self::Admin => unauthorized(4005, "Authen failed"),
            Self::Schedule => unauthorized(8101, "Basic authentication failed."),
            Self::Im => unauthorized(899_008, "Basic authentication failed"),
        }
    }

    /// The header is no user and password.
    pub fn malformed_credentials(self) -> Fault {
        match self {
            Self::Admin => unauthorized(4006, "Authorization is malformed: send Basic with developer key and secret"),
            _ => self.wrong_credentials(),
        }
    }

    /// Nobody has such a key.
    pub fn unknown_key(self) -> Fault {
        match self {
            Self::Admin => unauthorized(4004, "the developer key is unknown"),
            _ => self.wrong_credentials(),
        }
    }

    pub fn invalid(self, message: impl Into<std::borrow::Cow<'static, str>>) -> Fault {
        let code = match self {
            Self::Push => 1003,
            Self::Device => 7002,
            Self::Report => 3003,
            Self::Admin => 4003,
            Self::Schedule => {
                let message = format!("The schedule-task is invalid：{}", message.into());
                return Fault::new(StatusCode::BAD_REQUEST, 8100, message);
            }
            Self::Im => 899_003,
        };
        Fault::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub fn too_large(self) -> Fault {
        match self {
            Self::Push => Fault::new(StatusCode::BAD_REQUEST, 1005, "the request body is too large"),
            Self::Device | Self::Report | Self::Admin | Self::Schedule | Self::Im => {
                self.invalid("the request body is too large")
            }
        }
    }

    pub fn no_route(self) -> Fault {
        let code = match self {
            Self::Push => 1003,
            Self::Device => 7002,
            Self::Report => 3003,
            Self::Admin => 4003,
            Self::Schedule => 8104,
            Self::Im => 800_008,
        };
        Fault::new(StatusCode::NOT_FOUND, code, "there is no such path")
    }

    pub fn method_not_allowed(self) -> Fault {
        let code = match self {
            Self::Push => 1001,
            Self::Device => 7002,
            Self::Report => 3003,
            Self::Admin => 4001,
            Self::Schedule => 8100,
            Self::Im => 800_008,
        };
        Fault::new(StatusCode::METHOD_NOT_ALLOWED, code, "this path does not serve this method")
    }

    pub fn internal(self) -> Fault {
        match self {
            Self::Push => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, 1000, "Server internal error"),
            Self::Device => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, 7000, "Server internal error"),
            Self::Report | Self::Admin => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, 10, "Server internal error"),
            Self::Schedule => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, 8200, "Server internal error"),
            Self::Im => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, 899_000, "Server internal error"),
        }
    }

    pub fn busy(self) -> Fault {
        self.not_now("server busy, try again later")
    }

    /// The store could not do it.
    pub fn unavailable(self, why: &Unavailable) -> Fault {
        match why {
            Unavailable::Busy | Unavailable::Closed(_) => self.busy(),
            Unavailable::Full => self.not_now("the server's disk is full: nothing is stored, try again later"),
            Unavailable::NotStored(_) => self.not_now("the server's disk fails: nothing is stored, try again later"),
            Unavailable::Unreadable => self.internal(),
        }
    }

    fn not_now(self, message: &'static str) -> Fault {
        let code = match self {
            Self::Push => 1030,
            Self::Device => 7030,
            // The family has no code for it but this.
            Self::Report | Self::Admin => 10,
            Self::Schedule => 8203,
            Self::Im => 899_030,
        };
        Fault::new(StatusCode::SERVICE_UNAVAILABLE, code, message)
    }
}

fn unauthorized(code: u32, message: &'static str) -> Fault {
    Fault::new(StatusCode::UNAUTHORIZED, code, message)
}
