//! `anserd serve`

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::Args;
use sd_notify::NotifyState;
use serde::Serialize;

use super::{Failure, environment, print_json, settings};
use crate::admin::{self, AppShown, Reply, Request};
use crate::config::{self, Config, Flags};
use crate::listen::Given;
use crate::logging;
use crate::operator::set_up;
use crate::serve::{Asked, Daemon, Signals, StartError};

const DEMO_DATA_DIR: &str = "demo";
const DEMO_APP: &str = "demo";

#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The settings file [default: /etc/anser/anserd.toml, if it exists]
    #[arg(long, value_name = "FILE", env = "ANSER_CONFIG")]
    config: Option<PathBuf>,
    /// The folder that holds everything
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// An address with port to listen on, TCP and UDP; may be repeated
    #[arg(long, value_name = "ADDR")]
    listen: Vec<String>,
    /// Prints one JSON line on standard output when it serves
    #[arg(long)]
    json: bool,
    /// Serves from the folder demo/, with an app to try things with
    #[arg(long)]
    demo: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Ready<'a> {
    ready: bool,
    listen: &'a [SocketAddr],
    data_dir: &'a Path,
    ca: Option<&'a PathBuf>,
}

pub fn run(args: &ServeArgs) -> Result<(), Failure> {
    let flags = Flags { config: args.config.clone(), data_dir: data_dir(args), listen: args.listen.clone() };
    let config = settings(&flags)?;
    // It takes variables out of the environment, so before there are other threads.
    let given = Given::take().map_err(|error| failed(&error.into()))?;
    logging::start(config.log_level, &config.log_levels);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Reads and password hashes wait here; more threads would only queue at the disk and the cores.
        .max_blocking_threads(64)
        .build()
        .map_err(|error| Failure::new(format!("anserd: the system gives no threads: {error}")))?;
    let served = runtime.block_on(serve(args, flags, config, given));
    // What still hangs after the drain is not waited for.
    runtime.shutdown_background();
    logging::flush();
    served
}

fn data_dir(args: &ServeArgs) -> Option<PathBuf> {
    args.data_dir.clone().or_else(|| args.demo.then(|| PathBuf::from(DEMO_DATA_DIR)))
}

async fn serve(args: &ServeArgs, flags: Flags, config: Config, given: Given) -> Result<(), Failure> {
    let mut signals =
        Signals::install().map_err(|error| Failure::new(format!("anserd: cannot wait for signals: {error}")))?;
    let read = Box::new(move || config::read(&flags, environment()));
    let daemon = Daemon::start_on(config, given, read).await.map_err(|error| failed(&error))?;
    log::info!(data_dir:% = daemon.context().config.data_dir.display(), listen:? = daemon.listen(), plain_listen:? = daemon.plain_listen(), metrics_listen:? = daemon.metrics_listen(); "serving");
    say_ready(args, &daemon).await?;
    // Without a supervisor there is nobody to tell.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    while signals.next().await == Asked::Reload {
        // What went wrong stands in the log; whoever wants an answer asks by `anserd reload`.
        let _ = daemon.context().reload.run(daemon.context()).await;
    }
    signals.end_at_the_next();
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    log::info!("stopping");
    daemon.stop().await;
    Ok(())
}

fn failed(error: &StartError) -> Failure {
    let text = format!("anserd: {error}");
    if error.is_lasting() { Failure::lasting(text) } else { Failure::new(text) }
}

async fn say_ready(args: &ServeArgs, daemon: &Daemon) -> Result<(), Failure> {
    let data_dir = &daemon.context().config.data_dir;
    if args.json {
        let ready = Ready { ready: true, listen: daemon.listen(), data_dir, ca: daemon.authority() };
        print_json(&ready);
        return Ok(());
    }
    let listen: Vec<_> = daemon.listen().iter().map(ToString::to_string).collect();
    println!("Anser {} serves on {}; data folder {}", env!("CARGO_PKG_VERSION"), listen.join(", "), data_dir.display());
    if args.demo {
        let app = demo_app(data_dir).await?;
        let links = demo_links(daemon, &app.app_key).await?;
        say_first_commands(daemon, &app, &links);
    } else {
        println!("Next: anserd app create NAME --data-dir {}", data_dir.display());
        if let Some(authority) = daemon.authority() {
            println!("Clients trust it with --ca {} (curl: --cacert)", authority.display());
        }
    }
    Ok(())
}

