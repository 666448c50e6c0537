//! The daemon and a journal: lines that can be searched, and a journal that has stopped reading.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::{Duration, Instant};

use anser_tests::daemon::{Daemon, Plan};
use anser_tests::{binaries, skip};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Of real time, on a machine that does other things as well.
const PATIENCE: Duration = Duration::from_secs(60);
/// What a question to a daemon may take that is not held up.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn lines_in_the_journal_have_fields_to_be_searched_by() {
    if let Some(reason) = missing() {
        skip!("lines_in_the_journal_have_fields_to_be_searched_by", "{reason}");
    }
    let journal = Journal::new();
    let daemon = journal.daemon("info").await.expect("it starts");
    let app = daemon.create_app("shop").await.expect("an app");

    let entry = journal.entry("an app was created").expect("it is told");
    assert_eq!(field(&entry, "APP").as_deref(), Some(app.app_key.as_str()));
    assert_eq!(field(&entry, "PRIORITY").as_deref(), Some("5"));
    assert_eq!(field(&entry, "SYSLOG_IDENTIFIER").as_deref(), Some("anserd"));
    assert_eq!(field(&entry, "TARGET").as_deref(), Some("anserd::admin::server"));
    let message = field(&entry, "MESSAGE").expect("a text");
    assert_eq!(message, format!("an app was created app={}", app.app_key), "what `journalctl` shows unasked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_has_stopped_reading_holds_up_nobody() {
    if let Some(reason) = missing() {
        skip!("a_journal_that_has_stopped_reading_holds_up_nobody", "{reason}");
    }
    // Given a journal that reads nothing from the first word on,
    let journal = Journal::new();
    let daemon = journal.daemon("trace").await.expect("it starts all the same");
    // when more is said than its socket and the queue hold,
    let begun = Instant::now();
    while dropped(&daemon).await == 0 {
        assert!(begun.elapsed() < PATIENCE, "nothing was dropped");
        for _ in 0..100 {
            let mut stranger = TcpStream::connect(daemon.address()).await.expect("it accepts");
            stranger.write_all(b"no TLS at all, nor anything like it\n").await.expect("sent");
        }
    }
    // then what is asked of the daemon is done,
    let begun = Instant::now();
    daemon.create_app("shop").await.expect("an app");
    assert!(begun.elapsed() < ANSWERED_WITHIN, "it took {:?}", begun.elapsed());
    // and when the journal reads again, it is told what is missing.
    let entry = journal.entry("log lines were dropped").expect("it is told");
    let lines = field(&entry, "LINES").and_then(|lines| lines.parse::<u64>().ok());
    assert!(lines.is_some_and(|lines| lines > 0), "{lines:?}");
}

async fn dropped(daemon: &Daemon) -> u64 {
    let status: Value = daemon.admin(&["status"]).await.expect("answered");
    status["figures"]["log_dropped"].as_u64().expect("a number")
}

fn missing() -> Option<&'static str> {
    (!rustix::process::geteuid().is_root()).then_some("mounting needs root")
}

/// A socket where the daemon takes the journal's to be, in a mount namespace of its own.
struct Journal {
    socket: UnixDatagram,
    folder: TempDir,
}

impl Journal {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("journal")).expect("made");
        let socket = UnixDatagram::bind(folder.path().join("journal/socket")).expect("bound");
        socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a time");
        Self { socket, folder }
    }

    async fn daemon(&self, level: &str) -> io::Result<Daemon> {
        let script = self.folder.path().join("anserd");
        let text = format!(
            "#!/bin/sh\n\
             [ -n \"$INSIDE\" ] || INSIDE=1 exec unshare --mount \"$0\" \"$@\"\n\
             mount -t tmpfs none /run && mkdir -p /run/systemd/journal || exit 9\n\
             mount --bind '{}' /run/systemd/journal || exit 9\n\
             export JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2)\n\
             exec '{}' \"$@\"\n",
            self.folder.path().join("journal").display(),
            binaries::anserd().display(),
        );
        write_program(&script, &text)?;
        let mut plan = Plan::new_for(&script, &self.folder.path().join("data"), &self.folder.path().join("log"));
        plan.environment.push(("ANSER_LOG_LEVEL".into(), level.into()));
        Daemon::start_as(plan).await
    }

    /// The first entry whose text has these words.
    fn entry(&self, words: &str) -> Option<Vec<u8>> {
        let (begun, mut buffer) = (Instant::now(), vec![0; 1 << 20]);
        while begun.elapsed() < PATIENCE {
            let Ok(length) = self.socket.recv(&mut buffer) else { continue };
            if field(&buffer[..length], "MESSAGE").is_some_and(|message| message.contains(words)) {
                return Some(buffer[..length].to_vec());
            }
        }
        None
    }
}

fn write_program(path: &Path, text: &str) -> io::Result<()> {
    std::fs::write(path, text)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755))
}

/// In the journal's own protocol: `NAME=value`, or the name on a line, eight bytes of length and the value.
fn field(entry: &[u8], name: &str) -> Option<String> {
    let mut rest = entry;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, behind) = (&rest[..end], &rest[end + 1..]);
        let (found, value, behind) = match line.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&line[..equals], &line[equals + 1..], behind),
            None => {
                let length = u64::from_le_bytes(behind.get(..8)?.try_into().ok()?) as usize;
                (line, behind.get(8..8 + length)?, behind.get(9 + length..)?)
            }
        };
        if found == name.as_bytes() {
            return Some(String::from_utf8_lossy(value).into_owned());
        }
        rest = behind;
    }
    None
}
