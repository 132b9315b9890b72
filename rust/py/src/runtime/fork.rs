//! Detection of forks: a bus, a journal and random bytes belong to the process they were made in.

use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::wrap_pyfunction;

use super::exits;
use crate::error::ForkedBusError;

/// The number of forks between the process that loaded the module and this one.
static FORKS: AtomicU64 = AtomicU64::new(0);

#[pyfunction]
fn note_fork() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    exits::note_fork();
}

/// The number of forks between the process that loaded the module and this one.
pub(crate) fn forks() -> u64 {
    FORKS.load(Ordering::Relaxed)
}

/// Registers a hook that counts forks.
pub(crate) fn watch_forks(py: Python<'_>) -> PyResult<()> {
    let kwargs = PyDict::new(py);
    kwargs.set_item("after_in_child", wrap_pyfunction!(note_fork, py)?)?;
    py.import("os")?.call_method("register_at_fork", (), Some(&kwargs))?;
    Ok(())
}

/// The process in which an object was made.
#[derive(Clone, Copy)]
pub(crate) struct ForkGuard(u64);

impl ForkGuard {
    pub(crate) fn new() -> Self {
        Self(FORKS.load(Ordering::Relaxed))
    }

    pub(crate) fn is_same_process(self) -> bool {
        self.0 == FORKS.load(Ordering::Relaxed)
    }

    pub(crate) fn check(self) -> PyResult<()> {
        if self.is_same_process() {
            return Ok(());
        }
        Err(ForkedBusError::new_err("this bus was made before the process forked; make a new one in the child"))
    }
}
