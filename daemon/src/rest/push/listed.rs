//! Whom an uploaded list names.
//!
//! A list may have a million lines, and the writer must not look them all up while others wait. They are looked up here,
//! in snapshots of a few parts each; the command takes the devices along. Whether the app may use the list, and which of
//! the devices get the push, is decided in the store.

use anser_storage::command::FileName;
use anser_storage::ids::AppNumber;
use roaring::RoaringBitmap;

use crate::clock::now_ms;
use crate::context::Context;
use crate::rest::family::Family;
use crate::rest::fault::Fault;

/// Parts of 64 KiB that are looked up in one snapshot: some tens of thousands of names.
const SLICE: u32 = 4;

/// The devices in the portable format of roaring; none of a list that the app may not use.
pub async fn devices(context: &Context, app: AppNumber, list: &FileName) -> Result<Vec<u8>, Fault> {
    let unavailable = |error| Family::Push.unavailable(&error);
    let (name, now_ms) = (list.clone(), now_ms());
    let file = context.ledger.read(move |snapshot| snapshot.usable_file(app, &name, now_ms)).await;
    let mut devices = RoaringBitmap::new();
    if let Some(file) = file.map_err(unavailable)? {
        for first in (0..file.parts).step_by(SLICE as usize) {
            let (parts, file) = (first..file.parts.min(first + SLICE), file.clone());
            let found = context.ledger.read(move |snapshot| {
                let mut found = RoaringBitmap::new();
                for part in parts.clone() {
                    snapshot.add_devices_of_part(app, &file, part, &mut found)?;
                }
                Ok(found)
            });
            devices |= found.await.map_err(unavailable)?;
        }
    }
    devices.optimize();
    let mut bytes = Vec::with_capacity(devices.serialized_size());
    devices.serialize_into(&mut bytes).expect("a vector takes every byte");
    Ok(bytes)
}
