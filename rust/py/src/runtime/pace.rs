//! How long a worker has been at work in this turn of the loop.

use std::time::{Duration, Instant};

/// Tells when a worker has worked for long enough, without asking the clock for each event.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    started: Instant,
    /// After so long the worker yields.
    stretch: Duration,
    events: u32,
    /// With which event the clock is asked again.
    check_at: u32,
}

impl Pace {
    /// The usual stretch.
    pub(crate) const STRETCH_NS: u64 = 1_000_000;
    /// The clock is asked at the latest after so many events.
    const MOST_EVENTS: u32 = 32;
    /// It is asked again before this part of the time that is left has gone, if events take as long as so far.
    const PART: u128 = 8;

    pub(crate) fn start(stretch_ns: u64) -> Self {
        Self { started: Instant::now(), stretch: Duration::from_nanos(stretch_ns), events: 0, check_at: 1 }
    }

    /// Counts an event; says whether the time is over.
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
