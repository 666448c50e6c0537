//! The same line again and again: a few are written, the rest is counted and told once a minute.
//!
//! A warning is the same when its text is, whomever it names; a line that tells what somebody did (info) only when all of
//! it is. Who asks for debug or trace wants every line.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use log::Level;

use super::Event;

/// Of one line, in a minute.
const WRITTEN_MAX: u64 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// Different lines that are watched; the longest known is forgotten first.
const WATCHED_MAX: usize = 256;

#[derive(Default)]
pub struct Repeats {
    watched: VecDeque<Watched>,
}

struct Watched {
    event: Event,
    since: Instant,
    count: u64,
}

impl Repeats {
    /// What is to be written now: the line, unless it came too often, and before it what is to be told of earlier ones.
    pub fn admit(&mut self, event: Event, now: Instant) -> Vec<Event> {
        let mut written = self.over(now);
        if event.level > Level::Info {
            written.push(event);
            return written;
        }
        match self.watched.iter_mut().find(|watched| is_same(&watched.event, &event)) {
            Some(watched) => {
                watched.count += 1;
                if watched.count <= WRITTEN_MAX {
                    written.push(event);
                }
            }
            None => {
                if self.watched.len() >= WATCHED_MAX {
                    written.extend(self.watched.pop_front().and_then(Watched::told));
                }
                self.watched.push_back(Watched { event: event.clone(), since: now, count: 1 });
                written.push(event);
            }
        }
        written
    }

    /// What is to be told of lines whose minute is over.
    pub fn over(&mut self, now: Instant) -> Vec<Event> {
        let mut told = Vec::new();
        while let Some(watched) = self.watched.pop_front_if(|watched| now.duration_since(watched.since) >= WINDOW) {
            told.extend(watched.told());
        }
        told
    }

    /// When [`Self::over`] has something to tell; nothing when nobody waits.
    pub fn next(&self, now: Instant) -> Option<Duration> {
        let held = self.watched.iter().find(|watched| watched.count > WRITTEN_MAX)?;
        Some((held.since + WINDOW).saturating_duration_since(now))
    }
}

impl Watched {
    fn told(self) -> Option<Event> {
        let more = self.count.checked_sub(WRITTEN_MAX).filter(|more| *more > 0)?;
        let Event { level, target, text, .. } = self.event;
        Some(Event {
            level,
            target,
            text: format!("{text} … repeated {more} times within a minute"),
            fields: Vec::new(),
        })
    }
}

fn is_same(left: &Event, right: &Event) -> bool {
    left.level == right.level
        && left.text == right.text
        && left.target == right.target
        && (left.level < Level::Info || left.fields == right.fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(level: Level, text: &str, app: &str) -> Event {
        let fields = vec![("app".to_owned(), app.to_owned())];
        Event { level, target: "anserd".to_owned(), text: text.to_owned(), fields }
    }

    #[test]
    fn a_warning_that_comes_a_hundred_times_is_five_lines_and_a_count() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        let mut written = Vec::new();
        for number in 0..100 {
            written.extend(repeats.admit(event(Level::Warn, "refused", &number.to_string()), begun));
        }
        assert_eq!(written.len(), 5);
        assert_eq!(repeats.next(begun), Some(WINDOW));
        let told = repeats.over(begun + WINDOW);
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].text, "refused … repeated 95 times within a minute");
        assert_eq!(repeats.next(begun + WINDOW), None);
        assert_eq!(repeats.admit(event(Level::Warn, "refused", "x"), begun + WINDOW).len(), 1, "a new minute begins");
    }

    #[test]
    fn what_is_done_to_different_apps_is_written_each_time_and_debug_always() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        let mut written = 0;
        for number in 0..20 {
            written += repeats.admit(event(Level::Info, "an app was created", &number.to_string()), begun).len();
            written += repeats.admit(event(Level::Debug, "a link", "x"), begun).len();
        }
        assert_eq!(written, 40);
    }

    #[test]
    fn so_many_different_lines_as_come_do_not_fill_the_memory() {
        let (mut repeats, begun) = (Repeats::default(), Instant::now());
        for number in 0..10_000 {
            repeats.admit(event(Level::Error, &number.to_string(), ""), begun);
        }
        assert_eq!(repeats.watched.len(), WATCHED_MAX);
    }
}
