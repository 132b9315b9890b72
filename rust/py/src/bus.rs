//! The native half of `InMemoryEventBus`: its state, its subscriptions, its counts.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, MutexGuard};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMappingProxy, PyString, PyType};
use trading_events_core::bus::{Bus, Phase, Terms};
use trading_events_core::filter::Filter;
use trading_events_core::queue::{Loss, Overflow};
use trading_events_core::registry::{Interest, Kinds, SubscriptionId};
use trading_events_core::stats::Counts;
use trading_events_core::subscription::Subscription;

use crate::error::{ReentrancyError, SubscriptionNotFoundError, WrongLoopError};
use crate::event::{self, Kind, identity};
use crate::filter::{Leaf, PyFilter, visit_leaves};
use crate::home::{self, Birthplace, Home};
use crate::topic::parse_pattern;
use crate::worker::Worker;

/// What a bus keeps with a subscription.
pub(crate) struct Subscriber {
    bus: u64,
    number: u64,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) handler: Py<PyAny>,
    pub(crate) on_gap: Option<Py<PyAny>>,
    pub(crate) leaves: Vec<Arc<Leaf>>,
    /// The class subscribed to, kept so that no other class gets its address.
    class: Option<Py<PyType>>,
    pub(crate) context: Py<PyAny>,
}

impl Subscriber {
    /// What it is called outside: the bus's number, so that no other bus knows it, and its own.
    pub(crate) fn sid(&self) -> String {
        format!("sub-{}-{}", self.bus, self.number)
    }

    fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.handler)?;
        visit.call(&self.on_gap)?;
        visit.call(&self.class)?;
        visit.call(&self.context)?;
        visit_leaves(&self.leaves, visit)
    }
}

/// Everything that changes, behind one lock. No Python code runs, and nothing of Python is dropped, while it is held.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) bus: Bus<Py<PyAny>, Arc<Subscriber>, Py<PyAny>>,
    pub(crate) kinds: HashMap<usize, Arc<Kind>>,
    pub(crate) home: Option<Arc<Home>>,
    pub(crate) workers: HashMap<u64, Py<PyAny>>,
    pub(crate) next_worker: u64,
    pub(crate) refill_is_due: bool,
    /// Who waits for the last event to end.
    pub(crate) idle_waiters: Vec<Py<PyAny>>,
    /// Who waits for a subscription to end.
    pub(crate) end_waiters: HashMap<u64, Vec<Py<PyAny>>>,
    by_number: HashMap<u64, SubscriptionId>,
    last_number: u64,
}

#[pyclass(frozen, subclass, weakref, module = "trading.events._core")]
pub(crate) struct NativeBus {
    pub(crate) number: u64,
    birthplace: Birthplace,
    state: Mutex<State>,
}

impl NativeBus {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(crate) fn check_process(&self) -> PyResult<()> {
        self.birthplace.check()
    }

    /// Whether the caller is a handler that runs, or a task that one has started.
    pub(crate) fn is_in_handler(&self, py: Python<'_>) -> PyResult<bool> {
        let Some(number) = home::calling_subscription(py, self.number)? else { return Ok(false) };
        let state = self.lock();
        let found = state.by_number.get(&number).and_then(|id| state.bus.subscriptions().get(*id));
        Ok(found.is_some_and(Subscription::is_served))
    }

    /// The bus's loop; the one that runs here becomes it if it has none.
    pub(crate) fn home(&self, py: Python<'_>) -> PyResult<Option<Arc<Home>>> {
        if let Some(home) = &self.lock().home {
            return Ok(Some(Arc::clone(home)));
        }
        let Some(found) = Home::of_running_loop(py)? else { return Ok(None) };
        Ok(Some(Arc::clone(self.lock().home.get_or_insert(Arc::new(found)))))
    }

    /// The bus's loop, which must be the one that runs here.
    pub(crate) fn home_here(&self, py: Python<'_>) -> PyResult<Arc<Home>> {
        self.check_process()?;
        let home = self.home(py)?.ok_or_else(|| WrongLoopError::new_err("no event loop runs in this thread"))?;
        home.check_running(py)?;
        Ok(home)
    }

