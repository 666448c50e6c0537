//! What may be asked of a running daemon, and its answers.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::scrub;

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
    Status,
    /// Look at every stored row now.
    Scrub,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    App(AppShown),
    Apps(Vec<AppShown>),
    Deleted(AppShown),
    Status(Status),
    /// It is over when the status counts so many passes.
    ScrubBegun {
        passes: u64,
    },
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
    #[serde(default)]
    pub scrub: scrub::Shown,
}
