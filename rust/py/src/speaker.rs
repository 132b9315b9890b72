//! Who publishes: somebody outside, a handler that runs, or somebody else whom the bus waits for before it closes.

use pyo3::intern;
use pyo3::prelude::*;
use trading_events_core::bus::{Origin, Phase};
use trading_events_core::subscription::Subscription;

use crate::bus::NativeBus;
use crate::publish::Aim;

impl NativeBus {
    /// Who speaks, where that matters. A handler's own subscription that is drained hears it.
    pub(crate) fn speaker(slf: &Bound<'_, Self>, event: &Bound<'_, PyAny>, aim: &mut Aim) -> PyResult<Origin> {
        let (py, this) = (slf.py(), slf.get());
        if this.lock(py).bus.takes_from_all() {
            return Ok(Origin::Publisher);
        }
        let Some(id) = this.calling_handler(py)? else { return Self::speaker_outside(slf) };
        let is_drained = this.lock(py).bus.subscriptions().get(id).is_some_and(Subscription::is_draining);
        if is_drained && !aim.targets.contains(&id) && Self::wants(slf, id, event)? {
            aim.targets.push(id);
            aim.targets.sort_unstable();
        }
        Ok(Origin::Handler(id))
    }

    /// Who speaks, if it is none of the bus's own handlers. While the bus is open, that does not matter.
    #[cold]
    pub(crate) fn speaker_outside(slf: &Bound<'_, Self>) -> PyResult<Origin> {
        let py = slf.py();
        let patron = {
            let state = slf.get().lock(py);
            if state.bus.phase() == Phase::Open {
                return Ok(Origin::Publisher);
            }
            state.patron.as_ref().map(|patron| patron.clone_ref(py))
        };
        let bus = patron.as_ref().map_or(slf, |patron| patron.bind(py));
        let is_inside = bus.get().is_in_handler(py)? || bus.call_method0(intern!(py, "_is_reading"))?.is_truthy()?;
        Ok(if is_inside { Origin::Insider } else { Origin::Publisher })
    }
}
