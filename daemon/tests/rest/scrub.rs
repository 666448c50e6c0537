//! The store is looked at without being asked to.

use std::time::Duration;

use crate::world::World;

/// Only a job that does not run meets it.
const PASSED_WITHIN: Duration = Duration::from_secs(60);

#[tokio::test]
async fn the_store_is_looked_at_again_and_again() {
    let world = World::with(|config| config.storage.scrub_every = Some(Duration::from_millis(1))).await;
    let app = world.app("one").await;
    world.users(&app, &["alice", "bob"]).await;
    let scrubs = &world.daemon.context().scrubs;

    let looked_at = async {
        while scrubs.shown().passes < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PASSED_WITHIN, looked_at).await.expect("passes come to their end");

    let last = scrubs.shown().last.expect("one has ended");
    assert!(last.rows > 3 && last.findings == 0 && last.failure.is_none(), "{last:?}");
}
