//! Makes the store that a release leaves in `tests/stores/`: `cargo run --example keep_store -p anser-storage VERSION`.
//!
//! The work is that of the fault tests, and a little that it leaves out; beside the file lies what this release reads
//! from it. `storage/tests/store/g24_kept_stores.rs` opens all of them.

#[path = "../tests/common/mod.rs"]
mod common;

use std::error::Error;
use std::path::Path;

use anser_storage::{Options, Store};
use common::kept::{READ_AT_MS, describe, keep};

fn main() -> Result<(), Box<dyn Error>> {
    let version = std::env::args().nth(1).ok_or("which version? keep_store 0.1.0")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/stores").join(&version);
    if folder.exists() {
        return Err(format!("there is a store of {version} already, and it never changes").into());
    }
    std::fs::create_dir_all(&folder)?;
    let store = Store::open(&folder, Options { cache_bytes: 1 << 20, ..Options::default() })?;
    let mut world = keep(store);
    world.store.checkpoint()?;
    std::fs::write(folder.join("read.txt"), describe(&world.read(), READ_AT_MS)?)?;
    println!("{} holds a row of every table", folder.display());
    Ok(())
}
