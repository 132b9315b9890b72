//! The walk over an event that says what it holds.

mod containers;
mod plain;
mod refusal;
mod scalars;

use std::ptr;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTime, PyTuple};
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::{Sink, Token};

use super::class::{Class, Door, Field};
use super::moment;
use super::shape::Shape;
use crate::event::{dictionary, not_an_event};
use containers::{write_dict, write_items, write_model, write_union};
pub(super) use plain::from_json;
use plain::{Depth, deeper, write_any, write_json, write_map};
use refusal::{Put, Refusal, missing, refuse};
pub(super) use scalars::find_choice;
use scalars::{
    hex_digits, short, text, write_datetime, write_decimal, write_int, write_literal, write_text_of, write_timedelta,
};

/// How long a text or bytes may be: every form has room for that.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 30;

/// Puts an event into a sink.
pub(super) fn write_event<S: Sink>(event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let class = Class::of_event(event)?;
    if matches!(class.door, Door::Guarded) {
        super::row::ensure_readable(class, event)?;
    }
    write_fields(class, event, sink)
}

/// The same for an event whose values its class allows.
#[inline]
pub(super) fn write_fields<S: Sink>(class: &Class, event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let py = event.py();
    let fields = dictionary(event).ok_or_else(|| not_an_event(event))?;
    let extras = if class.keeps_extras { extras_of(event)? } else { None };
    sink.begin(&class.layout, extras.as_ref().map_or(0, PyDictMethods::len));
    let mut stored = Stored::new(&fields);
    for (index, field) in class.fields.iter().enumerate() {
        let value = stored.next(field.name.bind(py))?.ok_or_else(|| missing(class, field, py))?;
        if !S::COLUMNS && class.type_index == Some(index) {
            continue;
        }
        if S::SPARSE && class.metadata_index == Some(index) && is_empty_dict(&value) {
            continue;
        }
        sink.field(&class.layout, index);
        let put = if S::COLUMNS && field.form == Form::Json {
            write_as_json(class, field, &value, sink)
        } else {
            write(&field.shape, &value, sink, 0)
        };
        put.map_err(|refusal| refuse(class, field.name.bind(py), &value, refusal))?;
    }
    if S::COLUMNS && class.keeps_extras {
        sink.field(&class.layout, class.fields.len());
        return write_extras_as_json(extras, sink)
            .map_err(|refusal| refuse(class, intern!(py, "_extra"), event, refusal));
    }
    for (name, value) in extras.iter().flat_map(PyDictMethods::iter) {
        let name = name.cast_into::<PyString>()?;
        let put = text(&name).and_then(|text| {
            sink.extra(text);
            write(&Shape::Any, &value, sink, 0)
        });
        put.map_err(|refusal| refuse(class, &name, &value, refusal))?;
    }
    sink.end();
    Ok(())
}

/// The values of an instance's dictionary, which mostly stand there in the order of the fields.
struct Stored<'a, 'py> {
    fields: &'a Bound<'py, PyDict>,
    place: ffi::Py_ssize_t,
}

impl<'a, 'py> Stored<'a, 'py> {
    fn new(fields: &'a Bound<'py, PyDict>) -> Self {
        Self { fields, place: 0 }
    }

    /// The value of the field that comes next.
    #[inline]
    fn next(&mut self, name: &Bound<'py, PyString>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let (mut key, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: the dictionary lives; the call borrows a pair from it, and notices when it has changed its size.
        let found =
            unsafe { ffi::PyDict_Next(self.fields.as_ptr(), &raw mut self.place, &raw mut key, &raw mut value) };
        if found != 0 && key == name.as_ptr() {
            // SAFETY: the pair is still there, as nothing has run since.
            return Ok(Some(unsafe { Bound::from_borrowed_ptr(self.fields.py(), value) }));
        }
        self.fields.get_item(name)
    }
}

/// Puts the JSON text of a value, in a sink where lists and maps have no columns.
fn write_as_json<S: Sink>(class: &Class, field: &Field, value: &Bound<'_, PyAny>, sink: &mut S) -> Put {
    let py = value.py();
    if value.is_none() {
        sink.put(Token::None);
    } else if is_empty_dict(value) {
        sink.put(Token::Text("{}"));
    } else {
        let rendered = field.json(class, py)?.render.bind(py).call1((value,))?;
        sink.put(Token::Text(text(rendered.cast::<PyString>()?)?));
    }
    Ok(())
}

fn write_extras_as_json<S: Sink>(extras: Option<Bound<'_, PyDict>>, sink: &mut S) -> Put {
    let Some(extras) = extras.filter(|extras| !extras.is_empty()) else {
        sink.put(Token::None);
        return Ok(());
    };
    write_map(&extras, Depth::new(0)?, &mut Nothing, &mut write_json)?;
    let module = extras.py().import("trading.events.typed_json").map_err(Refusal::from)?;
    let rendered = module.call_method1("render_json", (&extras,))?;
    sink.put(Token::Text(text(rendered.cast::<PyString>()?)?));
    Ok(())
}

