//! A sink for dry runs.

use trading_events_core::codec::{Layout, Sink, Token};

/// A sink that discards everything.
pub(super) struct NullSink;

impl Sink for NullSink {
    const COLUMNS: bool = false;
    const SPARSE: bool = false;
    const LASTING: bool = false;

    fn begin(&mut self, _: &Layout, _: usize) {}
    fn field(&mut self, _: &Layout, _: usize) {}
    fn extra(&mut self, _: &str) {}
    fn put(&mut self, _: Token<'_>) {}
    fn end(&mut self) {}
}
