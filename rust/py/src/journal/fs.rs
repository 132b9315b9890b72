//! File system calls and checksums that Python lacks.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use pyo3::prelude::*;

use crate::error::os_error;

/// The CRC32C of bytes, continued from an earlier one.
#[pyfunction]
#[pyo3(signature = (data, before = 0, /))]
pub(crate) fn crc32c(py: Python<'_>, data: &[u8], before: u32) -> u32 {
    py.detach(|| ::crc32c::crc32c_append(before, data))
}

/// Syncs the file system that holds a folder.
#[pyfunction]
#[pyo3(signature = (folder, /))]
pub(crate) fn sync_file_system(py: Python<'_>, folder: PathBuf) -> PyResult<()> {
    let sync = || rustix::fs::syncfs(File::open(folder)?).map_err(io::Error::from);
    py.detach(sync).map_err(os_error)
}
