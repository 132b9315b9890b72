//! Earlier events for a new subscription, queued before the live ones.

use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::queue::{EventDeque, Stored};
use trading_events_core::routing::SubscriptionId;

use super::select::Selection;
use crate::bus::native_bus::NativeBus;
use crate::codec::packed;
use crate::error::ends_program;
use crate::event::filter;
use crate::runtime::exits::NativeCall;

/// The point from which a subscription gets earlier events.
pub(crate) struct Start {
    /// Earliest time, in microseconds since 1970.
    start_us: Option<i64>,
    last_per_topic: bool,
}

impl Start {
    /// `"history"`, `"last_per_topic"`, or an aware moment.
    pub(crate) fn of(start: &Bound<'_, PyAny>) -> PyResult<Self> {
        match start.extract::<&str>() {
            Ok(name) => Ok(Self { start_us: None, last_per_topic: name == "last_per_topic" }),
            Err(_) => Ok(Self { start_us: Some(filter::microseconds(start)?), last_per_topic: false }),
        }
    }
}

impl NativeBus {
    /// Preloads a new subscription with the kept events that it wants, and resumes it. `kept` is the history when it
    /// began.
    pub(crate) fn catch_up(
        slf: &Bound<'_, Self>,
        id: SubscriptionId,
        start: &Start,
        kept: EventDeque<Py<PyAny>>,
    ) -> PyResult<()> {
        let selected = Self::select_for(slf, id, start, kept);
        let discarded = {
            let mut state = slf.get().lock(slf.py());
            match selected {
                Ok(selected) => {
                    state.bus.preload(id, selected);
                    state.bus.resume(id);
                    None
                }
                Err(error) => Some((state.bus.unsubscribe(id, false), error)),
            }
        };
        if let Some((discarded, error)) = discarded {
            slf.get().wake_waiters(slf.py(), discarded.ended.as_deref())?;
            return Err(error);
        }
        Self::ensure_worker(slf)
    }

    /// The events among `kept` that a subscription wants.
    fn select_for(
        slf: &Bound<'_, Self>,
        id: SubscriptionId,
        start: &Start,
        kept: EventDeque<Py<PyAny>>,
    ) -> PyResult<Vec<Stored<Py<PyAny>>>> {
        let py = slf.py();
        let found = {
            let state = slf.get().lock(py);
            state.bus.subscriptions().get(id).map(|found| (found.interest.clone(), found.payload.clone()))
        };
        let Some((interest, subscriber)) = found else { return Ok(Vec::new()) };
        let selection = Selection {
            interest: &interest,
            leaves: &subscriber.leaves,
            start_us: start.start_us,
            end_us: None,
            last_per_topic: start.last_per_topic,
            limit: usize::MAX,
        };
        selection.select(py, kept, &mut |event, error| {
            if ends_program(py, &error) {
                return Err(error);
            }
            if let Some(found) = slf.get().lock(py).bus.subscriptions_mut().get_mut(id) {
                found.counts.filter_failures += 1;
            }
            Self::report(slf, &subscriber, event, error, "filter")
        })
    }

    /// Tells if a subscription wants an event.
    pub(crate) fn wants(slf: &Bound<'_, Self>, id: SubscriptionId, event: &Bound<'_, PyAny>) -> PyResult<bool> {
        let one: EventDeque<Py<PyAny>> = [Stored::Live(event.clone().unbind())].into_iter().collect();
        let all = Start { start_us: None, last_per_topic: false };
        Ok(!Self::select_for(slf, id, &all, one)?.is_empty())
    }
}

#[pymethods]
impl NativeBus {
    /// Preloads a subscription with those of some events that it wants, behind earlier preloads. Returns the number of
    /// preloaded events that wait.
    fn _put_ahead(slf: &Bound<'_, Self>, sid: &str, events: &Bound<'_, PyAny>) -> PyResult<usize> {
        let (py, this) = (slf.py(), slf.get());
        let _call = NativeCall::begin(py)?;
        let id = this.id_of(py, sid)?;
        let events: EventDeque<Py<PyAny>> =
            events.try_iter()?.map(|event| Ok(Stored::Live(event?.unbind()))).collect::<PyResult<_>>()?;
        let start = Start { start_us: None, last_per_topic: false };
        let mut row = Vec::new();
        for kept in Self::select_for(slf, id, &start, events)? {
            row.clear();
            let packs = this.lock(py).bus.subscriptions().get(id).is_some_and(|found| found.queue.packs_preload());
            let is_packed = match &kept {
                Stored::Live(event) if packs => packed::pack(event.bind(py), &mut row)?,
                _ => false,
            };
            let former = {
                let mut state = this.lock(py);
                let packed = if is_packed { state.bus.pack_row(&row).ok().map(Stored::Packed) } else { None };
                let (put, former) = match packed {
                    Some(packed) => (packed, Some(kept)),
                    None => (kept, None),
                };
                state.bus.preload(id, [put]);
                former
            };
            drop(former);
        }
        Self::ensure_worker(slf)?;
        Ok(this.lock(py).bus.subscriptions().get(id).map_or(0, |found| found.queue.len() - found.queue.waiting_len()))
    }

    /// The ids of the waiting events of a paused subscription, in order: at most `limit` after the first `skipped`.
    fn _held_ids<'py>(
        &self,
        py: Python<'py>,
        sid: &str,
        skipped: usize,
        limit: usize,
    ) -> PyResult<Vec<Bound<'py, PyAny>>> {
        let id = self.id_of(py, sid)?;
        let held = {
            let state = self.lock(py);
            let found = state.bus.subscriptions().get(id);
            found
                .map(|found| found.queue.waiting().share_after(skipped, |event| event.clone_ref(py)))
                .unwrap_or_default()
        };
        held.take(limit).map(|kept| packed::unpack(py, kept)?.getattr(intern!(py, "event_id"))).collect()
    }

    /// A future that completes once a subscription has handled all but `left` of its present events; None if it has.
    fn _until_handled<'py>(&self, py: Python<'py>, sid: &str, left: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let event_loop = self.event_loop_here(py)?;
        let id = self.id_of(py, sid)?;
        let future = event_loop.new_future(py)?;
        let mut state = self.lock(py);
        let milestone = state.bus.watermark(id, left);
        if state.bus.has_reached(milestone) {
            drop(state);
            return Ok(None);
        }
        state.milestones.push((milestone, future.clone().unbind()));
        drop(state);
        Ok(Some(future))
    }

    /// Resumes a subscription: its live events follow the preloaded ones.
    fn _let_go(slf: &Bound<'_, Self>, sid: &str) -> PyResult<()> {
        let id = slf.get().id_of(slf.py(), sid)?;
        slf.get().lock(slf.py()).bus.resume(id);
        Self::ensure_worker(slf)
    }
}
