//! Figures of pushes: how soon they are accepted in an app of a million devices, and how soon they are everywhere.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::links::{Bench, figure};
use super::table::{Table, Target};
use super::{filled, machine};

const MIB: f64 = (1 << 20) as f64;
/// Devices that are connected, or come back.
const CONNECTED: u32 = 10_000;
/// Pushes of each kind, one after another.
const EACH: usize = 20;
/// App servers that call at the same time, and for how long.
const CALLERS: usize = 32;
const CALL_FOR: Duration = Duration::from_secs(10);

/// An app of a million devices with ten tags each.
pub async fn million_devices(table: &mut Table, folder: &Path) -> io::Result<()> {
    let mut bench = Bench::start(folder, "million-devices").await?;
    bench.daemon.stop().await?;
    let begun = Instant::now();
    filled::devices(bench.daemon.data_dir(), &bench.app);
    let filled_in = begun.elapsed();
    let size = std::fs::metadata(bench.daemon.data_dir().join("store.redb"))?.len();
    table.add("1,000,000 devices with 10 tags each: the store on disk", size as f64 / MIB, "MiB", Target::None);
    let rate = f64::from(filled::DEVICES) * 11.0 / filled_in.as_secs_f64();
    table.add("  registered and tagged in bulk", rate, "devices and tags/s", Target::None);
    bench.daemon.restart().await?;
    let resident = machine::memory(bench.process()?)?.resident as f64 / MIB;
    table.add("  resident memory after the start", resident, "MiB", Target::AtMost(64.0));

    let aliases: Vec<String> = (0..1_000).map(|n| format!("user{n}")).collect();
    let audiences = [
        ("  time to accepted: all", json!("all"), 20.0),
        ("  time to accepted: a tag that 100,000 have", json!({"tag": [filled::TAG]}), 20.0),
        ("  time to accepted: two tags but not a third", json!({"tag_and": ["t1", "t102"], "tag_not": ["t203"]}), 20.0),
        ("  time to accepted: 1,000 aliases", json!({"alias": aliases}), 50.0),
    ];
    for (name, audience, target) in audiences {
        table.add(name, time_to_accepted(&bench, audience).await?, "ms", Target::AtMost(target));
    }
    let resident = machine::memory(bench.process()?)?.resident as f64 / MIB;
    table.add("  resident memory after these pushes", resident, "MiB", Target::AtMost(128.0));

    let rate = calls_per_second(&bench, |number| {
        let rid = filled::registration_id(scattered(number));
        let push = json!({
            "platform": "all",
            "audience": {"registration_id": [rid]},
            "notification": {"alert": "the geese are back"},
        });
        ("/v3/push".to_owned(), push)
    })
    .await?;
    table.add("  pushes to single registration ids, 32 connections", rate.per_second, "/s", Target::AtLeast(5_000.0));
    table.add("    of which server CPU per push", rate.cpu_each_us, "µs", Target::None);
    let rate = calls_per_second(&bench, |number| {
        let rid = filled::registration_id(scattered(number));
        let change = json!({"tags": {"add": [format!("t{}", number % 1_000)], "remove": ["t7"]}});
        (format!("/v3/devices/{rid}"), change)
    })
    .await?;
    table.add("  tag changes of single devices, 32 connections", rate.per_second, "/s", Target::AtLeast(2_000.0));
    table.add("    of which server CPU per change", rate.cpu_each_us, "µs", Target::None);
    missed(table, &bench).await
}

/// Each number another device, far from the one before it.
fn scattered(number: u32) -> u32 {
    (u64::from(number) * 611_953 % u64::from(filled::DEVICES)) as u32
}

/// The median of some pushes, in milliseconds.
async fn time_to_accepted(bench: &Bench, audience: Value) -> io::Result<f64> {
    let push = json!({"platform": "all", "audience": audience, "message": {"msg_content": "the geese are back"}});
    let mut connection = bench.daemon.https(&bench.app)?.connection();
    let mut times = Vec::new();
    for _ in 0..EACH {
        let begun = Instant::now();
        let answer = connection.call("POST", "/v3/push", Some(&push)).await?;
        accepted(answer.status)?;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn accepted(status: u16) -> io::Result<()> {
    if status == 200 { Ok(()) } else { Err(io::Error::other(format!("a call was answered {status}"))) }
}

struct Rate {
    per_second: f64,
    cpu_each_us: f64,
}

/// As many callers as can, one call after another each.
async fn calls_per_second(bench: &Bench, call: fn(u32) -> (String, Value)) -> io::Result<Rate> {
    let https = bench.daemon.https(&bench.app)?;
    let next = Arc::new(AtomicU32::new(0));
    let mut callers = JoinSet::new();
    let (begun, before) = (Instant::now(), machine::cpu(bench.process()?)?);
    for _ in 0..CALLERS {
        let (mut connection, next) = (https.connection(), next.clone());
        callers.spawn(async move {
            while begun.elapsed() < CALL_FOR {
                let (path, body) = call(next.fetch_add(1, Ordering::Relaxed));
                accepted(connection.call("POST", &path, Some(&body)).await?.status)?;
            }
            io::Result::Ok(())
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.map_err(io::Error::other)??;
    }
    let calls = f64::from(next.load(Ordering::Relaxed));
    let spent = machine::cpu(bench.process()?)? - before;
    Ok(Rate { per_second: calls / begun.elapsed().as_secs_f64(), cpu_each_us: spent.as_secs_f64() * 1e6 / calls })
}

/// A broadcast to ten thousand devices that are connected.
pub async fn broadcast(table: &mut Table, folder: &Path) -> io::Result<()> {
    let bench = Bench::start(folder, "broadcast").await?;
    let mut load = bench.load(&format!("--transport tcp push-receive --devices {CONNECTED} --pushes 1"))?;
    load.event("ready").await?;
    push_to_all(&bench).await?;
    let done = load.finish().await?;
    let spread = figure(&done, "/pushes/0/first_to_last_seconds")?;
    table.add("broadcast push to 10,000 online devices, first to last", spread, "s", Target::AtMost(0.5));
    Ok(())
}

/// Ten thousand devices more, which were away during a push to all, and come back all at once.
async fn missed(table: &mut Table, bench: &Bench) -> io::Result<()> {
    let mut load = bench.load(&format!("--transport tcp push-receive --devices {CONNECTED} --pushes 1 --away"))?;
    load.event("away").await?;
    push_to_all(bench).await?;
    let before = machine::cpu(bench.process()?)?;
    load.go_on().await?;
    let done = load.finish().await?;
    let spent = machine::cpu(bench.process()?)? - before;
    let name = "  10,000 devices reconnect and fetch a push that they missed";
    table.add(name, figure(&done, "/seconds")?, "s", Target::AtMost(20.0));
    let each = spent.as_secs_f64() * 1e6 / f64::from(CONNECTED);
    table.add("    of which server CPU per device", each, "µs", Target::None);
    let resident = machine::memory(bench.process()?)?.resident as f64 / MIB;
    table.add("  resident memory after all this", resident, "MiB", Target::None);
    Ok(())
}

async fn push_to_all(bench: &Bench) -> io::Result<()> {
    let push = json!({"platform": "all", "audience": "all", "message": {"msg_content": "the geese are back"}});
    let https = bench.daemon.https(&bench.app)?;
    accepted(https.connection().call("POST", "/v3/push", Some(&push)).await?.status)
}
