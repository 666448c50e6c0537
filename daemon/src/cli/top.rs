//! `anserd top`: what the daemon does, drawn anew every second.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{Figures, Reply, Request, Sums};
use crate::clock::Written;
use crate::config::TimeZone;

#[derive(Debug, Args)]
pub struct TopArgs {
    /// Seconds between two looks
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=60))]
    every: u8,
    /// Ends after so many looks; without it, with Ctrl-C
    #[arg(long)]
    count: Option<u32>,
    #[command(flatten)]
    admin: AdminArgs,
}

/// To the upper left corner, and everything away. Understood by every terminal of the last forty years.
const CLEAR: &str = "\x1b[H\x1b[2J";

pub fn run(args: &TopArgs) -> Result<(), Failure> {
    let mut before = look(args)?;
    let mut left = args.count;
    while left != Some(0) {
        std::thread::sleep(Duration::from_secs(args.every.into()));
        let now = look(args)?;
        if args.admin.json {
            print_json(&now);
        } else {
            let clear = if std::io::stdout().is_terminal() { CLEAR } else { "" };
            let mut out = std::io::stdout().lock();
            // A pipe that was closed is the end.
            if out.write_all(format!("{clear}{}", drawn(&before, &now)).as_bytes()).and_then(|()| out.flush()).is_err()
            {
                return Ok(());
            }
        }
        before = now;
        left = left.map(|left| left - 1);
    }
    Ok(())
}

fn look(args: &TopArgs) -> Result<Figures, Failure> {
    let Reply::Figures(figures) = args.admin.ask(&Request::Figures)? else { return Err(strange()) };
    Ok(*figures)
}

fn drawn(before: &Figures, now: &Figures) -> String {
    let ms = now.at_ms.saturating_sub(before.at_ms).max(1);
    let rate = |of: fn(&Sums) -> u64| of(&now.sums).saturating_sub(of(&before.sums)) as f64 * 1000.0 / ms as f64;
    let links: Vec<_> = now.links.iter().map(|(transport, count)| format!("{transport} {count}")).collect();
    let mut text = format!("anserd top  {} UTC  Ctrl-C ends it\n\n", Written(now.at_ms, TimeZone::UTC));
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<12}{value}\n"));
    line("ready", if now.not_ready.is_empty() { "yes".to_owned() } else { now.not_ready.join("; ") });
    line("links", format!("{}; {} devices, {} users", links.join(", "), now.devices, now.users));
    line("queue", format!("{} changes, {} passwords", now.waiting_commands, now.passwords_waiting));
    line("memory", format!("{} MiB, {} of {} files open", now.memory_bytes >> 20, now.open_files, now.open_files_max));
    line("disk", format!("{} MiB stored, {} MiB free", now.store_bytes >> 20, now.disk_free_bytes >> 20));
    text.push_str("\na second\n");
    let mut line = |name: &str, of: fn(&Sums) -> u64| text.push_str(&format!("  {name:<20}{:>10.1}\n", rate(of)));
    line("messages", |sums| sums.messages);
    line("deliveries", |sums| sums.deliveries);
    line("pushes accepted", |sums| sums.pushes_accepted);
    line("pushes sent", |sums| sums.pushes_sent);
    line("pushes received", |sums| sums.pushes_received);
    line("pushes bridged", |sums| sums.pushes_bridged);
    line("requests", |sums| sums.requests);
    line("  that failed", |sums| sums.requests_failed);
    line("changes", |sums| sums.commands);
    line("  refused", |sums| sums.refused);
    line("links opened", |sums| sums.links_opened);
    line("logins", |sums| sums.logins);
    line("catch-ups", |sums| sums.catch_ups);
    text.push_str("\nslowest of the last minute\n");
    for (what, ms) in &now.slowest {
        text.push_str(&format!("  {ms:>6} ms  {what}\n"));
    }
    if now.slowest.is_empty() {
        text.push_str("  nothing took 5 ms\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_a_second_and_all_fits_on_one_screen() {
        let sums = |messages| Sums { messages, ..Sums::default() };
        let before = Figures { at_ms: 1000, sums: sums(100), ..Figures::default() };
        let slowest = vec![("GET /v3/devices".to_owned(), 17); 8];
        let now = Figures { at_ms: 3000, sums: sums(500), slowest, ..Figures::default() };
        let text = drawn(&before, &now);
        assert!(text.lines().any(|line| line.split_whitespace().eq(["messages", "200.0"])), "{text}");
        assert!(text.lines().count() <= 36 && text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
