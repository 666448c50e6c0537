//! What may be asked of a running daemon, and its answers.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

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
    Status,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    App(AppShown),
    Apps(Vec<AppShown>),
    Deleted(AppShown),
    Status(Status),
    /// What is wrong and what to do.
    Refused(String),
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
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
}
