//! `anserd operator …`

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{NewPassword, OperatorShown, Reply, Request};
use crate::clock::Written;
use crate::config::TimeZone;

#[derive(Debug, Subcommand)]
pub enum OperatorCommand {
    /// Adds somebody who may use the console, and prints a password for them
    Add {
        name: String,
        /// owner (everything), app-admin, sender or read-only
        #[arg(long)]
        role: String,
        /// Name or key of an app that the operator is for; may be given more than once
        #[arg(long = "app", value_name = "APP")]
        apps: Vec<String>,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Lists all operators
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Gives an operator a new password and ends their sessions
    Reset {
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Removes an operator and ends their sessions
    Remove {
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Makes a new link with which the first operator is made in a browser, good once and for a day
    Link {
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Never on the command line, which every user of the machine can read.
#[derive(Debug, Args)]
pub struct PasswordArgs {
    /// A file with the password on its first line; "-" is the standard input. Left out, one is made and printed
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

pub fn run(command: OperatorCommand) -> Result<(), Failure> {
    match command {
        OperatorCommand::Add { name, role, apps, password, admin } => {
            let (password, is_made) = password.take()?;
            let request = Request::OperatorAdd { name, role, apps, password: password.clone() };
            show(&admin, &request, is_made.then_some(password))
        }
        OperatorCommand::Reset { name, password, admin } => {
            let (password, is_made) = password.take()?;
            let request = Request::OperatorReset { name, password: password.clone() };
            show(&admin, &request, is_made.then_some(password))
        }
        OperatorCommand::Remove { name, admin } => {
            let Reply::Operator(operator) = admin.ask(&Request::OperatorRemove { name })? else {
                return Err(strange());
            };
            if admin.json {
                print_json(&operator);
            } else {
                println!("removed {}", operator.name);
            }
            Ok(())
        }
        OperatorCommand::List { admin } => list(&admin),
        OperatorCommand::Link { admin } => link(&admin),
    }
}

impl PasswordArgs {
    /// The password, and whether it was made here.
    fn take(&self) -> Result<(NewPassword, bool), Failure> {
        let Some(path) = &self.password_file else { return Ok((NewPassword::made_up(), true)) };
        let failed =
            |error| Failure::new(format!("anserd: the password in {} cannot be read: {error}", path.display()));
        let mut text = String::new();
        if path.as_os_str() == "-" {
            std::io::stdin().take(4096).read_to_string(&mut text).map_err(failed)?;
        } else {
            text = std::fs::read_to_string(path).map_err(failed)?;
        }
        Ok((NewPassword(text.lines().next().unwrap_or_default().to_owned()), false))
    }
}

fn show(admin: &AdminArgs, request: &Request, password: Option<NewPassword>) -> Result<(), Failure> {
    let Reply::Operator(operator) = admin.ask(request)? else { return Err(strange()) };
    if admin.json {
        print_json(&json!({"operator": operator, "password": password}));
        return Ok(());
    }
    println!("name      {}", operator.name);
    println!("role      {}", operator.role);
    if !operator.apps.is_empty() {
        println!("apps      {}", operator.apps.join(" "));
    }
    if let Some(password) = password {
        println!("password  {}", password.0);
        println!("It is shown only now.");
    }
    Ok(())
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let Reply::Operators(operators) = admin.ask(&Request::OperatorList)? else { return Err(strange()) };
    if admin.json {
        print_json(&operators);
    } else if operators.is_empty() {
        println!("there is no operator yet: anserd operator add NAME --role owner, or anserd operator link");
    } else {
        for OperatorShown { name, role, apps, password_set_ms, .. } in operators {
            let since = Written(password_set_ms, TimeZone::UTC);
            println!("{name}  {role}  {}  password of {since} UTC", apps.join(" "));
        }
    }
    Ok(())
}

fn link(admin: &AdminArgs) -> Result<(), Failure> {
    let Reply::OperatorLink { url, expires_ms } = admin.ask(&Request::OperatorLink)? else { return Err(strange()) };
    if admin.json {
        print_json(&json!({"url": url, "expires_ms": expires_ms}));
    } else {
        println!("{url}");
        println!("It is good once, until {} UTC.", Written(expires_ms, TimeZone::UTC));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_password_is_long_and_never_the_same() {
        assert_ne!(NewPassword::made_up().0, NewPassword::made_up().0);
        assert!(
            NewPassword::made_up().0.len() == 20 && crate::operator::check_password(&NewPassword::made_up().0).is_ok()
        );
    }

    #[test]
    fn a_password_is_not_shown_where_a_request_is() {
        let request = Request::OperatorReset { name: "root".into(), password: NewPassword("hunter2hunter2".into()) };
        assert!(!format!("{request:?}").contains("hunter2"));
    }
}
