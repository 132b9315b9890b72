//! What a worker does next: it stays with its subscription, or takes the one whose turn it is.

use std::hint::black_box;
use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::queue::Stored;
use trading_events_core::subscription::Gap;

use super::run::{self, TURN};
use super::worker_state::WorkerState;
use crate::bus::state::PythonBus;
use crate::bus::subscriber::Served;

/// Where handlers are many, what each needs is far away in memory. A leader touches that of so many at once, so that
/// the processor fetches it side by side.
const PREFETCH: u32 = 16;

/// Turns of the loop that a leader stays for when there is nothing to do. Whoever waited for the last event may
/// publish the next one in that time, and a new task would cost more.
const IDLE_TURNS: u32 = 1;

/// An event or a gap that has been taken out.
pub(crate) enum Work {
    Event(Stored<Py<PyAny>>),
    /// The same, and many more wait behind it.
    Run(Stored<Py<PyAny>>),
    Gap(Box<Gap>),
}

pub(crate) enum Next {
    Work(Work),
    /// Dispatching has used up its share of this turn of the loop.
    Yield,
    /// There is nothing to do now.
    Linger,
    End,
}

impl Next {
    /// An event that has been taken out, alone or as the first of a run.
    pub(crate) fn of(event: Stored<Py<PyAny>>, served: &Served, bus: &PythonBus) -> Self {
        Self::Work(if bus.subscriptions().get(served.id).is_some_and(run::is_worth_it) {
            Work::Run(event)
        } else {
            Work::Event(event)
        })
    }
}

/// What is next for a worker. `former` is the subscription that it served before.
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
                    return Next::Work(Work::Gap(gap));
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

/// Touches what the subscriptions need whose turn comes soon.
#[inline]
fn prefetch_soon_ready(py: Python<'_>, bus: &PythonBus, current: &mut WorkerState) {
    if current.prefetched == 0 {
        let soon = bus.upcoming(PREFETCH as usize);
        black_box(soon.fold(0, |sum, subscription| sum ^ subscription.payload.prefetch(py)));
        current.prefetched = PREFETCH;
    }
    current.prefetched -= 1;
}
