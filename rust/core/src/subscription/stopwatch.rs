//! Timing of a sample of a subscription's events, from acceptance to handler and from handler to end.

use std::collections::VecDeque;
use std::time::Instant;

use super::histogram::Histogram;

/// Times events at chosen positions. The clock is read for those alone, and others take no memory.
#[derive(Debug, Default)]
pub struct Stopwatch {
    /// Positions of timed events in the queue, and the times when they came.
    marks: VecDeque<(u64, Instant)>,
    /// Start of the timed handler.
    began: Option<Instant>,
    /// From acceptance to the start of the handler, in nanoseconds.
    pub latency: Histogram,
    /// From the start of the handler to its end, suspensions included, in nanoseconds.
    pub handling: Histogram,
}

fn elapsed_ns(since: Instant, now: Instant) -> u64 {
    u64::try_from(now.duration_since(since).as_nanos()).unwrap_or(u64::MAX)
}

impl Stopwatch {
    /// Notes that an event was queued at a position; `first` is the position of the first waiting event.
    pub(crate) fn mark(&mut self, position: u64, first: u64) {
        while self.marks.front().is_some_and(|(marked, _)| *marked < first) {
            self.marks.pop_front();
        }
        self.marks.push_back((position, Instant::now()));
    }

    /// Forgets the event at a position: a newer one has replaced it, which is not timed.
    pub(crate) fn forget(&mut self, position: u64) {
        if let Ok(mark) = self.marks.binary_search_by_key(&position, |(marked, _)| *marked) {
            self.marks.remove(mark);
        }
    }

    /// The event at a position was taken beside the one in the handler; neither is timed any further.
    pub(crate) fn skip(&mut self, position: u64) {
        self.began = None;
        while self.marks.front().is_some_and(|(marked, _)| *marked <= position) {
            self.marks.pop_front();
        }
    }

    /// The event at a position goes into its handler; those before it have left.
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
