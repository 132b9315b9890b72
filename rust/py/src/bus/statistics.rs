//! The counts of a bus, as Python values.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMappingProxy};
use trading_events_core::queue::DropReason;
use trading_events_core::subscription::{Counts, Subscription};

use super::native_bus::NativeBus;
use super::subscriber::Subscriber;
use crate::runtime::histogram::{TimesByBucket, times_by_bucket};

/// One subscription's counts, as `(sid, name, pattern, counts, queued, waiting, high_water, (latency, handling))`.
type Row = (String, String, String, Py<PyDict>, usize, u64, usize, Option<(TimesByBucket, TimesByBucket)>);

fn counts_dict(py: Python<'_>, counts: &Counts) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("accepted", counts.accepted)?;
    dict.set_item("handled", counts.handled)?;
    dict.set_item("failed", counts.failed)?;
    dict.set_item("over_capacity", counts.over_capacity)?;
    dict.set_item("filter_failures", counts.filter_failures)?;
    let dropped = PyDict::new(py);
    for (reason, count) in DropReason::ALL.iter().zip(counts.dropped) {
        dropped.set_item(reason.name(), count)?;
    }
    dict.set_item("dropped", PyMappingProxy::new(py, dropped.as_mapping()))?;
    Ok(dict.unbind())
}

#[pymethods]
impl NativeBus {
    /// The number of accepted events that are lost if no loop runs the bus again.
    #[getter]
    fn _lost_if_forgotten(&self, py: Python<'_>) -> u64 {
        let state = self.lock(py);
        let cancelled = |counts: &Counts| counts.dropped[DropReason::Cancelled as usize];
        let standing: u64 = state.bus.subscriptions().iter().map(|(_, found)| cancelled(&found.counts)).sum();
        state.bus.unfinished() + standing + cancelled(&state.bus.totals.retired)
    }

    /// The number of events accepted so far.
    #[getter]
    fn _published(&self, py: Python<'_>) -> u64 {
        self.lock(py).bus.totals.published
    }

    /// The number of events of a subscription that have not been handled; 0 if it has ended.
    #[pyo3(signature = (sid, /))]
    fn _unfinished_of(&self, py: Python<'_>, sid: &str) -> u64 {
        let Ok(id) = self.id_of(py, sid) else { return 0 };
        self.lock(py).bus.subscriptions().get(id).map_or(0, Subscription::unfinished)
    }

    /// Times one in so many events of each later subscription; 0 for none.
    fn _time_one_in(&self, py: Python<'_>, events: u32) {
        self.lock(py).bus.times_one_in = NonZeroU32::new(events);
    }

    /// The subscriptions whose handler runs: sid, name, and the number of events handed out so far.
    fn _in_handlers(&self, py: Python<'_>) -> Vec<(String, String, u64)> {
        let state = self.lock(py);
        let running = state.bus.subscriptions().iter().filter(|(_, found)| found.is_in_handler());
        running.map(|(_, found)| (found.payload.sid(), found.payload.name.clone(), found.queue.handed_out())).collect()
    }

    /// The handling of an event that the caller is part of: the sid, and the number of events handed out so far. `None`
    /// if the handler has ended.
    #[getter]
    fn _handling(&self, py: Python<'_>) -> PyResult<Option<(String, u64)>> {
        let Some(id) = self.calling_handler(py)? else { return Ok(None) };
        let state = self.lock(py);
        let found = state.bus.subscriptions().get(id).filter(|found| found.is_in_handler());
        Ok(found.map(|found| (found.payload.sid(), found.queue.handed_out())))
    }

    /// True if every event that is left is in one of these handlings, or waits behind one.
    #[pyo3(signature = (handlings, /))]
    fn _only_left_in(&self, py: Python<'_>, handlings: HashSet<(String, u64)>) -> bool {
        let state = self.lock(py);
        let is_asleep = move |found: &&Subscription<_, Arc<Subscriber>>| {
            found.is_in_handler() && handlings.contains(&(found.payload.sid(), found.queue.handed_out()))
        };
        let standing = state.bus.subscriptions().iter().map(|(_, found)| found);
        standing.filter(is_asleep).map(Subscription::unfinished).sum::<u64>() == state.bus.unfinished()
    }

    /// The counts: totals, those of ended subscriptions, and a row for each active one.
    fn _counts(&self, py: Python<'_>) -> PyResult<(Py<PyDict>, Py<PyDict>, Vec<Row>)> {
        let (totals, unfinished, publishers, retired_waiting, mut rows) = {
            let state = self.lock(py);
            let mut totals = state.bus.totals;
            let (mut rows, mut retired_waiting) = (Vec::new(), 0);
            for (_, found) in state.bus.subscriptions().iter() {
                if found.has_ended() {
                    totals.retired.add(&found.counts);
                    retired_waiting += found.unfinished();
                    continue;
                }
                let queue = &found.queue;
                let payload = Arc::clone(&found.payload);
                let watch = found.stopwatch.as_ref();
                let times = watch.map(|watch| (times_by_bucket(&watch.latency), times_by_bucket(&watch.handling)));
                rows.push((payload, found.counts, queue.len(), found.unfinished(), queue.high_water(), times));
            }
            (totals, state.bus.unfinished(), state.bus.publishers_waiting(), retired_waiting, rows)
        };
        rows.sort_by_key(|row| row.0.number);
        let whole = PyDict::new(py);
        whole.set_item("published", totals.published)?;
        whole.set_item("unrouted", totals.unrouted)?;
        whole.set_item("abandoned", totals.abandoned)?;
        whole.set_item("waiting", unfinished)?;
        whole.set_item("publishers_waiting", publishers)?;
        let rows = rows
            .into_iter()
            .map(|(subscriber, counts, queued, unfinished, high_water, times)| {
                let counts = counts_dict(py, &counts)?;
                let (name, pattern) = (subscriber.name.clone(), subscriber.pattern.clone());
                Ok((subscriber.sid(), name, pattern, counts, queued, unfinished, high_water, times))
            })
            .collect::<PyResult<Vec<Row>>>()?;
        let retired = counts_dict(py, &totals.retired)?;
        retired.bind(py).set_item("waiting", retired_waiting)?;
        Ok((whole.unbind(), retired, rows))
    }
}
