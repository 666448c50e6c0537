//! Administration of a running daemon, over a Unix socket in its data folder.
//!
//! One JSON object on a line asks, one answers. Only the daemon's own user and root may connect; there is no password
//! to guess and nothing on the network.

mod accounts;
mod callbacks;
mod client;
mod data;
mod figures;
mod imports;
mod links;
mod operators;
mod request;
mod segments;
mod server;
mod statistics;

pub(crate) use callbacks::shown as callbacks_shown;
pub use client::{AskError, ask, ask_for_stream};
pub use data::{ClassRetentionShown, ExportPage, ExportPlace, RetentionShown, days_kept};
pub use figures::{Figures, Sums};
pub use imports::{ImportPiece, ImportedShown, ImportedUser, MEDIA_BYTES_MAX, USERS_MAX};
pub use links::{LINKS_PER_PAGE, LinkFilter, LinkShown, LinksShown};
pub use operators::{NewPassword, OperatorShown};
pub use request::{
    AppGroupShown, AppShown, CallbackShown, CallbackTried, ChatShown, DeveloperShown, MediaShown, PeriodShown,
    ReloadedShown, Reply, Request, RetentionChange, RetentionKeep, SegmentShown, StatsAsked, StatsShown, Status,
    ValueShown,
};
pub use server::{AdminSocket, listen};
pub(crate) use server::{answered, check_app_name};

/// The socket's name inside the data folder.
pub const SOCKET: &str = "admin.sock";
/// No request or answer is longer: a list of 10,000 apps fits.
const LINE_BYTES_MAX: u64 = 4 << 20;
