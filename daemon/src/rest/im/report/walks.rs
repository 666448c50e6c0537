//! Queries that are read page by page: what each found is kept under its cursor for two minutes.
//!
//! A cursor names the query (12 random bytes) and the number of a page. Of each query the page that was handed out last
//! can be asked for again, as somebody does whose answer was lost.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anser_storage::ids::AppNumber;
use data_encoding::HEXUPPER;
use tokio::sync::Semaphore;

use super::Asked;
use super::find::{Found, Place, Set};
use crate::keys;

const LIFE: Duration = Duration::from_secs(120);
/// Queries of an app that are under way; the one that was asked least lately goes for a new one.
const QUERIES_PER_APP_MAX: usize = 256;
/// What the lists of an app may take, and of all.
const APP_BYTES_MAX: usize = 8 << 20;
const BYTES_MAX: usize = 32 << 20;
/// Snapshots that are read at the same time, by all queries.
const TURNS: usize = 2;
/// Queries of an app that look for messages at the same time: others of the app wait.
const SEARCHES_PER_APP: usize = 2;

const ID_BYTES: usize = 12;
type Id = [u8; ID_BYTES];

pub struct Walks {
    apps: Mutex<BTreeMap<AppNumber, OfApp>>,
    pub(super) turns: Semaphore,
}

struct OfApp {
    queries: BTreeMap<Id, Query>,
    searches: Arc<Semaphore>,
}

struct Query {
    set: Set,
    asked: Asked,
    found: Arc<Found>,
    /// Two at most, in order.
    pages: Vec<Page>,
}

#[derive(Clone, Copy)]
struct Page {
    number: u32,
    place: Place,
    until: Instant,
}

/// A page that may be read now.
pub(super) struct Open {
    id: Id,
    number: u32,
    pub asked: Asked,
    pub found: Arc<Found>,
    pub place: Place,
}

impl Open {
    /// Of the page; the first has none and counts as 0.
    pub fn number(&self) -> u32 {
        self.number
    }
}

impl Default for Walks {
    fn default() -> Self {
        Self { apps: Mutex::default(), turns: Semaphore::new(TURNS) }
    }
}

impl Walks {
    /// A query's turn to look for messages.
    pub(super) fn searches(&self, app: AppNumber) -> Arc<Semaphore> {
        self.lock().entry(app).or_default().searches.clone()
    }

    /// Keeps what a query found, and gives the cursor of its second page.
    pub(super) fn begin(&self, app: AppNumber, query: (Set, Asked, Arc<Found>), place: Place, now: Instant) -> String {
        let id: Id = keys::random();
        let (set, asked, found) = query;
        let page = Page { number: 1, place, until: now + LIFE };
        let mut apps = self.lock();
        apps.entry(app).or_default().queries.insert(id, Query { set, asked, found, pages: vec![page] });
        make_room(&mut apps, app, &id, now);
        cursor(id, 1)
    }

    /// The page of a cursor; nothing when it is unknown, has expired, or is another app's or another path's.
    pub(super) fn open(&self, app: AppNumber, set: Set, cursor: &str, now: Instant) -> Option<Open> {
        let (id, number) = parse(cursor)?;
        let mut apps = self.lock();
        let query = apps.get_mut(&app)?.queries.get(&id).filter(|query| query.set == set)?;
        let page = query.pages.iter().find(|page| page.number == number && page.until > now)?;
        Some(Open { id, number, asked: query.asked, found: query.found.clone(), place: page.place })
    }

