//! What is counted and remembered of the daemon's work, for its operator: figures, where the last deliveries are, and
//! whether it can work at all.
//!
//! Counting costs an atomic addition and never waits. Nothing here decides anything, and nothing of it is on disk.

pub mod daily;
pub mod deliveries;
pub mod listener;
pub mod machine;
pub mod metrics;
pub mod noted;
pub mod ready;
pub mod slowest;

pub use deliveries::{Deliveries, Kept, Step, Times};
pub use metrics::{Metrics, Transport};

use slowest::Slowest;

/// Shared by everything that has something to tell.
#[derive(Default)]
pub struct Observer {
    pub metrics: Metrics,
    pub deliveries: Deliveries,
    /// The requests and batches that took longest lately.
    pub slowest: Slowest,
}
