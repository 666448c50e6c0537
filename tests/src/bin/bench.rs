//! Measures the release programs and prints the table of figures; `make bench` calls it.
//!
//! Called with the folder that is to hold the data: on a real disk, since the figures are of durable sends.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use anser_tests::bench::table::{Table, Target};
use anser_tests::bench::{daemon, links, machine};

#[tokio::main]
async fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: bench FOLDER, a folder on a real disk that is to hold the data");
        return ExitCode::from(2);
    };
    match measure(&folder).await {
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

async fn measure(folder: &PathBuf) -> io::Result<Table> {
    std::fs::create_dir_all(folder)?;
    if machine::is_in_memory(folder)? {
        return Err(io::Error::other(format!("{} is in memory, where nothing is durable", folder.display())));
    }
    let folder = tempfile::tempdir_in(folder)?;
    let mut table = Table::default();
    let sync = machine::sync_time(folder.path())?.as_secs_f64() * 1000.0;
    table.add("the disk: a page appended and synced", sync, "ms", Target::None);
    daemon::empty(&mut table, folder.path()).await?;
    links::idle(&mut table, folder.path()).await?;
    links::handshakes(&mut table, folder.path()).await?;
    links::sends(&mut table, folder.path()).await?;
    links::group(&mut table, folder.path()).await?;
    links::catch_up(&mut table, folder.path()).await?;
    links::tag_push(&mut table, folder.path()).await?;
    links::broadcast(&mut table, folder.path()).await?;
    daemon::ready_after_kill(&mut table, folder.path()).await?;
    Ok(table)
}
