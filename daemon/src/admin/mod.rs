//! Administration of a running daemon, over a Unix socket in its data folder.
//!
//! One JSON object on a line asks, one answers. Only the daemon's own user and root may connect; there is no password
//! to guess and nothing on the network.

mod accounts;
mod callbacks;
mod client;
mod imports;
mod request;
mod segments;
mod server;
mod statistics;

pub use client::{AskError, ask};
pub use imports::{ImportPiece, ImportedShown, ImportedUser, MEDIA_BYTES_MAX, USERS_MAX};
pub use request::{
    AppGroupShown, AppShown, CallbackShown, CallbackTried, ChatShown, DeveloperShown, MediaShown, PeriodShown, Reply,
    Request, SegmentShown, StatsAsked, StatsShown, Status, ValueShown,
};
pub use server::{AdminSocket, listen};

/// The socket's name inside the data folder.
pub const SOCKET: &str = "admin.sock";
/// No request or answer is longer: a list of 10,000 apps fits.
const LINE_BYTES_MAX: u64 = 4 << 20;
