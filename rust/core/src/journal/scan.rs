//! Reading a segment of untrusted bytes.

use std::ops::Range;

use super::frame::{FRAME_HEADER_BYTES, peek, read_frame};
use super::segment::{HEADER_BYTES, Header, HeaderError};

/// Limit of the bytes checksummed in the search for frames after damage, in multiples of the segment's size.
const SEARCH_FACTOR: usize = 16;

/// A frame in a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its sequence number.
    pub seq: u64,
    /// Range of its payload.
    pub payload: Range<usize>,
}

/// Contents of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// Its header; frames are found without it too.
    pub header: Result<Header, HeaderError>,
    /// Its complete frames, in order.
    pub frames: Vec<Found>,
    /// Ranges before a complete frame that are neither header nor frame: accepted payloads are lost.
    pub damaged: Vec<Range<usize>>,
    /// Bytes after the last complete frame that are no frame: an append that was cut short.
    pub torn_bytes: usize,
}

/// Finds the frames of a segment up to `limit`, the first sequence number of a later segment.
///
/// Every sequence number is above the one before it; a frame that repeats an earlier one is damage.
#[must_use]
pub fn scan(bytes: &[u8], limit: u64) -> Scan {
    scan_numbered(bytes, limit, Numbers::Successive)
}

/// Finds the frames of a segment of quarantined rows, which keep their earlier sequence numbers.
#[must_use]
pub fn scan_apart(bytes: &[u8]) -> Scan {
    scan_numbered(bytes, u64::MAX, Numbers::Rising)
}

/// Step between the sequence numbers of consecutive frames.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Numbers {
    /// One.
    Successive,
    /// One or more.
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

/// Start of the next complete frame that can follow. Its sequence number implies how many frames lie before it, and
/// they need room.
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
