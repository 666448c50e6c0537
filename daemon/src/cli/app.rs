//! `anserd app …`

use clap::Subcommand;

use super::{AdminArgs, Failure, print_json, retention, strange};
use crate::admin::{AppShown, Reply, Request};

#[derive(Debug, Subcommand)]
pub enum AppCommand {
    /// Makes an app and prints its key and secret
    Create {
        /// What you call it
        name: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Lists all apps, without their secrets
    List {
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Shows an app with its master secret
    Show {
        /// Name or app key
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Gives an app a new master secret; the old one is refused from then on
    RotateSecret {
        /// Name or app key
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Refuses all REST calls of an app and sends nothing that it scheduled; its devices stay connected
    Block {
        /// Name or app key
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Serves a blocked app again
    Unblock {
        /// Name or app key
        app: String,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Says from which addresses an app's servers may call; named none, from everywhere
    ///
    /// What counts is the address of the connection: behind a proxy, that of the proxy.
    Allow {
        /// Name or app key
        app: String,
        /// Addresses and ranges, like 10.0.0.7 or 10.0.0.0/8; they replace the earlier ones
        addresses: Vec<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Sets how many calls of a family an app may make in a minute, or pushes to all (broadcasts) in a day
    Rate {
        /// Name or app key
        app: String,
        /// push, report, device, schedule, files, im or broadcasts
        family: String,
        /// 1 to 1000000, which is no limit; left out, the daemon's setting
        per_minute: Option<u32>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Sets how much an app may keep of what its users and servers upload
    Quota {
        /// Name or app key
        app: String,
        /// In MiB; 0 means no limit; left out, the daemon's setting
        mib: Option<u32>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Shows or sets how long an app keeps its messages and pushes
    Retention {
        /// Name or app key
        app: String,
        /// chat, room or push; left out, all are shown
        #[arg(requires = "keep")]
        class: Option<String>,
        /// A number of days, "forever", or "default" for the daemon's setting
        keep: Option<String>,
        #[command(flatten)]
        admin: AdminArgs,
    },
    /// Deletes an app with everything in it
    ///
    /// Nobody finds it any more when this comes back; its rows go in the background (`anserd status`).
    Delete {
        /// Name or app key
        app: String,
        /// Really
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        admin: AdminArgs,
    },
}

pub fn run(command: AppCommand) -> Result<(), Failure> {
    match command {
        AppCommand::Create { name, admin } => show(&admin, &Request::AppCreate { name }),
        AppCommand::Show { app, admin } => show(&admin, &Request::AppShow { app }),
        AppCommand::RotateSecret { app, admin } => show(&admin, &Request::AppRotateSecret { app }),
        AppCommand::Block { app, admin } => show(&admin, &Request::AppBlock { app, is_blocked: true }),
        AppCommand::Unblock { app, admin } => show(&admin, &Request::AppBlock { app, is_blocked: false }),
        AppCommand::Allow { app, addresses, admin } => show(&admin, &Request::AppAllow { app, addresses }),
        AppCommand::Rate { app, family, per_minute, admin } => {
            show(&admin, &Request::AppRate { app, family, per_minute })
        }
        AppCommand::Quota { app, mib, admin } => show(&admin, &Request::AppQuota { app, mib }),
        AppCommand::Retention { app, class, keep, admin } => retention::run(&admin, app, class, keep),
        AppCommand::List { admin } => list(&admin),
        AppCommand::Delete { app, yes, admin } => delete(&admin, app, yes),
    }
}

fn show(admin: &AdminArgs, request: &Request) -> Result<(), Failure> {
    let Reply::App(app) = admin.ask(request)? else { return Err(strange()) };
    if admin.json {
        print_json(&app);
    } else {
        println!("name          {}", app.name);
        println!("app key       {}", app.app_key);
        println!("master secret {}", app.master_secret.unwrap_or_default());
        if app.is_blocked {
            println!("blocked       yes");
        }
        if !app.addresses.is_empty() {
            println!("callers       {}", app.addresses.join(" "));
        }
        for (family, calls) in &app.rates {
            let within = if family == "broadcasts" { "day" } else { "minute" };
            println!("calls         {calls} a {within} ({family})");
        }
        if let Some(media) = app.media {
            let quota = match media.quota_bytes {
                0 => "no limit".to_owned(),
                bytes => format!("of {} MiB", bytes >> 20),
            };
            println!("media         {} files, {} MiB, {quota}", media.files, media.bytes.div_ceil(1 << 20));
        }
    }
    Ok(())
}

fn list(admin: &AdminArgs) -> Result<(), Failure> {
    let Reply::Apps(apps) = admin.ask(&Request::AppList)? else { return Err(strange()) };
    if admin.json {
        print_json(&apps);
    } else if apps.is_empty() {
        println!("there is no app yet: anserd app create NAME");
    } else {
        apps.iter().for_each(|AppShown { name, app_key, .. }| println!("{app_key}  {name}"));
    }
    Ok(())
}

fn delete(admin: &AdminArgs, app: String, yes: bool) -> Result<(), Failure> {
    if !yes {
        let Reply::App(app) = admin.ask(&Request::AppShow { app })? else { return Err(strange()) };
        return Err(Failure::new(format!(
            "anserd: this deletes the app {:?} with its users, messages and devices, for good. Add --yes to do it",
            app.name
        )));
    }
    let Reply::Deleted(app) = admin.ask(&Request::AppDelete { app })? else { return Err(strange()) };
    if admin.json {
        print_json(&app)
    } else {
        println!("deleted {}", app.name)
    }
    Ok(())
}
