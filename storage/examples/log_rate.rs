//! How many messages a second become durable, and how soon a store is open after a kill:
//! `cargo run --profile quick --example log_rate -p anser-storage [FOLDER [CHAINS…]]`.
//!
//! Devices of many users send single-chat messages of 100 bytes; each batch is one commit with its flush. The chains are
//! made beforehand. FOLDER must be on a real disk; without it the current folder is used.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anser_protocol::content::{Content, Platform};
use anser_storage::command::*;
use anser_storage::ids::{AppNumber, DeviceNumber, UserNumber};
use anser_storage::outcome::Answer;
use anser_storage::{Options, QuickRepair, Store};

const T0: u64 = 1_700_000_000_000;
const TEXT: &str =
    "a message of about a hundred bytes, as people send them to one another on an ordinary day, more or less";
/// For one line of the table.
const TIME: Duration = Duration::from_secs(8);
const POLICIES: [QuickRepair; 3] = [QuickRepair::Never, QuickRepair::From(16), QuickRepair::Always];
/// Of the store that is opened after a kill.
const FILE_BYTES: u64 = 1 << 30;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let folder = PathBuf::from(args.next().unwrap_or_else(|| ".".into()));
    let given: Vec<u64> = args.map(|chains| chains.parse()).collect::<Result<_, _>>()?;
    let chains = if given.is_empty() { vec![100_000, 1_000_000] } else { given };
    rates(&folder, &chains)?;
    openings(&folder)
}

fn rates(folder: &Path, chains: &[u64]) -> Result<(), Box<dyn std::error::Error>> {
    println!(
        "{:>9} {:>10} {:>12} {:>12} {:>9} {:>9}",
        "chains", "per commit", "quick repair", "messages/s", "p50 ms", "p99 ms"
    );
    for chains in chains {
        let folder = tempfile::tempdir_in(folder)?;
        let mut bench = Bench::new(Store::open(folder.path(), Options::default())?, *chains)?;
        for quick_repair in POLICIES {
            bench = bench.reopened(folder.path(), quick_repair)?;
            for per_commit in [1, 16, 256, 1024] {
                bench.measure(per_commit, quick_repair)?;
            }
        }
    }
    Ok(())
}

/// A copy of the file of an open store is what a kill leaves.
fn openings(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let (folder, copy) = (tempfile::tempdir_in(folder)?, tempfile::tempdir_in(folder)?);
    let file = |folder: &tempfile::TempDir| folder.path().join("store.redb");
    let mut bench = Bench::new(Store::open(folder.path(), Options::default())?, 10_000)?;
    while std::fs::metadata(file(&folder))?.len() < FILE_BYTES {
        bench.batch(1024)?;
    }
    println!("\n{:>12} {:>16} {:>9}", "quick repair", "last per commit", "open ms");
    for quick_repair in POLICIES {
        for per_commit in [1, 16] {
            bench = bench.reopened(folder.path(), quick_repair)?;
            (0..100).try_for_each(|_| bench.batch(per_commit).map(drop))?;
            std::fs::copy(file(&folder), file(&copy))?;
            let begun = Instant::now();
            let store = Store::open(copy.path(), Options::default())?;
            let took = begun.elapsed().as_secs_f64() * 1000.0;
            drop(store);
            println!("{:>12} {per_commit:>16} {took:>9.1}", format!("{quick_repair:?}"));
        }
    }
    Ok(())
}

struct Bench {
    store: Store,
    app: AppNumber,
    users: u32,
    chains: u64,
    /// Looks random, and is the same in every run.
    seed: u64,
    outbox: u64,
}

impl Bench {
    /// Each user writes to ten others in turn: as many chains as asked for.
    fn new(store: Store, chains: u64) -> Result<Self, Box<dyn std::error::Error>> {
        let users = (chains / 10) as u32;
        let mut bench = Self { store, app: AppNumber(0), users, chains, seed: 1, outbox: 0 };
        let create = AppCommand::Create { name: "bench".into(), app_key: "key".into(), master_secret: String::new() };
        if let Ok(Answer::App(app)) = bench.store.apply(&[stamped(Command::App(create))])?[0].answer {
            bench.app = app;
        }
        let app = bench.app;
        for first in (0..users).step_by(500) {
            let new = |number: u32| NewUser { username: format!("user{number}"), ..NewUser::default() };
            let registered = (first + 1..=first + 500).map(new).collect();
            let mut batch = vec![stamped(Command::User(UserCommand::Register { app, users: registered }))];
            batch.extend((first..first + 500).map(|number| {
                let (registration_id, secret_hash) = (format!("rid{number}"), [0; 32]);
                let platform = Platform::ANDROID;
                stamped(Command::Device(DeviceCommand::Register { app, registration_id, secret_hash, platform }))
            }));
            bench.store.apply(&batch)?;
        }
        let every_chain: Vec<u64> = (0..chains).collect();
        for chains in every_chain.chunks(1024) {
            let batch: Vec<Stamped> = chains.iter().map(|chain| bench.send(*chain)).collect();
            bench.store.apply(&batch)?;
            bench.store.checkpoint_step()?;
        }
        bench.store.checkpoint()?;
        Ok(bench)
    }

    fn reopened(self, folder: &Path, quick_repair: QuickRepair) -> Result<Self, Box<dyn std::error::Error>> {
        self.store.shut_down()?;
        let store = Store::open(folder, Options { quick_repair, ..Options::default() })?;
        Ok(Self { store, ..self })
    }

    fn send(&mut self, chain: u64) -> Stamped {
        let users = u64::from(self.users);
        let (from, step) = (chain % users, 1 + chain / users);
        let to = (from + step) % users;
        // Counts for all devices together, so that each number is new for its own.
        self.outbox += 1;
        stamped(Command::Send(Send {
            app: self.app,
            from: UserNumber(1 + from as u32),
            origin: Origin::Device { device: DeviceNumber(from as u32), outbox: self.outbox },
            target: Target::User(format!("user{}", 1 + to)),
            content: Content::text(TEXT),
        }))
    }

    fn random_chain(&mut self) -> u64 {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.seed >> 33) % self.chains
    }

    fn measure(&mut self, per_commit: usize, quick_repair: QuickRepair) -> Result<(), Box<dyn std::error::Error>> {
        let begun = Instant::now();
        let mut times = Vec::new();
        while begun.elapsed() < TIME {
            times.push(self.batch(per_commit)?);
        }
        let rate = (times.len() * per_commit) as f64 / begun.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)].as_secs_f64() * 1000.0;
        let (chains, quick_repair) = (self.chains, format!("{quick_repair:?}"));
        println!("{chains:>9} {per_commit:>10} {quick_repair:>12} {rate:>12.0} {:>9.2} {:>9.2}", at(50), at(99));
        Ok(())
    }

    /// Sends so many messages in one commit; returns how long it took.
    fn batch(&mut self, per_commit: usize) -> Result<Duration, Box<dyn std::error::Error>> {
        let chains: Vec<u64> = (0..per_commit).map(|_| self.random_chain()).collect();
        let batch: Vec<Stamped> = chains.into_iter().map(|chain| self.send(chain)).collect();
        let sent = Instant::now();
        let outcomes = self.store.apply(&batch)?;
        let took = sent.elapsed();
        if let Some(refused) = outcomes.iter().find(|outcome| outcome.answer.is_err()) {
            return Err(format!("{refused:?}").into());
        }
        self.store.checkpoint_step()?;
        Ok(took)
    }
}

fn stamped(command: Command) -> Stamped {
    Stamped { at_ms: T0, command }
}
