//! Events as columns: the memory of Arrow arrays, which Python wraps without a copy.

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyIndexError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyType};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use trading_events_core::codec::columns::{Buffers, Column, ColumnSink, ColumnSource, Form, View};
use trading_events_core::codec::{DecodeError, Key};

use super::class::{Class, class_of_type};
use super::gc::CollectorPaused;
use super::read::read_event;
use super::read_error::ReadError;
use super::write::{MAX_TEXT_BYTES, write_event};
use crate::error::EventEncodeError;
use crate::runtime::exits::NativeCall;

/// The column of values that are no fields of their class. No field has this name.
const EXTRA: &str = "_extra";

/// Memory that Python may read.
#[pyclass(frozen, module = "trading.events._core")]
pub(crate) struct ColumnBuffer(pub(crate) Vec<u8>);

#[pymethods]
impl ColumnBuffer {
    /// # Safety
    ///
    /// Python calls it with a view to be filled in.
    unsafe fn __getbuffer__(slf: &Bound<'_, Self>, view: *mut ffi::Py_buffer, flags: c_int) -> PyResult<()> {
        let bytes = &slf.get().0;
        let length = ffi::Py_ssize_t::try_from(bytes.len())?;
        let start = bytes.as_ptr().cast_mut().cast::<c_void>();
        // SAFETY: the view holds a reference to the object, whose bytes are never moved or written to.
        let status = unsafe { ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, length, 1, flags) };
        if status == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

/// A column: the number of nulls, and the buffers.
pub(crate) type ColumnBuffers = (usize, Vec<Option<ColumnBuffer>>);

/// A field: its name, its form, and its columns.
pub(crate) type FieldBuffers = (String, &'static str, Vec<ColumnBuffers>);

/// The column indices of each event type's fields.
type Places = BTreeMap<&'static str, Vec<usize>>;

/// A column for Python.
pub(crate) fn into_buffers(column: Column) -> ColumnBuffers {
    let (nulls, Buffers { validity, values, texts }) = column.finish();
    let mut buffers = vec![validity.map(ColumnBuffer), Some(ColumnBuffer(values))];
    buffers.extend(texts.map(|texts| Some(ColumnBuffer(texts))));
    (nulls, buffers)
}

/// A table being built, and the column indices of each class's fields.
#[derive(Default)]
struct TableBuilder {
    sink: ColumnSink,
    names: Vec<(String, Form)>,
    places: FxHashMap<usize, (&'static Class, Box<[usize]>)>,
}

impl TableBuilder {
    fn select(&mut self, class: &Bound<'_, PyType>, described: &'static Class) {
        let key = class.as_ptr() as usize;
        if !self.places.contains_key(&key) {
            let fields = described.layout.names().iter().zip(&described.fields);
            let mut wanted: Vec<_> = fields.map(|(name, field)| (name.clone(), field.form)).collect();
            if described.keeps_extras {
                wanted.push((EXTRA.to_owned(), Form::Json));
            }
            let places = wanted.into_iter().map(|field| self.place(field)).collect();
            self.places.insert(key, (described, places));
        }
        self.sink.select(&self.places[&key].1);
    }

    /// The column indices by event type. Two classes of one event type, as after a second definition, must have the
    /// same.
    fn by_event_type(&self) -> PyResult<Places> {
        let mut found = BTreeMap::new();
        for (class, fields) in self.places.values() {
            let event_type = class.layout.event_type();
            let mut places = fields.to_vec();
            places.sort_unstable();
            if found.insert(event_type, places.clone()).is_some_and(|former| former != places) {
                return Err(EventEncodeError::new_err(format!(
                    "two classes of the event type {event_type} differ in their fields: make two tables"
                )));
            }
        }
        Ok(found)
    }

    /// The column index of a field. Fields of the same name and form share a column.
    fn place(&mut self, field: (String, Form)) -> usize {
        if let Some(place) = self.names.iter().position(|known| *known == field) {
            return place;
        }
        self.names.push(field);
        self.sink.add(self.names[self.names.len() - 1].1)
    }
}

/// Events as columns: the number of rows, the fields, and the column indices of each event type's fields.
#[pyfunction]
#[pyo3(signature = (events, /))]
pub(crate) fn encode_columns(events: &Bound<'_, PyList>) -> PyResult<(usize, Vec<FieldBuffers>, Places)> {
    let _call = NativeCall::begin(events.py())?;
    let mut builder = TableBuilder { sink: ColumnSink::with_capacity(events.len()), ..TableBuilder::default() };
    for event in events {
        builder.select(&event.get_type(), Class::of_event(&event)?);
        write_event(&event, &mut builder.sink)?;
        if builder.sink.text_bytes() > MAX_TEXT_BYTES {
            return Err(EventEncodeError::new_err(
                "a column has more text than Arrow holds; take fewer events at once",
            ));
        }
    }
    let places = builder.by_event_type()?;
    let rows = builder.sink.rows();
    let columns = builder
        .sink
        .finish()
        .ok_or_else(|| EventEncodeError::new_err("a value has no place in the columns of its field"))?;
    let named = builder.names.into_iter().zip(columns);
    let fields =
        named.map(|((name, _), (form, columns))| (name, form.name(), columns.into_iter().map(into_buffers).collect()));
    Ok((rows, fields.collect(), places))
}

/// A column to be read: the offset of its first row, and its buffers.
type GivenColumn<'py> = (usize, Vec<Option<Bound<'py, PyAny>>>);

/// A column to be read, with its buffers held.
struct HeldColumn {
    offset: usize,
    /// pyarrow declares its bytes as signed.
    buffers: Vec<Option<PyBuffer<i8>>>,
}

fn contiguous(buffer: &Bound<'_, PyAny>) -> PyResult<PyBuffer<i8>> {
    let buffer = PyBuffer::get(buffer)?;
    if !buffer.is_c_contiguous() {
        return Err(PyValueError::new_err("the bytes of a column lie apart; a column is one piece of memory"));
    }
    Ok(buffer)
}

impl HeldColumn {
    fn hold(column: GivenColumn<'_>) -> PyResult<Self> {
        let (offset, buffers) = column;
        let get = |buffer: Option<Bound<'_, PyAny>>| buffer.map(|buffer| contiguous(&buffer)).transpose();
        Ok(Self { offset, buffers: buffers.into_iter().map(get).collect::<PyResult<_>>()? })
    }

    fn bytes(&self, index: usize) -> Option<&[u8]> {
        let buffer = self.buffers.get(index)?.as_ref()?;
        if buffer.len_bytes() == 0 {
            return Some(&[]);
        }
        // SAFETY: layout: the buffer is contiguous, as was checked when it was taken, and any byte is a `u8`. Lifetime:
        // `self` holds the buffer. Aliasing: Arrow's memory is not written to.
        Some(unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes()) })
    }
}

