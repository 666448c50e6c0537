//! What may be asked of a running daemon, and its answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::data::{ExportPage, ExportPlace, RetentionShown};
use super::figures::Figures;
use super::imports::{ImportPiece, ImportedShown};
use super::links::{LinkFilter, LinksShown};
use super::operators::{NewPassword, OperatorShown};
use crate::removal::RemovalsShown;
use crate::scrub;
use crate::trace::Traced;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum Request {
    AppCreate {
        name: String,
    },
    AppList,
    /// `app` is a name or an app key.
    AppShow {
        app: String,
    },
    AppRotateSecret {
        app: String,
    },
    AppDelete {
        app: String,
    },
    AppGroupCreate {
        name: String,
    },
    AppGroupList,
    /// `group` is a name or a key.
    AppGroupShow {
        group: String,
    },
    AppGroupDelete {
        group: String,
    },
    AppGroupAdd {
        group: String,
        app: String,
    },
    AppGroupRemove {
        group: String,
        app: String,
    },
    DeveloperCreate {
        name: String,
    },
    DeveloperList,
    /// `developer` is a name or a key.
    DeveloperDelete {
        developer: String,
    },
    AppBlock {
        app: String,
        is_blocked: bool,
    },
    /// Addresses and ranges; none lets everybody call.
    AppAllow {
        app: String,
        addresses: Vec<String>,
    },
    /// Nothing takes the daemon's setting.
    AppRate {
        app: String,
        family: String,
        per_minute: Option<u32>,
    },
    /// Nothing takes the daemon's setting; 0 means no limit.
    AppQuota {
        app: String,
        mib: Option<u32>,
    },
    /// `rule` is a JSON text.
    SegmentCreate {
        app: String,
        name: String,
        rule: String,
    },
    SegmentList {
        app: String,
    },
    SegmentShow {
        app: String,
        segment: String,
    },
    SegmentDelete {
        app: String,
        segment: String,
    },
    /// What is known of an app's devices together.
    Stats {
        app: String,
        #[serde(default)]
        asked: StatsAsked,
    },
    /// A piece of what an app brings along.
    Import {
        app: String,
        piece: ImportPiece,
    },
    /// Ask the app's servers to hear of nothing, to see whether they can.
    CallbackTest {
        app: String,
    },
    /// A page of what is stored of a user.
    UserExport {
        app: String,
        user: String,
        place: ExportPlace,
    },
    UserErase {
        app: String,
        user: String,
    },
    /// Shows how long an app keeps what, after a change of it if one is asked for.
    AppRetention {
        app: String,
        #[serde(default)]
        change: Option<RetentionChange>,
    },
    OperatorAdd {
        name: String,
        role: String,
        apps: Vec<String>,
        password: NewPassword,
    },
    OperatorList,
    OperatorReset {
        name: String,
        password: NewPassword,
    },
    OperatorRemove {
        name: String,
    },
    /// A new link for the first operator.
    OperatorLink,
    Status,
    /// All figures, in the text format of OpenMetrics.
    Metrics,
    /// The same for eyes.
    Figures,
    /// What became of a push or message.
    Trace {
        msg_id: u64,
        app: Option<String>,
        /// A registration id.
        device: Option<String>,
    },
    /// Open links, in pages.
    LinkList {
        filter: LinkFilter,
        /// The last link of the page before.
        after: Option<u64>,
        limit: usize,
    },
    LinkKick {
        filter: LinkFilter,
        reason: String,
        /// Also when the filter names nothing.
        all: bool,
    },
    /// `LEVEL` or `MODULE=LEVEL`; nothing only asks.
    LogLevel {
        change: Option<String>,
    },
    /// Read settings and certificates again.
    Reload,
    /// Look at every stored row now.
    Scrub,
    /// Everything in one stream: the bytes of a backup follow the answer, and the connection ends with them.
    Backup,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    App(AppShown),
    Apps(Vec<AppShown>),
    Deleted(AppShown),
    AppGroup(AppGroupShown),
    AppGroups(Vec<AppGroupShown>),
    Developer(DeveloperShown),
    Developers(Vec<DeveloperShown>),
    Segment(SegmentShown),
    Segments(Vec<SegmentShown>),
    Stats(StatsShown),
    Imported(ImportedShown),
    Exported(ExportPage),
    /// Also deleted users who bore the name count.
    ErasureBegun {
        users: usize,
    },
    Retention(RetentionShown),
    Operator(OperatorShown),
    Operators(Vec<OperatorShown>),
    OperatorLink {
        url: String,
        expires_ms: u64,
    },
    Status(Box<Status>),
    Reloaded(ReloadedShown),
    CallbackTested(Vec<CallbackTried>),
    Metrics(String),
    Figures(Box<Figures>),
    Traced(Traced),
    Links(LinksShown),
    Kicked {
        links: usize,
    },
    /// The level for all, then those of modules.
    LogLevels(Vec<String>),
    /// It is over when the status counts so many passes.
    ScrubBegun {
        passes: u64,
    },
    BackupBegun,
    /// What is wrong and what to do.
    Refused(String),
}