fn extras_of<'py>(model: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let extras = model.getattr(intern!(model.py(), "__pydantic_extra__"))?;
    Ok(extras.cast_into::<PyDict>().ok())
}

fn is_empty_dict(value: &Bound<'_, PyAny>) -> bool {
    value.cast_exact::<PyDict>().is_ok_and(PyDictMethods::is_empty)
}

/// Puts a value of a shape.
fn write<S: Sink>(shape: &Shape, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
    match shape {
        Shape::Optional(inner) => {
            if value.is_none() {
                sink.put(Token::None);
                return Ok(());
            }
            write(inner, value, sink, depth)
        }
        Shape::Decimal(_) => write_decimal(value, sink),
        Shape::Moment => {
            let moment = moment::read_utc(value.cast_exact::<PyDateTime>()?)?;
            sink.put(Token::Moment(moment.ok_or(Refusal::Kind)?));
            Ok(())
        }
        Shape::Text(bounds) => {
            let text = text(value.cast::<PyString>()?)?;
            sink.put(if bounds.name.is_some() { Token::Name(text) } else { Token::Text(text) });
            Ok(())
        }
        Shape::Id(_) => {
            let text = text(value.cast::<PyString>()?)?;
            let id = if S::COLUMNS { None } else { hex_digits(text) };
            sink.put(id.map_or(Token::Text(text), Token::Id));
            Ok(())
        }
        Shape::Int(_) => write_int(value.cast_exact::<PyInt>()?, sink),
        Shape::Float(_) => {
            sink.put(Token::Float(value.cast::<PyFloat>()?.value()));
            Ok(())
        }
        Shape::Bool => {
            sink.put(Token::Bool(value.cast::<PyBool>()?.is_true()));
            Ok(())
        }
        Shape::Literal(choices) => write_literal(choices, value, sink),
        Shape::Metadata => write_map(value.cast_exact::<PyDict>()?, Depth::new(depth)?, sink, &mut write_json),
        _ => write_rest(shape, value, sink, depth),
    }
}

fn write_rest<S: Sink>(shape: &Shape, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
    let py = value.py();
    match shape {
        Shape::None if value.is_none() => sink.put(Token::None),
        Shape::Bytes(_) => sink.put(Token::Bytes(short(value.cast::<PyBytes>()?.as_bytes())?)),
        Shape::Datetime => write_datetime(value.cast_exact()?, sink)?,
        Shape::Date => write_text_of(value.cast_exact::<PyDate>()?.call_method0(intern!(py, "isoformat"))?, sink)?,
        Shape::Time => write_text_of(value.cast_exact::<PyTime>()?.call_method0(intern!(py, "isoformat"))?, sink)?,
        Shape::Timedelta => write_timedelta(value.cast_exact()?, sink)?,
        Shape::Uuid => sink.put(Token::Bytes(value.getattr(intern!(py, "bytes"))?.cast::<PyBytes>()?.as_bytes())),
        Shape::Any => write_any(value, sink, Depth::new(depth)?)?,
        Shape::Json => write_json(value, sink, Depth::new(depth)?)?,
        Shape::Enum { class, .. } => {
            if !value.get_type().is(class) {
                return Err(Refusal::Kind);
            }
            write_any(&value.getattr(intern!(py, "value"))?, sink, Depth::new(depth)?)?;
        }
        Shape::List(inner, _) => write_items(inner, value.cast_exact::<PyList>()?.iter(), sink, depth)?,
        Shape::TupleOf(inner, _) => write_items(inner, value.cast_exact::<PyTuple>()?.iter(), sink, depth)?,
        Shape::Tuple(inner) => {
            let values = value.cast_exact::<PyTuple>()?;
            if values.len() != inner.len() {
                return Err(Refusal::Kind);
            }
            sink.put(Token::List(inner.len()));
            for (inner, value) in inner.iter().zip(values) {
                write(inner, &value, sink, deeper(depth)?)?;
            }
        }
        Shape::Dict(parts, _) => write_dict(parts, value.cast_exact()?, sink, depth)?,
        Shape::Model(class) => {
            if !value.get_type().is(class) {
                return Err(Refusal::Kind);
            }
            write_model(Class::of(class.bind(py))?, value, sink, deeper(depth)?)?;
        }
        Shape::Checked(inner, _) => write(inner, value, sink, depth)?,
        Shape::Union { members, is_told } => write_union(members, *is_told, value, sink, depth)?,
        Shape::Pydantic { render, .. } => {
            let text = render.bind(py).call1((value,))?;
            let plain = from_json(&text)?;
            write_any(&plain, sink, Depth::new(depth)?)?;
        }
        _ => return Err(Refusal::Kind),
    }
    Ok(())
}

/// A sink that keeps nothing.
struct Nothing;

impl Sink for Nothing {
    const COLUMNS: bool = false;
    const SPARSE: bool = false;

    fn begin(&mut self, _: &trading_events_core::codec::Layout, _: usize) {}
    fn field(&mut self, _: &trading_events_core::codec::Layout, _: usize) {}
    fn extra(&mut self, _: &str) {}
    fn put(&mut self, _: Token<'_>) {}
    fn end(&mut self) {}
}
