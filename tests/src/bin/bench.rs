//! Measures the release programs and prints the table of figures; `make bench` calls it.
//!
//! Called with the folder that is to hold the data: on a real disk, since the figures are of durable sends.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anser_tests::bench::table::{Table, Target};
use anser_tests::bench::{daemon, links, machine, messages, pushes, small};

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(folder) = arguments.next().map(PathBuf::from) else {
        eprintln!(
            "usage: bench FOLDER [PART]…; the folder, on a real disk, holds the data meanwhile; parts: {PARTS:?}"
        );
        return ExitCode::from(2);
    };
    let parts: Vec<String> = arguments.map(|part| part.to_string_lossy().into_owned()).collect();
    if let Some(strange) = parts.iter().find(|part| !PARTS.contains(&part.as_str())) {
        eprintln!("there is no part {strange:?}; parts: {PARTS:?}");
        return ExitCode::from(2);
    }
    match measure(&folder, &parts).await {
        Ok(table) => {
            println!("{table}");
            println!("{} targets missed", table.missed());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the benchmark broke off: {error}");
            ExitCode::FAILURE
        }
    }
}

const PARTS: [&str; 13] = [
    "empty",
    "idle",
    "handshakes",
    "sends",
    "group",
    "catch-up",
    "crowd",
    "storm",
    "messages",
    "million-devices",
    "broadcast",
    "ready-after-kill",
    "small-host",
];

/// All parts when none is named.
async fn measure(folder: &PathBuf, parts: &[String]) -> io::Result<Table> {
    std::fs::create_dir_all(folder)?;
    if machine::is_in_memory(folder)? {
        return Err(io::Error::other(format!("{} is in memory, where nothing is durable", folder.display())));
    }
    let folder = tempfile::tempdir_in(folder)?;
    let folder = folder.path();
    let mut table = Table::default();
    let sync = machine::sync_time(folder)?.as_secs_f64() * 1000.0;
    table.add("the disk: a page appended and synced", sync, "ms", Target::None);
    for part in PARTS {
        if !parts.is_empty() && !parts.iter().any(|named| named == part) {
            continue;
        }
        match part {
            "empty" => daemon::empty(&mut table, folder).await?,
            "idle" => links::idle(&mut table, folder).await?,
            "handshakes" => links::handshakes(&mut table, folder).await?,
            "sends" => links::sends(&mut table, folder).await?,
            "group" => links::group(&mut table, folder).await?,
            "catch-up" => links::catch_up(&mut table, folder).await?,
            "crowd" => links::crowd(&mut table, folder).await?,
            "storm" => links::storm(&mut table, folder).await?,
            "messages" => messages::stored(&mut table, folder)?,
            "million-devices" => pushes::million_devices(&mut table, folder).await?,
            "broadcast" => pushes::broadcast(&mut table, folder).await?,
            "small-host" => small::host(&mut table, folder).await?,
            _ => daemon::ready_after_kill(&mut table, folder).await?,
        }
    }
    Ok(table)
}