/// Of one class: `chat`, `room` or `push`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetentionChange {
    pub class: String,
    pub keep: RetentionKeep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetentionKeep {
    /// As the daemon's settings say.
    Default,
    Days(u32),
    Forever,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppShown {
    pub name: String,
    pub app_key: String,
    /// Left out of lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_secret: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_blocked: bool,
    /// Who may call; nobody named means everybody.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Calls in a minute, where they differ from the settings.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rates: BTreeMap<String, u32>,
    /// Left out of lists, and where the app keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media: Option<MediaShown>,
}

/// How much an app keeps of what its users and servers upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaShown {
    pub files: u64,
    pub bytes: u64,
    /// 0: no limit.
    pub quota_bytes: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppGroupShown {
    pub name: String,
    pub group_key: String,
    /// Left out where it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_secret: Option<String>,
    /// Their names.
    pub apps: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeveloperShown {
    pub name: String,
    pub developer_key: String,
    /// Only when it was just made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub developer_secret: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentShown {
    /// What `audience.segment` of a push names.
    pub id: String,
    pub name: String,
    pub rule: serde_json::Value,
    pub created_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsShown {
    /// The oldest first.
    pub periods: Vec<PeriodShown>,
    /// The most frequent values of each trait.
    pub traits: BTreeMap<String, Vec<ValueShown>>,
}

/// Which figures are wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsAsked {
    /// hour, day or month
    pub by: String,
    /// How many of them, the one that has begun included.
    pub last: Option<u32>,
    pub platform: Option<String>,
    /// Only devices that tell this now, as `app_version=2.0`.
    pub with: Option<String>,
}

impl Default for StatsAsked {
    fn default() -> Self {
        Self { by: "day".to_owned(), last: None, platform: None, with: None }
    }
}

/// Devices of a period, each counted once, and what was counted in it; nothing where the wanted devices cannot be told
/// from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeriodShown {
    /// In the server's zone.
    pub begin: String,
    pub new: u64,
    pub online: u64,
    /// Whose application was in front.
    pub active: u64,
    /// How often, on all of them together.
    pub opens: Option<u64>,
    /// For how long.
    pub seconds: Option<u64>,
    /// Pushes that were accepted, each once whatever its audience.
    pub pushes: Option<u64>,
    /// Devices that received a push, once for each push.
    pub received: Option<u64>,
    pub shown: Option<u64>,
    pub clicked: Option<u64>,
    /// Pushes that a bridge took, once for each device.
    pub bridged: Option<u64>,
    /// Text messages that were handed over.
    pub texted: Option<u64>,
    /// By day: how many of the new devices were online so many days later; only days that have begun.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub back_after: BTreeMap<u32, u64>,
    /// Only of all devices together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<ChatShown>,
}

/// What happened in the chats of an app in a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChatShown {
    pub new_users: u64,
    /// Logged in over a link.
    pub active_users: u64,
    /// Sent to a user or a group.
    pub senders: u64,
    pub single_messages: u64,
    pub group_messages: u64,
    pub room_messages: u64,
    pub new_groups: u64,
    /// In which somebody said something.
    pub active_groups: u64,
}

/// An empty value stands for all others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueShown {
    pub value: String,
    pub devices: u64,
}

/// Keys of settings that have changed in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadedShown {
    /// They hold from now on.
    pub taken: Vec<String>,
    /// They hold after the next start.
    pub waiting: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub process_id: u32,
    pub uptime_s: u64,
    pub data_dir: PathBuf,
    pub listen: Vec<SocketAddr>,
    pub apps: usize,
    /// Open connections of every kind.
    pub connections: usize,
    /// The last position of the log.
    pub position: u64,
    #[serde(default)]
    pub scrub: scrub::Shown,
    /// Deleted apps of which rows are left, and users whose data are being erased.
    #[serde(default)]
    pub removals: RemovalsShown,
    /// Since the start: how telling app servers goes.
    #[serde(default)]
    pub callbacks: Vec<CallbackShown>,
    #[serde(default)]
    pub figures: Figures,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackShown {
    /// `message_callback` or `event_callback`.
    pub kind: String,
    pub app_key: String,
    /// Messages or events that were heard.
    pub told: u64,
    /// Requests that were not.
    pub failed: u64,
    /// The last so many all failed.
    pub failed_in_a_row: u64,
    pub last_failure: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackTried {
    pub kind: String,
    pub url: String,
    /// Nothing when it was heard.
    pub failure: Option<String>,
}
