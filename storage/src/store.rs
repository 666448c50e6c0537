//! The store's one owner: it applies batches, keeps the heads, and writes them down at checkpoints.
//!
//! A batch is one write transaction with one commit. In memory nothing changes before the commit; after it, heads and the
//! new end are published, and only then does anybody learn the outcomes. After a disk error the store is closed: what is
//! on disk is found out by opening it again.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anser_protocol::ids::{Position, TimeMs};
use anser_protocol::planted::{Fault, is_planted};
use redb::{Database, Durability, ReadableDatabase, StorageBackend};

use crate::apply::{Batch, MemberLists, Overlay, WordFilters};
use crate::checkpoint::Checkpointing;
use crate::command::Stamped;
use crate::crash_point::{CrashPoint, pass};
use crate::disk::{self, OpenDatabase};
use crate::error::{OpenError, ReadError, StoreError};
use crate::options::Options;
use crate::outcome::{Outcome, Refusal};
use crate::recover::{Recovered, recover};
use crate::rows::meta::Counters;
use crate::shared::{Published, Reopener, Shared};
use crate::snapshot::Reader;

pub struct Store {
    /// Nothing after a disk error, until it is opened again.
    pub(crate) database: Option<Arc<OpenDatabase>>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    pub(crate) checkpointing: Checkpointing,
    pub(crate) log_bytes: u64,
    pub(crate) checkpoint_at_ms: TimeMs,
    source: Source,
    stats: Stats,
    commit_took: Duration,
    members: RefCell<MemberLists>,
    filters: RefCell<WordFilters>,
    /// Which command of the next batch panics.
    #[cfg(feature = "simulation")]
    panics_at: Option<usize>,
}

/// What the store can tell about itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub end: Position,
    pub batches: u64,
    pub commands: u64,
    pub checkpoints: u64,
    /// Heads that are not in their table yet.
    pub dirty_heads: usize,
    /// Log since the last checkpoint: what recovery would read.
    pub log_bytes: u64,
    /// Rows of the log's tail that could not be read when the store was opened.
    pub damaged: u64,
    /// Commands that made the store panic or met a damaged row.
    pub failed_commands: u64,
    /// Bytes of the page cache in use.
    pub cache_bytes: usize,
}

/// What the rows take on disk, by redb's own count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Space {
    /// Keys and values.
    pub row_bytes: u64,
    /// What the pages need besides.
    pub page_bytes: u64,
    /// Room in pages that are in use.
    pub unused_bytes: u64,
}

impl Space {
    pub fn total(&self) -> u64 {
        self.row_bytes + self.page_bytes + self.unused_bytes
    }
}

type Maker = Box<dyn FnMut(&Options) -> Result<Database, OpenError> + Send>;

/// Where the store came from, to open it again.
enum Source {
    Folder(PathBuf),
    /// Makes the database again.
    Maker(Maker),
    /// A backend that was used up.
    Once,
}

