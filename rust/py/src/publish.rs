//! Publishing: from an event to the queues of its subscriptions.

use std::sync::Arc;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};
use smallvec::SmallVec;
use trading_events_core::bus::{Accepted, Offer, OfferOptions, Origin, WhenFull};
use trading_events_core::filter::TopicInfo;
use trading_events_core::routing::{Route, SubscriptionId};

use crate::attempt::Attempt;
use crate::awaitable::{Done, Publishing, count_published};
use crate::bus::NativeBus;
use crate::drive::Entered;
use crate::error::{BusClosedError, QueueFullError, WrongLoopError};
use crate::event::{self, Kind};
use crate::exits::{self, Call};
use crate::filter;
use crate::home::Home;
use crate::routing::{Answer, Whence};
use crate::subscriber::Subscriber;

/// An event on its way, with the subscriptions whose filters it has passed.
pub(crate) struct Parcel {
    pub(crate) event: Py<PyAny>,
    pub(crate) aim: Aim,
}

/// Where an event goes.
pub(crate) struct Aim {
    pub(crate) topic: Arc<str>,
    pub(crate) targets: SmallVec<[SubscriptionId; 4]>,
    /// The version of the routes at which they were found.
    pub(crate) version: u64,
}

impl Aim {
    /// Adds the subscriptions that have begun since, take up where earlier events end, and want the event.
    #[cold]
    pub(crate) fn add_latecomers(&mut self, bus: &Bound<'_, NativeBus>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        let (version, late) = {
            let state = bus.get().lock(bus.py());
            (state.bus.routes_version(), state.bus.catching_up_since(self.version))
        };
        self.version = version;
        for id in late {
            if !self.targets.contains(&id) && NativeBus::wants(bus, id, event)? {
                self.targets.push(id);
            }
        }
        self.targets.sort_unstable();
        Ok(())
    }
}

/// What became of a publish.
pub(crate) enum Outcome {
    /// The event is accepted.
    Accepted,
    /// The loop must turn once before the event is accepted.
    MustYield(Parcel),
    /// The event must wait for room.
    MustWait(Parcel),
}

impl NativeBus {
    /// Takes an event as far as it gets at once. The caller is in the loop's thread, or has no patience.
    pub(crate) fn offer(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        patience: WhenFull,
        speaker: Origin,
    ) -> PyResult<Outcome> {
        Self::offer_past(slf, event, None, (patience, speaker))
    }

    /// [`NativeBus::offer`] to all but one subscription.
    pub(crate) fn offer_past(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        passed: Option<SubscriptionId>,
        (patience, speaker): (WhenFull, Origin),
    ) -> PyResult<Outcome> {
        let (py, this) = (slf.py(), slf.get());
        this.check_process()?;
        let _call = Call::begin(py).map_err(|refusal| ending(py, &refusal))?;
        let (route, spent, version) = Self::route(slf, event)?;
        let mut targets: SmallVec<_> = match route.unconditional() {
            Some(all) => all.into(),
            None => Self::passing(slf, &route, event)?.into(),
        };
        targets.retain(|id| Some(*id) != passed);
        let mut aim = Aim { topic: Arc::clone(&route.topic), targets, version };
        let parcel = |aim| Parcel { event: event.clone().unbind(), aim };
        let patience = if patience == WhenFull::Wait && spent {
            if !this.is_in_handler(py)? {
                Self::schedule_refill(slf)?;
                return Ok(Outcome::MustYield(parcel(aim)));
            }
            WhenFull::Exceed
        } else {
            patience
        };
        match Self::admit(slf, event, &mut aim, (patience, speaker))? {
            Admitted::Accepted => Ok(Outcome::Accepted),
            Admitted::MustWait => Ok(Outcome::MustWait(parcel(aim))),
        }
    }

    /// Publishes an event where all is plain, under one lock; the way of nearly all events. Says whether it was.
    fn accept_at_once(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, from: Whence) -> PyResult<bool> {
        let this = slf.get();
        this.check_process()?;
        let mut accepted = Accepted::default();
        let mut answer = this.lock(slf.py()).accept_by_class(event, from, &mut accepted);
        if let Answer::NamesMatter = answer
            && let Ok((exchange, symbol)) = event::names(event)
        {
            answer = this.lock(slf.py()).accept_by_names(event, [&exchange, &symbol], &mut accepted);
        }
        if !matches!(answer, Answer::Accepted) {
            return Ok(false);
        }
        if !accepted.is_done() {
            Self::conclude(slf, event, accepted)?;
        }
        Ok(true)
    }

