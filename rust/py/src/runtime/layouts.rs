//! Whether the interpreter is one whose layouts of objects are known.
//!
//! Some ways read or write the memory of Python objects where the interpreter's own functions would be called otherwise.
//! Each is taken only where this holds and where it has been tried once; else the functions are called.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// Set by tests to have every fast path left alone, whatever the interpreter is.
const OFF: &str = "TRADING_EVENTS_TEST_NO_FAST_PATHS";

/// The versions of `CPython` in whose sources the layouts were read, and on which all tests run.
const KNOWN_VERSIONS: [(u8, u8); 3] = [(3, 11), (3, 12), (3, 13)];

/// Whether fast paths may be tried: `CPython` of a known version on 64 bits, with a GIL.
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
