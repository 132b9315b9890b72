//! Timing one in so many events of a subscription, from acceptance to handler and from handler to end.

use std::collections::VecDeque;
use std::time::Instant;

use super::histogram::Histogram;

/// Times the events at chosen places. The clock is read for those alone, and the others take no memory for it.
#[derive(Debug, Default)]
pub struct Stopwatch {
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
    /// An event has been queued at this place; the first that still waits is at the other.
    pub(crate) fn mark(&mut self, position: u64, first: u64) {
        while self.marks.front().is_some_and(|(marked, _)| *marked < first) {
            self.marks.pop_front();
        }
        self.marks.push_back((position, Instant::now()));
    }

    /// The event at this place has been replaced by a newer one, which is not timed.
    pub(crate) fn forget(&mut self, position: u64) {
        if let Ok(mark) = self.marks.binary_search_by_key(&position, |(marked, _)| *marked) {
            self.marks.remove(mark);
        }
    }

    /// The event at this place has been taken out beside the one in the handler: neither is timed further.
    pub(crate) fn skip(&mut self, position: u64) {
        self.began = None;
        while self.marks.front().is_some_and(|(marked, _)| *marked <= position) {
            self.marks.pop_front();
        }
    }

    /// The event at this place goes into its handler; those before it are gone.
    pub(crate) fn begin(&mut self, position: u64) {
        while let Some(&(marked, since)) = self.marks.front().filter(|(marked, _)| *marked <= position) {
            self.marks.pop_front();
            if marked == position {
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
