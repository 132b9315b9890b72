//! State after each failure.

use std::io::ErrorKind;

use trading_events_core::journal::frame::MAX_PAYLOAD_BYTES;
use trading_events_core::journal::{AppendError, Journal};

use crate::disk::{Disk, Fault, Loss};

const FULL: Fault = Fault::Fails(ErrorKind::StorageFull);

fn journal(disk: &Disk) -> Journal<Disk> {
    Journal::open(disk.clone(), 1, 1, 1 << 20).unwrap()
}

fn texts(disk: &Disk) -> Vec<String> {
    disk.recover().0.into_iter().map(|(_, payload)| String::from_utf8(payload).unwrap()).collect()
}

fn sync(journal: &mut Journal<Disk>) -> std::io::Result<()> {
    let synced = journal.begin_sync()?.run();
    journal.end_sync(synced)
}

#[test]
fn a_full_disk_refuses_and_takes_again_when_there_is_room() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    journal.append([&b"one"[..]]).unwrap();
    disk.fail_next(FULL);
    assert!(
        matches!(journal.append([&b"two"[..]]), Err(AppendError::Io(error)) if error.kind() == ErrorKind::StorageFull)
    );
    journal.append([&b"three"[..]]).unwrap();
    assert_eq!(texts(&disk), ["one", "three"]);
}

#[test]
fn a_batch_that_gets_stuck_half_way_leaves_nothing() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    disk.fail_next(FULL);
    disk.fail_next(Fault::Short(25));
    journal.append([&b"one"[..], b"two"]).unwrap_err();
    assert_eq!(texts(&disk), Vec::<String>::new());
    journal.append([&b"three"[..]]).unwrap();
    assert_eq!(texts(&disk), ["three"]);
}

#[test]
fn a_segment_that_cannot_be_cut_is_abandoned() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    journal.append([&b"zero"[..]]).unwrap();
    for fault in [FULL, FULL, Fault::Short(25)] {
        disk.fail_next(fault);
    }
    journal.append([&b"one"[..], b"two"]).unwrap_err();
    journal.append([&b"three"[..]]).unwrap();
    assert_eq!((texts(&disk), journal.number(), journal.abandoned()), (vec!["zero".into(), "three".into()], 2, 1));
}

#[test]
fn after_a_failed_sync_what_is_in_memory_goes_to_a_new_segment_and_the_next_sync_holds() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    journal.append([&b"one"[..]]).unwrap();
    sync(&mut journal).unwrap();
    journal.append([&b"two"[..]]).unwrap();
    disk.fail_next(Fault::Fails(ErrorKind::Other));
    sync(&mut journal).unwrap_err();
    assert_eq!(journal.number(), 2);
    assert_eq!(texts(&disk), ["one", "two"]);
    sync(&mut journal).unwrap();
    assert_eq!(texts(&disk.after(&Loss::Power { kept: 0 })), ["one", "two"]);
}

#[test]
fn a_sync_that_ends_after_its_files_were_abandoned_promises_nothing() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    journal.append([&b"zero"[..]]).unwrap();
    let synced = journal.begin_sync().unwrap().run();
    for fault in [FULL, FULL, Fault::Short(25)] {
        disk.fail_next(fault);
    }
    journal.append([&b"one"[..], b"two"]).unwrap_err();
    journal.append([&b"three"[..]]).unwrap();
    journal.end_sync(synced).unwrap();
    assert_eq!(journal.synced(), 0);
    sync(&mut journal).unwrap();
    assert_eq!(journal.synced(), journal.offset());
}

#[test]
fn what_is_only_in_memory_is_written_later_in_order() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    journal.append_to_memory([&b"one"[..], b"two"]).unwrap();
    assert_eq!(texts(&disk), Vec::<String>::new());
    disk.fail_next(FULL);
    disk.fail_next(Fault::Short(5));
    journal.write_out().unwrap_err();
    journal.write_out().unwrap();
    assert_eq!(texts(&disk), ["one", "two"]);
}

#[test]
fn rotation_leaves_an_empty_segment_alone() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    assert_eq!(journal.rotate().unwrap(), None);
    journal.append([&b"one"[..]]).unwrap();
    assert_eq!((journal.frames(), journal.size_bytes()), (1, 19));
    assert_eq!(journal.rotate().unwrap(), Some(1));
    assert_eq!((journal.frames(), journal.size_bytes(), journal.number()), (0, 0, 2));
}

#[test]
fn memory_is_bounded_where_nothing_is_synced() {
    let disk = Disk::default();
    let mut journal = Journal::open(disk, 1, 1, 20).unwrap();
    journal.append([&[0; 4][..]]).unwrap();
    assert!(matches!(journal.append([&b""[..]]), Err(AppendError::Behind)));
    sync(&mut journal).unwrap();
    journal.append([&b""[..]]).unwrap();
}

#[test]
fn a_payload_that_no_frame_can_hold_is_refused_with_its_whole_batch() {
    let disk = Disk::default();
    let mut journal = journal(&disk);
    let long = vec![0; MAX_PAYLOAD_BYTES + 1];
    let refused = journal.append([&b"one"[..], &long]);
    assert!(matches!(refused, Err(AppendError::TooLong(length)) if length == MAX_PAYLOAD_BYTES + 1));
    journal.append([&b"two"[..]]).unwrap();
    assert_eq!(texts(&disk), ["two"]);
}