    /// Starts workers that have been hired; from another thread, the loop does it.
    pub(crate) fn start_workers(slf: &Bound<'_, Self>, home: &Home, count: usize) -> PyResult<()> {
        if count == 0 {
            return Ok(());
        }
        if !home.is_in_this_thread() {
            return home.call_soon_threadsafe(&slf.getattr("_start_workers")?, count);
        }
        for _ in 0..count {
            let number = {
                let mut state = slf.get().lock();
                state.next_worker += 1;
                state.next_worker
            };
            let worker = Bound::new(slf.py(), Worker::new(slf, number))?;
            let task = home.start_task(worker.as_any())?;
            slf.get().lock().workers.insert(number, task.unbind());
        }
        Ok(())
    }

    /// Has the loop begin a new budget in its next turn.
    pub(crate) fn schedule_refill(slf: &Bound<'_, Self>) -> PyResult<()> {
        let home = {
            let mut state = slf.get().lock();
            let Some(home) = state.home.clone().filter(|_| !state.refill_is_due) else { return Ok(()) };
            state.refill_is_due = true;
            home
        };
        home.call_soon(&slf.getattr("_refill")?)
    }

    /// Wakes whoever waits for places, for the bus to be idle, or for a subscription to end.
    pub(crate) fn wake_waiters(&self, py: Python<'_>, ended: Option<&Subscriber>) -> PyResult<()> {
        let futures = {
            let mut state = self.lock();
            let mut futures = state.bus.take_called();
            if state.bus.unfinished() == 0 {
                futures.append(&mut state.idle_waiters);
            }
            if let Some(ended) = ended {
                state.by_number.remove(&ended.number);
                futures.extend(state.end_waiters.remove(&ended.number).unwrap_or_default());
            }
            futures
        };
        home::wake(py, futures)
    }
}

fn overflow_named(name: &str) -> PyResult<Overflow> {
    match name {
        "block" => Ok(Overflow::Block),
        "drop_oldest" => Ok(Overflow::DropOldest),
        "drop_newest" => Ok(Overflow::DropNewest),
        "conflate" => Ok(Overflow::Conflate),
        "raise" => Ok(Overflow::Raise),
        _ => Err(PyValueError::new_err(format!(
            "overflow is {name:?}; it may be 'block', 'drop_oldest', 'drop_newest', 'conflate' or 'raise'"
        ))),
    }
}

/// What a subscription hears, in words, and the class where it is one.
fn kinds_of<'py>(what: &Bound<'py, PyAny>) -> PyResult<(Kinds, String, Option<Bound<'py, PyType>>)> {
    if let Ok(text) = what.cast::<PyString>() {
        let pattern = parse_pattern(text.to_str()?)?;
        let words = pattern.to_string();
        return Ok((Kinds::Matching(pattern), words, None));
    }
    match what.cast::<PyType>() {
        Ok(class) if class.is_subclass(event::base_event(what.py())?)? => {
            Ok((Kinds::Class(identity(class)), class.qualname()?.to_string(), Some(class.clone())))
        }
        _ => Err(PyTypeError::new_err(format!("{} is neither a pattern nor an event class", what.repr()?))),
    }
}

/// One subscription's counts, as `(sid, name, pattern, counts, queued, in_handler, high_water)`.
type Row = (String, String, String, Py<PyDict>, usize, u64, usize);

fn counts_dict(py: Python<'_>, counts: &Counts) -> PyResult<Py<PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("accepted", counts.accepted)?;
    dict.set_item("handled", counts.handled)?;
    dict.set_item("failed", counts.failed)?;
    dict.set_item("over_capacity", counts.over_capacity)?;
    dict.set_item("filter_failures", counts.filter_failures)?;
    let dropped = PyDict::new(py);
    for (reason, count) in Loss::ALL.iter().zip(counts.lost) {
        dropped.set_item(reason.name(), count)?;
    }
    dict.set_item("dropped", PyMappingProxy::new(py, dropped.as_mapping()))?;
    Ok(dict.unbind())
}

