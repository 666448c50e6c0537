//! `anser stop` and `anser resume`: whether this device wants pushes.

use anser_client::store::{Store, Write};
use clap::Args;
use serde_json::json;

use crate::failure::Failure;
use crate::options::Global;
use crate::state;

/// Want no pushes on this device; messages still come
#[derive(Args)]
#[command(after_help = "Examples:
  anser stop
  anser stop --user bob               on Bob's device, the one of \"anser listen --user bob\"

The device keeps this until \"anser resume\". No server is asked: the next command that connects tells it. Meanwhile
pushes wait on the server as for a device that is away, within their lifetimes; tags, alias and mobile number
cannot be changed (code 6012).")]
pub struct Stop {
    /// Whose device
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

/// Want pushes on this device again
#[derive(Args)]
#[command(after_help = "Example:\n  anser resume --user bob")]
pub struct Resume {
    /// Whose device
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

impl Stop {
    pub fn run(self, global: &Global) -> Result<(), Failure> {
        set_stopped(global, self.user.as_deref(), true)
    }
}

impl Resume {
    pub fn run(self, global: &Global) -> Result<(), Failure> {
        set_stopped(global, self.user.as_deref(), false)
    }
}

fn set_stopped(global: &Global, user: Option<&str>, is_stopped: bool) -> Result<(), Failure> {
    let mut store = state::open(global, user)?;
    store.apply(vec![Write::PushStopped(is_stopped)])?;
    if global.json {
        println!("{}", json!({"push_stopped": is_stopped}));
    } else if is_stopped {
        println!("stopped; \"anser resume\" has them again");
    } else {
        println!("resumed");
    }
    Ok(())
}
