//! Segments of a journal as Python reads them.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Seek as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use trading_events_core::codec::topics;
use trading_events_core::journal::scan::scan;
use trading_events_core::journal::segment::{HEADER_BYTES, Header, HeaderError, read_name};

use crate::detached::Detached;
use crate::error::os_error;
use crate::segment_rows::{RowsOnDisk, SegmentRows};

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
            Ok(SegmentRows::in_memory(bytes, scan))
        })
    }

    /// How many rows stand in so many bytes at the beginning, and how many classes, days and topics they have.
    #[pyo3(signature = (most_bytes, /))]
    fn sample(&self, py: Python<'_>, most_bytes: u64) -> PyResult<(usize, usize)> {
        py.detach(|| {
            let mut bytes = Vec::new();
            let file = &mut **self.file.lock();
            file.rewind().and_then(|()| file.take(most_bytes).read_to_end(&mut bytes)).map_err(os_error)?;
            let frames = scan(&bytes, self.limit).frames;
            let (topics, _) = topics::sort(frames.iter().map(|frame| &bytes[frame.payload.clone()]));
            Ok((frames.len(), topics.len()))
        })
    }
}

/// Reads segments that change no more, as if they were one.
#[pyfunction]
#[pyo3(signature = (segments, /))]
pub(crate) fn read_together(py: Python<'_>, segments: Vec<Py<Segment>>) -> PyResult<SegmentRows> {
    let open = |segment: Py<Segment>| {
        let segment = segment.get();
        Ok((segment.file.lock().try_clone()?, segment.limit))
    };
    let files: Vec<(File, u64)> = segments.into_iter().map(open).collect::<io::Result<_>>().map_err(os_error)?;
    py.detach(|| {
        let mut rows = RowsOnDisk::default();
        for (mut file, limit) in files {
            let bytes = read_whole(&mut file).map_err(os_error)?;
            rows.push(file, &bytes, limit);
        }
        Ok(rows.finish())
    })
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