    /// Notes where the page behind an open one begins, and gives its cursor.
    pub(super) fn go_on(&self, app: AppNumber, open: &Open, place: Place, now: Instant) -> String {
        let number = open.number.saturating_add(1);
        if let Some(query) = self.lock().get_mut(&app).and_then(|of_app| of_app.queries.get_mut(&open.id)) {
            query.pages.retain(|page| page.number == open.number);
            query.pages.push(Page { number, place, until: now + LIFE });
        }
        cursor(open.id, number)
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<AppNumber, OfApp>> {
        // Queries are whole after every step.
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for OfApp {
    fn default() -> Self {
        Self { queries: BTreeMap::new(), searches: Arc::new(Semaphore::new(SEARCHES_PER_APP)) }
    }
}

impl OfApp {
    fn bytes(&self) -> usize {
        self.queries.values().map(|query| query.found.size()).sum()
    }

    /// Drops the query that was asked least lately, but not `kept`.
    fn drop_oldest(&mut self, kept: &Id) -> bool {
        let others = self.queries.iter().filter(|(id, _)| *id != kept);
        let oldest = others.min_by_key(|(_, query)| query.pages.last().map(|page| page.until)).map(|(id, _)| *id);
        oldest.is_some_and(|id| self.queries.remove(&id).is_some())
    }
}

/// An app's new query pushes out its own; memory that all need is taken from whoever uses most of it.
fn make_room(apps: &mut BTreeMap<AppNumber, OfApp>, app: AppNumber, new: &Id, now: Instant) {
    apps.retain(|number, of_app| {
        of_app.queries.retain(|_, query| query.pages.iter().any(|page| page.until > now));
        // Whoever waits for a turn holds the semaphore.
        *number == app || !of_app.queries.is_empty() || Arc::strong_count(&of_app.searches) > 1
    });
    if let Some(of_app) = apps.get_mut(&app) {
        while of_app.queries.len() > QUERIES_PER_APP_MAX || of_app.bytes() > APP_BYTES_MAX {
            if !of_app.drop_oldest(new) {
                break;
            }
        }
    }
    while apps.values().map(OfApp::bytes).sum::<usize>() > BYTES_MAX {
        let most = apps.values_mut().max_by_key(|of_app| of_app.bytes());
        if !most.is_some_and(|of_app| of_app.drop_oldest(new)) {
            break;
        }
    }
}

/// 32 upper-case hexadecimal digits.
fn cursor(id: Id, number: u32) -> String {
    HEXUPPER.encode(&[id.as_slice(), &number.to_be_bytes()].concat())
}

fn parse(cursor: &str) -> Option<(Id, u32)> {
    let bytes = HEXUPPER.decode(cursor.as_bytes()).ok()?;
    let (id, number) = bytes.split_first_chunk::<ID_BYTES>()?;
    Some((*id, u32::from_be_bytes(number.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use anser_storage::ids::UserNumber;

    use super::*;

    const APP: AppNumber = AppNumber(1);
    const ASKED: Asked = Asked { count: 10, begin_s: 0, end_s: 1 };

    fn begun(walks: &Walks, app: AppNumber, now: Instant) -> String {
        let found = Arc::new(Found::empty());
        let place = found.begin();
        walks.begin(app, (Set::App, ASKED, found), place, now)
    }

    #[test]
    fn a_cursor_lives_two_minutes_from_its_page_on() {
        let (walks, start) = (Walks::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        let first = begun(&walks, APP, start);
        let open = walks.open(APP, Set::App, &first, at(119)).expect("alive");
        let second = walks.go_on(APP, &open, open.place, at(119));
        assert!(first != second && second.len() == 32);
        assert!(walks.open(APP, Set::App, &first, at(120)).is_none());
        assert!(walks.open(APP, Set::App, &second, at(238)).is_some());
        assert!(walks.open(APP, Set::App, &second, at(239)).is_none());
    }

    #[test]
    fn a_page_may_be_asked_for_again_until_the_one_behind_the_next_is() {
        let (walks, now) = (Walks::default(), Instant::now());
        let first = begun(&walks, APP, now);
        let open = walks.open(APP, Set::App, &first, now).expect("alive");
        let second = walks.go_on(APP, &open, open.place, now);
        let again = walks.open(APP, Set::App, &first, now).expect("once more");
        assert_eq!(walks.go_on(APP, &again, again.place, now), second);
        let open = walks.open(APP, Set::App, &second, now).expect("alive");
        walks.go_on(APP, &open, open.place, now);
        assert!(walks.open(APP, Set::App, &first, now).is_none());
        assert!(walks.open(APP, Set::App, &second, now).is_some());
    }

    #[test]
    fn a_cursor_is_of_its_app_and_its_path_only() {
        let (walks, now) = (Walks::default(), Instant::now());
        let cursor = begun(&walks, APP, now);
        let of_user = Set::User { user: UserNumber(1), sent: true, received: true };
        assert!(walks.open(AppNumber(2), Set::App, &cursor, now).is_none());
        assert!(walks.open(APP, of_user, &cursor, now).is_none());
        for wrong in ["", "0", "zz", &cursor[1..], &format!("{cursor}00")] {
            assert!(walks.open(APP, Set::App, wrong, now).is_none(), "{wrong}");
        }
        assert!(walks.open(APP, Set::App, &cursor, now).is_some());
    }

    #[test]
    fn a_new_query_pushes_out_the_oldest_of_its_own_app() {
        let (walks, now) = (Walks::default(), Instant::now());
        let other = begun(&walks, AppNumber(2), now);
        let oldest = begun(&walks, APP, now);
        for _ in 0..QUERIES_PER_APP_MAX {
            begun(&walks, APP, now + Duration::from_secs(1));
        }
        assert!(walks.open(APP, Set::App, &oldest, now).is_none());
        assert!(walks.open(AppNumber(2), Set::App, &other, now).is_some());
    }
}
