//! `anserd app-group …`

use clap::Subcommand;

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{AppGroupShown, Reply, Request};

#[derive(Debug, Subcommand)]
pub enum AppGroupCommand {
    /// Makes a group of apps and prints its key and secret
    Create {
        /// What you call it
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Lists all groups with their apps, without their secrets
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Shows a group with its master secret
    Show {
        /// Name or key of the group
        group: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Deletes a group; its apps stay
    Delete {
        /// Name or key of the group
        group: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Puts an app into a group: it gets pushes to the group, and its users and those of the other apps may talk
    Add {
        /// Name or key of the group
        group: String,
        /// Name or key of the app
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Takes an app out of a group
    Remove {
        /// Name or key of the group
        group: String,
        /// Name or key of the app
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub fn run(command: AppGroupCommand) -> Result<(), Failure> {
    match command {
        AppGroupCommand::Create { name, admin } => show(&admin, &Request::AppGroupCreate { name }),
        AppGroupCommand::Show { group, admin } => show(&admin, &Request::AppGroupShow { group }),
        AppGroupCommand::Add { group, app, admin } => show(&admin, &Request::AppGroupAdd { group, app }),
        AppGroupCommand::Remove { group, app, admin } => show(&admin, &Request::AppGroupRemove { group, app }),
        AppGroupCommand::List { admin } => list(&admin),
        AppGroupCommand::Delete { group, admin } => delete(&admin, group),
    }
}

fn show(admin: &AdminArgs, request: &Request) -> Result<(), Failure> {
    let Reply::AppGroup(group) = admin.ask(request)? else { return Err(strange()) };
    if admin.json {
        print_json(&group);
        return Ok(());
    }
    println!("name          {}", group.name);
    println!("user name     group-{}", group.group_key);
    println!("group key     {}", group.group_key);
    if let Some(secret) = &group.master_secret {
        println!("master secret {secret}");
    }
    println!("apps          {}", group.apps.join(", "));
    Ok(())
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let Reply::AppGroups(groups) = admin.ask(&Request::AppGroupList)? else { return Err(strange()) };
    if admin.json {
        print_json(&groups);
    } else if groups.is_empty() {
        println!("there is no app group yet: anserd app-group create NAME");
    } else {
        groups.iter().for_each(|AppGroupShown { name, group_key, apps, .. }| {
            println!("{group_key}  {name}: {}", apps.join(", "))
        });
    }
    Ok(())
}

fn delete(admin: &AdminArgs, group: String) -> Result<(), Failure> {
    let Reply::AppGroup(group) = admin.ask(&Request::AppGroupDelete { group })? else { return Err(strange()) };
    if admin.json {
        print_json(&group);
    } else {
        println!("deleted {}", group.name);
    }
    Ok(())
}
