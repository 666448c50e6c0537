//! `anser listen`: prints all that arrives, until it is asked to end.

use std::io::Write;

use anser_client::session;
use anser_client::shell::{Event, LoginError};
use clap::Args;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::lines::line;
use crate::options::{Global, ask_password};
use crate::roaming;
use crate::signals::asked_to_end;

/// Print pushes, and a user's messages, as JSON lines
#[derive(Args)]
#[command(after_help = "Examples:
  anser listen                        pushes to this device
  anser listen --user bob             Bob's messages, and pushes to his device

Lines: \"connected\" when the link is up, \"caught_up\" when all that was missed has been printed, \"message\",
\"group_event\" and \"push\" as they come (of a notification \"options\" holds what the sender set for this kind of device),
\"push_withdrawn\" when a push was taken back, \"registration_failed\" while a new device is not known, \"disconnected\" and \"unreachable\" while there is no link, \"put_off\" when
the server cannot do something yet (it tries again by itself). A line that was printed is not printed again by the next
listen; one that was on its way when the process was killed may be.")]
pub struct Listen {
    /// The user whose messages to print
    #[arg(long, value_name = "USER")]
    user: Option<String>,
}

impl Listen {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let mut connection = Connection::to_listen(global, self.user.as_deref())?;
        if connection.client.status().is_push_stopped {
            eprintln!("anser: pushes are stopped on this device; \"anser resume\" has them again");
        }
        let roaming = roaming::watch(connection.client.clone(), global.server.clone());
        let result = tokio::select! {
            result = self.print_all(&mut connection, global) => result,
            () = roaming => Ok(()),
            () = asked_to_end() => Ok(()),
        };
        connection.close().await;
        result
    }

    async fn print_all(&self, connection: &mut Connection, global: &Global) -> Result<(), Failure> {
        let client = connection.client.clone();
        let login = async {
            match &self.user {
                Some(user) => log_in(&client, global, user).await,
                None => Ok(()),
            }
        };
        tokio::pin!(login);
        let mut is_logged_in = false;
        loop {
            tokio::select! {
                biased;
                result = &mut login, if !is_logged_in => {
                    result?;
                    is_logged_in = true;
                }
                event = connection.events.next() => match event {
                    Some(event) => show(&event)?,
                    None => return Err(Failure::new("the client has ended")),
                },
            }
        }
    }
}

async fn log_in(client: &anser_client::shell::Client, global: &Global, user: &str) -> Result<(), Failure> {
    match client.login(user, global.password.as_deref()).await {
        Err(LoginError::PasswordNeeded) => {
            let question = format!("Password of {user}: ");
            let asked = tokio::task::spawn_blocking(move || ask_password(&question)).await;
            let password = asked.unwrap_or_else(|_| Err(Failure::new("cannot read the password")))?;
            client.login(user, Some(&password)).await.map_err(|error| Failure::login(user, error))
        }
        result => result.map_err(|error| Failure::login(user, error)),
    }
}

/// Prints the event. What waiting will not mend ends the command.
fn show(event: &Event) -> Result<(), Failure> {
    match event {
        Event::Unreachable(unreachable) if unreachable.is_certificate() => return Err(unreachable.clone().into()),
        Event::Unreachable(unreachable) => eprintln!("anser: {unreachable}; trying again"),
        Event::Session(session::Event::Disconnected { reason }) => {
            if let Some(failure) = Failure::of_link_end(reason) {
                return Err(failure);
            }
        }
        Event::Session(session::Event::LoginNeeded { user }) => {
            eprintln!("anser: the session of {user} has expired; start again to log in");
        }
        Event::StoreFailed(error) => return Err(Failure::new(error.to_string())),
        _ => {}
    }
    let Some(line) = line(event) else { return Ok(()) };
    let mut out = std::io::stdout().lock();
    let written = writeln!(out, "{line}").and_then(|()| out.flush());
    written.map_err(|error| Failure::new(format!("cannot print: {error}")))
}
