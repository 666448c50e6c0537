//! `anserd status`

use clap::Args;

use super::scrub::in_words;
use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{CallbackShown, Reply, Request, Status};
use crate::clock::Written;
use crate::config::TimeZone;
use crate::removal::ErasureShown;
use crate::scrub::Shown;

/// So that all fits on one screen.
const CALLBACKS_SHOWN: usize = 6;

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    admin: AdminArgs,
}

pub fn run(args: &StatusArgs) -> Result<(), Failure> {
    let Reply::Status(status) = args.admin.ask(&Request::Status)? else { return Err(strange()) };
    if args.admin.json {
        print_json(&status);
    } else {
        print_text(&status);
    }
    Ok(())
}

fn print_text(status: &Status) {
    let listen: Vec<_> = status.listen.iter().map(ToString::to_string).collect();
    println!("anserd {} runs as process {} for {} s", status.version, status.process_id, status.uptime_s);
    println!("listens on    {}", listen.join(", "));
    println!("data folder   {}", status.data_dir.display());
    println!("apps          {}", status.apps);
    print_figures(status);
    println!("last position {}", status.position);
    println!("scrub         {}", scrub_in_words(&status.scrub));
    for app in &status.removals.apps {
        println!("deleting      app {:?} ({}): about {} rows gone", app.name, app.app_key, app.rows_removed);
    }
    for erasure in &status.removals.users {
        println!("erasing       {}", erasure_in_words(erasure));
    }
    for callback in status.callbacks.iter().take(CALLBACKS_SHOWN) {
        println!("callback      {}", callback_in_words(callback));
    }
    if let Some(more) = status.callbacks.len().checked_sub(CALLBACKS_SHOWN).filter(|more| *more > 0) {
        println!("callback      and {more} more; --json shows all");
    }
}

fn print_figures(status: &Status) {
    let figures = &status.figures;
    let links: Vec<_> = figures.links.iter().map(|(transport, count)| format!("{transport} {count}")).collect();
    let ready =
        if figures.not_ready.is_empty() { "yes".to_owned() } else { format!("NO: {}", figures.not_ready.join("; ")) };
    println!("ready         {ready}");
    println!("connections   {}", status.connections);
    println!("links         {}; {} devices, {} users logged in", links.join(", "), figures.devices, figures.users);
    println!("waiting       {} changes, {} passwords", figures.waiting_commands, figures.passwords_waiting);
    println!(
        "memory        {} MiB; {} of {} files open",
        figures.memory_bytes >> 20,
        figures.open_files,
        figures.open_files_max
    );
    println!("disk          {} MiB stored, {} MiB free", figures.store_bytes >> 20, figures.disk_free_bytes >> 20);
    if figures.damaged_rows > 0 {
        println!("DAMAGE        {} rows; see the log, then docs/operations.md", figures.damaged_rows);
    }
    if figures.log_dropped > 0 {
        println!("log           {} lines were dropped", figures.log_dropped);
    }
}

fn erasure_in_words(shown: &ErasureShown) -> String {
    let ErasureShown { app_key, user, at, percent, records, media, .. } = shown;
    format!("user {user} of {app_key}: at {at}, {percent} %; {records} records and {media} media gone")
}

fn callback_in_words(shown: &CallbackShown) -> String {
    let CallbackShown { kind, app_key, told, failed, failed_in_a_row, last_failure } = shown;
    let why = match (failed_in_a_row, last_failure) {
        (0, _) | (_, None) => String::new(),
        (count, Some(why)) => format!("; the last {count} because {why}"),
    };
    format!("{kind} of {app_key}: {told} told, {failed} requests failed{why}")
}

fn scrub_in_words(shown: &Shown) -> String {
    let last = match &shown.last {
        None => "not yet since the start".to_owned(),
        Some(pass) => format!("{} UTC, {}", Written(pass.ended_ms, TimeZone::UTC), in_words(pass)),
    };
    match &shown.under_way {
        None => last,
        Some(pass) => format!("{last}; under way: {} rows, {} damaged or missing", pass.rows, pass.findings),
    }
}
