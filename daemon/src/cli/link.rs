//! `anserd link`

use std::net::IpAddr;

use clap::{Args, Subcommand};

use super::{AdminArgs, Failure, print_json, strange};
use crate::admin::{LINKS_PER_PAGE, LinkFilter, LinkShown, Reply, Request};
use crate::clock::Written;
use crate::config::TimeZone;

#[derive(Debug, Subcommand)]
pub enum LinkCommand {
    /// Lists open links in the order in which they were opened
    List {
        #[command(flatten)]
        filter: FilterArgs,
        /// At most so many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=LINKS_PER_PAGE as i64))]
        limit: u16,
        /// Goes on behind this link, the last of the page before
        #[arg(long, value_name = "LINK")]
        after: Option<u64>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Ends links and tells their clients why; a client that was not told to stay away comes back
    Kick {
        #[command(flatten)]
        filter: FilterArgs,
        /// All links there are
        #[arg(long)]
        all: bool,
        /// What the clients are told
        #[arg(long, default_value = "")]
        reason: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

/// Those to which all of it applies.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Of this app, by name or key
    #[arg(long)]
    app: Option<String>,
    /// Of this user of the app
    #[arg(long, requires = "app")]
    user: Option<String>,
    /// Of this device of the app
    #[arg(long, value_name = "REGISTRATION_ID", requires = "app")]
    device: Option<String>,
    /// From this address
    #[arg(long, value_name = "IP")]
    address: Option<IpAddr>,
    /// This one, by its number
    #[arg(long, value_name = "LINK")]
    link: Option<u64>,
}

impl FilterArgs {
    fn filter(self) -> LinkFilter {
        let Self { app, user, device, address, link } = self;
        LinkFilter { app, user, device, address, link }
    }
}

pub fn run(command: LinkCommand) -> Result<(), Failure> {
    match command {
        LinkCommand::List { filter, limit, after, admin } => {
            let request = Request::LinkList { filter: filter.filter(), after, limit: limit.into() };
            let Reply::Links(shown) = admin.ask(&request)? else { return Err(strange()) };
            if admin.json {
                print_json(&shown);
                return Ok(());
            }
            shown.links.iter().for_each(print);
            println!("{} of {}", shown.links.len(), shown.all);
            if let Some(after) = shown.after {
                println!("more: --after {after}");
            }
        }
        LinkCommand::Kick { filter, all, reason, admin } => {
            let request = Request::LinkKick { filter: filter.filter(), reason, all };
            let Reply::Kicked { links } = admin.ask(&request)? else { return Err(strange()) };
            if admin.json {
                print_json(&serde_json::json!({ "links": links }));
            } else {
                println!("{links} links end");
            }
        }
    }
    Ok(())
}

fn print(link: &LinkShown) {
    let LinkShown { link, transport, address, since_ms, app, device, user } = link;
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let since = Written(*since_ms, TimeZone::UTC);
    println!(
        "{link:<8} {:<9} {address:<22} since {since} UTC  app {}  device {}  user {}",
        transport.name(),
        text(app),
        text(device),
        text(user)
    );
}
