//! When to show that this client is there, and when to believe that the link is dead.
//!
//! The interval is learned per network and transport. A ping that is answered after a full interval of silence shows that
//! the network forgives such a silence; after three of them a longer one is tried. A link lost that way names a length that
//! is not tried again in this network.

use std::time::Duration;

use super::action::Transport;
use crate::store::HeartbeatMemory;

/// After a ping, or while an answer is owed, anything heard within this time shows that the link lives.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// While an answer is owed, a silence of this length asks for a ping.
const OWED_SILENCE: Duration = Duration::from_secs(5);
const SUCCESSES_TO_GROW: u8 = 3;

/// Bounds of one transport, in seconds.
struct Bounds {
    start: u16,
    least: u16,
    most: u16,
    step: u16,
}

fn bounds(transport: Transport) -> Bounds {
    match transport {
        Transport::Quic => Bounds { start: 25, least: 20, most: 60, step: 5 },
        Transport::Tcp => Bounds { start: 120, least: 60, most: 300, step: 30 },
        Transport::WebSocket => Bounds { start: 25, least: 25, most: 25, step: 5 },
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Beat {
    Ping,
    Dead,
}

/// The heartbeat of one link.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    bounds: Bounds,
    memory: HeartbeatMemory,
    successes: u8,
    sent_at: Duration,
    heard_at: Duration,
    /// The first thing sent since anything was heard.
    unheard_since: Option<Duration>,
    ping_at: Option<Duration>,
    /// The ping that is out followed a full interval of silence.
    is_probe: bool,
}

impl std::fmt::Debug for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{} s", self.least, self.most)
    }
}

impl Heartbeat {
    pub(crate) fn new(transport: Transport, remembered: Option<HeartbeatMemory>, now: Duration) -> Self {
        let bounds = bounds(transport);
        let mut memory = remembered.unwrap_or(HeartbeatMemory { interval_s: bounds.start, ceiling_s: 0 });
        memory.interval_s = memory.interval_s.clamp(bounds.least, bounds.most);
        Self {
            bounds,
            memory,
            successes: 0,
            sent_at: now,
            heard_at: now,
            unheard_since: None,
            ping_at: None,
            is_probe: false,
        }
    }

    /// The server's bounds win over the transport's.
    pub(crate) fn handle_bounds(&mut self, least_s: u16, most_s: u16) {
        let (least, most) = (least_s.max(1), most_s.max(least_s).max(1));
        self.bounds.least = self.bounds.least.clamp(least, most);
        self.bounds.most = self.bounds.most.clamp(least, most);
        self.memory.interval_s = self.memory.interval_s.clamp(self.bounds.least, self.bounds.most);
    }

    pub(crate) fn handle_sent(&mut self, now: Duration) {
        self.sent_at = now;
        self.unheard_since.get_or_insert(now);
    }

    /// Anything was heard. Says what was learned, if anything was.
    pub(crate) fn handle_heard(&mut self, now: Duration) -> Option<HeartbeatMemory> {
        self.heard_at = now;
        self.unheard_since = None;
        let probed = self.ping_at.take().is_some() && std::mem::take(&mut self.is_probe);
        if !probed {
            return None;
        }
        self.successes += 1;
        let longer = (self.memory.interval_s + self.bounds.step).min(self.bounds.most);
        let is_forbidden = self.memory.ceiling_s != 0 && longer >= self.memory.ceiling_s;
        if self.successes < SUCCESSES_TO_GROW || longer == self.memory.interval_s || is_forbidden {
            return None;
        }
        self.successes = 0;
        self.memory.interval_s = longer;
        Some(self.memory)
    }

    /// The link died under a probe: this length is too long here.
    pub(crate) fn lesson_of_death(&mut self) -> Option<HeartbeatMemory> {
        if !self.is_probe || self.memory.interval_s <= self.bounds.least {
            return None;
        }
        self.memory.ceiling_s = self.memory.interval_s;
        self.memory.interval_s = (self.memory.interval_s - self.bounds.step).max(self.bounds.least);
        Some(self.memory)
    }

