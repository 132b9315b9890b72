//! Appending to the journal, and syncing it without the GIL.

use std::io;
use std::path::PathBuf;

use parking_lot::Mutex;
use pyo3::exceptions::{PyBlockingIOError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyList;
use trading_events_core::journal::directory::Directory;
use trading_events_core::journal::frame::FRAME_HEADER_BYTES;
use trading_events_core::journal::{AppendError, Journal};

use crate::codec;
use crate::error::{ends_program, os_error};
use crate::runtime::exits::NativeCall;
use crate::runtime::fork::ForkGuard;

/// The writing end of a journal.
#[pyclass(frozen, name = "Journal", module = "trading.events._core")]
pub(crate) struct PyJournal {
    journal: Mutex<Journal<Directory>>,
    /// Held while a sync runs: there is one at a time.
    syncing: Mutex<()>,
    most_rows: u64,
    most_bytes: u64,
    soon_unsynced_bytes: u64,
    is_deferred: bool,
    fork_guard: ForkGuard,
}

#[pymethods]
impl PyJournal {
    #[new]
    #[pyo3(signature = (folder, number, seq, *, most_rows, most_bytes, most_unsynced_bytes, is_deferred))]
    fn new(
        folder: PathBuf,
        number: u64,
        seq: u64,
        most_rows: u64,
        most_bytes: u64,
        most_unsynced_bytes: usize,
        is_deferred: bool,
    ) -> PyResult<Self> {
        let soon_unsynced_bytes = (most_unsynced_bytes / 4) as u64;
        let journal = Journal::open(Directory::new(folder), number, seq, most_unsynced_bytes).map_err(os_error)?;
        Ok(Self {
            journal: Mutex::new(journal),
            syncing: Mutex::new(()),
            most_rows,
            most_bytes,
            soon_unsynced_bytes,
            is_deferred,
            fork_guard: ForkGuard::new(),
        })
    }

    // The GIL is released, though that costs as much as the write: a sealing thread asks for it often and briefly, and
    // would else wait for it longer than it works.
    /// Takes a row and writes it, with one system call.
    #[pyo3(signature = (payload, /))]
    fn append(&self, py: Python<'_>, payload: &[u8]) -> PyResult<bool> {
        py.detach(|| self.take([payload])).map_err(refuse)
    }

    /// Appends an event if it is storable and crosses no limit, as nearly all events do. Returns whether it has.
    #[pyo3(signature = (event, /))]
    fn take_event(&self, event: &Bound<'_, PyAny>) -> PyResult<bool> {
        let py = event.py();
        let _call = NativeCall::begin(py)?;
        if !self.fork_guard.is_same_process() {
            return Ok(false);
        }
        match codec::row_of(event) {
            Ok(row) => Ok(py.detach(|| self.append_quietly(&row))),
            Err(error) if ends_program(py, &error) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Takes rows, all or none, and writes them with one system call. As `append` otherwise.
    #[pyo3(signature = (payloads, /))]
    fn append_batch(&self, py: Python<'_>, payloads: &Bound<'_, PyList>) -> PyResult<bool> {
        let payloads = payloads.iter().map(|each| Ok(each.extract()?)).collect::<PyResult<Vec<PyBackedBytes>>>()?;
        py.detach(|| self.take(payloads.iter().map(|payload| &**payload))).map_err(refuse)
    }

    /// Syncs until everything appended before the call is on the disk.
    fn sync(&self, py: Python<'_>) -> PyResult<u64> {
        py.detach(|| self.sync_all()).map_err(os_error)
    }

    /// Creates the file of the next segment, if the newest one is half full.
    fn prepare(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| {
            let preparation = {
                let mut journal = self.journal.lock();
                let is_half_full = journal.frames() > self.most_rows / 2 || journal.size_bytes() > self.most_bytes / 2;
                is_half_full.then(|| journal.begin_prepare()).flatten()
            };
            if let Some(preparation) = preparation {
                let made = preparation.run()?;
                self.journal.lock().end_prepare(made);
            }
            Ok(())
        })
        .map_err(os_error)
    }

    /// Removes a prepared file.
    fn discard_prepared(&self, py: Python<'_>) {
        py.detach(|| self.journal.lock().discard_prepared());
    }

    /// Ends the segment and begins another. Returns the number of the one that has ended; an empty one stays.
    fn rotate(&self, py: Python<'_>) -> PyResult<Option<u64>> {
        py.detach(|| self.journal.lock().rotate()).map_err(os_error)
    }

    /// The number of rows in the segment.
    #[getter]
    fn rows(&self) -> u64 {
        self.journal.lock().frames()
    }

    /// The size of the segment.
    #[getter]
    fn size_bytes(&self) -> u64 {
        self.journal.lock().size_bytes()
    }

    /// The number of the segment.
    #[getter]
    fn number(&self) -> u64 {
        self.journal.lock().number()
    }

    /// The sequence number of the next row.
    #[getter]
    fn next_seq(&self) -> u64 {
        self.journal.lock().next_seq()
    }

    /// The offset of the end of the segment.
    #[getter]
    fn place(&self) -> u64 {
        self.journal.lock().offset()
    }

    /// The offset up to which rows are on the disk.
    #[getter]
    fn synced(&self) -> u64 {
        self.journal.lock().synced()
    }

    /// The number of segments that were given up because they could not be trusted.
    #[getter]
    fn set_aside(&self) -> u64 {
        self.journal.lock().abandoned()
    }
}

impl PyJournal {
    /// Appends, and returns whether it would trigger a sync or a rotation.
    fn take<'a>(&self, payloads: impl IntoIterator<Item = &'a [u8]>) -> Result<bool, AppendError> {
        let mut journal = self.journal.lock();
        let before = Levels::of(&journal);
        self.put(&mut journal, payloads)?;
        let after = Levels::of(&journal);
        if after.rows >= self.most_rows || after.size_bytes >= self.most_bytes {
            let _ = journal.rotate(); // what fails here is tried again by the next append
        }
        Ok(self.crosses_limit(&before, &after))
    }

    /// Appends a row that triggers neither sync nor rotation. Returns whether it has; if not, nothing has changed.
    fn append_quietly(&self, payload: &[u8]) -> bool {
        let mut journal = self.journal.lock();
        let before = Levels::of(&journal);
        !self.crosses_limit(&before, &before.after(payload)) && self.put(&mut journal, [payload]).is_ok()
    }

    fn put<'a>(
        &self,
        journal: &mut Journal<Directory>,
        payloads: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<(), AppendError> {
        if self.is_deferred { journal.append_to_memory(payloads) } else { journal.append(payloads) }
    }

    fn crosses_limit(&self, before: &Levels, after: &Levels) -> bool {
        let reaches = |limit: u64, before: u64, after: u64| before < limit && after >= limit;
        reaches(1, before.unsynced_bytes, after.unsynced_bytes)
            || reaches(self.soon_unsynced_bytes, before.unsynced_bytes, after.unsynced_bytes)
            || reaches(self.most_rows, before.rows, after.rows)
            || reaches(self.most_bytes, before.size_bytes, after.size_bytes)
    }

    fn sync_all(&self) -> io::Result<u64> {
        let _one = self.syncing.lock();
        let place = self.journal.lock().offset();
        loop {
            let sync = {
                let mut journal = self.journal.lock();
                if journal.synced() >= place {
                    return Ok(journal.synced());
                }
                journal.begin_sync()?
            };
            let synced = sync.run();
            self.journal.lock().end_sync(synced)?;
        }
    }
}

/// The quantities that have limits.
struct Levels {
    rows: u64,
    size_bytes: u64,
    unsynced_bytes: u64,
}

impl Levels {
    fn of(journal: &Journal<Directory>) -> Self {
        Self {
            rows: journal.frames(),
            size_bytes: journal.size_bytes(),
            unsynced_bytes: journal.offset() - journal.synced(),
        }
    }

    /// The quantities after one more row.
    fn after(&self, payload: &[u8]) -> Self {
        let frame_bytes = (FRAME_HEADER_BYTES + payload.len()) as u64;
        Self {
            rows: self.rows + 1,
            size_bytes: self.size_bytes + frame_bytes,
            unsynced_bytes: self.unsynced_bytes + frame_bytes,
        }
    }
}

fn refuse(error: AppendError) -> PyErr {
    match error {
        AppendError::Io(error) => os_error(error),
        AppendError::Behind => PyBlockingIOError::new_err("the disk is behind: too much waits to be synced"),
        AppendError::TooLong(length) => {
            PyValueError::new_err(format!("{length} bytes are more than a record can have"))
        }
    }
}
