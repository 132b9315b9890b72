//! Segments of untrusted bytes.

use proptest::prelude::*;
use trading_events_core::journal::frame::{FRAME_HEADER_BYTES, MAX_PAYLOAD_BYTES, push_frame, read_frame};
use trading_events_core::journal::scan::{Scan, scan};
use trading_events_core::journal::segment::{HEADER_BYTES, Header, HeaderError, name_segment, read_name};

fn segment(payloads: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Header { number: 3, first_seq: 10 }.to_bytes().to_vec();
    for (seq, payload) in (10..).zip(payloads) {
        push_frame(&mut bytes, seq, payload);
    }
    bytes
}

fn payloads() -> Vec<Vec<u8>> {
    (0u8..8).map(|n| vec![n; usize::from(n) * 3]).collect()
}

fn seqs(scan: &Scan) -> Vec<u64> {
    scan.frames.iter().map(|frame| frame.seq).collect()
}

#[test]
fn a_whole_segment_gives_back_what_was_appended() {
    let bytes = segment(&payloads());
    let found = scan(&bytes, u64::MAX);
    assert_eq!(found.header, Ok(Header { number: 3, first_seq: 10 }));
    let back: Vec<_> = found.frames.iter().map(|frame| bytes[frame.payload.clone()].to_vec()).collect();
    assert_eq!((back, seqs(&found)), (payloads(), (10..18).collect()));
    assert_eq!((found.damaged, found.torn_bytes), (vec![], 0));
}

#[test]
fn a_segment_ends_where_a_later_one_begins() {
    let found = scan(&segment(&payloads()), 13);
    assert_eq!((seqs(&found), found.torn_bytes), (vec![10, 11, 12], 0));
}

#[test]
fn whatever_is_cut_off_costs_the_frames_it_was_in_and_is_counted() {
    let bytes = segment(&payloads());
    let ends: Vec<usize> = (0..=8).map(|count| segment(&payloads()[..count]).len()).collect();
    for length in 0..bytes.len() {
        let found = scan(&bytes[..length], u64::MAX);
        let whole = ends.iter().filter(|end| **end <= length).count().saturating_sub(1);
        assert_eq!(found.frames.len(), whole, "cut to {length}");
        assert_eq!(found.damaged, []);
        if length < HEADER_BYTES {
            assert_eq!(found.header, Err(HeaderError::Torn));
        } else {
            assert_eq!(found.torn_bytes, length - ends[whole]);
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed_and_costs_only_the_frame_that_it_is_in() {
    let bytes = segment(&payloads());
    let sound = scan(&bytes, u64::MAX);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            let found = scan(&flipped, u64::MAX);
            if at < HEADER_BYTES {
                assert_eq!(found.header, Err(HeaderError::Damaged));
                assert_eq!(found.frames, sound.frames);
                continue;
            }
            let hit = sound.frames.iter().position(|frame| at < frame.payload.end).unwrap();
            let mut rest = sound.frames.clone();
            rest.remove(hit);
            assert_eq!(found.frames, rest, "bit {bit} of byte {at}");
            assert_ne!((found.damaged.len(), found.torn_bytes), (0, 0));
            assert_eq!(found.damaged.is_empty(), hit + 1 == sound.frames.len());
        }
    }
}

#[test]
fn frames_that_repeat_or_skip_a_number_are_damage() {
    let frame = |seq| {
        let mut bytes = vec![];
        push_frame(&mut bytes, seq, b"again");
        bytes
    };
    let mut bytes = segment(&payloads()[..2]);
    bytes.extend(frame(10));
    bytes.extend(frame(12));
    let found = scan(&bytes, u64::MAX);
    assert_eq!((seqs(&found), found.damaged.len()), (vec![10, 11, 12], 1));

    bytes.extend(frame(u64::MAX - 1));
    assert_eq!(scan(&bytes, u64::MAX).torn_bytes, frame(0).len());
}

#[test]
fn a_later_version_is_told_from_damage() {
    let mut bytes = Header { number: 1, first_seq: 1 }.to_bytes();
    bytes[8] = 9;
    let crc = crc32c::crc32c(&bytes[..28]);
    bytes[28..].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(Header::read(&bytes), Err(HeaderError::Version(9)));
}

#[test]
fn only_the_name_of_a_segment_is_read_as_one() {
    for number in [0, 1, 17, u64::MAX] {
        assert_eq!(read_name(&name_segment(number)), Some(number));
    }
    for name in ["", "1.segment", ".segment", "00000000000000000017.segment~", "+0000000000000000017.segment", "x"] {
        assert_eq!(read_name(name), None);
    }
    assert!(name_segment(9) < name_segment(10));
}

#[test]
fn a_payload_beyond_the_longest_is_no_frame() {
    let mut bytes = vec![0; FRAME_HEADER_BYTES];
    bytes[4..8].copy_from_slice(&u32::try_from(MAX_PAYLOAD_BYTES + 1).unwrap().to_le_bytes());
    assert_eq!(read_frame(&bytes), None);
}

/// Bytes that look like frames more often than by chance.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        (0u64..40, prop::collection::vec(any::<u8>(), 0..20)).prop_map(|(seq, payload)| {
            let mut bytes = vec![];
            push_frame(&mut bytes, seq, &payload);
            bytes
        }),
        (any::<u32>(), 0u32..64, 0u64..40).prop_map(|(crc, length, seq)| {
            [&crc.to_le_bytes()[..], &length.to_le_bytes(), &seq.to_le_bytes()].concat()
        }),
        Just(Header { number: 1, first_seq: 10 }.to_bytes().to_vec()),
        Just(vec![0; 64]),
    ];
    prop::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_give_rising_numbers_within_the_limit_and_payloads_within_the_bytes(
        bytes in hostile(), limit in 0u64..60,
    ) {
        let found = scan(&bytes, limit);
        let numbers = seqs(&found);
        prop_assert!(numbers.is_sorted_by(|one, other| one < other));
        prop_assert!(numbers.iter().all(|seq| *seq < limit));
        prop_assert!(found.frames.iter().all(|frame| frame.payload.end <= bytes.len()));
        prop_assert!(found.torn_bytes <= bytes.len());
        for frame in &found.frames {
            let whole = read_frame(&bytes[frame.payload.start - FRAME_HEADER_BYTES..]).unwrap();
            prop_assert_eq!((whole.seq, whole.payload), (frame.seq, &bytes[frame.payload.clone()]));
        }
    }
}

#[test]
fn a_long_run_of_false_headers_costs_no_more_than_a_few_times_its_size() {
    let mut bytes = Header { number: 1, first_seq: 1 }.to_bytes().to_vec();
    let false_header = [0, 0, 0, 0, 0, 0, 16, 0, 1, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend(false_header.repeat(1 << 18));
    let found = scan(&bytes, u64::MAX);
    assert_eq!((found.frames.len(), found.torn_bytes), (0, bytes.len() - HEADER_BYTES));
}
