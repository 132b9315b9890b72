//! The mutable state of a bus.

use std::collections::HashMap;
use std::sync::Arc;

use pyo3::prelude::*;
use trading_events_core::bus::{Bus, Ended, SubscribeOptions, Watermark};
use trading_events_core::queue::EventDeque;
use trading_events_core::routing::SubscriptionId;

use super::subscriber::Subscriber;
use crate::routing::classes::Classes;
use crate::routing::memo::RouteMemo;
use crate::runtime::event_loop::LoopHandle;

/// The core's bus, with Python objects as events and futures as waiters.
pub(crate) type PythonBus = Bus<Py<PyAny>, Arc<Subscriber>, Py<PyAny>>;

/// The mutable state of a bus. While it is borrowed, no Python code runs and no Python object is dropped.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) bus: PythonBus,
    pub(crate) memo: RouteMemo,
    pub(crate) classes: Classes,
    pub(crate) event_loop: Option<Arc<LoopHandle>>,
    pub(crate) workers: HashMap<u64, Py<PyAny>>,
    pub(crate) next_worker: u64,
    pub(crate) refill_is_due: bool,
    /// Futures to complete once no more than so many events are left.
    pub(crate) idle_waiters: Vec<(u64, Py<PyAny>)>,
    /// Futures to complete when a subscription ends, by its number.
    pub(crate) end_waiters: HashMap<u64, Vec<Py<PyAny>>>,
    /// Futures to complete when a subscription has handled all events up to a watermark.
    pub(crate) milestones: Vec<(Watermark, Py<PyAny>)>,
    pub(crate) by_number: HashMap<u64, SubscriptionId>,
    pub(crate) last_number: u64,
    /// A reusable buffer for packing an event.
    pub(crate) row: Vec<u8>,
}

impl State {
    /// The number of the next subscription.
    pub(crate) fn new_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    /// Begins a subscription, paused if `held`.
    pub(crate) fn enter(
        &mut self,
        number: u64,
        terms: SubscribeOptions<Arc<Subscriber>>,
        held: bool,
    ) -> SubscriptionId {
        let id = self.bus.subscribe(terms);
        self.by_number.insert(number, id);
        if held {
            self.bus.pause(id);
        }
        id
    }

    /// The events in the history.
    pub(crate) fn kept(&self, py: Python<'_>) -> EventDeque<Py<PyAny>> {
        let history = self.bus.history.as_ref();
        history.map_or_else(EventDeque::default, |history| history.events().share(|event| event.clone_ref(py)))
    }

    /// Tells if the end of an event may complete a future.
    pub(crate) fn has_to_wake(&self, ended: &Ended<Arc<Subscriber>>) -> bool {
        ended.retired.is_some()
            || (ended.few && !self.idle_waiters.is_empty())
            || !self.milestones.is_empty()
            || self.bus.has_woken()
    }

    /// The futures that wait for no fewer events than are left.
    pub(crate) fn take_satisfied(&mut self) -> Vec<Py<PyAny>> {
        if self.bus.unfinished() > self.bus.awaited {
            return Vec::new();
        }
        let left = self.bus.unfinished();
        let satisfied = self.idle_waiters.extract_if(.., |(few, _)| left <= *few);
        let futures = satisfied.map(|(_, future)| future).collect();
        self.bus.awaited = self.idle_waiters.iter().map(|(few, _)| *few).max().unwrap_or(0);
        futures
    }
}
