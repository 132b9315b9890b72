//! Reading a segment whose bytes may be anything.

use std::ops::Range;

use super::frame::{FRAME_HEADER_BYTES, peek, read_frame};
use super::segment::{HEADER_BYTES, Header, HeaderError};

/// How many times its own size a segment may cost in checksums while whole frames are looked for after damage.
const SEARCH_FACTOR: usize = 16;

/// Where a payload is in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The frame's place in the journal.
    pub seq: u64,
    /// Where its payload stands.
    pub payload: Range<usize>,
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// What it says of itself; frames are found without it too.
    pub header: Result<Header, HeaderError>,
    /// Its whole frames, in order.
    pub frames: Vec<Found>,
    /// What is neither header nor frame and stands before a whole frame: something that was accepted is lost.
    pub damaged: Vec<Range<usize>>,
    /// How many bytes after the last whole frame are no frame: what a dying process had not finished.
    pub torn_bytes: usize,
}

/// Finds the frames of a segment up to `limit`, the first sequence number of a later segment.
///
/// Every sequence number is above the one before it; a frame that repeats an earlier one is damage.
#[must_use]
pub fn scan(bytes: &[u8], limit: u64) -> Scan {
    scan_numbered(bytes, limit, Numbers::Successive)
}

/// Finds the frames of a segment of rows that were set apart, which have the numbers that they had before.
#[must_use]
pub fn scan_apart(bytes: &[u8]) -> Scan {
    scan_numbered(bytes, u64::MAX, Numbers::Rising)
}

/// How sequence numbers go on from frame to frame.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// By one.
    Successive,
    /// By one or more.
    Rising,
}

fn scan_numbered(bytes: &[u8], limit: u64, numbers: Numbers) -> Scan {
    let is_successive = numbers == Numbers::Successive;
    let header = Header::read(bytes);
    let mut scan = Scan { frames: Vec::new(), damaged: Vec::new(), torn_bytes: 0, header };
    let mut at = HEADER_BYTES.min(bytes.len());
    let mut next = scan.header.as_ref().map_or(0, |header| header.first_seq);
    let mut is_exact = is_successive && scan.header.is_ok();
    let mut budget = bytes.len().saturating_mul(SEARCH_FACTOR);
    while at < bytes.len() {
        match read_frame(&bytes[at..]) {
            Some(frame) if if is_exact { frame.seq == next } else { frame.seq >= next } => {
                if frame.seq >= limit {
                    return scan;
                }
                let end = at + frame.size_bytes();
                scan.frames.push(Found { seq: frame.seq, payload: at + FRAME_HEADER_BYTES..end });
                (at, next, is_exact) = (end, frame.seq.saturating_add(1), is_successive);
            }
            _ => {
                let Some(found) = find_frame(bytes, at + 1, next, numbers, &mut budget) else {
                    scan.torn_bytes = bytes.len() - at;
                    break;
                };
                scan.damaged.push(at..found);
                (at, is_exact) = (found, false);
            }
        }
    }
    scan
}

/// Where the next whole frame begins that can follow: its number tells how many frames there was room for before it.
fn find_frame(bytes: &[u8], from: usize, next: u64, numbers: Numbers, budget: &mut usize) -> Option<usize> {
    let room = ((bytes.len() - from) / FRAME_HEADER_BYTES) as u64 + 1;
    let plausible = next..=if next == 0 || numbers == Numbers::Rising { u64::MAX } else { next.saturating_add(room) };
    for at in from..bytes.len() {
        let Some((seq, length)) = peek(&bytes[at..]) else { continue };
        if !plausible.contains(&seq) {
            continue;
        }
        *budget = budget.checked_sub(FRAME_HEADER_BYTES + length)?;
        if read_frame(&bytes[at..]).is_some() {
            return Some(at);
        }
    }
    None
}