/// The events of a table. Each entry of `fields` is a form and its columns; `places` has the column indices of each
/// event type's fields, and `type_place` that of the event type. `picked` selects rows, in this order.
#[pyfunction]
#[pyo3(signature = (rows, fields, places, type_place, picked=None, /))]
pub(crate) fn decode_columns<'py>(
    py: Python<'py>,
    rows: usize,
    fields: Vec<(String, Vec<GivenColumn<'py>>)>,
    places: &Bound<'py, PyDict>,
    type_place: usize,
    picked: Option<Vec<usize>>,
) -> PyResult<Bound<'py, PyList>> {
    let _call = NativeCall::begin(py)?;
    let raise = |error: DecodeError| ReadError::from(error).into_error(py, 0);
    let mut held = Vec::new();
    for (form, columns) in fields {
        let form = Form::named(&form).ok_or_else(|| PyValueError::new_err(format!("no form is called {form}")))?;
        held.push((form, columns.into_iter().map(HeldColumn::hold).collect::<PyResult<Vec<_>>>()?));
    }
    let views = held.iter().map(|(form, columns)| Ok((*form, views(rows, *form, columns)?))).collect::<Result<_, _>>();
    let mut source = ColumnSource::new(views.map_err(raise)?);
    let (events, _paused) = (PyList::empty(py), CollectorPaused::new(py));
    let (mut class, mut last) = (None, "");
    for row in picked.unwrap_or_else(|| (0..rows).collect()) {
        if row >= rows {
            return Err(PyIndexError::new_err(format!("row {row} of {rows}")));
        }
        let event_type = source.text(row, type_place).map_err(raise)?;
        if class.is_none() || event_type != last {
            let (found, keys) = find(py, places, event_type, row)?;
            source.select(keys);
            (class, last) = (Some(found), event_type);
        }
        source.begin(row);
        if let Some(class) = class {
            events.append(read_event(py, class, &mut source, row).map_err(|error| error.into_error(py, row))?)?;
        }
    }
    Ok(events)
}

fn views<'a>(rows: usize, form: Form, columns: &'a [HeldColumn]) -> Result<Vec<View<'a>>, DecodeError> {
    if columns.len() != form.column_types().len() {
        return Err(DecodeError::new(0, "a field has not the columns of its form"));
    }
    let kinds = form.column_types().iter().zip(columns);
    let view = |(kind, held): (&_, &'a HeldColumn)| {
        let buffers = (held.bytes(0), held.bytes(1).unwrap_or_default(), held.bytes(2).unwrap_or_default());
        View::new(*kind, rows, held.offset, buffers)
    };
    kinds.map(view).collect()
}

fn find<'a>(
    py: Python<'_>,
    places: &Bound<'_, PyDict>,
    event_type: &str,
    row: usize,
) -> PyResult<(&'static Class, Vec<(Key<'a>, usize)>)> {
    let known = class_of_type(py, event_type)?.zip(places.get_item(event_type)?);
    let Some((class, fields)) = known else {
        let reason = format!("no class here has the event type {event_type:?}, or no columns hold it");
        return Err(ReadError::from(DecodeError::new(row, reason)).into_error(py, row));
    };
    let class = Class::of(&class)?;
    let mut keys = Vec::new();
    for (name, place) in fields.cast::<PyDict>()? {
        let name = name.cast::<PyString>()?.to_str()?.to_owned();
        match class.layout.names().iter().position(|known| *known == name) {
            Some(index) if class.type_index == Some(index) => {} // by which the class was found
            Some(index) => keys.push((Key::Field(index), place.extract()?)),
            None if name == EXTRA && class.keeps_extras => keys.push((Key::Extras, place.extract()?)),
            None => {}
        }
    }
    Ok((class, keys))
}
