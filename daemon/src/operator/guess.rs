//! How fast passwords may be guessed: each failure makes the next attempt wait longer, and nobody is ever locked out.
//!
//! Who fails is told apart by account *and* address, so that a stranger who guesses at an account delays themselves and
//! not its owner. Guesses at one account from very many addresses slow all of them down a little, but for addresses
//! from which the right password came before. Time is passed in; memory is bounded.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// Failures that cost nothing: people mistype.
const FREE: u32 = 5;
/// Of one account at one address, unless another is wanted.
const DELAY_MAX: Duration = Duration::from_secs(60);
/// Failures at one account, wherever they come from, that cost nothing.
const FREE_TOGETHER: u32 = 50;
/// What an address without a past then waits.
const DELAY_TOGETHER: Duration = Duration::from_secs(5);
/// After so long without a failure all is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(15 * 60);
/// An address from which the right password came is known for so long.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 3600);
/// Whoever would wait longer behind attempts that already wait is told to come back.
const WAIT_MAX: Duration = Duration::from_secs(60);
/// Entries of each kind; the oldest give way.
const ENTRIES_MAX: usize = 20_000;

/// When an attempt may be checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// After this wait, which is mostly none.
    After(Duration),
    /// Too many attempts wait before it.
    TooMany,
}

/// Failed attempts of late. Accounts and addresses are kept as hashes under a key of this process.
pub struct Guesses {
    hasher: RandomState,
    /// Of one account at one address.
    delay_max: Duration,
    pairs: HashMap<u64, Failures>,
    accounts: HashMap<u64, Failures>,
    known: HashMap<u64, Instant>,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    /// When the next attempt may be checked.
    next: Instant,
}

impl Default for Guesses {
    fn default() -> Self {
        Self::with_delays_up_to(DELAY_MAX)
    }
}

impl Guesses {
    pub fn with_delays_up_to(delay_max: Duration) -> Self {
        let (pairs, accounts, known) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { hasher: RandomState::new(), delay_max, pairs, accounts, known }
    }

    /// Asks before a password is checked.
    pub fn ask(&mut self, account: &str, from: IpAddr, now: Instant) -> Turn {
        let (pair, account) = self.names(account, from);
        let own = self.pairs.get(&pair).copied().filter(|failures| failures.holds(now));
        let together = self.accounts.get(&account).filter(|failures| failures.holds(now));
        let is_known = self.known.get(&pair).is_some_and(|at| now.duration_since(*at) < KNOWN_FOR);
        let own_wait = own.map_or(Duration::ZERO, |failures| failures.next.saturating_duration_since(now));
        if own_wait > WAIT_MAX {
            return Turn::TooMany;
        }
        let slowed = together.is_some_and(|failures| failures.count >= FREE_TOGETHER) && !is_known;
        let wait = own_wait.max(if slowed { DELAY_TOGETHER } else { Duration::ZERO });
        // Attempts that come together wait behind one another.
        if let (Some(failures), Some(entry)) = (own, self.pairs.get_mut(&pair)) {
            entry.next = now + wait + failures.delay(self.delay_max);
        }
        Turn::After(wait)
    }

    /// The password was wrong, or there is no such account.
    pub fn failed(&mut self, account: &str, from: IpAddr, now: Instant) {
        let (pair, account) = self.names(account, from);
        for (entries, name, most) in
            [(&mut self.pairs, pair, self.delay_max), (&mut self.accounts, account, Duration::ZERO)]
        {
            let before = entries.get(&name).filter(|failures| failures.holds(now)).copied();
            let count = before.map_or(0, |failures| failures.count).saturating_add(1);
            let mut failures = Failures { count, last: now, next: now };
            failures.next = before.map_or(now, |failures| failures.next).max(now + failures.delay(most));
            make_room(entries, |failures| failures.last);
            entries.insert(name, failures);
        }
    }

    /// The password was right.
    pub fn succeeded(&mut self, account: &str, from: IpAddr, now: Instant) {
        let (pair, _) = self.names(account, from);
        self.pairs.remove(&pair);
        make_room(&mut self.known, |at| *at);
        self.known.insert(pair, now);
    }

    /// Of the account at this address, and of the account.
    fn names(&self, account: &str, from: IpAddr) -> (u64, u64) {
        (self.hasher.hash_one((1, account, network(from))), self.hasher.hash_one((2, account)))
    }
}

impl Failures {
    fn holds(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.last.max(self.next)) < FORGOTTEN_AFTER
    }

    /// 1 s after the failures that cost nothing, doubled with each.
    fn delay(&self, most: Duration) -> Duration {
        match self.count.checked_sub(FREE) {
            None => Duration::ZERO,
            Some(beyond) => Duration::from_secs(1u64 << beyond.min(6)).min(most),
        }
    }
}