    /// Ask for an answer at once, for instance after the address changed.
    pub(crate) fn handle_doubt(&mut self, now: Duration) {
        self.ping_at.get_or_insert(now);
    }

    pub(crate) fn deadline(&self, is_answer_owed: bool) -> Duration {
        match self.ping_at {
            Some(at) => at + ANSWER_WITHIN,
            None => {
                let idle = self.sent_at + Duration::from_secs(self.memory.interval_s.into());
                let owed = self.unheard_since.filter(|_| is_answer_owed).map(|since| since + OWED_SILENCE);
                owed.map_or(idle, |owed| owed.min(idle))
            }
        }
    }

    pub(crate) fn handle_timeout(&mut self, is_answer_owed: bool, now: Duration) -> Option<Beat> {
        if now < self.deadline(is_answer_owed) {
            return None;
        }
        if self.ping_at.is_some() {
            return Some(Beat::Dead);
        }
        let interval = Duration::from_secs(self.memory.interval_s.into());
        self.is_probe = now >= self.sent_at.max(self.heard_at) + interval;
        self.ping_at = Some(now);
        Some(Beat::Ping)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Duration = Duration::from_secs(1000);

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// One interval of silence, a ping, an answer.
    fn survive_an_interval(heartbeat: &mut Heartbeat) -> Option<HeartbeatMemory> {
        let now = heartbeat.deadline(false);
        assert_eq!(heartbeat.handle_timeout(false, now), Some(Beat::Ping));
        heartbeat.handle_sent(now);
        heartbeat.handle_heard(now)
    }

    #[test]
    fn an_idle_link_pings_after_its_interval_and_dies_ten_seconds_later_when_nothing_is_heard() {
        let mut heartbeat = Heartbeat::new(Transport::Tcp, None, T0);
        assert_eq!(heartbeat.handle_timeout(false, T0 + seconds(119)), None);
        assert_eq!(heartbeat.handle_timeout(false, T0 + seconds(120)), Some(Beat::Ping));
        assert_eq!(heartbeat.handle_timeout(false, T0 + seconds(129)), None);
        assert_eq!(heartbeat.handle_timeout(false, T0 + seconds(130)), Some(Beat::Dead));
    }

    #[test]
    fn a_link_that_owes_an_answer_is_asked_after_five_seconds() {
        let mut heartbeat = Heartbeat::new(Transport::Tcp, None, T0);
        heartbeat.handle_sent(T0 + seconds(2));
        heartbeat.handle_sent(T0 + seconds(6));
        assert_eq!(heartbeat.handle_timeout(true, T0 + seconds(7)), Some(Beat::Ping));
    }

    #[test]
    fn three_survived_intervals_make_the_interval_longer_up_to_the_bound() {
        let mut heartbeat = Heartbeat::new(Transport::Quic, None, T0);
        let learned: Vec<u16> =
            (0..30).filter_map(|_| survive_an_interval(&mut heartbeat)).map(|memory| memory.interval_s).collect();
        assert_eq!(learned, [30, 35, 40, 45, 50, 55, 60]);
    }

    #[test]
    fn a_length_that_lost_the_link_is_not_tried_again() {
        let mut heartbeat = Heartbeat::new(Transport::Quic, None, T0);
        heartbeat.handle_timeout(false, heartbeat.deadline(false));
        let learned = heartbeat.lesson_of_death();
        assert_eq!(learned, Some(HeartbeatMemory { interval_s: 20, ceiling_s: 25 }));

        let mut next = Heartbeat::new(Transport::Quic, learned, T0);
        assert!((0..10).all(|_| survive_an_interval(&mut next).is_none()));
    }

    #[test]
    fn the_servers_bounds_win() {
        let mut heartbeat = Heartbeat::new(Transport::Tcp, None, T0);
        heartbeat.handle_bounds(10, 30);
        assert_eq!(heartbeat.deadline(false), T0 + seconds(30));
    }
}
