//! Commands about media: uploads, thumbnails, quotas, removal.

use anser_protocol::ids::TimeMs;
use serde::{Deserialize, Serialize};

use crate::ids::{AppNumber, UserNumber};
use crate::media::{MediaId, MediaKind};
use crate::rows::media::MediaContent;

/// The bytes of a body lie on disk before a command names it, and stay until the outcome says that they are free.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum MediaCommand {
    /// The same again changes nothing. Refused (`MediaQuotaFull`) when the app would keep too much, and for a user who is
    /// gone or disabled.
    Add { app: AppNumber, media: Box<NewMedia>, quota_bytes: u64 },
    /// Only for who uploaded the medium (`MediaUnknown` otherwise); takes the place of an earlier one.
    AddThumb { app: AppNumber, media: MediaId, by: UserNumber, thumb: Box<MediaContent>, quota_bytes: u64 },
    /// How much the app may keep, instead of what the caller of `Add` says; 0: no limit.
    SetQuota { app: AppNumber, bytes: Option<u64> },
    /// Of at most 100 media each: `named` are avatars; `unnamed` are none, and go when no kept message names them and that
    /// was so for `idle_ms`.
    Sweep { app: AppNumber, named: Vec<MediaId>, unnamed: Vec<MediaId>, idle_ms: TimeMs },
}

/// Fields were checked at the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NewMedia {
    pub id: MediaId,
    pub kind: MediaKind,
    pub content: MediaContent,
    pub name: String,
    pub by: Option<UserNumber>,
}

impl MediaCommand {
    pub fn app(&self) -> AppNumber {
        match self {
            Self::Add { app, .. }
            | Self::AddThumb { app, .. }
            | Self::SetQuota { app, .. }
            | Self::Sweep { app, .. } => *app,
        }
    }
}
