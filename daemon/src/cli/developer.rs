//! `anserd developer …`

use clap::Subcommand;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{DeveloperShown, Reply, Request};

#[derive(Debug, Subcommand)]
pub enum DeveloperCommand {
    /// Makes the credentials of a developer, who may then make and delete apps by REST; the secret is shown only now
    Create {
        /// What you call them
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Lists all developers, without their secrets
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Deletes the credentials of a developer; the apps stay
    Delete {
        /// Name or key of the developer
        developer: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub fn run(command: DeveloperCommand) -> Result<(), Failure> {
    match command {
        DeveloperCommand::Create { name, admin } => create(&admin, name),
        DeveloperCommand::List { admin } => list(&admin),
        DeveloperCommand::Delete { developer, admin } => delete(&admin, developer),
    }
}

fn create(admin: &AdminArgs, name: String) -> Result<(), Failure> {
    let Reply::Developer(developer) = admin.ask(&Request::DeveloperCreate { name })? else { return Err(strange()) };
    if admin.json {
        print_json(&developer);
    } else {
        println!("name             {}", developer.name);
        println!("developer key    {}", developer.developer_key);
        println!("developer secret {}", developer.developer_secret.unwrap_or_default());
    }
    Ok(())
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let Reply::Developers(developers) = admin.ask(&Request::DeveloperList)? else { return Err(strange()) };
    if admin.json {
        print_json(&developers);
    } else if developers.is_empty() {
        println!("there is no developer yet: anserd developer create NAME");
    } else {
        developers.iter().for_each(|DeveloperShown { name, developer_key, .. }| println!("{developer_key}  {name}"));
    }
    Ok(())
}

fn delete(admin: &AdminArgs, developer: String) -> Result<(), Failure> {
    let Reply::Developer(developer) = admin.ask(&Request::DeveloperDelete { developer })? else {
        return Err(strange());
    };
    if admin.json {
        print_json(&developer);
    } else {
        println!("deleted {}", developer.name);
    }
    Ok(())
}