/// A household or a customer has a /64 of its own.
fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

/// The oldest tenth goes at once, so that a flood does not look for the oldest each time.
fn make_room<T>(entries: &mut HashMap<u64, T>, age: impl Fn(&T) -> Instant) {
    if entries.len() < ENTRIES_MAX {
        return;
    }
    let mut ages: Vec<Instant> = entries.values().map(&age).collect();
    let tenth = ages.len() / 10;
    let (_, oldest_kept, _) = ages.select_nth_unstable(tenth);
    let oldest_kept = *oldest_kept;
    entries.retain(|_, entry| age(entry) > oldest_kept);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(last: u8) -> IpAddr {
        Ipv4Addr::new(192, 0, 2, last).into()
    }

    fn fail(guesses: &mut Guesses, from: IpAddr, times: u32, now: Instant) {
        (0..times).for_each(|_| guesses.failed("root", from, now));
    }

    #[test]
    fn the_first_mistakes_cost_nothing_and_later_ones_ever_more_up_to_a_minute() {
        let (mut guesses, mut now) = (Guesses::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..13 {
            let Turn::After(wait) = guesses.ask("root", address(1), now) else { panic!("nobody else waits") };
            waits.push(wait.as_secs());
            now += wait;
            guesses.failed("root", address(1), now);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_stranger_who_guesses_does_not_delay_the_owner_at_another_address() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        fail(&mut guesses, address(1), 40, now);
        assert_ne!(guesses.ask("root", address(1), now), Turn::After(Duration::ZERO));
        assert_eq!(guesses.ask("root", address(2), now), Turn::After(Duration::ZERO));
    }

    #[test]
    fn guesses_from_everywhere_slow_down_strangers_but_not_where_the_owner_was_before() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        guesses.succeeded("root", address(200), now);
        (0..60).for_each(|last| guesses.failed("root", address(last), now));
        assert_eq!(guesses.ask("root", address(100), now), Turn::After(DELAY_TOGETHER), "never locked out");
        assert_eq!(guesses.ask("root", address(200), now), Turn::After(Duration::ZERO));
        assert_eq!(guesses.ask("other", address(100), now), Turn::After(Duration::ZERO));
    }

    #[test]
    fn attempts_that_come_together_wait_behind_one_another_and_too_many_are_sent_away() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        fail(&mut guesses, address(1), 9, now);
        let turns: Vec<Turn> = (0..6).map(|_| guesses.ask("root", address(1), now)).collect();
        let after = |seconds| Turn::After(Duration::from_secs(seconds));
        assert_eq!(turns, [after(16), after(32), after(48), Turn::TooMany, Turn::TooMany, Turn::TooMany]);
    }

    #[test]
    fn the_right_password_and_a_quarter_of_an_hour_end_it() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        fail(&mut guesses, address(1), 20, now);
        guesses.succeeded("root", address(1), now);
        assert_eq!(guesses.ask("root", address(1), now), Turn::After(Duration::ZERO));
        fail(&mut guesses, address(2), 20, now);
        let later = now + DELAY_MAX + FORGOTTEN_AFTER;
        assert_eq!(guesses.ask("root", address(2), later), Turn::After(Duration::ZERO));
    }

    #[test]
    fn addresses_of_one_household_count_as_one() {
        let (mut guesses, now) = (Guesses::default(), Instant::now());
        let of = |text: &str| text.parse::<IpAddr>().expect("an address");
        fail(&mut guesses, of("2001:db8::1"), 20, now);
        assert_ne!(guesses.ask("root", of("2001:db8::2"), now), Turn::After(Duration::ZERO));
        assert_eq!(guesses.ask("root", of("2001:db8:0:1::1"), now), Turn::After(Duration::ZERO));
        fail(&mut guesses, address(9), 20, now);
        assert_ne!(guesses.ask("root", of("::ffff:192.0.2.9"), now), Turn::After(Duration::ZERO));
    }

    #[test]
    fn a_flood_of_names_and_addresses_is_forgotten_before_it_costs_much_memory() {
        let (mut guesses, mut now) = (Guesses::default(), Instant::now());
        for number in 0..3 * ENTRIES_MAX {
            now += Duration::from_millis(1);
            guesses.failed(&number.to_string(), address(1), now);
        }
        assert!(guesses.pairs.len() <= ENTRIES_MAX && guesses.accounts.len() <= ENTRIES_MAX);
        assert!(guesses.pairs.len() > ENTRIES_MAX / 2);
    }
}
