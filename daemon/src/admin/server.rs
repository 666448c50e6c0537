//! The daemon's end of the admin socket.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anser_storage::App;
use anser_storage::command::{AccessChange, AppCommand, Command, MediaCommand};
use anser_storage::ids::AppNumber;
use anser_storage::outcome::{Answer, Refusal};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::{
    AppShown, LINE_BYTES_MAX, MediaShown, ReloadedShown, Reply, Request, SOCKET, Status, accounts, callbacks, data,
    figures, imports, links, operators, segments, statistics,
};
use crate::app_callback::begin_for_new_app;
use crate::backup;
use crate::context::Shared;
use crate::keys::random_key;
use crate::ledger::Unavailable;
use crate::logging;
use crate::observe::listener;
use crate::removal;
use crate::rest::permit;
use crate::rest::rate::{RateFamily, UNLIMITED};
use crate::scrub;
use crate::serve::Reloaded;
use crate::trace;

pub(super) const APP_NAME_BYTES_MAX: usize = 64;
/// Each call of the app is compared with all of them.
const RANGES_MAX: usize = 100;
/// Whoever connects and says nothing is let go.
const REQUEST_WITHIN: Duration = Duration::from_secs(30);

/// The bound socket; its file goes with it.
pub struct AdminSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Who may connect, besides root.
    user: u32,
}

/// Binds the socket. The data folder is locked by us, so a socket that is there already is a left-over.
pub fn listen(data_dir: &Path) -> io::Result<AdminSocket> {
    let path = data_dir.join(SOCKET);
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&path)?;
    // The folder is closed to others before and after this line.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    Ok(AdminSocket { listener, path, user: own_user()? })
}

impl AdminSocket {
    /// Serves until the daemon stops.
    pub async fn serve(self, context: Shared) {
        let mut shutdown = context.shutdown.clone();
        loop {
            let accepted = tokio::select! {
                () = shutdown.begun() => return,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, _)) if self.may_ask(&stream) => {
                    let context = context.clone();
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, &context).await {
                            log::debug!("an admin connection ended early: {error}");
                        }
                    });
                }
                Ok(_) => log::warn!(
                    "another user tried to connect to the admin socket; commands are for the daemon's user and root (sudo)"
                ),
                Err(error) => {
                    log::warn!(
                        "cannot accept on the admin socket: {error}; raise the limit of open files (LimitNOFILE) if that is the reason"
                    );
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
    }

    fn may_ask(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|peer| peer.uid() == self.user || peer.uid() == 0)
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        // If it stays, the next start removes it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Our own user, as a peer of ours would see it.
fn own_user() -> io::Result<u32> {
    let (one, _other) = UnixStream::pair()?;
    Ok(one.peer_cred()?.uid())
}

async fn converse(stream: UnixStream, context: &Shared) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::new(read).take(LINE_BYTES_MAX);
    let mut line = String::new();
    while tokio::time::timeout(REQUEST_WITHIN, read.read_line(&mut line)).await?? > 0 {
        let reply = match serde_json::from_str::<Request>(&line) {
            Ok(Request::Backup) if context.backups.is_busy() => {
                Reply::Refused("a backup is under way already; wait until it is done".to_owned())
            }
            Ok(Request::Backup) => {
                let mut text = serde_json::to_vec(&Reply::BackupBegun)?;
                text.push(b'\n');
                return backup::send(context, &text, &mut write).await;
            }
            Ok(request) => answered(request, context).await,
            Err(error) => Reply::Refused(format!(
                "this anserd does not know the request ({error}); use its own version of the command"
            )),
        };
        let mut text = serde_json::to_vec(&reply)?;
        text.push(b'\n');
        write.write_all(&text).await?;
        line.clear();
        read.set_limit(LINE_BYTES_MAX);
    }
    Ok(())
}

/// May an app be called so?
pub fn check_app_name(name: &str) -> Result<(), &'static str> {
    match !name.is_empty() && name.len() <= APP_NAME_BYTES_MAX && !name.chars().any(char::is_control) {
        true => Ok(()),
        false => Err("the name of an app has 1 to 64 bytes and no control characters"),
    }
}

