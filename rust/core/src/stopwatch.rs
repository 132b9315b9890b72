//! Timing every so many events of a subscription, from acceptance to handler and from handler to end.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::Instant;

use crate::histogram::Histogram;

/// Times one in `every` events. The clock is read for those alone, and an event that is not timed takes no memory for it.
#[derive(Debug)]
pub struct Stopwatch {
    every: NonZeroU32,
    /// How many more events are let pass before one is timed.
    left: u32,
    /// Places in the queue of events that are being timed, counted from the first ever queued, and when they came.
    marks: VecDeque<(u64, Instant)>,
    /// When the handler began that is being timed.
    began: Option<Instant>,
    /// From acceptance to the handler's first line, in nanoseconds.
    pub latency: Histogram,
    /// From the handler's first line to its last, suspensions included, in nanoseconds.
    pub handling: Histogram,
}

fn elapsed_ns(since: Instant, now: Instant) -> u64 {
    u64::try_from(now.duration_since(since).as_nanos()).unwrap_or(u64::MAX)
}

impl Stopwatch {
    /// A stopwatch for one in `every` events, the first of all among them.
    #[must_use]
    pub fn new(every: NonZeroU32) -> Self {
        Self {
            every,
            left: 0,
            marks: VecDeque::new(),
            began: None,
            latency: Histogram::default(),
            handling: Histogram::default(),
        }
    }

    /// An event has been queued at this place.
    pub(crate) fn accept(&mut self, place: u64) {
        if self.left > 0 {
            self.left -= 1;
            return;
        }
        self.left = self.every.get() - 1;
        self.marks.push_back((place, Instant::now()));
    }

    /// The event at this place has been replaced by a newer one, which is not timed.
    pub(crate) fn forget(&mut self, place: u64) {
        if let Ok(mark) = self.marks.binary_search_by_key(&place, |(marked, _)| *marked) {
            self.marks.remove(mark);
        }
    }

    /// The event at this place goes into its handler; those before it are gone.
    pub(crate) fn begin(&mut self, place: u64) {
        while let Some(&(marked, since)) = self.marks.front().filter(|(marked, _)| *marked <= place) {
            self.marks.pop_front();
            if marked == place {
                let now = Instant::now();
                self.latency.record(elapsed_ns(since, now));
                self.began = Some(now);
            }
        }
    }

    /// The handler has ended.
    pub(crate) fn end(&mut self) {
        if let Some(began) = self.began.take() {
            self.handling.record(elapsed_ns(began, Instant::now()));
        }
    }
}
