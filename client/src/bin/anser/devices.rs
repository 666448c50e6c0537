//! `anser devices`: where a user is logged in.

use anser_client::session::{Answer, Request};
use anser_protocol::frame::device::OwnDevice;
use clap::Args;
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::options::Global;

/// Print the devices of a user: of each kind (phone, computer, browser) the one that was used last
#[derive(Args)]
#[command(
    after_help = "Where there is no other device of this one's kind, this one stands in the list. `pushed off` is a
device that this login logged out.

Examples:
  anser devices --user alice --password secret1"
)]
pub struct Devices {
    /// Whose they are
    #[arg(long, value_name = "USER")]
    user: String,
}

impl Devices {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        let answer = match connection.log_in(global, &self.user).await {
            Ok(()) => connection.ask(Request::OwnDevices).await.map_err(Failure::from),
            Err(failure) => Err(failure),
        };
        connection.close().await;
        let Answer::OwnDevices(devices) = answer? else {
            return Err(Failure::new("the server gave another answer"));
        };
        for device in &devices {
            println!("{}", if global.json { as_json(device) } else { as_text(device) });
        }
        Ok(())
    }
}

fn as_json(device: &OwnDevice) -> String {
    let line = json!({
        "registration_id": device.registration_id,
        "platform": device.platform.name(),
        "logged_in": device.is_logged_in,
        "online": device.is_online,
        "seen_s": device.seen_s,
        "pushed_off": device.was_pushed_off,
    });
    line.to_string()
}

fn as_text(device: &OwnDevice) -> String {
    let state = match device {
        OwnDevice { was_pushed_off: true, .. } => "pushed off",
        OwnDevice { is_online: true, .. } => "online",
        OwnDevice { is_logged_in: true, .. } => "logged in",
        _ => "logged out",
    };
    format!("{}  {}  {state}", device.registration_id, device.platform.name())
}
