//! The gate of all code that relies on how the interpreter lays out its objects.
//!
//! Fast paths read or write the memory of Python objects in place of calls of the interpreter's functions. Each is
//! taken only if the interpreter is a known one and a trial has succeeded; else the functions are called.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Turns all fast paths off. Set by tests.
const OFF: &str = "TRADING_EVENTS_TEST_NO_FAST_PATHS";

/// The versions of `CPython` whose layouts are known, and on which all tests run.
const KNOWN_VERSIONS: [(u8, u8); 3] = [(3, 11), (3, 12), (3, 13)];

/// Tells if fast paths may be tried: on `CPython` of a known version, with 64 bits and a GIL.
pub(crate) fn are_known(py: Python<'_>) -> bool {
    static KNOWN: PyOnceLock<bool> = PyOnceLock::new();
    *KNOWN.get_or_init(py, || std::env::var_os(OFF).is_none() && are_those_of(py).unwrap_or(false))
}

fn are_those_of(py: Python<'_>) -> PyResult<bool> {
    let version = py.version_info();
    let sys = py.import("sys")?;
    let name: String = sys.getattr("implementation")?.getattr("name")?.extract()?;
    let flags: String = sys.getattr("abiflags")?.extract()?;
    let is_free_threaded = flags.contains('t');
    Ok(cfg!(target_pointer_width = "64")
        && name == "cpython"
        && !is_free_threaded
        && KNOWN_VERSIONS.contains(&(version.major, version.minor)))
}
