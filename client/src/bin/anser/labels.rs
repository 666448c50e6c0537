//! `anser tags` and `anser alias`: by what app servers choose this device.

use anser_client::session::{Answer, Request};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::options::Global;

/// Show or change this device's tags
#[derive(Args)]
#[command(after_help = "Examples:
  anser tags add beijing vip          on the device without a user
  anser tags --user bob get           on Bob's device, the one of \"anser listen --user bob\"")]
pub struct Tags {
    /// Whose device; no login is needed
    #[arg(long, value_name = "USER", global = true)]
    user: Option<String>,
    #[command(subcommand)]
    action: TagsAction,
}

#[derive(Subcommand)]
enum TagsAction {
    /// Print the tags
    Get,
    /// Have these tags and no others; none at all without an argument
    Set { tags: Vec<String> },
    /// Add tags
    Add {
        #[arg(required = true)]
        tags: Vec<String>,
    },
    /// Take tags away
    Delete {
        #[arg(required = true)]
        tags: Vec<String>,
    },
}

/// Show or change this device's alias
#[derive(Args)]
#[command(after_help = "Examples:
  anser alias set customer_17
  anser alias --user bob get")]
pub struct Alias {
    /// Whose device; no login is needed
    #[arg(long, value_name = "USER", global = true)]
    user: Option<String>,
    #[command(subcommand)]
    action: AliasAction,
}

#[derive(Subcommand)]
enum AliasAction {
    /// Print the alias
    Get,
    /// Set the alias
    Set { alias: String },
    /// Have no alias
    Delete,
}

impl Tags {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let request = match self.action {
            TagsAction::Get => Request::TagsGet,
            TagsAction::Set { tags } => Request::TagsSet { tags },
            TagsAction::Add { tags } => Request::TagsAdd { tags },
            TagsAction::Delete { tags } => Request::TagsDelete { tags },
        };
        let Answer::Tags(tags) = ask(global, self.user.as_deref(), request).await? else { return Ok(()) };
        if global.json {
            println!("{}", json!({"tags": tags}));
        } else {
            tags.iter().for_each(|tag| println!("{tag}"));
        }
        Ok(())
    }
}

impl Alias {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let request = match self.action {
            AliasAction::Get => Request::AliasGet,
            AliasAction::Set { alias } => Request::AliasSet { alias },
            AliasAction::Delete => Request::AliasDelete,
        };
        let Answer::Alias(alias) = ask(global, self.user.as_deref(), request).await? else { return Ok(()) };
        if global.json {
            println!("{}", json!({"alias": alias}));
        } else if !alias.is_empty() {
            println!("{alias}");
        }
        Ok(())
    }
}

async fn ask(global: &Global, user: Option<&str>, request: Request) -> Result<Answer, Failure> {
    let mut connection = Connection::to_ask(global, user)?;
    let answer = connection.ask(request).await;
    connection.close().await;
    Ok(answer?)
}
