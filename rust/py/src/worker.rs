//! The worker: a coroutine that takes events from their queues and drives the handlers.
//!
//! A worker leads or follows. A leader takes one ready subscription after the other and calls its handler; one that ends
//! at once costs a call and no more. When a handler suspends, its worker stays with it, and then with its subscription,
//! and other workers become leaders. A coroutine that was started is never moved to another task.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::queue::Stored;
use trading_events_core::routing::SubscriptionId;
use trading_events_core::subscription::{End, Gap};

use crate::bus::{NativeBus, PythonBus};
use crate::exits::Call;
use crate::guarded::Guarded;
use crate::home;
use crate::nesting::Nesting;
use crate::pace::Pace;
use crate::packing;
use crate::run::{self, Run};
use crate::subscriber::Subscriber;

/// A subscription that a worker serves.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) id: SubscriptionId,
    pub(crate) subscriber: Arc<Subscriber>,
}

/// A handler, or a gap callback, that has been called.
pub(crate) struct Active {
    /// The event being handled; `None` in a gap callback.
    pub(crate) event: Option<Py<PyAny>>,
    /// What it returned, if that has to be driven.
    pub(crate) coroutine: Option<Py<PyAny>>,
    /// Whether that is a run's, which awaits the handler's.
    pub(crate) is_run: bool,
    /// Whether a `CancelledError` has been thrown into it.
    pub(crate) was_cancelled: bool,
}

/// What a worker is at.
pub(crate) struct Duty {
    pub(crate) leads: bool,
    pub(crate) served: Option<Served>,
    pub(crate) active: Option<Active>,
    /// How many more events a leader takes from the subscription it serves before it goes on to the next.
    pub(crate) turn: u32,
    /// Cancellations of its task that the running handler asked for itself, and did not take back.
    pub(crate) own_cancels: i64,
    /// The last event has been handled and is not counted yet.
    pub(crate) counts_handled: bool,
    /// How many more ready subscriptions have been touched.
    touched: u32,
    /// How many steps in a row there was nothing to do.
    idle_steps: u32,
    /// The next `CancelledError` thrown in was a handler's own, and is over.
    pub(crate) absorbs: bool,
    /// What the last run asked for events, if its coroutine has ended.
    pub(crate) run: Option<Py<Run>>,
}

enum Next {
    Event(Stored<Py<PyAny>>),
    /// The same, and many more wait behind it.
    Run(Stored<Py<PyAny>>),
    Gap(Box<Gap>),
    /// Dispatching has used up its share of this turn of the loop.
    Yield,
    /// There is nothing to do now.
    Linger,
    End,
}

impl Next {
    /// An event that has been taken out, alone or as the first of a run.
    fn of(event: Stored<Py<PyAny>>, served: &Served, bus: &PythonBus) -> Self {
        if bus.subscriptions().get(served.id).is_some_and(run::is_worth_it) {
            Self::Run(event)
        } else {
            Self::Event(event)
        }
    }
}

pub(crate) enum Resume {
    Send,
    Throw(PyErr),
}

/// How the handling of one event leaves the worker.
pub(crate) enum Aftermath {
    GoOn,
    End,
    Raise(PyErr),
}

#[pyclass(frozen, weakref, module = "trading.events._core")]
pub(crate) struct Worker {
    pub(crate) bus: Py<NativeBus>,
    pub(crate) number: u64,
    /// Out of its place while a step runs; `None` in its place for good once the worker has ended.
    pub(crate) duty: Guarded<Option<Duty>>,
    pub(crate) is_running: AtomicBool,
    pub(crate) has_ended: AtomicBool,
    /// Cancellations asked for in the step that runs, less those taken back.
    pub(crate) cancels: Arc<AtomicI64>,
    pub(crate) nesting: Nesting,
}

impl Worker {
    /// Events that a leader handles for one subscription before it goes on to the next.
    pub(crate) const TURN: u32 = 32;
    /// Where handlers are many, what each needs is far away in memory. A leader touches that of so many at once, so that
    /// the processor fetches it side by side.
    const AHEAD: u32 = 16;

    /// Turns of the loop that a leader stays for when there is nothing to do. Whoever waited for the last event may
    /// publish the next one in that time, and a new task would cost more.
    const LINGERING: u32 = 1;

