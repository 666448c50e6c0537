//! Randomness as an argument: the shell passes the system's, a simulator one that it can repeat.

use std::time::Duration;

/// Fills a buffer with random bytes.
pub type Fill = Box<dyn FnMut(&mut [u8]) + Send>;

/// Draws from the source that was passed in.
pub(crate) struct Random(Fill);

impl Random {
    pub(crate) fn new(fill: Fill) -> Self {
        Self(fill)
    }

    pub(crate) fn bytes<const LENGTH: usize>(&mut self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        (self.0)(&mut bytes);
        bytes
    }

    /// Between nothing and `most`.
    pub(crate) fn up_to(&mut self, most: Duration) -> Duration {
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX);
        Duration::from_millis(u64::from_le_bytes(self.bytes()) % millis.saturating_add(1))
    }
}
