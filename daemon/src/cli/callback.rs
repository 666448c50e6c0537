//! `anserd callback …`

use clap::Subcommand;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{Reply, Request};

#[derive(Debug, Subcommand)]
pub enum CallbackCommand {
    /// Sends an app's servers a signed request that tells of nothing; exit code 1 when one does not hear it
    Test {
        /// Name or app key
        #[arg(long)]
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub fn run(command: CallbackCommand) -> Result<(), Failure> {
    let CallbackCommand::Test { app, admin } = command;
    let Reply::CallbackTested(tried) = admin.ask(&Request::CallbackTest { app })? else { return Err(strange()) };
    if admin.json {
        print_json(&tried);
    } else {
        for one in &tried {
            println!("{}  {}  {}", one.kind, one.url, one.failure.as_deref().unwrap_or("heard"));
        }
    }
    match tried.iter().filter(|one| one.failure.is_some()).count() {
        0 => Ok(()),
        failed => Err(Failure::new(format!("anserd: {failed} of {} servers did not hear it", tried.len()))),
    }
}
