//! The job that finishes what cannot be done in one command: apps that were deleted, and users whose data are erased.
//!
//! Nobody finds either any more before it begins; here their rows go, slice by slice with pauses, so that nobody notices.
//! How far it came stands in the store: after a crash the next start goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anser_storage::command::{AppCommand, Class, Command, DataCommand};
use anser_storage::crash_point::{CrashPoint, pass};
use anser_storage::ids::{AppNumber, UserNumber};
use anser_storage::media::MediaId;
use anser_storage::outcome::{Answer, Refusal};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::context::Shared;
use crate::ledger::Unavailable;
use crate::media::sweep;

/// Between two slices of about 1,000 rows.
const PAUSE: Duration = Duration::from_millis(5);
/// After the store could not do it.
const AGAIN_AFTER: Duration = Duration::from_secs(30);
/// Media that are looked at in one snapshot, and that one command is about.
const MEDIA_LOOKED_AT: usize = 2000;
const MEDIA_ERASED: usize = 100;
/// Rows that one slice of a deleted app removes.
const SLICE_ROWS: u64 = 1000;

/// Wakes the job, and tells how far it is.
#[derive(Default)]
pub struct Removals {
    woken: Notify,
    /// About how many rows of a deleted app went since the start.
    rows: Mutex<BTreeMap<AppNumber, u64>>,
}

/// What `anserd status` shows of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalsShown {
    #[serde(default)]
    pub apps: Vec<DeletedAppShown>,
    #[serde(default)]
    pub users: Vec<ErasureShown>,
}

/// An app of which rows are left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeletedAppShown {
    pub name: String,
    pub app_key: String,
    /// About, since the daemon's start.
    pub rows_removed: u64,
}

/// A user whose data are being erased. Of a guest of another app each app tells by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErasureShown {
    pub app_key: String,
    pub user: u32,
    pub begun_ms: u64,
    /// `chat`, `room` or `media`.
    pub at: String,
    /// How much of this class of the log is behind it, in per cent of positions.
    pub percent: u64,
    pub records: u64,
    pub media: u64,
}

impl Removals {
    /// There is something to do.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    fn count(&self, app: AppNumber) {
        *self.rows.lock().unwrap_or_else(PoisonError::into_inner).entry(app).or_default() += SLICE_ROWS;
    }

    fn removed(&self, app: AppNumber) -> u64 {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).get(&app).copied().unwrap_or_default()
    }

    fn forget(&self, app: AppNumber) {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).remove(&app);
    }
}

/// Runs until the daemon stops; what an earlier one left over is taken up at once.
pub async fn run(context: Shared) {
    let mut shutdown = context.shutdown.clone();
    let mut is_first = true;
    loop {
        let done = tokio::select! {
            () = shutdown.begun() => return,
            done = round(&context, is_first) => done,
        };
        is_first &= done.is_err();
        let pause = async {
            match done {
                Ok(()) => context.removals.woken.notified().await,
                Err(error) => {
                    log::warn!("removing what was deleted stopped and goes on in half a minute: {error}");
                    tokio::time::sleep(AGAIN_AFTER).await;
                }
            }
        };
        tokio::select! {
            () = shutdown.begun() => return,
            () = pause => {}
        }
    }
}

/// All that there is to do now. After a start it is looked for what a crash left, too.
pub async fn round(context: &Shared, is_first: bool) -> Result<(), Unavailable> {
    for (app, row) in context.ledger.read(|snapshot| snapshot.apps_being_deleted()).await? {
        remove_app(context, app).await?;
        log::info!(app_key = row.app_key.as_str(); "all rows of a deleted app are gone");
    }
    for (app, user, _) in context.ledger.read(|snapshot| snapshot.erasures()).await? {
        if is_first {
            // Their rows may be gone already, and with them what names these files.
            sweep::drop_orphans(&context.media, &context.ledger, app).await?;
        }
        erase_user(context, app, user).await?;
        log::info!(app = app.0, user = user.0; "the data of a user are erased");
    }
    Ok(())
}

