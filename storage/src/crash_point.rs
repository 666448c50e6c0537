//! Named places at which tests end the process, as a crash would: `CRASH_POINT=BatchCommitted:3` ends it when it comes to
//! that place for the third time.
//!
//! Without the feature `planted` there is nothing here at run time.

/// Between two of these the state on disk, or what others know of it, changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashPoint {
    // A batch, on the writer's thread.
    BatchTaken,
    CommandsApplied,
    BatchCommitted,
    BatchPublished,
    FirstAnswered,
    BatchAnswered,
    BatchHandedOn,
    // A checkpoint.
    CheckpointBegun,
    HeadsWritten,
    HeadsCommitted,
    CheckpointDone,
    // The end.
    ShutdownBegun,
    LinksDrained,
    LastCheckpoint,
    StoreClosed,
    // A start: the first one makes the folder, the daemon's key, the authority's key and certificate, and the store.
    FolderMade,
    FileWritten,
    FileNamed,
    StoreBegun,
    StoreFilled,
    StoreWhole,
    StoreNamed,
    SetUpOffered,
    Listening,
    Recovered,
    // A store of an earlier format.
    UpgradeBegun,
    TablesMade,
    RowsListed,
    Upgraded,
    // A medium that is uploaded, and one that goes.
    BodyWritten,
    BodySynced,
    BodyNamed,
    BodyFreed,
    // What is removed slice by slice.
    AppSliceRemoved,
    AppRowsRemoved,
    ErasureSliceDone,
    ErasureMediaDone,
    // A backup: in the daemon, then in the command that keeps it.
    BackupBegun,
    BackupRowsRead,
    BackupFilesRead,
    BackupMediaRead,
    BackupReceived,
    BackupSynced,
    BackupNamed,
    // A restore.
    RestoreBegun,
    RestoreRead,
    RestoreRebuilt,
    RestoreSynced,
    RestoreMovedOne,
    RestoreMovedAll,
    RestoreDone,
}

impl CrashPoint {
    pub const ALL: [Self; 51] = {
        use CrashPoint::*;
        [
            BatchTaken,
            CommandsApplied,
            BatchCommitted,
            BatchPublished,
            FirstAnswered,
            BatchAnswered,
            BatchHandedOn,
            CheckpointBegun,
            HeadsWritten,
            HeadsCommitted,
            CheckpointDone,
            ShutdownBegun,
            LinksDrained,
            LastCheckpoint,
            StoreClosed,
            FolderMade,
            FileWritten,
            FileNamed,
            StoreBegun,
            StoreFilled,
            StoreWhole,
            StoreNamed,
            SetUpOffered,
            Listening,
            Recovered,
            UpgradeBegun,
            TablesMade,
            RowsListed,
            Upgraded,
            BodyWritten,
            BodySynced,
            BodyNamed,
            BodyFreed,
            AppSliceRemoved,
            AppRowsRemoved,
            ErasureSliceDone,
            ErasureMediaDone,
            BackupBegun,
            BackupRowsRead,
            BackupFilesRead,
            BackupMediaRead,
            BackupReceived,
            BackupSynced,
            BackupNamed,
            RestoreBegun,
            RestoreRead,
            RestoreRebuilt,
            RestoreSynced,
            RestoreMovedOne,
            RestoreMovedAll,
            RestoreDone,
        ]
    };
}

/// The process has come to this place.
#[inline(always)]
pub fn pass(point: CrashPoint) {
    #[cfg(feature = "planted")]
    armed::pass(point);
    #[cfg(not(feature = "planted"))]
    let _ = point;
}

#[cfg(feature = "planted")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::CrashPoint;

    struct Armed {
        point: CrashPoint,
        times: u32,
        passed: AtomicU32,
    }

    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();

    pub(super) fn pass(point: CrashPoint) {
        let armed = ARMED.get_or_init(|| std::env::var("CRASH_POINT").ok().as_deref().and_then(parse));
        let Some(armed) = armed.as_ref().filter(|armed| armed.point == point) else { return };
        if armed.passed.fetch_add(1, Ordering::SeqCst) + 1 == armed.times {
            // Nothing is closed, flushed or told.
            std::process::abort();
        }
    }

    fn parse(text: &str) -> Option<Armed> {
        let (name, times) = text.split_once(':').unwrap_or((text, "1"));
        let point = CrashPoint::ALL.into_iter().find(|point| format!("{point:?}") == name)?;
        Some(Armed { point, times: times.parse().ok()?, passed: AtomicU32::new(0) })
    }
}
