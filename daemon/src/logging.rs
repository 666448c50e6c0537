//! Log lines: to the journal when standard error is connected to it, else plain lines on standard error.
//!
//! A stalled journal or terminal must not stop a worker, so lines go through a bounded queue to one thread. What does
//! not fit is dropped and counted; the count is reported as soon as there is room again.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::{JournalLog, connected_to_journal};

const QUEUE_LINES: usize = 4096;

/// Installs the logger, also for what panics: it ends one request or connection, and the line is all that is left of it.
/// A second call has no effect (tests start several daemons in one process).
pub fn start(level: LevelFilter) {
    let (queue, lines) = sync_channel(QUEUE_LINES);
    let sink = match JournalLog::new() {
        Ok(journal) if connected_to_journal() => Sink::Journal(journal),
        _ => Sink::StandardError,
    };
    let logger = Box::new(Queue { queue, dropped: AtomicU64::new(0) });
    if log::set_boxed_logger(logger).is_ok() {
        log::set_max_level(level);
        std::panic::set_hook(Box::new(|panic| log::error!("a bug: {panic}")));
        // Detached on purpose: it ends with the process.
        let _ = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&lines, &sink));
    }
}

/// Waits until every line written so far has reached the sink, at most a second.
pub fn flush() {
    log::logger().flush();
}

enum Line {
    Event {
        level: Level,
        target: String,
        text: String,
        fields: Vec<(String, String)>,
    },
    /// Answered when everything before it was written.
    Flush(SyncSender<()>),
}

struct Queue {
    queue: SyncSender<Line>,
    dropped: AtomicU64,
}

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Handshakes of strangers fail all day; what libraries say below a warning helps nobody at info.
        metadata.level() <= log::max_level()
            && (metadata.target().starts_with("anser")
                || metadata.level() <= Level::Warn
                || log::max_level() > Level::Info)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut fields = Fields(Vec::new());
        let _ = record.key_values().visit(&mut fields);
        let line = Line::Event {
            level: record.level(),
            target: record.target().to_owned(),
            text: record.args().to_string(),
            fields: fields.0,
        };
        if let Err(TrySendError::Full(_)) = self.queue.try_send(line) {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        self.report_dropped();
    }

    fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.try_send(Line::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(std::time::Duration::from_secs(1));
        }
    }
}

impl Queue {
    fn report_dropped(&self) {
        let dropped = self.dropped.swap(0, Ordering::Relaxed);
        if dropped == 0 {
            return;
        }
        let line = Line::Event {
            level: Level::Warn,
            target: "anserd::logging".to_owned(),
            text: "log lines were dropped because they came faster than they could be written".to_owned(),
            fields: vec![("lines".to_owned(), dropped.to_string())],
        };
        if self.queue.try_send(line).is_err() {
            self.dropped.fetch_add(dropped, Ordering::Relaxed);
        }
    }
}

struct Fields(Vec<(String, String)>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        self.0.push((key.to_string(), value.to_string()));
        Ok(())
    }
}

enum Sink {
    Journal(JournalLog),
    StandardError,
}

fn write_all(lines: &Receiver<Line>, sink: &Sink) {
    for line in lines {
        match line {
            Line::Flush(done) => drop(done.try_send(())),
            Line::Event { level, target, text, fields } => sink.write(level, &target, &text, &fields),
        }
    }
}

impl Sink {
    /// Errors are dropped: there is nowhere left to report them.
    fn write(&self, level: Level, target: &str, text: &str, fields: &[(String, String)]) {
        match self {
            Self::StandardError => {
                let _ = std::io::stderr().write_all(plain_line(level, text, fields).as_bytes());
            }
            Self::Journal(journal) => {
                let _ = journal.journal_send(
                    &Record::builder()
                        .level(level)
                        .target(target)
                        .key_values(&fields)
                        .args(format_args!("{text}"))
                        .build(),
                );
            }
        }
    }
}

/// One line whatever the text holds: a newline inside could forge another line.
fn plain_line(level: Level, text: &str, fields: &[(String, String)]) -> String {
    let mut line = format!("{:<5} {text}", level.as_str().to_ascii_lowercase());
    for (key, value) in fields {
        line.push_str(&format!(" {key}={value}"));
    }
    let mut line: String = line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_with_a_newline_stays_one_line() {
        let fields = [("app".to_owned(), "7\nerror forged".to_owned())];
        assert_eq!(plain_line(Level::Warn, "bad\rname", &fields), "warn  bad name app=7 error forged\n");
    }
}