    /// A leader that has been hired.
    pub(crate) fn new(bus: &Bound<'_, NativeBus>, number: u64, nesting: Nesting) -> Self {
        let duty = Duty {
            leads: true,
            served: None,
            active: None,
            turn: 0,
            own_cancels: 0,
            counts_handled: false,
            touched: 0,
            idle_steps: 0,
            absorbs: false,
            run: None,
        };
        Self {
            bus: bus.clone().unbind(),
            number,
            duty: Guarded::new(Some(duty)),
            is_running: AtomicBool::new(false),
            has_ended: AtomicBool::new(false),
            cancels: Arc::default(),
            nesting,
        }
    }

    pub(crate) fn step<'py>(&self, py: Python<'py>, resume: Resume) -> PyResult<Option<Bound<'py, PyAny>>> {
        let _call = Call::go_on(py);
        let Some(mut duty) = self.duty.lock(py).take() else {
            return Err(if self.has_ended.load(Ordering::Relaxed) {
                PyRuntimeError::new_err("cannot reuse a worker that has ended")
            } else {
                PyValueError::new_err("the worker is already executing")
            });
        };
        self.is_running.store(true, Ordering::Relaxed);
        let outcome = self.run(py, &mut duty, resume);
        self.is_running.store(false, Ordering::Relaxed);
        if matches!(outcome, Ok(Some(_))) {
            let own = duty.own_cancels + self.cancels.swap(0, Ordering::Relaxed);
            duty.own_cancels = own.max(0);
            *self.duty.lock(py) = Some(duty);
        } else {
            self.has_ended.store(true, Ordering::Relaxed);
            self.leave(py, duty, outcome.is_ok())?;
        }
        outcome
    }

    /// Hands over what the worker has. A worker that was cancelled is replaced only if somebody waits for the bus: a loop
    /// that ends cancels all tasks, waiting ones first, and new ones would outlive it.
    pub(crate) fn leave(&self, py: Python<'_>, duty: Duty, was_done: bool) -> PyResult<()> {
        let bus = self.bus.bind(py);
        let was_cancelled = !was_done || duty.served.is_some();
        let task = {
            let mut state = bus.get().lock(py);
            if let Some(served) = &duty.served {
                state.bus.release(served.id);
            }
            if duty.leads {
                state.bus.leave_shared();
            }
            state.workers.remove(&self.number)
        };
        drop((duty, task));
        if was_cancelled && !bus.get().is_awaited(py)? {
            return Ok(());
        }
        NativeBus::rouse(bus)
    }

    fn run<'py>(&self, py: Python<'py>, duty: &mut Duty, resume: Resume) -> PyResult<Option<Bound<'py, PyAny>>> {
        let mut pace = Pace::start(self.bus.get().stretch_ns.load(Ordering::Relaxed));
        let mut aftermath = match (duty.active.take(), resume) {
            (Some(active), resume) => match self.resume(py, duty, active, resume) {
                Ok(aftermath) => aftermath,
                Err(yielded) => return Ok(Some(yielded)),
            },
            (None, Resume::Send) => Aftermath::GoOn,
            (None, Resume::Throw(error)) => {
                let was_ours = std::mem::replace(&mut duty.absorbs, false);
                if was_ours && !self.is_cancelled(py, 0)? { Aftermath::GoOn } else { Aftermath::Raise(error) }
            }
        };
        let mut entered = None;
        loop {
            match aftermath {
                Aftermath::GoOn => {}
                Aftermath::End => return Ok(None),
                Aftermath::Raise(error) => return Err(error),
            }
            if duty.absorbs {
                return Ok(Some(py.None().into_bound(py)));
            }
            if pace.is_over() {
                self.bus.get().lock(py).bus.end_dispatching();
            }
            let next = self.next(py, duty)?;
            let called = match next {
                Next::End => return Ok(None),
                Next::Yield => {
                    drop(entered);
                    NativeBus::schedule_refill(self.bus.bind(py))?;
                    return Ok(Some(py.None().into_bound(py)));
                }
                Next::Linger => return Ok(Some(py.None().into_bound(py))),
                Next::Run(event) if !self.nesting.is_possible => match packing::unpack(py, event) {
                    Ok(event) => self.run_through(py, duty, event, &mut pace, &mut entered),
                    Err(error) => self.fail_unread(py, duty, error),
                },
                Next::Event(event) | Next::Run(event) => match packing::unpack(py, event) {
                    Ok(event) => self.call_handler(py, duty, event, &mut entered),
                    Err(error) => self.fail_unread(py, duty, error),
                },
                Next::Gap(gap) => self.call_on_gap(py, duty, &gap, &mut entered),
            };
            // Once more: whoever was told of a failure may have run the loop.
            self.note_nesting(duty);
            aftermath = match called {
                Ok(aftermath) => aftermath,
                Err(yielded) => return Ok(Some(yielded)),
            };
        }
    }

    /// What to do next. A follower stays with its subscription, a leader takes turns.
    fn next(&self, py: Python<'_>, duty: &mut Duty) -> PyResult<Next> {
        let this = self.bus.bind(py).get();
        // Dropped after the lock: it may be the last to know a subscription that has ended.
        let (mut former, mut ending) = (None, None);
        let (next, has_called, wakes) = {
            let mut state = this.lock(py);
            if std::mem::replace(&mut duty.counts_handled, false)
                && let Some(served) = &duty.served
            {
                if (duty.turn > 0 || !duty.leads || !state.bus.has_ready())
                    && let Some(event) = state.bus.take_next(served.id)
                {
                    duty.turn = duty.turn.saturating_sub(1);
                    return Ok(Next::of(event, served, &state.bus));
                }
                ending = Some(state.bus.finish(served.id, End::Handled));
            }
            let next = loop {
                if let Some(served) = &duty.served {
                    let id = served.id;
                    let spent = state.bus.dispatching_is_spent();
                    if !spent && (duty.turn > 0 || !duty.leads) {
                        if let Some(gap) = state.bus.take_gap(id) {
                            break Next::Gap(gap);
                        }
                        if let Some(event) = state.bus.take(id) {
                            duty.turn = duty.turn.saturating_sub(1);
                            break Next::of(event, served, &state.bus);
                        }
                    }
                    state.bus.release(id);
                    former = duty.served.take();
                }
                if !duty.leads {
                    duty.leads = state.bus.join_shared();
                    if !duty.leads {
                        break Next::End;
                    }
                }
                if state.bus.dispatching_is_spent() {
                    break Next::Yield;
                }
                let Some(id) = state.bus.next_ready() else {
                    duty.idle_steps += 1;
                    break if duty.idle_steps > Self::LINGERING { Next::End } else { Next::Linger };
                };
                duty.idle_steps = 0;
                if duty.touched == 0 {
                    let soon = state.bus.upcoming(Self::AHEAD as usize);
                    black_box(soon.fold(0, |sum, subscription| sum ^ subscription.payload.touch(py)));
                    duty.touched = Self::AHEAD;
                }
                duty.touched -= 1;
                let Some(found) = state.bus.subscriptions().get(id) else { continue };
                duty.served = Some(Served { id, subscriber: Arc::clone(&found.payload) });
                duty.turn = Self::TURN;
            };
            let wakes = ending.as_ref().is_some_and(|ended| state.has_to_wake(ended));
            (next, state.bus.has_woken(), wakes)
        };
        drop(former);
        if has_called || wakes {
            this.wake_waiters(py, ending.and_then(|ended| ended.retired).as_deref())?;
        }
        Ok(next)
    }

    /// Whether the handler that is suspended here calls: a task or a callback of its own, such as a `TaskGroup`'s or a
    /// timeout's, has its context.
    pub(crate) fn is_called_by_its_handler(&self, py: Python<'_>) -> PyResult<bool> {
        let caller = home::calling_subscription(py, self.bus.get().number)?;
        let duty = self.duty.lock(py);
        let served = duty.as_ref().and_then(|duty| duty.served.as_ref());
        Ok(served.is_some_and(|served| Some(served.subscriber.number) == caller))
    }

    pub(crate) fn of_coroutine<'py>(&self, py: Python<'py>, attribute: &str) -> PyResult<Bound<'py, PyAny>> {
        let (coroutine, is_run) = {
            let duty = self.duty.lock(py);
            let active = duty.as_ref().and_then(|duty| duty.active.as_ref());
            let coroutine =
                active.and_then(|active| active.coroutine.as_ref()).map(|coroutine| coroutine.clone_ref(py));
            (coroutine, active.is_some_and(|active| active.is_run))
        };
        let none = py.None().into_bound(py);
        let Some(coroutine) = coroutine else { return Ok(none) };
        let coroutine = coroutine.into_bound(py);
        let coroutine = if is_run { coroutine.getattr(intern!(py, "cr_await"))? } else { coroutine };
        Ok(coroutine.getattr_opt(attribute)?.unwrap_or(none))
    }
}
