//! The first step of a publish: route, filters, and a try to enqueue.

use std::sync::Arc;

use pyo3::prelude::*;
use smallvec::SmallVec;
use trading_events_core::bus::{Origin, WhenFull};
use trading_events_core::filter::TopicInfo;
use trading_events_core::routing::{Route, SubscriptionId};

use super::pending::{Destination, Enqueued, Outcome, PendingEvent};
use crate::bus::native_bus::NativeBus;
use crate::bus::subscriber::Subscriber;
use crate::error::{BusClosedError, ends_program};
use crate::event::event_class::EventClass;
use crate::event::filter;
use crate::event::names::names;
use crate::runtime::exits::NativeCall;

impl NativeBus {
    /// Publishes an event as far as is possible at once. The caller is in the loop's thread, or does not wait.
    pub(crate) fn begin_publish(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        patience: WhenFull,
        speaker: Origin,
    ) -> PyResult<Outcome> {
        Self::begin_publish_except(slf, event, None, (patience, speaker))
    }

    /// [`NativeBus::begin_publish`] to all but one subscription.
    pub(crate) fn begin_publish_except(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        passed: Option<SubscriptionId>,
        (patience, speaker): (WhenFull, Origin),
    ) -> PyResult<Outcome> {
        let (py, this) = (slf.py(), slf.get());
        this.check_process()?;
        let _call = NativeCall::begin(py).map_err(|refusal| ending(py, &refusal))?;
        let (route, spent, version) = Self::route(slf, event)?;
        let mut targets: SmallVec<_> = match route.unconditional() {
            Some(all) => all.into(),
            None => Self::passing(slf, &route, event)?.into(),
        };
        targets.retain(|id| Some(*id) != passed);
        let mut destination = Destination { topic: Arc::clone(&route.topic), targets, version };
        let pending = |destination| PendingEvent { event: event.clone().unbind(), destination };
        let patience = if patience == WhenFull::Wait && spent {
            if !this.is_in_handler(py)? {
                Self::schedule_refill(slf)?;
                return Ok(Outcome::MustYield(pending(destination)));
            }
            WhenFull::Exceed
        } else {
            patience
        };
        match Self::enqueue(slf, event, &mut destination, (patience, speaker))? {
            Enqueued::Accepted => Ok(Outcome::Accepted),
            Enqueued::MustWait => Ok(Outcome::MustWait(pending(destination))),
        }
    }

    /// An event's route, whether the publishing budget of this turn is used up, and the version of the routes.
    fn route(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<(Arc<Route>, bool, u64)> {
        let (py, this) = (slf.py(), slf.get());
        let identity = event.get_type().as_ptr() as usize;
        let known_kind = this.lock(py).classes.kind(identity);
        let kind = if let Some(kind) = known_kind {
            kind
        } else {
            let kind = EventClass::of(event)?;
            this.lock(py).classes.learn(identity, &kind);
            kind
        };
        let (exchange, symbol) = names(event)?;
        let known = TopicInfo {
            event_type: &kind.event_type,
            lineage: &kind.lineage,
            exchange: exchange.text()?,
            symbol: symbol.text()?,
        };
        let mut state = this.lock(py);
        let route = state.bus.route(identity, &known);
        Ok((route, state.bus.publishing_is_spent(), state.bus.routes_version()))
    }

    /// The subscriptions whose filters accept the event. A filter that raises accepts nothing.
    fn passing(slf: &Bound<'_, Self>, route: &Route, event: &Bound<'_, PyAny>) -> PyResult<Vec<SubscriptionId>> {
        let mut passing = Vec::new();
        for (id, rest) in route.targets() {
            let Some(rest) = rest else {
                passing.push(id);
                continue;
            };
            let subscriber: Option<Arc<Subscriber>> = {
                let state = slf.get().lock(slf.py());
                state.bus.subscriptions().hearing(id).map(|found| Arc::clone(&found.payload))
            };
            let Some(subscriber) = subscriber else { continue };
            match filter::evaluate(rest, &subscriber.leaves, event) {
                Ok(true) => passing.push(id),
                Ok(false) => {}
                Err(error) if ends_program(slf.py(), &error) => return Err(error),
                Err(error) => {
                    if let Some(found) = slf.get().lock(slf.py()).bus.subscriptions_mut().get_mut(id) {
                        found.counts.filter_failures += 1;
                    }
                    Self::report(slf, &subscriber, event, error, "filter")?;
                }
            }
        }
        Ok(passing)
    }
}

/// The error of a publish while the interpreter exits.
#[cold]
fn ending(py: Python<'_>, refusal: &PyErr) -> PyErr {
    BusClosedError::new_err(format!("{}; the event has reached nobody", refusal.value(py)))
}