impl Store {
    /// Opens the store in a folder, or makes it there.
    pub fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let database = unharmed(|| disk::open_folder(folder, &options))?;
        Self::new(database, options, Source::Folder(folder.into()))
    }

    /// Opens the store on a backend (memory, or a disk that fails on purpose); an empty one becomes a new store.
    pub fn open_on(backend: impl StorageBackend, options: Options) -> Result<Self, OpenError> {
        let database = unharmed(|| disk::open_backend(backend, &options))?;
        Self::new(database, options, Source::Once)
    }

    /// The same for a backend that can be had again, so that the store can be opened again after a disk error.
    pub fn open_with<B: StorageBackend>(
        mut backend: impl FnMut() -> B + Send + 'static,
        options: Options,
    ) -> Result<Self, OpenError> {
        let mut make: Maker = Box::new(move |options: &Options| disk::open_backend(backend(), options));
        let database = unharmed(|| make(&options))?;
        Self::new(database, options, Source::Maker(make))
    }

    /// One that was opened elsewhere; it cannot be opened again.
    pub(crate) fn of_database(database: Database, options: Options) -> Result<Self, OpenError> {
        Self::new(database, options, Source::Once)
    }

    fn new(database: Database, options: Options, source: Source) -> Result<Self, OpenError> {
        let recovered = unharmed(|| recover(&database))?;
        pass(CrashPoint::Recovered);
        let mut store = Self {
            database: None,
            shared: Arc::default(),
            options,
            counters: recovered.counters,
            checkpointing: Checkpointing::default(),
            log_bytes: 0,
            checkpoint_at_ms: recovered.counters.at_ms,
            source,
            stats: Stats::default(),
            commit_took: Duration::ZERO,
            members: RefCell::default(),
            filters: RefCell::default(),
            #[cfg(feature = "simulation")]
            panics_at: None,
        };
        store.begin(database, recovered);
        Ok(store)
    }

    fn begin(&mut self, database: Database, recovered: Recovered) {
        let database = Arc::new(OpenDatabase::new(database));
        self.counters = recovered.counters;
        self.log_bytes = recovered.log_bytes;
        self.stats.damaged = recovered.damaged;
        self.checkpointing = Checkpointing::default();
        self.shared.open(Published { database: database.clone(), heads: recovered.heads, end: self.end() });
        self.database = Some(database);
    }

    /// Opens the store again after a disk error; readers that were handed out go on with it.
    pub fn reopen(&mut self) -> Result<(), OpenError> {
        self.let_go();
        match self.open_again() {
            Ok((database, recovered)) => {
                self.begin(database, recovered);
                Ok(())
            }
            Err(error) => {
                self.shared.give_up();
                Err(error)
            }
        }
    }

    fn open_again(&mut self) -> Result<(Database, Recovered), OpenError> {
        let database = match &mut self.source {
            Source::Folder(folder) => unharmed(|| disk::open_existing(folder, &self.options))?,
            Source::Maker(make) => unharmed(|| make(&self.options))?,
            Source::Once => return Err(OpenError::Disk("the store's backend cannot be opened twice".into())),
        };
        let recovered = unharmed(|| recover(&database))?;
        // Going on would give positions twice; a start jumps ahead.
        if recovered.counters.position < self.counters.position {
            let what = "the file has lost what was answered; look at the disk, then start the daemon again";
            return Err(OpenError::Disk(what.into()));
        }
        Ok((database, recovered))
    }

    /// From now on somebody opens the store again at once after each disk error, and readers wait for that. They call
    /// `reopener` when they find it broken first.
    pub(crate) fn is_reopened_by(&self, reopener: Reopener) {
        self.shared.is_reopened_by(reopener);
    }

    /// Has a reader found that it must be opened again?
    pub(crate) fn is_broken(&self) -> bool {
        self.shared.is_broken()
    }

    /// It stays closed for longer than readers would wait.
    pub(crate) fn give_up(&self) {
        self.shared.give_up();
    }

    pub(crate) fn is_checkpointing(&self) -> bool {
        !self.is_closed() && self.checkpointing.is_under_way()
    }

    /// Is it closed after a disk error?
    pub fn is_closed(&self) -> bool {
        self.database.is_none()
    }

    /// Writes a checkpoint and closes.
    pub fn shut_down(mut self) -> Result<(), StoreError> {
        pass(CrashPoint::LastCheckpoint);
        self.checkpoint()?;
        self.close();
        pass(CrashPoint::StoreClosed);
        Ok(())
    }

    /// For good.
    pub(crate) fn close(&mut self) {
        self.let_go();
        self.give_up();
    }

    /// After a disk error.
    pub(crate) fn lose(&mut self) {
        self.shared.lose();
        self.let_go();
    }

    fn let_go(&mut self) {
        self.members.borrow_mut().clear();
        self.filters.borrow_mut().clear();
        self.shared.close();
        self.database = None;
    }

    pub fn reader(&self) -> Reader {
        Reader::new(self.shared.clone())
    }

    /// The highest position that was handed out.
    pub fn end(&self) -> Position {
        Position(self.counters.position.0 - 1)
    }

    /// One command of the next batch panics in the middle of what it does.
    #[cfg(feature = "simulation")]
    pub fn panic_at(&mut self, index: usize) {
        self.panics_at = Some(index);
    }

    /// Carries out all commands in order, in one transaction. After an error none of them has become true.
    pub fn apply(&mut self, commands: &[Stamped]) -> Result<Vec<Outcome>, StoreError> {
        self.apply_while(commands, &mut || true)
    }

    /// Carries out commands until `go_on` says no, at least one. Returns the outcomes of those that were carried out.
    pub fn apply_while(
        &mut self,
        commands: &[Stamped],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Outcome>, StoreError> {
        let Some(database) = self.database.clone() else { return Err(StoreError::Closed) };
        // redb may panic on a damaged page; what a command does is caught further inside.
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit_batch(&database, commands, go_on)));
        let committed = committed.unwrap_or_else(|panic| Err(StoreError::Disk(panic_message(panic.as_ref()))));
        #[cfg(feature = "simulation")]
        {
            self.panics_at = None;
        }
        match &committed {
            Ok(outcomes) => {
                self.stats.batches += 1;
                self.stats.commands += outcomes.len() as u64;
            }
            Err(_) => self.lose(),
        }
        committed
    }

    /// A command that panics or meets a damaged row spoils the batch, which is then begun again without it.
    fn commit_batch(
        &mut self,
        database: &Database,
        commands: &[Stamped],
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut guilty = BTreeSet::new();
        loop {
            let mut transaction = database.begin_write().map_err(StoreError::disk)?;
            let attempt = self.attempt(&transaction, commands, &guilty, go_on);
            match attempt {
                Ok((outcomes, overlay)) => {
                    pass(CrashPoint::CommandsApplied);
                    transaction.set_quick_repair(self.options.quick_repair.is_worth_it(outcomes.len()));
                    if is_planted(Fault::AnswerBeforeCommit) {
                        transaction.set_durability(Durability::None).map_err(StoreError::disk)?;
                    }
                    let begun = Instant::now();
                    let committed = transaction.commit().map_err(StoreError::disk);
                    self.commit_took = begun.elapsed();
                    committed?;
                    pass(CrashPoint::BatchCommitted);
                    self.publish(overlay);
                    pass(CrashPoint::BatchPublished);
                    self.stats.failed_commands += guilty.len() as u64;
                    return Ok(outcomes);
                }
                Err(Failure::Command { index, what }) => {
                    ::log::error!(
                        "a command was refused because it failed: {what}; run `anserd scrub`, and report it if nothing is damaged"
                    );
                    self.members.borrow_mut().clear();
                    self.filters.borrow_mut().clear();
                    transaction.abort().map_err(StoreError::disk)?;
                    guilty.insert(index);
                }
                Err(Failure::Disk(error)) => return Err(error),
            }
        }
    }

    fn attempt(
        &self,
        transaction: &redb::WriteTransaction,
        commands: &[Stamped],
        guilty: &BTreeSet<usize>,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(Vec<Outcome>, Overlay), Failure> {
        let mut batch =
            Batch::new(transaction, &self.shared, &self.options, self.counters, &self.members, &self.filters);
        let mut outcomes = Vec::with_capacity(commands.len());
        for (index, command) in commands.iter().enumerate() {
            if index > 0 && !go_on() {
                break;
            }
            if guilty.contains(&index) {
                // A repeat must not be told that a message failed which was accepted.
                let known = catch_unwind(AssertUnwindSafe(|| batch.answered_before(&command.command)));
                let answer = known.ok().flatten().ok_or(Refusal::Internal);
                outcomes.push(Outcome { answer, appended: Vec::new() });
                continue;
            }
            let applied = catch_unwind(AssertUnwindSafe(|| {
                let applied = batch.apply(command);
                #[cfg(feature = "simulation")]
                if self.panics_at == Some(index) {
                    // Without the hook that would print it.
                    std::panic::resume_unwind(Box::new("as it was asked"));
                }
                applied
            }));
            outcomes.push(match applied {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(error @ (ReadError::Disk(_) | ReadError::Closed))) => return Err(Failure::Disk(error.into())),
                Ok(Err(error)) => return Err(Failure::Command { index, what: error.to_string() }),
                Err(panic) => return Err(Failure::Command { index, what: panic_message(panic.as_ref()) }),
            });
        }
        let overlay = batch.finish().map_err(|error| Failure::Disk(error.into()))?;
        Ok((outcomes, overlay))
    }

    fn publish(&mut self, overlay: Overlay) {
        self.counters = overlay.counters;
        self.log_bytes += overlay.log_bytes;
        let end = self.end();
        self.shared.publish(|published| {
            for (chain, head) in overlay.heads {
                published.heads.insert(chain, head);
            }
            published.end = end;
        });
    }

    /// How long the disk took for the last commit.
    pub(crate) fn commit_took(&self) -> Duration {
        self.commit_took
    }

    pub(crate) fn count_checkpoint(&mut self) {
        self.stats.checkpoints += 1;
    }

    /// Walks over all pages of the file: minutes for a big one.
    pub fn space(&self) -> Result<Space, StoreError> {
        let database = self.database.as_ref().ok_or(StoreError::Closed)?;
        let transaction = database.begin_write().map_err(StoreError::disk)?;
        let pages = transaction.stats().map_err(StoreError::disk)?;
        transaction.abort().map_err(StoreError::disk)?;
        Ok(Space {
            row_bytes: pages.stored_bytes(),
            page_bytes: pages.metadata_bytes(),
            unused_bytes: pages.fragmented_bytes(),
        })
    }

    pub fn stats(&self) -> Stats {
        Stats {
            end: self.end(),
            dirty_heads: self.shared.dirty_count(),
            log_bytes: self.log_bytes,
            cache_bytes: self.database.as_ref().map_or(0, |database| database.cache_stats().used_bytes()),
            ..self.stats
        }
    }
}

