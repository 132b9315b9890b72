//! The choice of a worker's next event: from its own subscription, or from the next ready one.

use std::hint::black_box;
use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::queue::Stored;
use trading_events_core::subscription::Gap;

use super::run::{self, TURN};
use super::worker_state::WorkerState;
use crate::bus::state::PythonBus;
use crate::bus::subscriber::Served;

/// The number of ready subscriptions whose handlers are prefetched at once. With many handlers each one is a cache
/// miss, and misses side by side take less time than one after the other.
const PREFETCH: u32 = 16;

/// Turns of the loop that an idle shared worker stays for. A publisher that waited for the last event often publishes
/// the next one in that time, and a new task would cost more.
const IDLE_TURNS: u32 = 1;

/// A worker's next action.
pub(crate) enum Next {
    Event(Stored<Py<PyAny>>),
    /// An event with many more behind it.
    Run(Stored<Py<PyAny>>),
    Gap(Box<Gap>),
    /// The budget of this turn of the loop is used up.
    Yield,
    /// No event is ready; the worker waits a turn.
    Linger,
    End,
}

impl Next {
    /// An event taken from a queue, alone or as the first of a run.
    pub(crate) fn of(event: Stored<Py<PyAny>>, served: &Served, bus: &PythonBus) -> Self {
        if bus.subscriptions().get(served.id).is_some_and(run::is_worth_it) {
            Self::Run(event)
        } else {
            Self::Event(event)
        }
    }
}

/// Chooses a worker's next action. `former` receives the subscription that it leaves.
#[inline]
pub(crate) fn choose(
    py: Python<'_>,
    bus: &mut PythonBus,
    current: &mut WorkerState,
    former: &mut Option<Served>,
) -> Next {
    loop {
        if let Some(served) = &current.served {
            let id = served.id;
            let spent = bus.dispatching_is_spent();
            if !spent && (current.turn > 0 || !current.is_shared) {
                if let Some(gap) = bus.take_gap(id) {
                    return Next::Gap(gap);
                }
                if let Some(event) = bus.take(id) {
                    current.turn = current.turn.saturating_sub(1);
                    return Next::of(event, served, bus);
                }
            }
            bus.release(id);
            *former = current.served.take();
        }
        if !current.is_shared {
            current.is_shared = bus.join_shared();
            if !current.is_shared {
                return Next::End;
            }
        }
        if bus.dispatching_is_spent() {
            return Next::Yield;
        }
        let Some(id) = bus.next_ready() else {
            current.idle_steps += 1;
            return if current.idle_steps > IDLE_TURNS { Next::End } else { Next::Linger };
        };
        current.idle_steps = 0;
        prefetch_soon_ready(py, bus, current);
        let Some(found) = bus.subscriptions().get(id) else { continue };
        current.served = Some(Served { id, subscriber: Arc::clone(&found.payload) });
        current.turn = TURN;
    }
}

/// Prefetches the handlers of the subscriptions that are ready next.
#[inline]
fn prefetch_soon_ready(py: Python<'_>, bus: &PythonBus, current: &mut WorkerState) {
    if current.prefetched == 0 {
        let soon = bus.upcoming(PREFETCH as usize);
        black_box(soon.fold(0, |sum, subscription| sum ^ subscription.payload.prefetch(py)));
        current.prefetched = PREFETCH;
    }
    current.prefetched -= 1;
}
