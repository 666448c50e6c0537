//! One line on a terminal that says how far an import has come. Drawn here, because a crate for bars is larger than what it
//! would do for us; elsewhere than on a terminal nothing is drawn.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

const BETWEEN: Duration = Duration::from_millis(200);
const WIDTH: u64 = 30;

pub struct Progress {
    is_shown: bool,
    drawn: Option<Instant>,
}

impl Progress {
    pub fn on_terminal() -> Self {
        Self { is_shown: std::io::stderr().is_terminal(), drawn: None }
    }

    pub fn hidden() -> Self {
        Self { is_shown: false, drawn: None }
    }

    pub fn show(&mut self, what: &str, done: u64, total: u64) {
        let now = Instant::now();
        if !self.is_shown || self.drawn.is_some_and(|drawn| now - drawn < BETWEEN) {
            return;
        }
        self.drawn = Some(now);
        eprint!("\r{}\x1b[K", line(what, done, total));
        let _ = std::io::stderr().flush();
    }

    /// Makes room for other lines.
    pub fn clear(&mut self) {
        if self.drawn.take().is_some() {
            eprint!("\r\x1b[K");
        }
    }
}

fn line(what: &str, done: u64, total: u64) -> String {
    let total = total.max(done);
    let filled = (done * WIDTH).checked_div(total).unwrap_or(0);
    let bar: String = (0..WIDTH).map(|place| if place < filled { '#' } else { '.' }).collect();
    format!("{what:<8} [{bar}] {done} of {total}")
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn the_bar_is_as_long_as_what_is_done() {
        assert_eq!(line("users", 1, 2), format!("users    [{}{}] 1 of 2", "#".repeat(15), ".".repeat(15)));
        assert_eq!(line("users", 0, 0), format!("users    [{}] 0 of 0", ".".repeat(30)));
        assert_eq!(line("users", 3, 2), format!("users    [{}] 3 of 3", "#".repeat(30)), "more came meanwhile");
    }
}