/// Asks the daemon over its own socket, as an operator would.
async fn demo_app(data_dir: &Path) -> Result<AppShown, Failure> {
    let socket = data_dir.join(admin::SOCKET);
    let asked = tokio::task::spawn_blocking(move || {
        match admin::ask(&socket, &Request::AppShow { app: DEMO_APP.to_owned() })? {
            Reply::App(app) => Ok(Reply::App(app)),
            _ => admin::ask(&socket, &Request::AppCreate { name: DEMO_APP.to_owned() }),
        }
    });
    match asked.await {
        Ok(Ok(Reply::App(app))) => Ok(app),
        Ok(Err(error)) => Err(Failure::new(format!("anserd: {}", admin::AskError::to_string(&error)))),
        _ => Err(super::strange()),
    }
}

/// Names of users with the addresses that log them in.
async fn demo_links(daemon: &Daemon, app_key: &str) -> Result<Vec<(&'static str, String)>, Failure> {
    let (context, app_key) = (daemon.context(), app_key.to_owned());
    let failed = |error| Failure::new(format!("anserd: the users of the demo could not be made: {error}"));
    let app = context.ledger.read(move |snapshot| snapshot.app_by_key(&app_key)).await.map_err(failed)?;
    let (app, _) = app.ok_or_else(super::strange)?;
    let links = context.demo.begin(context, app).await.map_err(failed)?;
    let page = format!("https://localhost:{}/im", port(daemon));
    Ok(links.into_iter().map(|(user, token)| (user, format!("{page}#demo={token}"))).collect())
}

/// With what makes the first operator, as long as there is none.
fn console(daemon: &Daemon) -> String {
    let page = format!("https://localhost:{}/", port(daemon));
    let link = std::fs::read_to_string(daemon.context().config.data_dir.join(set_up::FILE)).unwrap_or_default();
    match link.trim().split_once('#') {
        Some((_, fragment)) => format!("{page}#{fragment}"),
        None => page,
    }
}

fn port(daemon: &Daemon) -> u16 {
    daemon.listen().first().map_or(crate::config::DEFAULT_PORT, SocketAddr::port)
}

fn say_first_commands(daemon: &Daemon, app: &AppShown, links: &[(&str, String)]) {
    let port = port(daemon);
    let ca = daemon.authority().map(|path| path.display().to_string()).unwrap_or_default();
    let (key, secret) = (&app.app_key, app.master_secret.as_deref().unwrap_or_default());
    // `anser` lies beside `anserd`.
    let programs = std::env::current_exe().ok().and_then(|program| program.parent().map(Path::to_path_buf));
    let path = programs.map_or_else(String::new, |folder| format!("  export PATH={}:$PATH\n", folder.display()));
    println!("\nChat in two browser windows; each link logs one user in, once. The certificate is this daemon's own:");
    println!("let the browser go on, or have it trust {ca}\n");
    for (user, link) in links {
        println!("  {user}: {link}");
    }
    println!("\nThe console for whoever runs it: {}", console(daemon));
    println!(
        "
The app \"{name}\" is there for trying things. In another shell:

{path}  export ANSER_SERVER=localhost:{port} ANSER_CA={ca} ANSER_APP_KEY={key} MASTER_SECRET={secret}
  anser register alice --password secret1
  anser register bob --password secret2
  anser listen --user bob --password secret2

and in a third, with the same export:

  anser send --user alice --password secret1 --to bob --text 'Hello, Bob'
  curl --cacert {ca} -u $ANSER_APP_KEY:$MASTER_SECRET https://localhost:{port}/v3/push \\
    -d '{{\"platform\":\"all\",\"audience\":\"all\",\"notification\":{{\"alert\":\"Hello, everybody\"}}}}'

Stop with Ctrl-C; everything stays in {dir}.",
        name = app.name,
        dir = daemon.context().config.data_dir.display(),
    );
}
