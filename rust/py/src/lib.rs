//! The seam between the bus's core and Python.

use pyo3::prelude::*;

mod admitting;
mod attempt;
mod awaitable;
mod bus;
mod choice;
mod classes;
mod closing;
mod codec;
mod coroutine;
mod counts;
mod detached;
mod disk;
mod done;
mod drive;
mod durations;
mod duty;
mod error;
mod event;
mod event_id;
mod exits;
mod failures;
mod filter;
mod fork;
mod guarded;
mod handler_context;
mod handling;
mod hiring;
mod history;
mod home;
mod inline;
mod interest;
mod journal;
mod nested_loop;
mod nesting;
mod offering;
mod outbox;
mod pace;
mod packing;
mod pending;
mod policies;
mod publish;
mod references;
mod returned;
mod route_memo;
mod routing;
mod rows;
mod run;
mod running;
mod segment;
mod segment_rows;
mod speaker;
mod state;
mod subscriber;
mod subscribing;
mod thread;
mod topic;
mod topic_rows;
mod worker;
mod worker_coroutine;

/// The native part of `trading.events`; `_core.pyi` beside it is its documentation.
#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use super::bus::NativeBus;
    #[pymodule_export]
    use super::codec::columns::{ColumnBuffer, decode_columns, encode_columns};
    #[pymodule_export]
    use super::codec::row::RowTable;
    #[pymodule_export]
    use super::codec::{
        decode_batch, decode_event, encode_batch, encode_event, encode_row, freeze, freeze_json, no_metadata,
        set_clock, to_utc, utc_now,
    };
    #[pymodule_export]
    use super::disk::{crc32c, sync_file_system};
    #[pymodule_export]
    use super::durations::PyHistogram;
    #[pymodule_export]
    use super::event_id::new_event_id;
    #[pymodule_export]
    use super::exits::end_calls;
    #[pymodule_export]
    use super::filter::PyFilter;
    #[pymodule_export]
    use super::journal::PyJournal;
    #[pymodule_export]
    use super::returned::to_await;
    #[pymodule_export]
    use super::segment::{Segment, begin_apart, frame_rows, open_segments, read_together};
    #[pymodule_export]
    use super::segment_rows::SegmentRows;
    #[pymodule_export]
    use super::topic::{check_event_type, check_exchange, check_symbol, compose_topic, matches, normalize_pattern};
    #[pymodule_export]
    use super::topic_rows::TopicRows;

    use pyo3::prelude::*;

    /// Whether this is a debug build, on which nothing may be measured.
    #[pymodule_export]
    const DEBUG_BUILD: bool = cfg!(debug_assertions);

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::fork::watch_forks(module.py())?;
        super::exits::watch(module)
    }
}
