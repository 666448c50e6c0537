//! Figures of links and chats, with load from `anser bench` on the same machine.
//!
//! Both ends share the processors: the server's processor time and memory are firm, rates are floors.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::table::{Table, Target};
use super::{filled, machine};
use crate::binaries;
use crate::daemon::{App, Daemon, Plan};

const KIB: f64 = 1024.0;
const IDLE_LINKS: u32 = 2_000;
const RECONNECTS: u32 = 200;
const ROUNDS: u32 = 10;
/// Users who are all connected.
const CROWD: u32 = 10_000;
/// Of them so many connect at the same time.
const AT_ONCE: u32 = 200;

/// A daemon whose users' passwords cost nothing, so that what is measured is the rest.
pub(super) struct Bench {
    pub daemon: Daemon,
    pub app: App,
    folder: PathBuf,
}

impl Bench {
    pub async fn start(folder: &Path, name: &str) -> io::Result<Self> {
        Self::start_with(folder, name, None).await
    }

    /// By a program of one's own that starts the daemon.
    pub async fn start_with(folder: &Path, name: &str, starter: Option<&Path>) -> io::Result<Self> {
        let mut plan = Plan::new(&folder.join(name), &folder.join(format!("{name}.log")));
        let settings = [
            ("ANSER_PASSWORD_MEMORY_KIB", "8"),
            ("ANSER_PASSWORD_PASSES", "1"),
            ("ANSER_LIMITS_GROUP_MEMBERS", "2000"),
        ];
        if let Some(starter) = starter {
            plan.binary = starter.to_owned();
        }
        plan.environment.extend(settings.map(|(key, value)| (key.into(), value.into())));
        Self::start_as(plan, folder).await
    }

    async fn start_as(plan: Plan, folder: &Path) -> io::Result<Self> {
        let daemon = Daemon::start_as(plan).await?;
        let app = daemon.create_app("bench").await?;
        Ok(Self { daemon, app, folder: folder.to_owned() })
    }

    pub fn process(&self) -> io::Result<u32> {
        self.daemon.process_id().ok_or_else(|| io::Error::other("the daemon does not run"))
    }

    /// Starts `anser bench` with these words.
    pub fn load(&self, words: &str) -> io::Result<Load> {
        let mut child = Command::new(binaries::anser())
            .args(["bench", "--json", "--register", "--server"])
            .arg(format!("localhost:{}", self.daemon.address().port()))
            .args(["--app-key", &self.app.app_key, "--password", "bench-password", "--ca"])
            .arg(self.daemon.ca())
            .arg("--state-dir")
            .arg(self.folder.join("state"))
            .args(words.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or_else(|| io::Error::other("no output of anser"))?;
        Ok(Load { child, lines: BufReader::new(stdout).lines() })
    }

    /// The same, with the server's processor time from the moment in which all are ready, in microseconds for each of what
    /// the figure at `per` counts.
    async fn measured(&self, words: &str, per: &str) -> io::Result<(Value, f64)> {
        let mut load = self.load(words)?;
        load.event("ready").await?;
        let before = machine::cpu(self.process()?)?;
        let done = load.finish().await?;
        let spent = machine::cpu(self.process()?)? - before;
        let each = spent.as_secs_f64() * 1e6 / figure(&done, per)?;
        Ok((done, each))
    }

    /// Runs it to its end and gives its figures.
    pub async fn figures(&self, words: &str) -> io::Result<Value> {
        let mut load = self.load(words)?;
        load.event("ready").await?;
        load.finish().await
    }
}

/// A running `anser bench`.
pub(super) struct Load {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Load {
    /// Waits for the line that tells of this.
    pub async fn event(&mut self, name: &str) -> io::Result<Value> {
        while let Some(line) = self.lines.next_line().await? {
            let event: Value = serde_json::from_str(&line)?;
            if event["event"] == name {
                return Ok(event);
            }
        }
        let status = self.child.wait().await?;
        Err(io::Error::other(format!("anser bench ended without telling of {name}: {status}")))
    }