/// What whoever asks is answered; that they may ask was looked at.
pub async fn answered(request: Request, context: &Shared) -> Reply {
    let answered = match request {
        Request::AppCreate { name } => create(context, name).await,
        Request::AppList => list(context).await,
        Request::AppShow { app } => show(context, &app).await,
        Request::AppRotateSecret { app } => rotate_secret(context, &app).await,
        Request::AppDelete { app } => delete(context, &app).await,
        Request::AppGroupCreate { name } => accounts::create_group(context, name).await,
        Request::AppGroupList => accounts::list_groups(context).await,
        Request::AppGroupShow { group } => accounts::show_group(context, &group).await,
        Request::AppGroupDelete { group } => accounts::delete_group(context, &group).await,
        Request::AppGroupAdd { group, app } => accounts::add_to_group(context, &group, &app).await,
        Request::AppGroupRemove { group, app } => accounts::remove_from_group(context, &group, &app).await,
        Request::DeveloperCreate { name } => accounts::create_developer(context, name).await,
        Request::DeveloperList => accounts::list_developers(context).await,
        Request::DeveloperDelete { developer } => accounts::delete_developer(context, &developer).await,
        Request::AppBlock { app, is_blocked } => change_access(context, &app, AccessChange::Blocked(is_blocked)).await,
        Request::AppAllow { app, addresses } => allow(context, &app, &addresses).await,
        Request::AppRate { app, family, per_minute } => rate(context, &app, &family, per_minute).await,
        Request::AppQuota { app, mib } => quota(context, &app, mib).await,
        Request::SegmentCreate { app, name, rule } => segments::create(context, &app, name, &rule).await,
        Request::SegmentList { app } => segments::list(context, &app).await,
        Request::SegmentShow { app, segment } => segments::show(context, &app, &segment).await,
        Request::SegmentDelete { app, segment } => segments::delete(context, &app, &segment).await,
        Request::Stats { app, asked } => statistics::stats(context, &app, asked).await,
        Request::Import { app, piece } => imports::take_in(context, &app, piece).await,
        Request::CallbackTest { app } => callbacks::test(context, &app).await,
        Request::UserExport { app, user, place } => data::export(context, &app, &user, place).await,
        Request::UserErase { app, user } => data::erase(context, &app, &user).await,
        Request::AppRetention { app, change } => data::retention(context, &app, change).await,
        Request::OperatorAdd { name, role, apps, password } => {
            operators::add(context, name, &role, &apps, &password).await
        }
        Request::OperatorList => operators::list(context).await,
        Request::OperatorReset { name, password } => operators::reset(context, name, &password).await,
        Request::OperatorRemove { name } => operators::remove(context, name).await,
        Request::OperatorLink => operators::link(context).await,
        Request::Status => status(context).await,
        Request::Metrics => Ok(Reply::Metrics(listener::text(context).await)),
        Request::Figures => figures::figures(context).await,
        Request::Trace { msg_id, app, device } => trace(context, msg_id, app, device).await,
        Request::LinkList { filter, after, limit } => links::list(context, filter, after, limit).await,
        Request::LinkKick { filter, reason, all } => links::kick(context, filter, reason, all).await,
        Request::LogLevel { change } => log_level(change.as_deref()),
        Request::Backup => Ok(Reply::BackupBegun),
        Request::Reload => reload(context).await,
        Request::Scrub => Ok(Reply::ScrubBegun { passes: scrub::begin_now(context) }),
    };
    answered.unwrap_or_else(Reply::Refused)
}

async fn reload(context: &Shared) -> Result<Reply, String> {
    let Reloaded { taken, waiting } = context.reload.run(context).await.map_err(|mistakes| mistakes.join("\n"))?;
    let named = |keys: Vec<&str>| keys.into_iter().map(str::to_owned).collect();
    Ok(Reply::Reloaded(ReloadedShown { taken: named(taken), waiting: named(waiting) }))
}

