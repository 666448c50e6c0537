//! How long to wait before the next try: doubling, with full jitter.

use std::time::Duration;

use super::random::Random;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);

/// The state of one row of tries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    most: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { most: FIRST }
    }
}

impl Backoff {
    /// The wait before the next try, which then counts as made.
    pub(crate) fn next_wait(&mut self, random: &mut Random) -> Duration {
        let wait = random.up_to(self.most);
        self.most = (self.most * 2).min(LONGEST);
        wait
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn always(byte: u8) -> Random {
        Random::new(Box::new(move |out| out.fill(byte)))
    }

    #[test]
    fn the_longest_wait_doubles_up_to_a_minute() {
        let mut backoff = Backoff::default();
        let most: Vec<u128> = (0..9)
            .map(|_| {
                backoff.next_wait(&mut always(7));
                backoff.most.as_millis()
            })
            .collect();
        assert_eq!(most, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    }

    #[test]
    fn the_wait_is_anything_from_nothing_on() {
        assert_eq!(Backoff::default().next_wait(&mut always(0)), Duration::ZERO);
        assert!(Backoff::default().next_wait(&mut always(0xff)) <= FIRST);
    }
}
