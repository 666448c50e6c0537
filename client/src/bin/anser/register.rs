//! `anser register`: makes a user.

use anser_client::session::{Request, RequestError};
use anser_protocol::error::ErrorCode;
use clap::Args;
use serde_json::json;

use crate::connection::{Connection, RequestFailed};
use crate::failure::Failure;
use crate::options::{Global, ask_password};

/// Make a user of the app
#[derive(Args)]
#[command(after_help = "Example:\n  anser register alice --password secret1")]
pub struct Register {
    /// Name of the new user: 1 to 128 bytes
    user: String,
}

impl Register {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let password = match &global.password {
            Some(password) => password.clone(),
            None => choose_password(&self.user)?,
        };
        let mut connection = Connection::to_ask(global, Some(&self.user))?;
        let asked = connection.ask(Request::RegisterUser { username: self.user.clone(), password }).await;
        connection.close().await;
        match asked {
            Ok(_) if global.json => println!("{}", json!({"event": "registered", "user": self.user})),
            Ok(_) => println!("registered {}", self.user),
            Err(RequestFailed::Request(RequestError::Refused { code: ErrorCode::USER_EXISTS, .. })) => {
                return Err(Failure::new(format!("the user name \"{}\" is taken; choose another", self.user)));
            }
            Err(failed) => return Err(failed.into()),
        }
        Ok(())
    }
}

fn choose_password(user: &str) -> Result<String, Failure> {
    let password = ask_password(&format!("Password for the new user {user}: "))?;
    if ask_password("The same again: ")? == password {
        Ok(password)
    } else {
        Err(Failure::new("the two passwords differ; nothing was registered"))
    }
}