async fn create(context: &Shared, name: String) -> Result<Reply, String> {
    check_app_name(&name)?;
    let (app_key, master_secret) = (random_key(), random_key());
    let command =
        AppCommand::Create { name: name.clone(), app_key: app_key.clone(), master_secret: master_secret.clone() };
    if let Answer::App(app) = submit(context, command).await? {
        begin_for_new_app(context, app, &app_key).await;
    }
    log::info!(app = app_key.as_str(); "an app was created");
    let master_secret = Some(master_secret);
    Ok(Reply::App(AppShown {
        name,
        app_key,
        master_secret,
        is_blocked: false,
        addresses: Vec::new(),
        rates: [].into(),
        media: None,
    }))
}

/// With its secret and what the operator said about it.
async fn show(context: &Shared, wanted: &str) -> Result<Reply, String> {
    let (number, app) = find(context, wanted).await?;
    let access = context.ledger.read(move |snapshot| snapshot.access(number)).await.map_err(unavailable)?;
    let media = context.ledger.read(move |snapshot| snapshot.media_space(number)).await.map_err(unavailable)?;
    let quota_bytes = media.quota_bytes.unwrap_or(context.config.media.quota_bytes);
    let shown_media = MediaShown { files: media.media, bytes: media.bytes, quota_bytes };
    let name = |family: u8| RateFamily::ALL.into_iter().find(|(known, _)| *known as u8 == family);
    let rates = access.rates.iter().filter_map(|(family, calls)| Some((name(*family)?.1.to_owned(), *calls)));
    Ok(Reply::App(AppShown {
        is_blocked: access.is_blocked,
        addresses: access.addresses.iter().map(permit::range_text).collect(),
        rates: rates.collect(),
        media: (media.media > 0 || media.quota_bytes.is_some()).then_some(shown_media),
        ..shown(app)
    }))
}

async fn allow(context: &Shared, app: &str, addresses: &[String]) -> Result<Reply, String> {
    if addresses.len() > RANGES_MAX {
        return Err(format!("at most {RANGES_MAX} addresses or ranges may be named"));
    }
    let ranges = addresses.iter().map(|text| {
        permit::parse_range(text).ok_or_else(|| format!("{text:?} is no address or range like 10.0.0.7 or 10.0.0.0/8"))
    });
    change_access(context, app, AccessChange::Addresses(ranges.collect::<Result<_, _>>()?)).await
}

async fn rate(context: &Shared, app: &str, family: &str, per_minute: Option<u32>) -> Result<Reply, String> {
    let known = RateFamily::from_name(family).ok_or_else(|| {
        let names = RateFamily::ALL.map(|(_, name)| name).join(", ");
        format!("{family:?} is no family of calls: use one of {names}")
    })?;
    if per_minute.is_some_and(|calls| !(1..=UNLIMITED).contains(&calls)) {
        return Err(format!("a rate is a whole number from 1 to {UNLIMITED}, which is no limit"));
    }
    change_access(context, app, AccessChange::Rate { family: known as u8, per_minute }).await
}

async fn quota(context: &Shared, app: &str, mib: Option<u32>) -> Result<Reply, String> {
    let (number, row) = find(context, app).await?;
    let command = MediaCommand::SetQuota { app: number, bytes: mib.map(|mib| u64::from(mib) << 20) };
    let outcome = context.ledger.submit(Command::Media(command)).await.map_err(unavailable)?;
    outcome.answer.map_err(refused)?;
    log::info!(app = row.app_key.as_str(); "an app has another quota for media");
    show(context, app).await
}

async fn change_access(context: &Shared, app: &str, change: AccessChange) -> Result<Reply, String> {
    let (number, row) = find(context, app).await?;
    submit(context, AppCommand::ChangeAccess { app: number, change }).await?;
    log::info!(app = row.app_key.as_str(); "what an app may do was changed");
    show(context, app).await
}

