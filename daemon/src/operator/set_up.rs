//! The link that makes the first operator: once, within a day, for whoever may read the data folder or the log.
//!
//! It is made at the first start, while there is no operator, and never again by itself: `anserd operator link` makes
//! another. The token stands in a file of mode 0600; the store knows its hash.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anser_storage::command::{Command, OperatorCommand};
use anser_storage::crash_point::{CrashPoint, pass};
use anser_storage::outcome::Refusal;

use crate::clock::{Written, now_ms};
use crate::config::TimeZone;
use crate::context::Shared;
use crate::data_dir::write_private;
use crate::keys::{is_same_secret, random, token_hash};
use crate::ledger::Unavailable;

/// Inside the data folder.
pub const FILE: &str = "set-up-link";
const LIFE_MS: u64 = 24 * 3600 * 1000;
/// How soon the file of a link that is over goes.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// Of the page, behind which the token stands: what follows `#` is in no server's log.
const PAGE: &str = "/#set-up=";

/// A link that is good now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub url: String,
    pub expires_ms: u64,
}

/// Says where the link is, if there is one.
pub async fn begin(context: &Shared) {
    match at_start(context).await {
        Ok(Some(link)) => log::warn!(
            "there is no operator yet: open {} before {} UTC to make the first (also in {})",
            link.url,
            Written(link.expires_ms, TimeZone::UTC),
            file(context).display()
        ),
        Ok(None) => {}
        Err(error) => log::warn!("the link for the first operator could not be made: {error}"),
    }
}

/// Looks after the link until the daemon stops.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = tidy(&context).await {
            log::warn!("whether the link for the first operator is over could not be seen: {error}");
        }
    }
}

/// The link to speak of at a start: a new one where there was none ever, or the one that is still good.
pub async fn at_start(context: &Shared) -> Result<Option<Link>, Unavailable> {
    let offered = context.ledger.read(|snapshot| snapshot.set_up_offer()).await?;
    if offered.is_none() && context.ledger.read(|snapshot| snapshot.operators()).await?.is_empty() {
        return Ok(make(context).await?.ok());
    }
    tidy(context).await?;
    let Some(offer) = offered.filter(|offer| offer.expires_ms > now_ms()) else { return Ok(None) };
    let link = std::fs::read_to_string(file(context)).ok().and_then(|text| {
        let url = text.lines().next()?.to_owned();
        let (_, token) = url.split_once(PAGE)?;
        let is_same = is_same_secret(&token_hash(token.as_bytes()), &offer.token_hash);
        is_same.then(|| Link { url: url.clone(), expires_ms: offer.expires_ms })
    });
    match link {
        Some(link) => Ok(Some(link)),
        // The file is gone, was changed, or a crash came before it: the hash does not give the token back.
        None => Ok(make(context).await?.ok()),
    }
}

/// A new link; the one before is no good any more. Refused when there is an operator.
pub async fn make(context: &Shared) -> Result<Result<Link, Refusal>, Unavailable> {
    let token = data_encoding::HEXLOWER.encode(&random::<32>());
    let expires_ms = now_ms() + LIFE_MS;
    let offer = OperatorCommand::OfferSetUp { token_hash: token_hash(token.as_bytes()), expires_ms };
    if let Err(refusal) = context.ledger.submit(Command::Operator(offer)).await?.answer {
        return Ok(Err(refusal));
    }
    pass(CrashPoint::SetUpOffered);
    let url = format!("{}{PAGE}{token}", origin(context));
    let (path, text) = (file(context), format!("{url}\n"));
    if let Err(error) = write_private(&path, text.as_bytes()) {
        log::warn!("the link for the first operator could not be written to {}: {error}", path.display());
    }
    Ok(Ok(Link { url, expires_ms }))
}

/// Removes the file of a link that was used or is too old.
pub async fn tidy(context: &Shared) -> Result<(), Unavailable> {
    let path = file(context);
    if !path.exists() {
        return Ok(());
    }
    let offer = context.ledger.read(|snapshot| snapshot.set_up_offer()).await?;
    if offer.is_none_or(|offer| offer.expires_ms <= now_ms()) {
        remove(&path);
    }
    Ok(())
}

fn remove(path: &Path) {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            log::warn!("{} leads nowhere any more and could not be removed: {error}", path.display());
        }
        _ => {}
    }
}

fn file(context: &Shared) -> PathBuf {
    context.config.data_dir.join(FILE)
}

/// Under the first name that the certificate was asked to bear, or the name of this machine.
fn origin(context: &Shared) -> String {
    let config = &context.config;
    let host = config.tls.names.first().cloned().unwrap_or_else(|| {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        if host.trim().is_empty() { "localhost".to_owned() } else { host.trim().to_owned() }
    });
    let host = if host.contains(':') { format!("[{host}]") } else { host };
    match context.listen.first().map(std::net::SocketAddr::port) {
        None | Some(443) => format!("https://{host}"),
        Some(port) => format!("https://{host}:{port}"),
    }
}
