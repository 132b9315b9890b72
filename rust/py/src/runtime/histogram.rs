//! Histograms of durations.

use pyo3::prelude::*;
use trading_events_core::subscription::Histogram;

use super::guarded::Guarded;

/// Durations of one kind, as `(samples, p50_ns, p99_ns, p999_ns, max_ns)`.
pub(crate) type Times = (u64, u64, u64, u64, u64);

/// The same, and the buckets: the longest duration of each and its count.
pub(crate) type TimesByBucket = (u64, u64, u64, u64, u64, Vec<(u64, u32)>);

/// The summary of a histogram, and its buckets.
pub(crate) fn times_by_bucket(histogram: &Histogram) -> TimesByBucket {
    let (count, p50, p99, p999, max) = times(histogram);
    (count, p50, p99, p999, max, histogram.buckets().collect())
}

/// The summary of a histogram.
pub(crate) fn times(histogram: &Histogram) -> Times {
    let at = |per_mille| histogram.per_mille_ns(per_mille);
    (histogram.count(), at(500), at(990), at(999), histogram.max_ns())
}

/// A histogram of durations.
#[pyclass(frozen, name = "Histogram", module = "trading.events._core")]
pub(crate) struct PyHistogram(Guarded<Histogram>);

#[pymethods]
impl PyHistogram {
    #[new]
    fn new() -> Self {
        Self(Guarded::new(Histogram::default()))
    }

    /// Counts a duration.
    #[pyo3(signature = (duration_ns, /))]
    fn record(&self, py: Python<'_>, duration_ns: u64) {
        self.0.lock(py).record(duration_ns);
    }

    /// The count, three quantiles and the maximum.
    fn summary(&self, py: Python<'_>) -> Times {
        times(&self.0.lock(py))
    }
}