    /// Where an event goes, and whether publishing has used up its share of this turn of the loop.
    fn route(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<(Arc<Route>, bool, u64)> {
        let (py, this) = (slf.py(), slf.get());
        let identity = event.get_type().as_ptr() as usize;
        let known_kind = this.lock(py).kind(identity);
        let kind = if let Some(kind) = known_kind {
            kind
        } else {
            let kind = Kind::of(event)?;
            this.lock(py).learn(identity, &kind);
            kind
        };
        let (exchange, symbol) = event::names(event)?;
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

    /// The subscriptions whose filters let the event through. A filter that raises lets nothing through.
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
            match filter::test(rest, &subscriber.leaves, event) {
                Ok(true) => passing.push(id),
                Ok(false) => {}
                Err(error) if gets_through(slf.py(), &error) => return Err(error),
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

    /// Offers an event to its queues, past the line if the caller runs in a handler.
    pub(crate) fn admit(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        aim: &mut Aim,
        (patience, speaker): (WhenFull, Origin),
    ) -> PyResult<Admitted> {
        let (py, this) = (slf.py(), slf.get());
        let speaker = if speaker == Origin::Bus { speaker } else { Self::speaker(slf, event, aim)? };
        let home = Self::open_home(slf, &aim.targets)?;
        let can_call = home.as_ref().is_some_and(|home| home.is_in_this_thread());
        let mut manner = OfferOptions { when_full: patience, origin: speaker, can_call };
        let (mut offered, mut hired) = Self::offer_once(slf, event, aim, manner)?;
        if matches!(offered, Offer::Closed) && speaker == Origin::Publisher {
            // The bus may have begun to close since it was asked who speaks.
            manner.origin = Self::speaker(slf, event, aim)?;
            if manner.origin != Origin::Publisher {
                (offered, hired) = Self::offer_once(slf, event, aim, manner)?;
            }
        }
        if matches!(offered, Offer::Wait | Offer::Full(_)) && patience != WhenFull::Exceed && this.is_in_handler(py)? {
            manner.when_full = WhenFull::Exceed;
            let (again, more) = Self::offer_once(slf, event, aim, manner)?;
            (offered, hired) = (again, hired + more);
        }
        if let Some(home) = home {
            Self::attend(slf, &home, hired)?;
        }
        match offered {
            Offer::Accepted(accepted) => {
                Self::conclude(slf, event, accepted)?;
                Ok(Admitted::Accepted)
            }
            Offer::Wait => Ok(Admitted::MustWait),
            refused => Err(this.refusal(py, &refused)),
        }
    }

    /// Offers an event to its queues as they are; says also how many workers were hired for them.
    fn offer_once(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        aim: &mut Aim,
        manner: OfferOptions,
    ) -> PyResult<(Offer<Py<PyAny>>, usize)> {
        loop {
            let mut state = slf.get().lock(slf.py());
            if state.bus.is_any_catching_up_since(aim.version) {
                drop(state);
                aim.add_latecomers(slf, event)?;
                continue;
            }
            let offer = state.bus.publish(&aim.topic, &aim.targets, manner, || event.clone().unbind());
            return Ok((offer, state.bus.start_first_shared()));
        }
    }

    /// The bus's loop, where there may be something to do in it.
    fn open_home(slf: &Bound<'_, Self>, targets: &[SubscriptionId]) -> PyResult<Option<Arc<Home>>> {
        let (py, this) = (slf.py(), slf.get());
        let (home, may_be_dead) = {
            let state = this.lock(py);
            (state.home.clone(), state.bus.has_no_shared_worker() || state.bus.publishing_is_spent())
        };
        let Some(home) = (if home.is_some() { home } else { this.home(py)? }) else {
            if targets.is_empty() {
                return Ok(None);
            }
            return Err(WrongLoopError::new_err(
                "this bus has no event loop yet; await one of its methods in the loop before others publish to it",
            ));
        };
        if may_be_dead {
            home.check_open(py)?;
        }
        Ok(Some(home))
    }

    /// The error for an offer that was not accepted.
    pub(crate) fn refusal<E>(&self, py: Python<'_>, offer: &Offer<E>) -> PyErr {
        let Offer::Full(id) = offer else {
            return BusClosedError::new_err("the bus is closed and takes no new events");
        };
        let state = self.lock(py);
        let Some(full) = state.bus.subscriptions().get(*id) else {
            return QueueFullError::new_err("a queue is full; the event has reached nobody");
        };
        QueueFullError::new_err(format!(
            "the queue of subscription {:?} ({}) is full with {} events; the event has reached nobody",
            full.payload.name,
            full.payload.pattern,
            full.queue.len(),
        ))
    }

    /// Tells the Python half of a failure: of a handler or a gap callback in the context that it ran in. What fails in there
    /// is shown, and harms nobody, unless it ends the program.
    pub(crate) fn report(
        slf: &Bound<'_, Self>,
        subscriber: &Subscriber,
        event: &Bound<'_, PyAny>,
        error: PyErr,
        phase: &str,
    ) -> PyResult<()> {
        // Where the handler itself is still the caller, its context is entered already.
        let context = (phase != "filter").then(|| subscriber.context.bind(slf.py()));
        let _entered = context.and_then(|context| Entered::enter(context).ok());
        let py = slf.py();
        let text = |text: &str| PyString::new(py, text).into_any();
        let (sid, name, phase) = (text(&subscriber.sid()), text(&subscriber.name), text(phase));
        let error = error.into_value(py).into_bound(py);
        let arguments = [slf.as_any(), &sid, &name, event, error.as_any(), &phase];
        match exits::call_method(intern!(py, "_report_failure"), arguments) {
            Err(failure) if gets_through(slf.py(), &failure) => return Err(failure),
            Err(failure) => failure.write_unraisable(slf.py(), Some(slf)),
            Ok(_) => {}
        }
        Ok(())
    }
}

/// The word of a bus on a call that came when the interpreter was ending.
#[cold]
fn ending(py: Python<'_>, refusal: &PyErr) -> PyErr {
    BusClosedError::new_err(format!("{}; the event has reached nobody", refusal.value(py)))
}

/// What became of an event that was offered to its queues.
pub(crate) enum Admitted {
    Accepted,
    MustWait,
}

/// Whether an exception ends the program rather than one handler.
pub(crate) fn gets_through(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<pyo3::exceptions::PyKeyboardInterrupt>(py)
        || error.is_instance_of::<pyo3::exceptions::PySystemExit>(py)
}

#[pymethods]
impl NativeBus {
    #[pyo3(signature = (event))]
    fn publish(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        if Self::accept_at_once(slf, event, Whence::Loop)? {
            return Done::shared(py);
        }
        if !Self::is_home(slf)? {
            return Publishing::elsewhere(slf, event);
        }
        match Self::offer(slf, event, WhenFull::Wait, Origin::Publisher)? {
            Outcome::Accepted => Done::shared(py),
            pending => Publishing::after(slf, pending),
        }
    }

    #[pyo3(signature = (event))]
    fn publish_nowait(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        if Self::accept_at_once(slf, event, Whence::AnyThread)? {
            return Ok(());
        }
        Self::offer(slf, event, WhenFull::Fail, Origin::Publisher).map(drop)
    }

    #[pyo3(signature = (events))]
    fn publish_batch(slf: &Bound<'_, Self>, events: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let py = slf.py();
        let events = events.try_iter().map_err(|error| count_published(py, error, 0))?;
        if !Self::is_home(slf)? {
            return Publishing::batch(slf, events, 0, None);
        }
        let mut published = 0;
        match Self::offer_batch(slf, &events, &mut published)? {
            None => Done::shared(py),
            Some(pending) => Publishing::batch(slf, events, published, Some(Attempt::after(pending))),
        }
    }

    /// Publishes the bus's own word on a failure: past the line, and also while the bus is closing.
    #[pyo3(signature = (event, /))]
    fn _publish_own(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::offer(slf, event, WhenFull::Exceed, Origin::Bus).map(drop)
    }
}

impl NativeBus {
    /// Whether the caller is where the bus lives; a bus without a home moves in with its first caller that has a loop.
    pub(crate) fn is_home(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let home = slf.get().lock(slf.py()).home.clone();
        let home = if home.is_some() { home } else { slf.get().home(slf.py())? };
        match home {
            Some(home) => Ok(home.is_in_this_thread() || home.is_running_here(slf.py())?),
            None => Ok(false),
        }
    }

    /// Takes events as far as they get, counting those that are accepted; returns what the next one waits for.
    pub(crate) fn offer_batch(
        slf: &Bound<'_, Self>,
        events: &Bound<'_, PyIterator>,
        published: &mut usize,
    ) -> PyResult<Option<Outcome>> {
        let offer = |event: PyResult<Bound<'_, PyAny>>| {
            let event = event?;
            if Self::accept_at_once(slf, &event, Whence::Loop)? {
                return Ok(Outcome::Accepted);
            }
            Self::offer(slf, &event, WhenFull::Wait, Origin::Publisher)
        };
        for event in events.clone() {
            match offer(event) {
                Ok(Outcome::Accepted) => *published += 1,
                Ok(pending) => return Ok(Some(pending)),
                Err(error) => return Err(count_published(slf.py(), error, *published)),
            }
        }
        Ok(None)
    }
}
