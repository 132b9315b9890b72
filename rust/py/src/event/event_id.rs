//! Event ids.

use std::time::{SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use pyo3::exceptions::PyOSError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use trading_events_core::codec::hex::hex_of;

use crate::runtime::fork;

/// The number of random bytes taken from the system at once.
const POOL_BYTES: usize = 4096;

/// The number of bits in an id after its time.
const TAIL_BITS: u32 = 74;

/// The last id, and random bytes for the next ones.
struct Maker {
    millis: u64,
    tail: u128,
    pool: [u8; POOL_BYTES],
    used: usize,
    forks: u64,
}

static MAKER: Mutex<Maker> =
    Mutex::new(Maker { millis: 0, tail: 0, pool: [0; POOL_BYTES], used: POOL_BYTES, forks: 0 });

impl Maker {
    fn random<const N: usize>(&mut self) -> Result<[u8; N], getrandom::Error> {
        // A forked process must not use its parent's random bytes.
        if self.used + N > POOL_BYTES || self.forks != fork::forks() {
            getrandom::fill(&mut self.pool)?;
            (self.used, self.forks) = (0, fork::forks());
        }
        let mut drawn = [0; N];
        drawn.copy_from_slice(&self.pool[self.used..self.used + N]);
        self.used += N;
        Ok(drawn)
    }

    /// A version 7 UUID: the time, then a random number, which grows by a random step within a millisecond.
    fn next(&mut self) -> Result<u128, getrandom::Error> {
        let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let now = u64::try_from(passed).unwrap_or(u64::MAX);
        if now > self.millis {
            // The highest bit stays free for the steps added.
            self.tail = u128::from_le_bytes(self.random()?) >> (u128::BITS - TAIL_BITS + 1);
            self.millis = now;
        } else {
            self.tail += u128::from(u32::from_le_bytes(self.random()?)) + 1;
            if self.tail >> TAIL_BITS != 0 {
                self.tail = 0;
                self.millis += 1;
            }
        }
        let (high, low) = (self.tail >> 62, self.tail & ((1 << 62) - 1));
        Ok(u128::from(self.millis) << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
    }
}

/// A version 7 UUID (RFC 9562) as 32 hex digits: sorts by time, also within a millisecond of one process.
#[pyfunction]
pub(crate) fn new_event_id(py: Python<'_>) -> PyResult<Bound<'_, PyString>> {
    let made = MAKER.lock().next().map_err(|error| PyOSError::new_err(error.to_string()))?;
    Ok(hex_text(py, made.to_be_bytes()))
}

/// Bytes as hex digits in lower case.
pub(crate) fn hex_text(py: Python<'_>, bytes: [u8; 16]) -> Bound<'_, PyString> {
    PyString::new(py, std::str::from_utf8(&hex_of(bytes)).unwrap_or_default())
}
