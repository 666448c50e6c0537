//! `anser tags` and `anser alias`: by what app servers choose this device.

use anser_client::session::{LabelAnswer, LabelCall};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::connection::Connection;
use crate::failure::Failure;
use crate::options::Global;

/// Show or change this device's tags
#[derive(Args)]
#[command(after_help = "Examples:
  anser tags add beijing vip          on the device without a user
  anser tags check vip                is it bound?
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
    /// Take all tags away
    Clean,
    /// Say whether the device has this tag
    Check { tag: String },
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
        let call = match self.action {
            TagsAction::Get => LabelCall::GetTags,
            TagsAction::Set { tags } if tags.is_empty() => LabelCall::CleanTags,
            TagsAction::Set { tags } => LabelCall::SetTags(tags),
            TagsAction::Add { tags } => LabelCall::AddTags(tags),
            TagsAction::Delete { tags } => LabelCall::DeleteTags(tags),
            TagsAction::Clean => LabelCall::CleanTags,
            TagsAction::Check { tag } => LabelCall::CheckTag(tag),
        };
        match ask(global, self.user.as_deref(), call).await? {
            LabelAnswer::Tags(tags) if global.json => println!("{}", json!({"tags": tags})),
            LabelAnswer::Tags(tags) => tags.iter().for_each(|tag| println!("{tag}")),
            LabelAnswer::CheckedTag { tag, is_bound } if global.json => {
                println!("{}", json!({"tag": tag, "bound": is_bound}));
            }
            LabelAnswer::CheckedTag { is_bound, .. } => println!("{}", if is_bound { "bound" } else { "not bound" }),
            LabelAnswer::Alias(_) | LabelAnswer::Mobile(_) => {}
        }
        Ok(())
    }
}

impl Alias {
    pub async fn run(self, global: &Global) -> Result<(), Failure> {
        let call = match self.action {
            AliasAction::Get => LabelCall::GetAlias,
            AliasAction::Set { alias } => LabelCall::SetAlias(alias),
            AliasAction::Delete => LabelCall::DeleteAlias,
        };
        let LabelAnswer::Alias(alias) = ask(global, self.user.as_deref(), call).await? else { return Ok(()) };
        if global.json {
            println!("{}", json!({"alias": alias}));
        } else if !alias.is_empty() {
            println!("{alias}");
        }
        Ok(())
    }
}

pub async fn ask(global: &Global, user: Option<&str>, call: LabelCall) -> Result<LabelAnswer, Failure> {
    let mut connection = Connection::to_ask(global, user)?;
    let client = connection.client.clone();
    let answer = connection.watched(client.label(1, call)).await;
    connection.close().await;
    Ok(answer??)
}