#[pymethods]
impl NativeBus {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyAny>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        Self {
            number: NUMBERS.fetch_add(1, Ordering::Relaxed),
            birthplace: Birthplace::here(),
            state: Mutex::default(),
        }
    }

    #[pyo3(signature = (what, handler, filter, /, *, capacity, overflow, on_gap, name))]
    #[expect(clippy::too_many_arguments, reason = "a subscription's own parameters, by keyword")]
    fn _subscribe(
        slf: &Bound<'_, Self>,
        what: &Bound<'_, PyAny>,
        handler: Bound<'_, PyAny>,
        filter: Option<&Bound<'_, PyAny>>,
        capacity: usize,
        overflow: &str,
        on_gap: Option<Bound<'_, PyAny>>,
        name: Option<String>,
    ) -> PyResult<String> {
        let (py, this) = (slf.py(), slf.get());
        this.check_process()?;
        if let Some(home) = this.home(py)?.filter(|home| !home.is_in_this_thread()) {
            home.check_running(py)?;
        }
        let (kinds, pattern, class) = kinds_of(what)?;
        let overflow = overflow_named(overflow)?;
        let numbered = filter.map(PyFilter::numbered);
        let number = {
            let mut state = this.lock();
            state.last_number += 1;
            state.last_number
        };
        let context = home::handler_context(py, this.number, number)?;
        let (filter, leaves) = numbered.map_or((None, Vec::new()), |found| (Some(found.expression), found.leaves));
        let tells_gaps = on_gap.is_some();
        let subscriber = Arc::new(Subscriber {
            bus: this.number,
            number,
            name: name.unwrap_or_else(|| format!("sub-{}-{number}", this.number)),
            pattern,
            handler: handler.unbind(),
            on_gap: on_gap.map(Bound::unbind),
            leaves,
            class: class.map(Bound::unbind),
            context: context.unbind(),
        });
        let sid = subscriber.sid();
        let interest = Interest { kinds, filter: filter.map(flattened) };
        let mut state = this.lock();
        let id = state.bus.subscribe(Terms { payload: subscriber, interest, capacity, overflow, tells_gaps });
        state.by_number.insert(number, id);
        Ok(sid)
    }

    /// Ends a subscription; returns what to await where its last events are still to be handled.
    #[pyo3(signature = (sid, /, *, drain))]
    fn _unsubscribe<'py>(slf: &Bound<'py, Self>, sid: &str, drain: bool) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (py, this) = (slf.py(), slf.get());
        let home = this.home_here(py)?;
        if drain && this.is_in_handler(py)? {
            return Err(ReentrancyError::new_err("a handler cannot wait for its own bus to handle what waits"));
        }
        let future = if drain { Some(home.new_future(py)?) } else { None };
        let discarded = {
            let mut state = this.lock();
            let prefix = format!("sub-{}-", this.number);
            let number = sid.strip_prefix(&prefix).and_then(|text| text.parse::<u64>().ok());
            let Some(number) = number.filter(|number| (1..=state.last_number).contains(number)) else {
                return Err(SubscriptionNotFoundError::new_err(format!("no subscription {sid:?} on this bus")));
            };
            let Some(id) = state.by_number.get(&number).copied() else { return Ok(None) };
            let discarded = state.bus.unsubscribe(id, drain);
            if let (None, Some(future)) = (&discarded.ended, &future) {
                state.end_waiters.entry(number).or_default().push(future.clone().unbind());
            }
            discarded
        };
        this.wake_waiters(py, discarded.ended.as_deref())?;
        Ok(future.filter(|_| discarded.ended.is_none()))
    }

    /// The running loop becomes the bus's, if it has none.
    fn _bind(&self, py: Python<'_>) -> PyResult<()> {
        self.home_here(py).map(drop)
    }

    #[getter]
    fn _in_handler(&self, py: Python<'_>) -> PyResult<bool> {
        self.is_in_handler(py)
    }

    #[getter]
    fn _unfinished(&self) -> u64 {
        self.lock().bus.unfinished()
    }

    /// Events that were accepted and will not be handled if no loop runs the bus any more.
    #[getter]
    fn _lost_if_forgotten(&self) -> u64 {
        let state = self.lock();
        let cancelled = |counts: &Counts| counts.lost[Loss::Cancelled as usize];
        let standing: u64 = state.bus.subscriptions().iter().map(|(_, found)| cancelled(&found.counts)).sum();
        state.bus.unfinished() + standing + cancelled(&state.bus.totals.retired)
    }

    #[getter]
    fn _is_local(&self) -> bool {
        self.birthplace.is_here()
    }

    #[getter]
    fn _phase(&self) -> &'static str {
        match self.lock().bus.phase() {
            Phase::Open => "open",
            Phase::Closing => "closing",
            Phase::Closed => "closed",
        }
    }

    /// What to await until no accepted event is left. Starts a worker where a cancelled one has left events behind.
    fn _idle<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, this) = (slf.py(), slf.get());
        let home = this.home_here(py)?;
        let future = home.new_future(py)?;
        let hired = {
            let mut state = this.lock();
            state.idle_waiters.push(future.clone().unbind());
            state.bus.hire_first()
        };
        Self::start_workers(slf, &home, hired)?;
        this.wake_waiters(py, None)?;
        Ok(future)
    }

    fn _close(&self, py: Python<'_>) -> PyResult<()> {
        self.lock().bus.close();
        self.wake_waiters(py, None)
    }

    /// Gives up all that waits, and returns the tasks that still run handlers.
    fn _abandon(&self, py: Python<'_>) -> PyResult<Vec<Py<PyAny>>> {
        let (lost, tasks) = {
            let mut state = self.lock();
            let lost = state.bus.abandon();
            (lost, state.workers.values().map(|task| task.clone_ref(py)).collect())
        };
        drop(lost);
        self.wake_waiters(py, None)?;
        Ok(tasks)
    }

    fn _seal(&self) {
        self.lock().bus.seal();
    }

    fn _refill(&self) {
        let mut state = self.lock();
        state.refill_is_due = false;
        state.bus.refill();
    }

    fn _start_workers(slf: &Bound<'_, Self>, count: usize) -> PyResult<()> {
        let home = slf.get().home_here(slf.py())?;
        Self::start_workers(slf, &home, count)
    }

    /// The counts: totals, the retired subscriptions', and a row for each that stands.
    fn _counts(&self, py: Python<'_>) -> PyResult<(Py<PyDict>, Py<PyDict>, Vec<Row>)> {
        let (totals, unfinished, publishers, retired_waiting, mut rows) = {
            let state = self.lock();
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
                rows.push((payload, found.counts, queue.len(), found.unfinished(), queue.high_water()));
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
            .map(|(subscriber, counts, queued, unfinished, high_water)| {
                let counts = counts_dict(py, &counts)?;
                let (name, pattern) = (subscriber.name.clone(), subscriber.pattern.clone());
                Ok((subscriber.sid(), name, pattern, counts, queued, unfinished, high_water))
            })
            .collect::<PyResult<Vec<Row>>>()?;
        let retired = counts_dict(py, &totals.retired)?;
        retired.bind(py).set_item("waiting", retired_waiting)?;
        Ok((whole.unbind(), retired, rows))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        let Some(state) = self.state.try_lock() else { return Ok(()) };
        state.bus.subscriptions().iter().try_for_each(|(_, found)| found.payload.traverse(visit))?;
        state.workers.values().try_for_each(|task| visit.call(task))
    }

    fn __clear__(&self) {
        let state = std::mem::take(&mut *self.lock());
        drop(state);
    }
}

/// A conjunction of conjunctions as one, so that each of its parts can shorten the way to the subscription.
fn flattened(filter: Filter<usize>) -> Filter<usize> {
    fn collect(filter: Filter<usize>, parts: &mut Vec<Filter<usize>>) {
        match filter {
            Filter::All(inner) => inner.into_iter().for_each(|part| collect(part, parts)),
            other => parts.push(other),
        }
    }
    let mut parts = Vec::new();
    collect(filter, &mut parts);
    if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) }
}
