//! What talks to the daemon while a fault test breaks it, all of it recorded for the judge.
//!
//! A message's text is its key. An application is named after its user (each user has one device here), an app
//! server after what it is given; chains are named by [`Chat`].

use anser_protocol::ids::GroupId;

mod crowd;
mod device;
mod outages;
mod server;

pub use crowd::Crowd;
pub use device::Device;
pub use outages::Outages;
pub use server::Server;

/// A conversation, and with it a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chat {
    /// Of two users, in the order of their names.
    Single(String, String),
    Group(GroupId),
}

impl Chat {
    pub fn between(one: &str, other: &str) -> Self {
        let (lower, upper) = if one <= other { (one, other) } else { (other, one) };
        Self::Single(lower.to_owned(), upper.to_owned())
    }

    /// The group that REST names so; nothing where it cannot be one.
    pub fn group(gid: u64) -> Option<Self> {
        u32::try_from(gid).ok().map(|gid| Self::Group(GroupId(gid)))
    }

    /// The chain's name.
    pub fn chain(&self) -> String {
        match self {
            Self::Single(lower, upper) => format!("single {lower} {upper}"),
            Self::Group(id) => format!("group {id}"),
        }
    }

    /// Does the user take part? Everybody here is in every group.
    pub fn has(&self, user: &str) -> bool {
        match self {
            Self::Single(lower, upper) => lower == user || upper == user,
            Self::Group(_) => true,
        }
    }
}

/// The chain of an app's pushes to all.
pub const PUSHES: &str = "pushes";