enum Failure {
    Command { index: usize, what: String },
    Disk(StoreError),
}

/// Opening walks over pages that may be damaged, and redb may panic on them.
fn unharmed<T>(open: impl FnOnce() -> Result<T, OpenError>) -> Result<T, OpenError> {
    let opened = catch_unwind(AssertUnwindSafe(open));
    opened.unwrap_or_else(|panic| Err(OpenError::Damaged(panic_message(panic.as_ref()))))
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::PANIC;
    use crate::command::{AppCommand, Command};
    use crate::ids::AppNumber;
    use crate::outcome::Answer;

    fn create(name: &str) -> Stamped {
        let (name, app_key, master_secret) = (name.into(), name.into(), String::new());
        Stamped { at_ms: 1, command: Command::App(AppCommand::Create { name, app_key, master_secret }) }
    }

    fn panicking() -> Stamped {
        let (app, master_secret) = (AppNumber(1), PANIC.into());
        Stamped { at_ms: 1, command: Command::App(AppCommand::RotateSecret { app, master_secret }) }
    }

    #[test]
    fn a_command_that_panics_is_refused_and_the_others_are_carried_out() {
        let memory = redb::backends::InMemoryBackend::new;
        let mut store = Store::open_on(memory(), Options::default()).expect("memory opens");
        let mut other = Store::open_on(memory(), Options::default()).expect("memory opens");

        let outcomes = store.apply(&[panicking(), create("one"), panicking(), create("two")]).expect("memory is well");
        let answers: Vec<_> = outcomes.into_iter().map(|outcome| outcome.answer).collect();
        other.apply(&[create("one"), create("two")]).expect("memory is well");

        let refused = || Err(Refusal::Internal);
        assert_eq!(answers, [refused(), Ok(Answer::App(AppNumber(1))), refused(), Ok(Answer::App(AppNumber(2)))]);
        assert_eq!(store.stats().failed_commands, 2);
        assert_eq!(store.content_hash().ok(), other.content_hash().ok());
    }
    #[test]
    fn g27_a_thousand_commands_that_panic_leave_the_store_alive() {
        let mut store = Store::open_on(redb::backends::InMemoryBackend::new(), Options::default()).expect("it opens");
        for number in 0..500 {
            let batch = [panicking(), create(&number.to_string()), panicking()];
            let outcomes = store.apply(&batch).expect("memory is well");
            assert!(matches!(outcomes[1].answer, Ok(Answer::App(_))), "{outcomes:?}");
        }
        assert_eq!(store.stats().failed_commands, 1000);
    }
}
