//! The walk over an event that says what it holds.

mod containers;
mod literal;
mod plain;
mod refusal;
mod scalars;

use std::ptr;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDate, PyDateTime, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::msgpack::MsgpackSink;
use trading_events_core::codec::{Sink, Token};

use super::class::{Class, Field, Gate};
use super::decode::event_of;
use super::frozen;
use super::json::{from_json, render_json};
use super::moment;
use super::shape::{Bounds, Shape};
use crate::event::kind::{dictionary, not_an_event};
use containers::{write_dict, write_items, write_model, write_union};
use literal::write_literal;
use plain::{Depth, deeper, write_json, write_map};
use refusal::{Put, Refusal, missing, refuse, refuse_class, refuse_raised};
use scalars::{
    hex_digits, holds_int, short, text, write_datetime, write_decimal, write_int, write_text_of, write_time,
    write_timedelta, write_uuid,
};

/// How long a text or bytes may be: every form has room for that.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 30;

/// Puts an event into a sink.
pub(super) fn write_event<S: Sink>(event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let class = Class::of_event(event)?;
    match &class.gate {
        Gate::Closed(reason) => return Err(refuse_class(class, event, reason)),
        Gate::Proof if S::COLUMNS || S::LASTING => prove(event)?,
        Gate::Open | Gate::Proof => {}
    }
    write_fields(class, event, sink)
}

/// Encodes an event, decodes it again, and compares.
#[cold]
fn prove(event: &Bound<'_, PyAny>) -> PyResult<()> {
    let (py, class) = (event.py(), Class::of_event(event)?);
    let mut sink = MsgpackSink::new(Vec::new());
    write_fields(class, event, &mut sink)?;
    let exactness = py.import(intern!(py, "trading.events._codec.exactness"))?;
    let is_same = event_of(py, &sink.finish())
        .and_then(|again| exactness.call_method1(intern!(py, "is_same"), (event, again))?.is_truthy())
        .map_err(|error| refuse_raised(class, event, error))?;
    if is_same {
        return Ok(());
    }
    Err(refuse_class(class, event, "what it has beside its fields would not come back as it is"))
}

/// Puts an event that has passed the gate into a sink.
#[inline]
fn write_fields<S: Sink>(class: &Class, event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let py = event.py();
    let fields = dictionary(event).ok_or_else(|| not_an_event(event))?;
    let extras = if class.keeps_extras { extras_of(event)? } else { None };
    if let Some((name, value)) = extras.as_ref().and_then(|extras| known_name(class, extras)) {
        return Err(refuse(class, &name, &value, Refusal::Reason(String::from(NAME_TAKEN))));
    }
    sink.begin(&class.layout, extras.as_ref().map_or(0, PyDictMethods::len));
    let mut stored = Stored::new(&fields);
    for (index, field) in class.fields.iter().enumerate() {
        let value = stored.next(field.name.bind(py))?.ok_or_else(|| missing(class, field, py))?;
        if !S::COLUMNS && class.type_index == Some(index) {
            continue;
        }
        if S::SPARSE && class.metadata_index == Some(index) && is_empty_dict(&value)? {
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
            write_json(&value, sink, Depth::new(0)?)
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

/// Puts the JSON text of a value that every form takes, in a sink where lists and maps have no columns.
fn write_as_json<S: Sink>(class: &Class, field: &Field, value: &Bound<'_, PyAny>, sink: &mut S) -> Put {
    let py = value.py();
    if value.is_none() && field.shape.has_none() {
        sink.put(Token::None);
    } else if is_empty_dict(value)? {
        sink.put(Token::Text("{}"));
    } else {
        if !field.shape.is_opaque() {
            write(&field.shape, value, &mut Nothing, 0)?;
        }
        let rendered = field.json(class, py)?.render.bind(py).call1((value,))?;
        if field.shape.is_opaque() {
            write_json(&from_json(&rendered)?, &mut Nothing, Depth::new(0)?)?;
        }
        sink.put(Token::Text(text(rendered.cast::<PyString>()?)?));
    }
    Ok(())
}

fn write_extras_as_json<S: Sink>(extras: Option<Bound<'_, PyDict>>, sink: &mut S) -> Put {
    let Some(extras) = extras.filter(|extras| !extras.is_empty()) else {
        sink.put(Token::None);
        return Ok(());
    };
    write_map(&extras, Depth::new(0)?, &mut Nothing)?;
    let rendered = render_json(&extras)?;
    sink.put(Token::Text(text(rendered.cast::<PyString>()?)?));
    Ok(())
}

/// The first of the names that an instance has beside its fields which is a field's name as well: it was given by an alias.
fn known_name<'py>(class: &Class, extras: &Bound<'py, PyDict>) -> Option<(Bound<'py, PyString>, Bound<'py, PyAny>)> {
    let mut names = class.fields.iter().map(|field| field.name.bind(extras.py()));
    names.find_map(|name| Some((name.clone(), extras.get_item(name).ok()??)))
}

const NAME_TAKEN: &str = "a field has that name";

fn extras_of<'py>(model: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let extras = model.getattr(intern!(model.py(), "__pydantic_extra__"))?;
    Ok(extras.cast_into::<PyDict>().ok())
}

fn is_empty_dict(value: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(frozen::as_dict(value)?.is_some_and(PyDictMethods::is_empty))
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
        Shape::Decimal(bounds) => write_decimal(bounds, value, sink),
        Shape::Moment => {
            let moment = moment::read_utc(value.cast_exact::<PyDateTime>()?)?;
            sink.put(Token::Moment(moment.ok_or(Refusal::Kind)?));
            Ok(())
        }
        Shape::Text(bounds) => {
            let text = text(value.cast_exact::<PyString>()?)?;
            within(bounds.min_length.is_none() && bounds.max_length.is_none() || bounds.hold_length_of(text))?;
            if let Some(check) = &bounds.check {
                check_text::<S>(bounds, check, text, value)?;
            }
            sink.put(if bounds.name.is_some() { Token::Name(text) } else { Token::Text(text) });
            Ok(())
        }
        Shape::Id(_) => {
            let text = text(value.cast_exact::<PyString>()?)?;
            let id = if S::COLUMNS { None } else { hex_digits(text) };
            sink.put(id.map_or(Token::Text(text), Token::Id));
            Ok(())
        }
        Shape::Int(bounds) => {
            let int = value.cast_exact::<PyInt>()?;
            within(bounds.comparisons.is_empty() || holds_int(bounds, int))?;
            write_int(int, sink)
        }
        Shape::Float(bounds) => {
            let float = value.cast_exact::<PyFloat>()?.value();
            within(bounds.hold_float(float))?;
            sink.put(Token::Float(float));
            Ok(())
        }
        Shape::Bool => {
            sink.put(Token::Bool(value.cast_exact::<PyBool>()?.is_true()));
            Ok(())
        }
        Shape::Literal(choices) => write_literal(choices, value, sink),
        Shape::Metadata => {
            let map = frozen::as_dict(value)?.ok_or(Refusal::Kind)?;
            write_map(map, Depth::new(depth)?, sink)
        }
        _ => write_rest(shape, value, sink, depth),
    }
}

