//! `anserd reload`

use clap::Args;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{Reply, Request};

#[derive(Debug, Args)]
pub struct ReloadArgs {
    #[command(flatten)]
    admin: AdminArgs,
}

pub fn run(args: &ReloadArgs) -> Result<(), Failure> {
    let Reply::Reloaded(reloaded) = args.admin.ask(&Request::Reload)? else { return Err(strange()) };
    if args.admin.json {
        print_json(&reloaded);
        return Ok(());
    }
    match reloaded.taken.as_slice() {
        [] => println!("certificate and settings were read again; no setting that could be taken now has changed"),
        taken => println!("certificate and settings were read again; changed: {}", taken.join(", ")),
    }
    if !reloaded.waiting.is_empty() {
        println!("changed in the file and taken at the next start: {}", reloaded.waiting.join(", "));
    }
    Ok(())
}
