//! The simulator: clients, server and store of the product in one thread, from one seed, through everything that networks,
//! disks and processes do to them.
//!
//! Replaced are sockets, clock, disk and threads, and the hashing of passwords; session cores, codec, switchboard and store
//! are the product's own. After the load the network heals, everything drains, and these must hold:
//!
//! - what the judge asks for ([`crate::judge`]): at the applications each message once and in order per chain, nothing
//!   lost that was answered, each push once per msg_id, nothing of one app in another;
//! - on the wire an unbroken run, told once ([`tap`]); nothing acknowledged that is not on the client's disk;
//! - no push handed out after it expired; what a session, its mailbox and a client hold in memory within bounds;
//! - at the end every client holds exactly what the log shows its users, and no token outlives its logout ([`audit`]);
//! - in the village, what a model of the rules says: who is let and who is refused, and who is told what ([`themes`]).
//!
//! Read [`world`] first: it is the run. [`course`] is time and what happens, [`cast`] who takes part, [`load`] and
//! [`app_server`] what they do, [`themes`] what is done in the village, [`weather`] what is done to them; [`tally`] counts how
//! often each of it happened.

pub mod world;

pub mod app_server;
pub mod audit;
pub mod cast;
pub mod client;
pub mod course;
pub mod load;
pub mod network;
pub mod pipe;
pub mod random;
pub mod server;
pub mod settled;
pub mod tally;
pub mod tap;
pub mod themes;
pub mod weather;
pub mod witness;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

pub use weather::Setting;
pub use world::Report;

use tally::Summary;
use world::World;

/// Runs one seed. `is_told`: every step is printed.
pub fn run(seed: u64, setting: Setting, is_told: bool) -> Result<Report, String> {
    let run = catch_unwind(AssertUnwindSafe(|| World::new(seed, setting, is_told)?.run()));
    let result = run.unwrap_or_else(|_| Err("it panicked, see above".into()));
    let variable = setting.variable();
    result.map_err(|what| {
        format!("seed {seed}: {what}\nreplay: {variable}={seed} cargo test -p anser-tests --test simulation replay")
    })
}

/// Runs seeds on every processor until one fails: what they met, or the first failure that was found.
pub fn run_all(seeds: Range<u64>, setting: Setting) -> Result<Summary, String> {
    let next = AtomicU64::new(seeds.start);
    let is_over = AtomicBool::new(false);
    let (failure, summary) = (Mutex::new(None), Mutex::new(Summary::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        while !is_over.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return;
            }
            match run(seed, setting, false) {
                Ok(report) => summary.lock().unwrap_or_else(PoisonError::into_inner).add(&report.tally),
                Err(what) => {
                    is_over.store(true, Ordering::Relaxed);
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(what);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(what) => Err(what),
        None => Ok(summary.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}
