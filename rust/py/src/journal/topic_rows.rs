//! The rows of one topic in a segment, as columns.

use std::io;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyType;
use trading_events_core::codec::columns::{Column, Form};
use trading_events_core::codec::topic_days::TopicDay;
use trading_events_core::codec::transcode::{Transcoder, Transcription};

use super::rows::Rows;
use crate::codec::Class;
use crate::codec::{columns::ColumnBuffer, columns::ColumnBuffers, columns::into_buffers};
use crate::error::os_error;

/// Columns end with the event with which one of them exceeds this many bytes of text. A payload has at most 2^28 bytes,
/// and a byte becomes at most six of JSON, so offsets stay within 31 bits.
const MOST_TEXT_BYTES: usize = 1 << 26;

/// The rows of one class, day and topic in a segment: by time, then in the order of recording.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct TopicRows {
    rows: Arc<Rows>,
    topic: TopicDay,
}

impl TopicRows {
    pub(crate) fn new(rows: &Arc<Rows>, topic: TopicDay) -> Self {
        Self { rows: Arc::clone(rows), topic }
    }
}

/// The number of rows read, the number in the columns, the columns, and the indices of refused rows.
type MadeColumns = (usize, usize, Vec<ColumnBuffers>, Vec<u32>);

/// Unfinished columns, the indices of their rows, and the indices of refused rows.
type Pushed<'a> = (Transcription<'a>, Vec<u32>, Vec<u32>);

#[pymethods]
impl TopicRows {
    /// The event type of the rows.
    #[getter]
    fn event_type(&self) -> &str {
        &self.topic.event_type
    }

    /// Days since 1970.
    #[getter]
    fn day(&self) -> i64 {
        self.topic.day
    }

    /// The exchange of the rows, if there is one.
    #[getter]
    fn exchange(&self) -> Option<&str> {
        self.topic.exchange.as_deref()
    }

    /// The symbol of the rows, if there is one.
    #[getter]
    fn symbol(&self) -> Option<&str> {
        self.topic.symbol.as_deref()
    }

    fn __len__(&self) -> usize {
        self.topic.events.len()
    }

    /// Their indices among the rows of the segment.
    #[getter]
    fn indices(&self) -> Vec<u32> {
        self.topic.events.clone()
    }

    /// At most `most` rows from `start` on, as columns of the class, with a column of their sequence numbers at the
    /// end.
    #[pyo3(signature = (event_class, start, most, /))]
    fn columns(&self, event_class: &Bound<'_, PyType>, start: usize, most: usize) -> PyResult<MadeColumns> {
        let py = event_class.py();
        let rest = self.topic.events.get(start..).unwrap_or_default();
        let wanted = &rest[..most.min(rest.len())];
        let Some(transcoder) = Class::of(event_class)?.transcoder(py)? else {
            return Ok((wanted.len(), 0, Vec::new(), wanted.to_vec()));
        };
        py.detach(|| self.transcode(transcoder, wanted)).map_err(os_error)
    }
}

impl TopicRows {
    fn transcode(&self, transcoder: &Transcoder, wanted: &[u32]) -> io::Result<MadeColumns> {
        let (mut transcription, accepted, refused) = self.push(transcoder, wanted)?;
        let seen = accepted.len() + refused.len();
        if !refused.is_empty() {
            // The columns hold values of the refused rows too.
            transcription = self.push(transcoder, &accepted)?.0;
        }
        Ok(match transcription.finish() {
            Some(columns) if !accepted.is_empty() => {
                (accepted.len() + refused.len(), accepted.len(), self.wrap(columns, &accepted), refused)
            }
            _ => (seen, 0, Vec::new(), wanted[..seen].to_vec()),
        })
    }

    fn push<'a>(&self, transcoder: &'a Transcoder, wanted: &[u32]) -> io::Result<Pushed<'a>> {
        let mut transcription = transcoder.begin(wanted.len());
        let (mut accepted, mut refused, mut buffer) = (Vec::with_capacity(wanted.len()), Vec::new(), Vec::new());
        for index in wanted {
            match transcription.push(self.rows.payload(*index, &mut buffer)?) {
                Ok(()) => accepted.push(*index),
                Err(_) => refused.push(*index),
            }
            if transcription.text_bytes() > MOST_TEXT_BYTES {
                break;
            }
        }
        Ok((transcription, accepted, refused))
    }

    fn wrap(&self, columns: Vec<(Form, Vec<Column>)>, accepted: &[u32]) -> Vec<ColumnBuffers> {
        let mut wrapped: Vec<ColumnBuffers> =
            columns.into_iter().flat_map(|(_, columns)| columns).map(into_buffers).collect();
        let seqs = accepted.iter().flat_map(|index| self.rows.seq(*index).to_le_bytes()).collect();
        wrapped.push((0, vec![None, Some(ColumnBuffer(seqs))]));
        wrapped
    }
}
