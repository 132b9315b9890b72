//! The origin of an event: a publisher, a running handler, or a reader whom a closing bus waits for.

use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::bus::{Origin, Phase};
use trading_events_core::subscription::Subscription;

use super::pending::Destination;
use crate::bus::native_bus::NativeBus;

impl NativeBus {
    /// The origin of an event. The handler's own subscription is added to the targets if it is being drained.
    pub(crate) fn speaker(
        slf: &Bound<'_, Self>,
        event: &Bound<'_, PyAny>,
        destination: &mut Destination,
    ) -> PyResult<Origin> {
        let (py, this) = (slf.py(), slf.get());
        if this.lock(py).bus.takes_from_all() {
            return Ok(Origin::Publisher);
        }
        let Some(id) = this.calling_handler(py)? else { return Self::speaker_outside(slf) };
        let is_drained = this.lock(py).bus.subscriptions().get(id).is_some_and(Subscription::is_draining);
        if is_drained && !destination.targets.contains(&id) && Self::wants(slf, id, event)? {
            destination.targets.push(id);
            destination.targets.sort_unstable();
        }
        Ok(Origin::Handler(id))
    }

    /// The origin of an event that is not from one of the bus's handlers. While the bus is open, all are alike.
    #[cold]
    pub(crate) fn speaker_outside(slf: &Bound<'_, Self>) -> PyResult<Origin> {
        let py = slf.py();
        if slf.get().lock(py).bus.phase() == Phase::Open {
            return Ok(Origin::Publisher);
        }
        let patron = slf.get().patron(py);
        let bus = patron.as_ref().unwrap_or(slf);
        let is_inside = bus.get().is_in_handler(py)? || bus.call_method0(intern!(py, "_is_reading"))?.is_truthy()?;
        Ok(if is_inside { Origin::Insider } else { Origin::Publisher })
    }
}
