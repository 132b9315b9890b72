//! The time that a worker takes in one turn of the loop.

use std::time::{Duration, Instant};

/// Measures a worker's turn without reading the clock for each event.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    started: Instant,
    /// The time after which the worker yields.
    stretch: Duration,
    events: u32,
    /// The event at which the clock is read again.
    check_at: u32,
}

impl Pace {
    /// The default time, in nanoseconds.
    pub(crate) const STRETCH_NS: u64 = 1_000_000;
    /// The most events between two readings of the clock.
    const MOST_EVENTS: u32 = 32;
    /// The clock is read again after this fraction of the time left, at the rate of the events so far.
    const PART: u128 = 8;

    pub(crate) fn start(stretch_ns: u64) -> Self {
        Self { started: Instant::now(), stretch: Duration::from_nanos(stretch_ns), events: 0, check_at: 1 }
    }

    /// Counts an event. Returns whether the time is over.
    #[inline]
    pub(crate) fn is_over(&mut self) -> bool {
        self.events += 1;
        self.events >= self.check_at && self.check_clock()
    }

    #[cold]
    fn check_clock(&mut self) -> bool {
        let elapsed = self.started.elapsed();
        let left = self.stretch.saturating_sub(elapsed).as_nanos();
        let events = left * u128::from(self.events) / (Self::PART * elapsed.as_nanos().max(1));
        let most = self.events.min(Self::MOST_EVENTS);
        self.check_at = self.events + u32::try_from(events).map_or(most, |events| events.clamp(1, most));
        left == 0
    }
}
