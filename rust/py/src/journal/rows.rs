//! The rows of journal segments, in memory or on the disk.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt as _;

use trading_events_core::journal::frame::{FRAME_HEADER_BYTES, read_frame};
use trading_events_core::journal::scan::Found;

use crate::runtime::detached::Detached;

/// The rows of one or more segments.
pub(crate) struct Rows(pub(crate) Vec<SegmentPart>);

/// The rows of one segment.
pub(crate) struct SegmentPart {
    /// The number of rows in the segments before.
    pub(crate) before: usize,
    pub(crate) frames: Vec<Found>,
    pub(crate) storage: Storage,
}

/// The storage of payloads.
pub(crate) enum Storage {
    Memory(Detached<Vec<u8>>),
    /// A segment that does not change any more. A frame is verified each time it is read.
    Disk(Detached<File>),
}

impl Rows {
    /// The sequence number of a row.
    pub(crate) fn seq(&self, index: u32) -> u64 {
        self.find(index as usize).1.seq
    }

    /// The payload of a row; the buffer is used if it is not in memory.
    ///
    /// # Errors
    ///
    /// The segment cannot be read, or has changed.
    pub(crate) fn payload<'a>(&'a self, index: u32, buffer: &'a mut Vec<u8>) -> io::Result<&'a [u8]> {
        let (storage, frame) = self.find(index as usize);
        match storage {
            Storage::Memory(bytes) => Ok(&bytes[frame.payload.clone()]),
            Storage::Disk(file) => {
                let start = frame.payload.start - FRAME_HEADER_BYTES;
                buffer.resize(frame.payload.end - start, 0);
                file.read_exact_at(buffer, start as u64)?;
                match read_frame(buffer) {
                    Some(found) if found.seq == frame.seq => Ok(found.payload),
                    _ => Err(io::Error::new(ErrorKind::InvalidData, "a row of the journal is not what it was")),
                }
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| last.before + last.frames.len())
    }

    fn find(&self, index: usize) -> (&Storage, &Found) {
        let piece = &self.0[self.0.partition_point(|piece| piece.before <= index) - 1];
        (&piece.storage, &piece.frames[index - piece.before])
    }
}
