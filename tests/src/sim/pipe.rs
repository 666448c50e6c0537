//! One way of a link: bytes that arrive late, in order, and no more at a time than the window holds.

use std::collections::VecDeque;

use super::course::{MS, Time};
use super::random::Random;

/// How a way behaves.
#[derive(Clone, Copy, Debug)]
pub struct Quality {
    pub latency: Time,
    pub jitter: Time,
    pub bytes_per_ms: u64,
    /// What the writer may have on its way.
    pub window_bytes: usize,
}

impl Quality {
    /// Anything between a cable and a weak cell.
    pub fn draw(random: &mut Random) -> Self {
        let window_bytes = *random.pick(&[2048, 8192, 65_536, 262_144]);
        match random.below(4) {
            0 => Self { latency: random.between(MS / 2, 5 * MS), jitter: MS, bytes_per_ms: 1000, window_bytes },
            1 | 2 => Self {
                latency: random.between(10 * MS, 80 * MS),
                jitter: 20 * MS,
                bytes_per_ms: random.between(20, 500),
                window_bytes,
            },
            _ => Self {
                latency: random.between(100 * MS, 600 * MS),
                jitter: 300 * MS,
                bytes_per_ms: random.between(2, 20),
                window_bytes,
            },
        }
    }

    pub const GOOD: Self = Self { latency: 5 * MS, jitter: MS, bytes_per_ms: 1000, window_bytes: 65_536 };
}

#[derive(Debug)]
pub struct Pipe {
    pub quality: Quality,
    chunks: VecDeque<(Time, Vec<u8>)>,
    bytes: usize,
    last_due: Time,
    /// The writer has closed: nothing comes after what is on its way.
    pub is_finished: bool,
}

impl Pipe {
    pub fn new(quality: Quality) -> Self {
        Self { quality, chunks: VecDeque::new(), bytes: 0, last_due: 0, is_finished: false }
    }

    /// How much more a writer with a window may write.
    pub fn room(&self) -> usize {
        self.quality.window_bytes.saturating_sub(self.bytes)
    }

    /// Takes bytes; when they will arrive.
    pub fn put(&mut self, bytes: Vec<u8>, now: Time, random: &mut Random) -> Time {
        let transfer = bytes.len() as u64 * MS / self.quality.bytes_per_ms;
        let earliest = now + self.quality.latency + random.below(self.quality.jitter + 1);
        let due = earliest.max(self.last_due) + transfer;
        self.last_due = due;
        self.bytes += bytes.len();
        self.chunks.push_back((due, bytes));
        due
    }

    /// Nothing arrives before `until`: a lost packet that is sent again.
    pub fn stall(&mut self, until: Time) {
        self.last_due = self.last_due.max(until);
        for (due, _) in &mut self.chunks {
            *due = (*due).max(until);
        }
    }

    /// The next bytes that have arrived.
    pub fn take(&mut self, now: Time) -> Option<Vec<u8>> {
        let (_, bytes) = self.chunks.pop_front_if(|(due, _)| *due <= now)?;
        self.bytes -= bytes.len();
        Some(bytes)
    }

    /// When the next bytes arrive.
    pub fn due(&self) -> Option<Time> {
        self.chunks.front().map(|(due, _)| *due)
    }

    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// When an end of the stream that is sent now arrives.
    pub fn end_due(&self, now: Time) -> Time {
        self.last_due.max(now + self.quality.latency)
    }
}
