//! The disks that the fault tests break do break, and keep what they must.

use std::fs::{self, File};
use std::io::Write;

use anser_tests::fault::{full_disk::SmallDisk, power_cut::Disk};
use anser_tests::skip;

#[test]
fn what_was_synced_survives_a_power_cut_and_what_was_not_does_not() {
    if let Some(reason) = Disk::why_not() {
        skip!("what_was_synced_survives_a_power_cut_and_what_was_not_does_not", "{reason}");
    }
    let mut disk = Disk::new(32 << 20).expect("a disk can be made");
    let mut synced = File::create(disk.path().join("synced")).expect("the disk is empty");
    synced.write_all(b"kept").expect("the disk is empty");
    synced.sync_all().expect("the disk works");
    synced.write_all(b" and more").expect("the disk works");
    drop(synced);
    fs::write(disk.path().join("later"), b"lost").expect("the disk works");

    disk.cut().expect("the helper holds the disk");
    assert!(fs::write(disk.path().join("after"), b"").is_err(), "nothing works without power");
    disk.power_on().expect("nobody uses the disk");

    assert_eq!(fs::read(disk.path().join("synced")).expect("it was synced"), b"kept");
    assert!(!disk.path().join("after").exists());
    // And again, for a fault test cuts many times.
    disk.cut().expect("the helper holds the disk");
    disk.power_on().expect("nobody uses the disk");
    assert_eq!(fs::read(disk.path().join("synced")).expect("it was synced"), b"kept");
}

#[test]
fn a_filled_disk_takes_nothing_until_it_is_freed() {
    if let Some(reason) = SmallDisk::why_not() {
        skip!("a_filled_disk_takes_nothing_until_it_is_freed", "{reason}");
    }
    let disk = SmallDisk::new(1 << 20).expect("a small disk can be mounted");
    fs::write(disk.path().join("early"), b"x").expect("there is room");
    disk.fill().expect("it can be filled");
    assert!(fs::write(disk.path().join("late"), b"x").is_err());
    disk.free().expect("the ballast is there");
    fs::write(disk.path().join("late"), b"x").expect("there is room again");
}