async fn list(context: &Shared) -> Result<Reply, String> {
    let mut apps = all(context).await?;
    apps.sort_by(|(_, left), (_, right)| left.name.cmp(&right.name));
    Ok(Reply::Apps(apps.into_iter().map(|(_, app)| AppShown { master_secret: None, ..shown(app) }).collect()))
}

async fn rotate_secret(context: &Shared, name: &str) -> Result<Reply, String> {
    let (number, app) = find(context, name).await?;
    let master_secret = random_key();
    submit(context, AppCommand::RotateSecret { app: number, master_secret: master_secret.clone() }).await?;
    log::info!(app = app.app_key.as_str(); "an app has a new master secret");
    Ok(Reply::App(AppShown { master_secret: Some(master_secret), ..shown(app) }))
}

async fn delete(context: &Shared, name: &str) -> Result<Reply, String> {
    let (number, app) = find(context, name).await?;
    context.delete_app(number).await.map_err(unavailable)?.map_err(refused)?;
    log::info!(app = app.app_key.as_str(); "an app was deleted");
    Ok(Reply::Deleted(AppShown { master_secret: None, ..shown(app) }))
}

async fn status(context: &Shared) -> Result<Reply, String> {
    let (apps, position) =
        context.ledger.read(|snapshot| Ok((snapshot.apps()?.len(), snapshot.end().0))).await.map_err(unavailable)?;
    Ok(Reply::Status(Box::new(Status {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        process_id: std::process::id(),
        uptime_s: context.started.elapsed().as_secs(),
        data_dir: context.config.data_dir.clone(),
        listen: context.listen.clone(),
        apps,
        connections: context.open_connections(),
        position,
        scrub: context.scrubs.shown(),
        removals: removal::shown(context).await.map_err(unavailable)?,
        callbacks: callbacks::shown(context),
        figures: figures::now(context).await,
    })))
}

async fn trace(context: &Shared, msg_id: u64, app: Option<String>, device: Option<String>) -> Result<Reply, String> {
    let app = match app {
        Some(app) => Some(find(context, &app).await?.0),
        None => None,
    };
    trace::trace(context, msg_id, app, device).await.map(Reply::Traced)
}

/// Who changed it is told at the level that held before.
fn log_level(change: Option<&str>) -> Result<Reply, String> {
    if let Some(change) = change {
        log::info!(level = change; "an operator changes what is logged");
        logging::change_level(change)?;
    }
    Ok(Reply::LogLevels(logging::levels_shown()))
}

async fn submit(context: &Shared, command: AppCommand) -> Result<Answer, String> {
    let outcome = context.ledger.submit(Command::App(command)).await.map_err(unavailable)?;
    outcome.answer.map_err(refused)
}

fn refused(refusal: Refusal) -> String {
    match refusal {
        Refusal::AppNameTaken => "an app of this name exists; `anserd app list` shows all".to_owned(),
        Refusal::AppKeyTaken => "the new app key exists already; try again".to_owned(),
        Refusal::AppUnknown => "there is no such app any more".to_owned(),
        other => format!("the store refused it: {other:?}; the daemon's log may say more"),
    }
}

pub(super) async fn find(context: &Shared, wanted: &str) -> Result<(AppNumber, App), String> {
    let found = all(context).await?.into_iter().find(|(_, app)| app.name == wanted || app.app_key == wanted);
    found.ok_or_else(|| format!("there is no app {wanted:?}; `anserd app list` shows all"))
}

pub(super) async fn all(context: &Shared) -> Result<Vec<(AppNumber, App)>, String> {
    context.ledger.read(|snapshot| snapshot.apps()).await.map_err(unavailable)
}

pub(super) fn unavailable(error: Unavailable) -> String {
    error.to_string()
}

fn shown(app: App) -> AppShown {
    let App { name, app_key, master_secret, .. } = app;
    let master_secret = Some(master_secret);
    AppShown { name, app_key, master_secret, is_blocked: false, addresses: Vec::new(), rates: [].into(), media: None }
}
