//! The Python extension module over the core.

use pyo3::prelude::*;

mod bus;
mod codec;
mod dispatch;
mod error;
mod event;
mod fast_paths;
mod history;
mod journal;
mod publish;
mod routing;
mod runtime;
mod subscribe;

/// The native part of `trading.events`; `_core.pyi` beside it is its documentation.
#[pymodule(gil_used = true)]
mod _core {
    #[pymodule_export]
    use super::bus::native_bus::NativeBus;
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
    use super::event::event_id::new_event_id;
    #[pymodule_export]
    use super::event::filter::PyFilter;
    #[pymodule_export]
    use super::event::topic::{
        check_event_type, check_exchange, check_symbol, compose_topic, matches, normalize_pattern,
    };
    #[pymodule_export]
    use super::fast_paths::fast_paths;
    #[pymodule_export]
    use super::journal::fs::{crc32c, sync_file_system};
    #[pymodule_export]
    use super::journal::segment::{Segment, begin_apart, frame_rows, open_segments, read_together};
    #[pymodule_export]
    use super::journal::segment_rows::SegmentRows;
    #[pymodule_export]
    use super::journal::topic_rows::TopicRows;
    #[pymodule_export]
    use super::journal::writer::PyJournal;
    #[pymodule_export]
    use super::runtime::exits::end_calls;
    #[pymodule_export]
    use super::runtime::histogram::PyHistogram;
    #[pymodule_export]
    use super::runtime::returned::to_await;

    use pyo3::prelude::*;

    /// True in a debug build, which must not be measured.
    #[pymodule_export]
    const DEBUG_BUILD: bool = cfg!(debug_assertions);

    /// The version of the package.
    #[pymodule_export]
    const VERSION: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        super::runtime::fork::watch_forks(module.py())?;
        super::runtime::exits::watch(module)
    }
}
