//! Apps that have called before, in memory: so that a call's credentials cost no question to the store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anser_storage::Access;
use anser_storage::ids::AppNumber;

use crate::ledger::{Ledger, Unavailable};

/// More are forgotten all together. Only apps that exist are kept, so few hosts ever meet it.
const KEPT_MAX: usize = 10_000;

/// What the credentials of an app are compared with, and what its operator lets it do.
#[derive(Debug)]
pub struct KnownApp {
    pub number: AppNumber,
    pub master_secret: String,
    pub access: Access,
}

#[derive(Debug, Default)]
pub struct KnownApps(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// So often had apps changed when these were read.
    changes: u64,
    by_key: BTreeMap<String, Arc<KnownApp>>,
}

impl KnownApps {
    /// The app of this key as it is now: whoever was told of a change to it finds that change here.
    pub async fn get(&self, ledger: &Ledger, app_key: &str) -> Result<Option<Arc<KnownApp>>, Unavailable> {
        let changes = ledger.app_changes();
        if let Some(app) = self.current(changes).by_key.get(app_key) {
            return Ok(Some(app.clone()));
        }
        let asked = app_key.to_owned();
        let read = ledger.read(move |snapshot| {
            let Some((number, app)) = snapshot.app_by_key(&asked)? else { return Ok(None) };
            Ok(Some(KnownApp { number, master_secret: app.master_secret, access: snapshot.access(number)? }))
        });
        let Some(app) = read.await?.map(Arc::new) else { return Ok(None) };
        let mut known = self.current(changes);
        // What was read before a change is not kept over it.
        if known.changes == changes {
            if known.by_key.len() >= KEPT_MAX {
                known.by_key.clear();
            }
            known.by_key.insert(app_key.to_owned(), app.clone());
        }
        Ok(Some(app))
    }

    /// Without what was read before the latest change that anybody has seen.
    fn current(&self, changes: u64) -> std::sync::MutexGuard<'_, Known> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.changes < changes {
            *known = Known { changes, by_key: BTreeMap::new() };
        }
        known
    }
}
