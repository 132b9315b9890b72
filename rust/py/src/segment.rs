//! Segments of a journal as Python reads them.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use trading_events_core::codec::topics;
use trading_events_core::journal::scan::{Scan, scan};
use trading_events_core::journal::segment::{HEADER_BYTES, Header, HeaderError, read_name};

use crate::detached::Detached;
use crate::error::os_error;
use crate::topic_rows::TopicRows;

/// A segment that is held open: it can be read even when it has been removed.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct Segment {
    #[pyo3(get)]
    path: PathBuf,
    #[pyo3(get)]
    number: u64,
    /// Where it begins, if it says so; where it ends, because a later one begins there.
    #[pyo3(get)]
    first_seq: Option<u64>,
    #[pyo3(get)]
    limit: u64,
    file: Mutex<Detached<File>>,
}

#[pymethods]
impl Segment {
    fn read(&self, py: Python<'_>) -> PyResult<SegmentRows> {
        py.detach(|| {
            let bytes = read_whole(&mut self.file.lock()).map_err(os_error)?;
            let scan = scan(&bytes, self.limit);
            Ok(SegmentRows(Arc::new(Rows { bytes: Detached::new(bytes), scan })))
        })
    }
}

/// The rows of a segment.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct SegmentRows(Arc<Rows>);

/// What a segment held when it was read.
pub(crate) struct Rows {
    bytes: Detached<Vec<u8>>,
    scan: Scan,
}

impl Rows {
    /// The sequence number of a row.
    pub(crate) fn seq(&self, index: u32) -> u64 {
        self.scan.frames[index as usize].seq
    }

    /// What was recorded as a row.
    pub(crate) fn payload(&self, index: u32) -> &[u8] {
        &self.bytes[self.scan.frames[index as usize].payload.clone()]
    }
}

#[pymethods]
impl SegmentRows {
    fn __len__(&self) -> usize {
        self.0.scan.frames.len()
    }

    #[getter]
    fn torn_bytes(&self) -> usize {
        match self.0.scan.header {
            Err(HeaderError::Torn) => self.0.bytes.len(),
            _ => self.0.scan.torn_bytes,
        }
    }

    /// What is damaged, as pairs of offsets, and why the header cannot be read.
    #[getter]
    fn damaged(&self) -> Vec<(usize, usize)> {
        let header = matches!(self.0.scan.header, Err(HeaderError::Damaged)).then_some((0, HEADER_BYTES));
        header.into_iter().chain(self.0.scan.damaged.iter().map(|range| (range.start, range.end))).collect()
    }

    #[getter]
    fn next_seq(&self) -> Option<u64> {
        let after_last = self.0.scan.frames.last().map(|frame| frame.seq + 1);
        after_last.or(self.0.scan.header.as_ref().ok().map(|header| header.first_seq))
    }

    #[pyo3(signature = (start, stop, /))]
    /// The rows from one index up to another: sequence number and payload.
    fn slice<'py>(&self, py: Python<'py>, start: usize, stop: usize) -> PyResult<Bound<'py, PyList>> {
        let frames = self.0.scan.frames.get(start..stop).ok_or_else(|| PyIndexError::new_err((start, stop)))?;
        let rows = frames.iter().map(|frame| {
            let payload = PyBytes::new(py, &self.0.bytes[frame.payload.clone()]);
            (frame.seq, payload).into_pyobject(py)
        });
        PyList::new(py, rows.collect::<PyResult<Vec<Bound<'py, PyTuple>>>>()?)
    }

    /// The rows of each class, day and topic, and which rows do not say theirs.
    fn sort(&self, py: Python<'_>) -> (Vec<TopicRows>, Vec<u32>) {
        py.detach(|| {
            let payloads = self.0.scan.frames.iter().map(|frame| &self.0.bytes[frame.payload.clone()]);
            let (topics, unread) = topics::sort(payloads);
            (topics.into_iter().map(|topic| TopicRows::new(&self.0, topic)).collect(), unread)
        })
    }
}

/// Opens every segment of a folder, the oldest first; one that is removed meanwhile is left out.
#[pyfunction]
#[pyo3(signature = (folder, /))]
pub(crate) fn open_segments(py: Python<'_>, folder: PathBuf) -> PyResult<Vec<Segment>> {
    py.detach(move || open_all(folder))
}

fn open_all(folder: PathBuf) -> PyResult<Vec<Segment>> {
    let mut segments = vec![];
    for entry in fs::read_dir(folder).map_err(os_error)? {
        let entry = entry.map_err(os_error)?;
        let Some(number) = entry.file_name().to_str().and_then(read_name) else { continue };
        match File::open(entry.path()) {
            Ok(mut file) => {
                let first_seq = read_first_seq(&mut file)?;
                let (path, file) = (entry.path(), Mutex::new(Detached::new(file)));
                segments.push(Segment { path, number, first_seq, limit: u64::MAX, file });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(os_error(error)),
        }
    }
    segments.sort_by_key(|segment| segment.number);
    let mut limit = u64::MAX;
    for segment in segments.iter_mut().rev() {
        segment.limit = limit;
        limit = limit.min(segment.first_seq.unwrap_or(u64::MAX));
    }
    Ok(segments)
}

/// Where a segment begins: as its header says, else by its first whole frame.
fn read_first_seq(file: &mut File) -> PyResult<Option<u64>> {
    let mut bytes = [0; HEADER_BYTES];
    let header = match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Header::read(&bytes),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Err(HeaderError::Torn),
        Err(error) => return Err(os_error(error)),
    };
    match header {
        Ok(header) => Ok(Some(header.first_seq)),
        Err(HeaderError::Torn) => Ok(None),
        Err(HeaderError::Version(version)) => Err(PyValueError::new_err(format!(
            "a segment of the journal has the format {version}, which a later release has written"
        ))),
        Err(HeaderError::Damaged) => {
            Ok(scan(&read_whole(file).map_err(os_error)?, u64::MAX).frames.first().map(|frame| frame.seq))
        }
    }
}

fn read_whole(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}