fn write_rest<S: Sink>(shape: &Shape, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
    let py = value.py();
    match shape {
        Shape::None if value.is_none() => sink.put(Token::None),
        Shape::Bytes(bounds) => {
            let bytes = value.cast_exact::<PyBytes>()?.as_bytes();
            within(bounds.hold_length(bytes.len()))?;
            sink.put(Token::Bytes(short(bytes)?));
        }
        Shape::Datetime => write_datetime(value.cast_exact()?, sink)?,
        Shape::Date => write_text_of(value.cast_exact::<PyDate>()?.call_method0(intern!(py, "isoformat"))?, sink)?,
        Shape::Time => write_time(value.cast_exact()?, sink)?,
        Shape::Timedelta => write_timedelta(value.cast_exact()?, sink)?,
        Shape::Uuid => write_uuid(value, sink)?,
        Shape::Any | Shape::Json => write_json(value, sink, Depth::new(depth)?)?,
        Shape::Enum { class, .. } => {
            if !value.get_type().is(class) {
                return Err(Refusal::Kind);
            }
            write_json(&value.getattr(intern!(py, "value"))?, sink, Depth::new(depth)?)?;
        }
        Shape::List(inner, bounds) => {
            let list = value.cast_exact::<PyList>()?;
            within(bounds.hold_length(list.len()))?;
            write_items(inner, list.iter(), sink, depth)?;
        }
        Shape::TupleOf(inner, bounds) => {
            let values = value.cast_exact::<PyTuple>()?;
            within(bounds.hold_length(values.len()))?;
            write_items(inner, values.iter(), sink, depth)?;
        }
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
        Shape::Dict(parts, bounds) => {
            let dict = value.cast_exact::<PyDict>()?;
            within(bounds.hold_length(dict.len()))?;
            write_dict(parts, dict, sink, depth)?;
        }
        Shape::Model(class) => {
            if !value.get_type().is(class) {
                return Err(Refusal::Kind);
            }
            write_model(Class::of(class.bind(py))?, value, sink, deeper(depth)?)?;
        }
        Shape::Checked(inner, check) => {
            write(inner, value, sink, depth)?;
            if S::COLUMNS || S::LASTING {
                check.bind(py).call1((value,))?;
            }
        }
        Shape::Union { members, is_told } => write_union(members, *is_told, value, sink, depth)?,
        Shape::Pydantic { render, .. } => {
            let text = render.bind(py).call1((value,))?;
            let plain = from_json(&text)?;
            write_json(&plain, sink, Depth::new(depth)?)?;
        }
        Shape::Proven { inner, render } => {
            write(inner, value, sink, depth)?;
            if S::LASTING {
                render.bind(py).call1((value,))?;
            }
        }
        Shape::Unstorable(reason) => return Err(Refusal::Reason(reason.clone())),
        _ => return Err(Refusal::Kind),
    }
    Ok(())
}

/// Asks what only Pydantic knows of a text, unless it was asked lately.
#[cold]
fn check_text<S: Sink>(bounds: &Bounds, check: &Py<PyAny>, text: &str, value: &Bound<'_, PyAny>) -> Put {
    let py = value.py();
    if (S::COLUMNS || S::LASTING) && bounds.recent.find(py, text).is_none() {
        check.bind(py).call1((value,))?;
        bounds.recent.keep(text, value.cast_exact::<PyString>()?);
    }
    Ok(())
}

/// Refuses a value that its own class would refuse, and with it every reader.
#[inline]
fn within(holds: bool) -> Put {
    if holds { Ok(()) } else { Err(beyond()) }
}

#[cold]
#[inline(never)]
fn beyond() -> Refusal {
    Refusal::Reason(String::from("it is beyond the constraints of its field"))
}

/// A sink that keeps nothing.
struct Nothing;

impl Sink for Nothing {
    const COLUMNS: bool = false;
    const SPARSE: bool = false;
    const LASTING: bool = false;

    fn begin(&mut self, _: &trading_events_core::codec::Layout, _: usize) {}
    fn field(&mut self, _: &trading_events_core::codec::Layout, _: usize) {}
    fn extra(&mut self, _: &str) {}
    fn put(&mut self, _: Token<'_>) {}
    fn end(&mut self) {}
}
