//! `anserd status`

use clap::Args;

use super::scrub::in_words;
use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{CallbackShown, Reply, Request, Status};
use crate::clock::Written;
use crate::config::TimeZone;
use crate::scrub::Shown;

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
    println!("connections   {}", status.connections);
    println!("last position {}", status.position);
    println!("scrub         {}", scrub_in_words(&status.scrub));
    for callback in &status.callbacks {
        println!("callback      {}", callback_in_words(callback));
    }
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
