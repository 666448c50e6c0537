//! Log lines: to the journal when standard error is connected to it, else plain lines on standard error.
//!
//! A stalled journal or terminal must not stop a worker, so lines go through a bounded queue to one thread, which alone
//! waits for the sink. What does not fit is dropped and counted; the count is reported as soon as there is room again.

mod levels;
mod repeats;

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};

use log::kv::{Key, Value, VisitSource};
use log::{Level, LevelFilter, Log, Metadata, Record};
use systemd_journal_logger::{JournalLog, connected_to_journal};

use repeats::Repeats;

pub use levels::{ModuleLevel, begin as set_levels, change as change_level, shown as levels_shown};

const QUEUE_LINES: usize = 4096;
/// How often dropped lines are told of while more are dropped.
const DROPPED_TOLD_EVERY: Duration = Duration::from_secs(5);
/// When nothing waits to be told of.
const IDLE: Duration = Duration::from_secs(3600);

/// Lines since the start, by level, and those that found no room. Of the process, like the logger itself.
static LINES: [AtomicU64; 5] = [const { AtomicU64::new(0) }; 5];
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How much was said, in the order error, warn, info, debug, trace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub lines: [u64; 5],
    pub dropped: u64,
}

pub fn counts() -> Counts {
    let lines = std::array::from_fn(|level| LINES[level].load(Ordering::Relaxed));
    Counts { lines, dropped: DROPPED.load(Ordering::Relaxed) }
}

/// Installs the logger, also for what panics: it ends one request or connection, and the line is all that is left of it.
/// A second call has no effect (tests start several daemons in one process).
pub fn start(level: LevelFilter, modules: &[ModuleLevel]) {
    let (queue, lines) = sync_channel(QUEUE_LINES);
    let unsaid = Arc::<AtomicU64>::default();
    if log::set_boxed_logger(Box::new(Queue { queue, unsaid: unsaid.clone() })).is_ok() {
        levels::begin(level, modules);
        std::panic::set_hook(Box::new(|panic| {
            log::error!("a bug: {panic}; please report it with the lines around this one");
        }));
        // Detached on purpose: it ends with the process. Already the first word to the journal may have to wait.
        let _ =
            std::thread::Builder::new().name("log".to_owned()).spawn(move || write_all(&lines, &Sink::open(), &unsaid));
    }
}

/// Waits until every line written so far has reached the sink, at most a second.
pub fn flush() {
    log::logger().flush();
}