    /// What it waits for on its standard input.
    pub async fn go_on(&mut self) -> io::Result<()> {
        let stdin = self.child.stdin.as_mut().ok_or_else(|| io::Error::other("no input of anser"))?;
        stdin.write_all(b"\n").await?;
        stdin.flush().await
    }

    pub async fn finish(&mut self) -> io::Result<Value> {
        let done = self.event("done").await?;
        self.child.wait().await?;
        Ok(done)
    }
}

pub(super) fn figure(figures: &Value, path: &str) -> io::Result<f64> {
    let found = figures.pointer(path).and_then(Value::as_f64);
    found.ok_or_else(|| io::Error::other(format!("anser bench did not tell {path}: {figures}")))
}

/// What an idle, logged-in link holds in the daemon's own memory.
pub async fn idle(table: &mut Table, folder: &Path) -> io::Result<()> {
    let rows = [
        ("tcp", "user memory per idle logged-in link, TCP+TLS", 10.0),
        ("ws", "user memory per idle logged-in link, WebSocket+TLS", 18.0),
        ("quic", "user memory per idle logged-in link, QUIC", 30.0),
    ];
    for (transport, name, target) in rows {
        let bench = Bench::start(folder, &format!("idle-{transport}")).await?;
        // Users exist and everything has been used once, so that what is counted is the links.
        bench.figures(&format!("--transport {transport} idle --links {IDLE_LINKS} --hold 0")).await?;
        let bench = restarted(bench).await?;
        bench.figures(&format!("--transport {transport} idle --links 10 --hold 0")).await?;
        let before = machine::memory(bench.process()?)?.anonymous;
        let mut load = bench.load(&format!("--transport {transport} idle --links {IDLE_LINKS} --hold 5"))?;
        load.event("ready").await?;
        let after = machine::memory(bench.process()?)?.anonymous;
        load.finish().await?;
        let each = (after.saturating_sub(before)) as f64 / f64::from(IDLE_LINKS) / KIB;
        table.add(name, each, "KiB", Target::AtMost(target));
    }
    Ok(())
}

async fn restarted(mut bench: Bench) -> io::Result<Bench> {
    bench.daemon.stop().await?;
    bench.daemon.restart().await?;
    Ok(bench)
}

/// What a new link costs the server, with a full handshake and with a resumed one.
pub async fn handshakes(table: &mut Table, folder: &Path) -> io::Result<()> {
    let bench = Bench::start(folder, "handshakes").await?;
    let rows = [
        ("--full-handshake", "server CPU per new TLS link with login by token, full handshake", 300.0),
        ("", "server CPU per new TLS link with login by token, resumed handshake", 200.0),
    ];
    for (flag, name, target) in rows {
        let mut load =
            bench.load(&format!("--transport tcp reconnect --links {RECONNECTS} --rounds {ROUNDS} {flag}"))?;
        load.event("ready").await?;
        let before = machine::cpu(bench.process()?)?;
        let done = load.finish().await?;
        let spent = machine::cpu(bench.process()?)? - before;
        let each = spent.as_secs_f64() * 1e6 / figure(&done, "/links_opened")?;
        table.add(name, each, "µs", Target::AtMost(target));
    }
    Ok(())
}

/// Durable single chats: paced, and as fast as they go.
pub async fn sends(table: &mut Table, folder: &Path) -> io::Result<()> {
    let bench = Bench::start(folder, "paced").await?;
    let paced = bench.figures("--transport tcp send --links 100 --rate 5000 --seconds 10").await?;
    table.add(
        "durable single-chat sends, 5,000/s offered: answer p50",
        figure(&paced, "/answer_ms/p50")?,
        "ms",
        Target::AtMost(1.0),
    );
    table.add(
        "durable single-chat sends, 5,000/s offered: answer p99",
        figure(&paced, "/answer_ms/p99")?,
        "ms",
        Target::AtMost(5.0),
    );
    drop(bench);
    let bench = Bench::start(folder, "ceiling").await?;
    let before = machine::cpu(bench.process()?)?;
    let ceiling = bench.figures("--transport tcp send --links 100 --window 16 --seconds 10").await?;
    let spent = machine::cpu(bench.process()?)? - before;
    let rate = figure(&ceiling, "/answers_per_second")?;
    table.add("durable single-chat sends, ceiling, both ends connected", rate, "/s", Target::AtLeast(20_000.0));
    let each = spent.as_secs_f64() * 1e6 / figure(&ceiling, "/answered")?;
    table.add("  of which server CPU per message sent and delivered", each, "µs", Target::None);
    Ok(())
}

/// A group of a thousand, all connected.
pub async fn group(table: &mut Table, folder: &Path) -> io::Result<()> {
    let bench = Bench::start(folder, "group").await?;
    let figures = bench.figures("--transport tcp group --members 1000 --messages 500").await?;
    let rate = figure(&figures, "/deliveries_per_second")?;
    table.add("group of 1,000 online members, deliveries", rate, "/s", Target::AtLeast(50_000.0));
    Ok(())
}

/// A user who was away while 1,000 others wrote: what the catch-up costs the server.
pub async fn catch_up(table: &mut Table, folder: &Path) -> io::Result<()> {
    let mut bench = Bench::start(folder, "catch-up").await?;
    // The bench's first user is made by the daemon, so that it knows the password; the rest directly in the store.
    bench.figures("--transport tcp idle --links 1 --hold 0").await?;
    bench.daemon.stop().await?;
    filled::messages_to("bench-0", bench.daemon.data_dir(), &bench.app);
    bench.daemon.restart().await?;
    let before = machine::cpu(bench.process()?)?;
    bench.figures("--transport tcp idle --links 1 --hold 3").await?;
    let spent = machine::cpu(bench.process()?)? - before;
    let name = "catch-up of a user with 1,000 chats and 10,000 new messages, server CPU, login included";
    table.add(name, spent.as_secs_f64() * 1000.0, "ms", Target::AtMost(60.0));
    Ok(())
}

/// Ten thousand users who are all connected: single chats between all of them, then a thousand groups of ten.
pub async fn crowd(table: &mut Table, folder: &Path) -> io::Result<()> {
    let bench = Bench::start(folder, "crowd").await?;
    // Registering and logging in comes first; what is counted begins when all are there.
    let singles = format!("--transport tcp --at-once {AT_ONCE} send --links {CROWD} --window 1 --seconds 10");
    let (figures, each) = bench.measured(&singles, "/answered").await?;
    let rate = figure(&figures, "/answers_per_second")?;
    table.add("single-chat sends, ceiling, 10,000 users online, all sending", rate, "/s", Target::AtLeast(20_000.0));
    table.add("  of which server CPU per message sent and delivered", each, "µs", Target::None);
    let groups = format!(
        "--transport tcp --at-once {AT_ONCE} group --members 10 --groups {} --messages 200000 --window 1",
        CROWD / 10
    );
    let (figures, each) = bench.measured(&groups, "/delivered").await?;
    let rate = figure(&figures, "/answers_per_second")?;
    table.add("group sends, ceiling, 1,000 groups of 10 online, all sending", rate, "/s", Target::None);
    let rate = figure(&figures, "/deliveries_per_second")?;
    table.add("  deliveries", rate, "/s", Target::AtLeast(50_000.0));
    table.add("  of which server CPU per delivery", each, "µs", Target::None);
    let resident = machine::memory(bench.process()?)?.resident as f64 / KIB / KIB;
    table.add("  resident memory afterwards", resident, "MiB", Target::None);
    Ok(())
}

/// Ten thousand users who log in by token, all at once.
pub async fn storm(table: &mut Table, folder: &Path) -> io::Result<()> {
    let bench = Bench::start(folder, "storm").await?;
    let words = format!("--transport tcp --at-once {CROWD} reconnect --links {CROWD} --rounds 1");
    let (done, each) = bench.measured(&words, "/links_opened").await?;
    table.add("log-in storm of 10,000 users by token", figure(&done, "/seconds")?, "s", Target::AtMost(60.0));
    table.add("  of which server CPU per log-in", each, "µs", Target::None);
    let resident = machine::memory(bench.process()?)?.resident as f64 / KIB / KIB;
    table.add("  resident memory afterwards", resident, "MiB", Target::None);
    Ok(())
}
