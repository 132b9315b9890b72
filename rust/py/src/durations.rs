//! Durations that Python measures.

use pyo3::prelude::*;
use trading_events_core::subscription::Histogram;

use crate::guarded::Guarded;

/// A histogram of durations.
#[pyclass(frozen, name = "Histogram", module = "trading.events._core")]
pub(crate) struct PyHistogram(Guarded<Histogram>);

#[pymethods]
impl PyHistogram {
    #[new]
    fn new() -> Self {
        Self(Guarded::new(Histogram::default()))
    }

    #[pyo3(signature = (duration_ns, /))]
    fn record(&self, py: Python<'_>, duration_ns: u64) {
        self.0.lock(py).record(duration_ns);
    }

    /// The count, three quantiles and the maximum.
    fn summary(&self, py: Python<'_>) -> (u64, u64, u64, u64, u64) {
        let histogram = self.0.lock(py);
        let [half, most, nearly_all] = [500, 990, 999].map(|per_mille| histogram.per_mille_ns(per_mille));
        (histogram.count(), half, most, nearly_all, histogram.max_ns())
    }
}