enum Line {
    Event(Event),
    /// Answered when everything before it was written.
    Flush(SyncSender<()>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Event {
    level: Level,
    target: String,
    text: String,
    fields: Vec<(String, String)>,
}

struct Queue {
    queue: SyncSender<Line>,
    /// Dropped lines that nobody was told of.
    unsaid: Arc<AtomicU64>,
}

impl Log for Queue {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        levels::lets_through(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let mut fields = Fields(Vec::new());
        let _ = record.key_values().visit(&mut fields);
        self.put(Event {
            level: record.level(),
            target: record.target().to_owned(),
            text: record.args().to_string(),
            fields: fields.0,
        });
    }

    fn flush(&self) {
        let (done, wait) = sync_channel(1);
        if self.queue.try_send(Line::Flush(done)).is_ok() {
            let _ = wait.recv_timeout(Duration::from_secs(1));
        }
    }
}

impl Queue {
    fn put(&self, event: Event) {
        LINES[event.level as usize - 1].fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Line::Event(event)) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            self.unsaid.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Written by the thread itself: there may be no other line for long that could bring it along.
fn of_dropped(lines: u64) -> Event {
    Event {
        level: Level::Warn,
        target: "anserd::logging".to_owned(),
        text: "log lines were dropped because they came faster than they could be written; lower the level with \
               `anserd log-level`, or look at what holds up the journal"
            .to_owned(),
        fields: vec![("lines".to_owned(), lines.to_string())],
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
    #[cfg(test)]
    Socket(std::os::unix::net::UnixDatagram),
}

fn write_all(lines: &Receiver<Line>, sink: &Sink, unsaid: &AtomicU64) {
    let mut repeats = Repeats::default();
    let mut told: Option<Instant> = None;
    loop {
        let has_unsaid = unsaid.load(Ordering::Relaxed) > 0;
        if has_unsaid && told.is_none_or(|told| told.elapsed() >= DROPPED_TOLD_EVERY) {
            sink.write(&of_dropped(unsaid.swap(0, Ordering::Relaxed)));
            told = Some(Instant::now());
        }
        let wait = if has_unsaid { DROPPED_TOLD_EVERY } else { repeats.next(Instant::now()).unwrap_or(IDLE) };
        let written = match lines.recv_timeout(wait) {
            Ok(Line::Event(event)) => repeats.admit(event, Instant::now()),
            Ok(Line::Flush(done)) => {
                // Whoever asked may have stopped waiting.
                let _ = done.try_send(());
                continue;
            }
            Err(RecvTimeoutError::Timeout) => repeats.over(Instant::now()),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for event in &written {
            sink.write(event);
        }
    }
}

impl Sink {
    fn open() -> Self {
        if !connected_to_journal() {
            return Self::StandardError;
        }
        JournalLog::new().map_or(Self::StandardError, Self::Journal)
    }

    /// Errors are counted only: there is nowhere left to report them.
    fn write(&self, event: &Event) {
        let written = match self {
            Self::StandardError => std::io::stderr().write_all(plain_line(event).as_bytes()),
            Self::Journal(journal) => journal.journal_send(
                &Record::builder()
                    .level(event.level)
                    .target(&event.target)
                    .key_values(&event.fields)
                    // Fields stand in the text as well: `journalctl` shows nothing else unless it is asked to.
                    .args(format_args!("{}", with_fields(event)))
                    .build(),
            ),
            #[cfg(test)]
            Self::Socket(socket) => socket.send(plain_line(event).as_bytes()).map(drop),
        };
        if written.is_err() {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One line whatever the text holds: a newline inside could forge another line.
fn plain_line(event: &Event) -> String {
    format!("{:<5} {}\n", event.level.as_str().to_ascii_lowercase(), with_fields(event))
}

fn with_fields(event: &Event) -> String {
    let mut line = event.text.clone();
    for (key, value) in &event.fields {
        line.push_str(&format!(" {key}={value}"));
    }
    line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn event(text: &str) -> Event {
        Event { level: Level::Debug, target: "anserd".to_owned(), text: text.to_owned(), fields: Vec::new() }
    }

    #[test]
    fn a_text_with_a_newline_stays_one_line() {
        let fields = vec![("app".to_owned(), "7\nerror forged".to_owned())];
        let event = Event { level: Level::Warn, fields, ..event("bad\rname") };
        assert_eq!(plain_line(&event), "warn  bad name app=7 error forged\n");
    }

    #[test]
    fn a_journal_that_nobody_reads_holds_up_nobody_and_what_was_dropped_is_told() {
        // Given a socket that takes a few lines and then makes its writer wait,
        let (near, far) = UnixDatagram::pair().expect("a pair");
        let (queue, lines) = sync_channel(QUEUE_LINES);
        let unsaid = Arc::<AtomicU64>::default();
        let queue = Queue { queue, unsaid: unsaid.clone() };
        let thread = std::thread::spawn(move || write_all(&lines, &Sink::Socket(near), &unsaid));
        let before = counts();

        // when far more is said than fits into it and the queue, nobody waits,
        let begun = Instant::now();
        let said = QUEUE_LINES * 4;
        (0..said).for_each(|number| queue.put(event(&format!("line {number}"))));
        assert!(begun.elapsed() < Duration::from_secs(10), "saying something waited for the sink");
        let dropped = counts().dropped - before.dropped;
        assert!(dropped >= QUEUE_LINES as u64, "only {dropped} lines were dropped");

        // and when it is read again, everything else arrives, with the number of those that are missing.
        let mut buffer = [0; 1024];
        let mut read = || {
            let length = far.recv(&mut buffer).expect("the other end is open");
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let (mut heard, mut missing) = (0, 0);
        while missing < dropped {
            match read().trim().split_once(" lines=") {
                Some((_, lines)) => missing += lines.parse::<u64>().expect("a number"),
                None => heard += 1,
            }
        }
        assert!(heard <= said as u64 - missing, "{heard} lines came and {missing} were missing");
        drop(queue);
        far.set_read_timeout(Some(Duration::from_millis(10))).expect("a time");
        while !thread.is_finished() {
            let _ = far.recv(&mut [0; 1024]);
        }
        thread.join().expect("it ends with its queue");
    }
}
