//! Journal segments, as Python reads them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyBytes;
use trading_events_core::codec::topic_days;
use trading_events_core::journal::frame::{MAX_PAYLOAD_BYTES, push_frame};
use trading_events_core::journal::scan::{Scan, scan, scan_apart};
use trading_events_core::journal::segment::{
    FIRST_APART, HEADER_BYTES, Header, HeaderError, is_apart, name_segment, read_name,
};

use super::segment_rows::{RowsOnDisk, SegmentRows};
use crate::error::os_error;
use crate::runtime::detached::Detached;

/// An open segment, which can be read even after it was removed.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct Segment {
    /// The segment's file.
    #[pyo3(get)]
    path: PathBuf,
    /// The segment's number.
    #[pyo3(get)]
    number: u64,
    /// The first sequence number, if the segment states it; the first one of a later segment.
    #[pyo3(get)]
    first_seq: Option<u64>,
    /// The sequence number from which on a later segment may hold the same rows.
    #[pyo3(get)]
    limit: u64,
    /// The quarantined rows, which a later segment holds.
    left_out: Arc<HashSet<u64>>,
    file: Mutex<Detached<File>>,
}

impl Segment {
    fn scan(&self, bytes: &[u8]) -> Scan {
        if is_apart(self.number) { scan_apart(bytes) } else { scan(bytes, self.limit) }
    }
}

#[pymethods]
impl Segment {
    /// True if it holds quarantined rows.
    #[getter]
    fn is_apart(&self) -> bool {
        is_apart(self.number)
    }

    /// Its rows below the limit, without those that have been quarantined since.
    fn read(&self, py: Python<'_>) -> PyResult<SegmentRows> {
        py.detach(|| {
            let bytes = read_whole(&mut self.file.lock()).map_err(os_error)?;
            let scan = self.scan(&bytes);
            Ok(SegmentRows::in_memory(bytes, scan, &self.left_out))
        })
    }

    /// The number of rows in the first bytes, and the number of their combinations of class, day and topic.
    #[pyo3(signature = (most_bytes, /))]
    fn sample(&self, py: Python<'_>, most_bytes: u64) -> PyResult<(usize, usize)> {
        py.detach(|| {
            let mut bytes = Vec::new();
            let file = &mut **self.file.lock();
            file.rewind().and_then(|()| file.take(most_bytes).read_to_end(&mut bytes)).map_err(os_error)?;
            let frames = self.scan(&bytes).frames;
            let (topics, _) = topic_days::sort(frames.iter().map(|frame| &bytes[frame.payload.clone()]));
            Ok((frames.len(), topics.len()))
        })
    }
}

/// Reads segments that do not change any more, as if they were one.
#[pyfunction]
#[pyo3(signature = (segments, /))]
pub(crate) fn read_together(py: Python<'_>, segments: Vec<Py<Segment>>) -> PyResult<SegmentRows> {
    let rows = py.detach(|| {
        let mut rows = RowsOnDisk::default();
        for segment in segments.iter().map(Py::get) {
            let mut file = segment.file.lock().try_clone().map_err(os_error)?;
            let bytes = read_whole(&mut file).map_err(os_error)?;
            rows.push(file, &bytes, segment.scan(&bytes), &segment.left_out);
        }
        Ok(rows.finish())
    });
    drop(segments);
    rows
}

/// Opens all segments of a folder, the oldest first, without those removed meanwhile.
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
                segments.push(Segment { path, number, first_seq, limit: u64::MAX, left_out: Arc::default(), file });
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(os_error(error)),
        }
    }
    segments.sort_by_key(|segment| segment.number);
    let (mut limit, mut apart) = (u64::MAX, Arc::<HashSet<u64>>::default());
    for segment in segments.iter_mut().rev() {
        segment.left_out = Arc::clone(&apart);
        if is_apart(segment.number) {
            let bytes = read_whole(&mut segment.file.lock()).map_err(os_error)?;
            Arc::make_mut(&mut apart).extend(scan_apart(&bytes).frames.iter().map(|frame| frame.seq));
        } else {
            segment.limit = limit;
            limit = limit.min(segment.first_seq.unwrap_or(u64::MAX));
        }
    }
    Ok(segments)
}

/// The name and the header of a new segment for quarantined rows, from this sequence number on.
#[pyfunction]
#[pyo3(signature = (number, first_seq, /))]
pub(crate) fn begin_apart(py: Python<'_>, number: u64, first_seq: u64) -> (String, Bound<'_, PyBytes>) {
    let header = Header { number: FIRST_APART | number, first_seq };
    (name_segment(header.number), PyBytes::new(py, &header.to_bytes()))
}

/// Rows as bytes of a segment.
#[pyfunction]
#[pyo3(signature = (rows, /))]
pub(crate) fn frame_rows(py: Python<'_>, rows: Vec<(u64, PyBackedBytes)>) -> PyResult<Bound<'_, PyBytes>> {
    let mut frames = Vec::new();
    for (seq, payload) in rows {
        if payload.len() > MAX_PAYLOAD_BYTES {
            return Err(PyValueError::new_err(format!("{} bytes are more than a row can have", payload.len())));
        }
        push_frame(&mut frames, seq, &payload);
    }
    Ok(PyBytes::new(py, &frames))
}

/// The first sequence number of a segment: that of its header, or else of its first whole frame.
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
