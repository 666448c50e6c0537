//! `anserd scrub`

use std::time::Duration;

use clap::Args;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{Reply, Request, Status};
use crate::scrub::Pass;

const ASK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub struct ScrubArgs {
    #[command(flatten)]
    admin: AdminArgs,
}

/// Waits until the running daemon has looked at every stored row; fails when something is damaged.
pub fn run(args: &ScrubArgs) -> Result<(), Failure> {
    let Reply::ScrubBegun { passes } = args.admin.ask(&Request::Scrub)? else { return Err(strange()) };
    let pass = loop {
        let Reply::Status(status) = args.admin.ask(&Request::Status)? else { return Err(strange()) };
        let Status { scrub, .. } = *status;
        match scrub.last {
            Some(pass) if scrub.passes >= passes => break pass,
            _ => std::thread::sleep(ASK_EVERY),
        }
    };
    if args.admin.json {
        print_json(&pass);
    } else {
        println!("{}", in_words(&pass));
    }
    match (&pass.failure, pass.findings) {
        (None, 0) => Ok(()),
        (Some(failure), _) => Err(Failure::new(format!("anserd: not everything could be read: {failure}"))),
        (None, _) => Err(Failure::new(
            "anserd: the daemon's log names the damaged rows; restore a backup, or save what is whole with `anserd rescue`"
                .to_owned(),
        )),
    }
}

pub(super) fn in_words(pass: &Pass) -> String {
    let Pass { rows, findings, took_s, failure, .. } = pass;
    let found = match findings {
        0 => "nothing is damaged".to_owned(),
        findings => format!("{findings} DAMAGED OR MISSING"),
    };
    let end = if failure.is_some() { ", not to the end" } else { "" };
    format!("{rows} rows in {took_s} s{end}: {found}")
}
