//! The job that removes media which nobody names any more, and files that are nobody's.
//!
//! It goes through all media of each app, looks for avatars first, and asks the store to let go of the rest: the store
//! decides. What a crash left behind on disk goes in the same round.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use anser_protocol::ids::TimeMs;
use anser_storage::BodyHash;
use anser_storage::command::{Command, MediaCommand};
use anser_storage::ids::AppNumber;
use anser_storage::media::MediaId;
use anser_storage::outcome::{Answer, Refusal};

use super::{Media, in_background};
use crate::clock::now_ms;
use crate::context::Shared;
use crate::ledger::{Ledger, Unavailable};

const ROUND_EVERY: Duration = Duration::from_secs(6 * 3600);
/// Between two slices, so that nobody notices.
const PAUSE: Duration = Duration::from_millis(10);
/// Users, groups or media that are looked at in one snapshot.
const SLICE: usize = 2000;
/// Media that one command is about.
const SWEPT_MAX: usize = 100;

/// Runs until the daemon stops; the first round comes at once.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    loop {
        let idle_ms = context.config.media.unused_ms();
        if let Err(error) = round(&context.media, &context.ledger, idle_ms, now_ms()).await {
            log::warn!("media that nobody needs could not be removed, it is tried again in six hours: {error}");
        }
        tokio::select! {
            () = shutdown.begun() => return,
            () = tokio::time::sleep(ROUND_EVERY) => {}
        }
    }
}

/// One round for all apps.
pub async fn round(media: &Media, ledger: &Ledger, idle_ms: TimeMs, now_ms: TimeMs) -> Result<(), Unavailable> {
    let apps = ledger.read(|snapshot| snapshot.apps()).await?;
    let living: BTreeSet<AppNumber> = apps.into_iter().map(|(app, _)| app).collect();
    for app in &living {
        let app = *app;
        if ledger.read(move |snapshot| snapshot.media_space(app)).await?.media > 0 {
            sweep_app(media, ledger, app, idle_ms, now_ms).await?;
        }
    }
    sweep_disk(media, ledger, &living).await
}

async fn sweep_app(
    media: &Media,
    ledger: &Ledger,
    app: AppNumber,
    idle_ms: TimeMs,
    now_ms: TimeMs,
) -> Result<(), Unavailable> {
    let avatars = avatars(ledger, app).await?;
    let mut after = None;
    loop {
        let page = ledger.read(move |snapshot| snapshot.unmentioned_media(app, after, SLICE, idle_ms, now_ms));
        let (unmentioned, next) = page.await?;
        let (named, unnamed): (Vec<_>, Vec<_>) = unmentioned.into_iter().partition(|media| avatars.contains(&media.id));
        let named: Vec<MediaId> = named.iter().filter(|media| media.is_idle).map(|media| media.id).collect();
        // One that is idle and not due stays as it is.
        let unnamed: Vec<MediaId> =
            unnamed.iter().filter(|media| !media.is_idle || media.is_due).map(|media| media.id).collect();
        for named in named.chunks(SWEPT_MAX) {
            let sweep = MediaCommand::Sweep { app, named: named.to_vec(), unnamed: Vec::new(), idle_ms };
            submit(media, ledger, sweep).await?;
        }
        for unnamed in unnamed.chunks(SWEPT_MAX) {
            let sweep = MediaCommand::Sweep { app, named: Vec::new(), unnamed: unnamed.to_vec(), idle_ms };
            submit(media, ledger, sweep).await?;
        }
        match next {
            Some(last) => after = Some(last),
            None => return Ok(()),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// All media that users and groups of the app show.
pub async fn avatars(ledger: &Ledger, app: AppNumber) -> Result<BTreeSet<MediaId>, Unavailable> {
    let (mut avatars, mut place) = (BTreeSet::new(), None);
    loop {
        let from = place.clone();
        let (found, next) = ledger.read(move |snapshot| snapshot.avatars(app, from.clone(), SLICE)).await?;
        avatars.extend(found);
        if next.is_none() {
            return Ok(avatars);
        }
        place = next;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Carries it out, and removes the files that it freed.
async fn submit(media: &Media, ledger: &Ledger, command: MediaCommand) -> Result<(), Unavailable> {
    let app = command.app();
    match ledger.submit(Command::Media(command)).await?.answer {
        Ok(Answer::MediaFreed(bodies)) => media.free(ledger, app, bodies).await,
        // An app may be deleted while its turn comes.
        Ok(_) | Err(Refusal::AppUnknown) => Ok(()),
        Err(refusal) => Err(Unavailable::Closed(format!("the store refused it: {refusal:?}"))),
    }
}

/// Removes files without rows: those of deleted apps, and those that a crash left before their row was made, or after it
/// was removed.
async fn sweep_disk(media: &Media, ledger: &Ledger, living: &BTreeSet<AppNumber>) -> Result<(), Unavailable> {
    let folder = media.folder.clone();
    let apps = in_background(move || folder.apps()).await.unwrap_or_default();
    for app in apps {
        if !living.contains(&app) {
            // It may have been made since.
            if ledger.read(move |snapshot| snapshot.app(app)).await?.is_none() {
                media.remove_app(app).await;
            }
            continue;
        }
        let parts = media.folder.clone();
        if let Err(error) = in_background(move || parts.drop_old_parts(app, SystemTime::now())).await {
            log::warn!("uploads that nobody goes on with stay until the next sweep: {error}");
        }
        drop_orphans(media, ledger, app).await?;
    }
    Ok(())
}

/// Removes the bodies of an app that have no row: a crash came between the two.
pub async fn drop_orphans(media: &Media, ledger: &Ledger, app: AppNumber) -> Result<(), Unavailable> {
    let folder = media.folder.clone();
    let shelves = in_background(move || folder.shelves(app)).await.unwrap_or_default();
    for shelf in shelves {
        let folder = media.folder.clone();
        let bodies = in_background(move || folder.bodies(app, &shelf)).await.unwrap_or_default();
        let orphans = ledger.read(move |snapshot| {
            let mut orphans = Vec::new();
            for body in &bodies {
                if !snapshot.has_media_body(app, body)? {
                    orphans.push(*body);
                }
            }
            Ok::<Vec<BodyHash>, _>(orphans)
        });
        media.free(ledger, app, orphans.await?).await?;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
