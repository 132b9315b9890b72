//! The rows of one segment in memory, or of several on the disk.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use trading_events_core::codec::topic_days::{Sorter, TopicDay};
use trading_events_core::journal::scan::{Found, Scan};
use trading_events_core::journal::segment::{HEADER_BYTES, HeaderError};

use super::rows::{Rows, SegmentPart, Storage};
use super::topic_rows::TopicRows;
use crate::error::os_error;
use crate::runtime::detached::Detached;

/// The topics of rows, and the indices of rows without a readable topic.
type Sorted = (Vec<TopicDay>, Vec<u32>);

/// The rows of a segment, or of several as if they were one.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct SegmentRows {
    rows: Arc<Rows>,
    damaged: Vec<(usize, usize)>,
    torn_bytes: usize,
    next_seq: Option<u64>,
    /// The topics, if they were found while the rows were read.
    sorted: Mutex<Option<Sorted>>,
}

impl SegmentRows {
    /// The rows of one segment's bytes, without those left out.
    pub(crate) fn in_memory(bytes: Vec<u8>, scan: Scan, left_out: &HashSet<u64>) -> Self {
        let (damaged, torn_bytes, next_seq) = (damaged(&scan), torn_bytes(&scan, bytes.len()), next_seq(&scan));
        let piece =
            SegmentPart { before: 0, frames: keep(scan, left_out), storage: Storage::Memory(Detached::new(bytes)) };
        Self { rows: Arc::new(Rows(vec![piece])), damaged, torn_bytes, next_seq, sorted: Mutex::new(None) }
    }
}

#[pymethods]
impl SegmentRows {
    fn __len__(&self) -> usize {
        self.rows.len()
    }

    /// The number of bytes at its end that are no row: a dying process had not finished it.
    #[getter]
    fn torn_bytes(&self) -> usize {
        self.torn_bytes
    }

    /// The damaged ranges of bytes, the header included.
    #[getter]
    fn damaged(&self) -> Vec<(usize, usize)> {
        self.damaged.clone()
    }

    /// The sequence number after its last row; None where nothing says so.
    #[getter]
    fn next_seq(&self) -> Option<u64> {
        self.next_seq
    }

    /// The rows of a range of indices: sequence number and payload.
    #[pyo3(signature = (start, stop, /))]
    fn slice<'py>(&self, py: Python<'py>, start: u32, stop: u32) -> PyResult<Bound<'py, PyList>> {
        if start > stop || stop as usize > self.rows.len() {
            return Err(PyIndexError::new_err((start, stop)));
        }
        let mut buffer = Vec::new();
        let rows = (start..stop).map(|index| {
            let payload = PyBytes::new(py, self.rows.payload(index, &mut buffer).map_err(os_error)?);
            (self.rows.seq(index), payload).into_pyobject(py)
        });
        PyList::new(py, rows.collect::<PyResult<Vec<Bound<'py, PyTuple>>>>()?)
    }

    /// The rows of each class, day and topic, and the indices of rows without a readable topic.
    fn sort(&self, py: Python<'_>) -> PyResult<(Vec<TopicRows>, Vec<u32>)> {
        py.detach(|| {
            let sorted = self.sorted.lock().take();
            let (topics, unread) = match sorted {
                Some(sorted) => sorted,
                None => self.sort_rows().map_err(os_error)?,
            };
            Ok((topics.into_iter().map(|topic| TopicRows::new(&self.rows, topic)).collect(), unread))
        })
    }
}

impl SegmentRows {
    fn sort_rows(&self) -> io::Result<Sorted> {
        let (mut sorter, mut buffer) = (Sorter::default(), Vec::new());
        for piece in &self.rows.0 {
            for index in piece.before..piece.before + piece.frames.len() {
                let index = u32::try_from(index).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
                sorter.push(self.rows.payload(index, &mut buffer)?);
            }
        }
        Ok(sorter.finish())
    }
}

/// A builder for the rows of several segments, which keeps only their positions.
#[derive(Default)]
pub(crate) struct RowsOnDisk {
    pieces: Vec<SegmentPart>,
    damaged: Vec<(usize, usize)>,
    torn_bytes: usize,
    next_seq: Option<u64>,
    sorter: Sorter,
}

impl RowsOnDisk {
    /// Adds the rows of the next segment's bytes, without those left out.
    pub(crate) fn push(&mut self, file: File, bytes: &[u8], scan: Scan, left_out: &HashSet<u64>) {
        self.damaged.extend(damaged(&scan));
        self.torn_bytes += torn_bytes(&scan, bytes.len());
        self.next_seq = next_seq(&scan).or(self.next_seq);
        let frames = keep(scan, left_out);
        for frame in &frames {
            self.sorter.push(&bytes[frame.payload.clone()]);
        }
        let before = self.pieces.last().map_or(0, |last| last.before + last.frames.len());
        self.pieces.push(SegmentPart { before, frames, storage: Storage::Disk(Detached::new(file)) });
    }

    /// The rows of all segments.
    pub(crate) fn finish(self) -> SegmentRows {
        SegmentRows {
            rows: Arc::new(Rows(self.pieces)),
            damaged: self.damaged,
            torn_bytes: self.torn_bytes,
            next_seq: self.next_seq,
            sorted: Mutex::new(Some(self.sorter.finish())),
        }
    }
}

fn keep(scan: Scan, left_out: &HashSet<u64>) -> Vec<Found> {
    let mut frames = scan.frames;
    if !left_out.is_empty() {
        frames.retain(|frame| !left_out.contains(&frame.seq));
    }
    frames
}

fn damaged(scan: &Scan) -> Vec<(usize, usize)> {
    let header = matches!(scan.header, Err(HeaderError::Damaged)).then_some((0, HEADER_BYTES));
    header.into_iter().chain(scan.damaged.iter().map(|range| (range.start, range.end))).collect()
}

fn torn_bytes(scan: &Scan, size_bytes: usize) -> usize {
    if matches!(scan.header, Err(HeaderError::Torn)) { size_bytes } else { scan.torn_bytes }
}

fn next_seq(scan: &Scan) -> Option<u64> {
    let after_last = scan.frames.last().map(|frame| frame.seq + 1);
    after_last.or(scan.header.as_ref().ok().map(|header| header.first_seq))
}