async fn remove_app(context: &Shared, app: AppNumber) -> Result<(), Unavailable> {
    loop {
        match context.ledger.submit(Command::App(AppCommand::Delete { app })).await?.answer {
            Ok(Answer::Continue) => {
                pass(CrashPoint::AppSliceRemoved);
                context.removals.count(app);
            }
            Ok(_) | Err(Refusal::AppUnknown) => break,
            Err(refusal) => return Err(refused(&refusal)),
        }
        tokio::time::sleep(PAUSE).await;
    }
    pass(CrashPoint::AppRowsRemoved);
    context.media.remove_app(app).await;
    context.removals.forget(app);
    Ok(())
}

async fn erase_user(context: &Shared, app: AppNumber, user: UserNumber) -> Result<(), Unavailable> {
    while let Some(slice) = context.ledger.read(move |snapshot| snapshot.erasure_slice(app, user)).await? {
        let Some(class) = slice.erasure.class else { break };
        if slice.next.is_some() || !slice.records.is_empty() {
            let next = slice.next.unwrap_or(slice.erasure.end);
            let erase = DataCommand::EraseRecords { app, user, class, records: slice.records, next };
            let is_whole = submit(context, erase).await? != Some(Answer::Continue);
            if slice.next.is_some() || !is_whole {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        }
        submit(context, DataCommand::EraseNextClass { app, user, done: class }).await?;
        pass(CrashPoint::ErasureSliceDone);
    }
    erase_media(context, app, user).await?;
    pass(CrashPoint::ErasureMediaDone);
    submit(context, DataCommand::EndErasure { app, user }).await?;
    Ok(())
}

async fn erase_media(context: &Shared, app: AppNumber, user: UserNumber) -> Result<(), Unavailable> {
    let (mut own, mut after) = (Vec::<MediaId>::new(), None);
    loop {
        let page = context.ledger.read(move |snapshot| snapshot.media_by(app, user, after, MEDIA_LOOKED_AT));
        let (found, next) = page.await?;
        own.extend(found.iter().map(|own| own.name.id));
        match next {
            Some(last) => after = Some(last),
            None => break,
        }
        tokio::time::sleep(PAUSE).await;
    }
    if own.is_empty() {
        return Ok(());
    }
    let avatars: BTreeSet<MediaId> = sweep::avatars(&context.ledger, app).await?;
    for media in own.chunks(MEDIA_ERASED) {
        let (shown, media) = media.iter().partition(|id| avatars.contains(id));
        if let Some(Answer::MediaFreed(bodies)) =
            submit(context, DataCommand::EraseMedia { app, user, media, shown }).await?
        {
            context.media.free(&context.ledger, app, bodies).await?;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Nothing when the app was deleted, or the erasure ended, while its turn came.
async fn submit(context: &Shared, command: DataCommand) -> Result<Option<Answer>, Unavailable> {
    match context.ledger.submit(Command::Data(command)).await?.answer {
        Ok(answer) => Ok(Some(answer)),
        Err(Refusal::AppUnknown | Refusal::ErasureUnknown) => Ok(None),
        Err(refusal) => Err(refused(&refusal)),
    }
}

fn refused(refusal: &Refusal) -> Unavailable {
    Unavailable::Closed(format!("the store refused it: {refusal:?}"))
}

/// How far everything is.
pub async fn shown(context: &Shared) -> Result<RemovalsShown, Unavailable> {
    let (apps, erasures, keys) = context
        .ledger
        .read(|snapshot| Ok((snapshot.apps_being_deleted()?, snapshot.erasures()?, snapshot.apps()?)))
        .await?;
    let keys: BTreeMap<AppNumber, String> = keys.into_iter().map(|(app, row)| (app, row.app_key)).collect();
    let apps = apps.into_iter().map(|(app, row)| DeletedAppShown {
        name: row.name,
        app_key: row.app_key,
        rows_removed: context.removals.removed(app),
    });
    let users = erasures.into_iter().map(|(app, user, erasure)| ErasureShown {
        app_key: keys.get(&app).cloned().unwrap_or_default(),
        user: user.0,
        begun_ms: erasure.begun_ms,
        at: match erasure.class {
            Some(Class::Chat) => "chat",
            Some(Class::Room) => "room",
            Some(Class::Push) | None => "media",
        }
        .to_owned(),
        percent: erasure.next.0.saturating_mul(100).checked_div(erasure.end.0).unwrap_or(100),
        records: erasure.records,
        media: erasure.media,
    });
    Ok(RemovalsShown { apps: apps.collect(), users: users.collect() })
}
