//! The walk over an event that says what it holds.

use std::ptr;

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDate, PyDateTime, PyDelta, PyDeltaAccess, PyDict, PyFloat, PyInt, PyList, PyString, PyTime,
    PyTuple,
};
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::{MAX_DEPTH, Sink, Token};

use super::class::{Class, Field};
use super::decimal::{self, Found};
use super::moment;
use super::shape::Shape;
use crate::error::EventEncodeError;
use crate::event::{dictionary, not_an_event};

/// How long a text or bytes may be: every form has room for that.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 30;

/// Why a value cannot be put.
pub(super) enum Refusal {
    /// Its type is not what its field says.
    Kind,
    /// It is of the type, but cannot be put as it is.
    Reason(String),
    /// Something else raised.
    Raised(PyErr),
}

impl From<PyErr> for Refusal {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<pyo3::CastError<'_, '_>> for Refusal {
    fn from(_: pyo3::CastError<'_, '_>) -> Self {
        Self::Kind
    }
}

type Put = Result<(), Refusal>;

/// Puts an event into a sink.
pub(super) fn write_event<S: Sink>(event: &Bound<'_, PyAny>, sink: &mut S) -> PyResult<()> {
    let py = event.py();
    let class = Class::of_event(event)?;
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
    write_map(&extras, Depth(0), &mut Nothing, &mut write_json)?;
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

#[cold]
fn missing(class: &Class, field: &Field, py: Python<'_>) -> PyErr {
    EventEncodeError::new_err(format!("{}.{} is missing", class.python.bind(py), field.name.bind(py)))
}

#[cold]
fn refuse(class: &Class, field: &Bound<'_, PyString>, value: &Bound<'_, PyAny>, refusal: Refusal) -> PyErr {
    let py = value.py();
    let name = class.python.bind(py).qualname().map_or_else(|_| String::from("?"), |name| name.to_string());
    let shown = |value: &Bound<'_, PyAny>| {
        value.repr().map_or_else(|_| String::from("?"), |text| text.to_string_lossy().chars().take(200).collect())
    };
    match refusal {
        Refusal::Kind => {
            let found = value.get_type().to_string();
            EventEncodeError::new_err(format!(
                "{name}.{field} holds what its type does not say, {found}: {}",
                shown(value)
            ))
        }
        Refusal::Reason(reason) => {
            EventEncodeError::new_err(format!("{name}.{field} cannot be encoded: {reason}: {}", shown(value)))
        }
        Refusal::Raised(error)
            if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) =>
        {
            error
        }
        Refusal::Raised(error) => {
            let told = EventEncodeError::new_err(format!("{name}.{field} cannot be encoded: {}", error.value(py)));
            told.set_cause(py, Some(error));
            told
        }
    }
}

/// Puts a value of a shape.
pub(super) fn write<S: Sink>(shape: &Shape, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
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
            sink.put(hex_digits(text).map_or(Token::Text(text), Token::Id));
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

/// What a JSON text says, as plain data.
pub(super) fn from_json<'py>(text: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = text.py();
    py.import(intern!(py, "pydantic_core"))?.call_method1(intern!(py, "from_json"), (text,))
}

fn deeper(depth: usize) -> Result<usize, Refusal> {
    if depth >= MAX_DEPTH {
        return Err(Refusal::Reason(format!("it is nested more than {MAX_DEPTH} deep")));
    }
    Ok(depth + 1)
}

/// A depth in plain data.
#[derive(Clone, Copy)]
struct Depth(usize);

impl Depth {
    fn new(depth: usize) -> Result<Self, Refusal> {
        Ok(Self(deeper(depth)?))
    }
}

fn text<'a>(text: &'a Bound<'_, PyString>) -> Result<&'a str, Refusal> {
    let text = text.to_str().map_err(|wrong| Refusal::Reason(format!("a text is no Unicode: {wrong}")))?;
    short(text.as_bytes())?;
    Ok(text)
}

fn short(bytes: &[u8]) -> Result<&[u8], Refusal> {
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(Refusal::Reason(format!("it has more than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(bytes)
}

/// The 16 bytes that 32 hex digits in lower case write.
fn hex_digits(text: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

fn write_decimal<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S) -> Put {
    if !decimal::is_decimal(value)? {
        return Err(Refusal::Kind);
    }
    match decimal::read(value)? {
        Found::Plain(found) => sink.put(Token::Decimal(found)),
        Found::Text(found) => sink.put(Token::Text(text(&found)?)),
    }
    Ok(())
}

fn write_int<S: Sink>(value: &Bound<'_, PyInt>, sink: &mut S) -> Put {
    let mut overflow = 0;
    // SAFETY: it is an int; the call raises nothing for one.
    let int = unsafe { ffi::PyLong_AsLongLongAndOverflow(value.as_ptr(), &raw mut overflow) };
    if overflow == 0 {
        sink.put(Token::Int(int));
    } else if S::COLUMNS {
        sink.put(Token::Text(value.str()?.to_str()?));
    } else if let Ok(unsigned) = value.extract::<u64>() {
        sink.put(Token::Unsigned(unsigned));
    } else {
        let py = value.py();
        let bits: usize = value.call_method0(intern!(py, "bit_length"))?.extract()?;
        let options = PyDict::new(py);
        options.set_item(intern!(py, "signed"), true)?;
        let bytes = value.call_method(intern!(py, "to_bytes"), (bits / 8 + 1, "big"), Some(&options))?;
        sink.put(Token::BigInt(short(bytes.cast::<PyBytes>()?.as_bytes())?));
    }
    Ok(())
}

fn write_literal<S: Sink>(choices: &[Py<PyAny>], value: &Bound<'_, PyAny>, sink: &mut S) -> Put {
    if find_choice(choices, value)?.is_none() {
        return Err(Refusal::Kind);
    }
    if let Ok(name) = value.cast::<PyString>() {
        sink.put(Token::Name(text(name)?));
        return Ok(());
    }
    write_any(value, sink, Depth(0))
}

/// The choice of a literal that a value is: equal, and of the same type, since 1 equals True.
pub(super) fn find_choice<'a, 'py>(
    choices: &'a [Py<PyAny>],
    value: &Bound<'py, PyAny>,
) -> PyResult<Option<&'a Bound<'py, PyAny>>> {
    let py = value.py();
    for choice in choices {
        let choice = choice.bind(py);
        if choice.is(value) || (choice.get_type().is(value.get_type()) && choice.eq(value)?) {
            return Ok(Some(choice));
        }
    }
    Ok(None)
}

fn write_text_of<S: Sink>(value: Bound<'_, PyAny>, sink: &mut S) -> Put {
    sink.put(Token::Text(text(&value.cast_into::<PyString>().map_err(|_| Refusal::Kind)?)?));
    Ok(())
}

fn write_datetime<S: Sink>(value: &Bound<'_, PyDateTime>, sink: &mut S) -> Put {
    match moment::read_utc(value)? {
        Some(micros) => {
            sink.put(Token::Moment(micros));
            Ok(())
        }
        None => write_text_of(value.call_method0(intern!(value.py(), "isoformat"))?, sink),
    }
}

/// A length of time is its microseconds.
fn write_timedelta<S: Sink>(value: &Bound<'_, PyDelta>, sink: &mut S) -> Put {
    let whole = i128::from(value.get_days()) * 86_400 + i128::from(value.get_seconds());
    let micros = whole * 1_000_000 + i128::from(value.get_microseconds());
    write_int(micros.into_pyobject(value.py()).map_err(PyErr::from)?.cast_exact::<PyInt>()?, sink)
}

fn write_items<'py, S: Sink>(
    inner: &Shape,
    values: impl ExactSizeIterator<Item = Bound<'py, PyAny>>,
    sink: &mut S,
    depth: usize,
) -> Put {
    let depth = deeper(depth)?;
    sink.put(Token::List(values.len()));
    for value in values {
        write(inner, &value, sink, depth)?;
    }
    Ok(())
}

fn write_dict<S: Sink>(parts: &(Shape, Shape), value: &Bound<'_, PyDict>, sink: &mut S, depth: usize) -> Put {
    let depth = deeper(depth)?;
    let (key_shape, value_shape) = parts;
    let named = matches!(key_shape, Shape::Text(_));
    sink.put(if named { Token::Map(value.len()) } else { Token::List(value.len()) });
    for (key, value) in value {
        if !named {
            sink.put(Token::List(2));
        }
        write(key_shape, &key, sink, depth)?;
        write(value_shape, &value, sink, depth)?;
    }
    Ok(())
}

fn write_model<S: Sink>(class: &Class, model: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
    let fields = dictionary(model).ok_or(Refusal::Kind)?;
    let extras = if class.keeps_extras { extras_of(model)? } else { None };
    sink.put(Token::Map(class.fields.len() + extras.as_ref().map_or(0, PyDictMethods::len)));
    for (field, name) in class.fields.iter().zip(class.layout.names()) {
        let value = fields.get_item(&field.name)?.ok_or(Refusal::Kind)?;
        sink.put(Token::Name(name));
        write(&field.shape, &value, sink, depth)?;
    }
    for (name, value) in extras.iter().flat_map(PyDictMethods::iter) {
        sink.put(Token::Text(text(name.cast::<PyString>()?)?));
        write(&Shape::Any, &value, sink, depth)?;
    }
    Ok(())
}

fn write_union<S: Sink>(members: &[Shape], is_told: bool, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> Put {
    for (index, member) in members.iter().enumerate() {
        // Whether a member takes the value is tried without a trace.
        if write(member, value, &mut Nothing, depth).is_ok() {
            if is_told {
                sink.put(Token::List(2));
                sink.put(Token::Int(i64::try_from(index).unwrap_or(i64::MAX)));
            }
            return write(member, value, sink, depth);
        }
    }
    Err(Refusal::Kind)
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

/// Puts what JSON can say.
fn write_json<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S, depth: Depth) -> Put {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        if !float.value().is_finite() {
            return Err(Refusal::Reason(format!("JSON has no {}", float.value())));
        }
        sink.put(Token::Float(float.value()));
        return Ok(());
    }
    if value.is_exact_instance_of::<PyBytes>() {
        return Err(Refusal::Reason(String::from("JSON has no bytes")));
    }
    write_plain(value, sink, depth, &mut write_json)
}

/// Puts plain data: what JSON can say, any float, and bytes.
fn write_any<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S, depth: Depth) -> Put {
    if let Ok(float) = value.cast_exact::<PyFloat>() {
        sink.put(Token::Float(float.value()));
        return Ok(());
    }
    if let Ok(bytes) = value.cast_exact::<PyBytes>() {
        sink.put(Token::Bytes(short(bytes.as_bytes())?));
        return Ok(());
    }
    write_plain(value, sink, depth, &mut write_any)
}

type WritePart<'a, S> = &'a mut dyn FnMut(&Bound<'_, PyAny>, &mut S, Depth) -> Put;

fn write_plain<S: Sink>(value: &Bound<'_, PyAny>, sink: &mut S, depth: Depth, write_part: WritePart<'_, S>) -> Put {
    if let Ok(found) = value.cast_exact::<PyString>() {
        sink.put(Token::Text(text(found)?));
    } else if value.is_none() {
        sink.put(Token::None);
    } else if let Ok(truth) = value.cast_exact::<PyBool>() {
        sink.put(Token::Bool(truth.is_true()));
    } else if let Ok(int) = value.cast_exact::<PyInt>() {
        write_int(int, sink)?;
    } else if let Ok(map) = value.cast_exact::<PyDict>() {
        write_map(map, depth, sink, write_part)?;
    } else if let Ok(list) = value.cast_exact::<PyList>() {
        let depth = Depth::new(depth.0)?;
        sink.put(Token::List(list.len()));
        for value in list {
            write_part(&value, sink, depth)?;
        }
    } else {
        return Err(Refusal::Reason(format!("{} is no plain data", value.get_type())));
    }
    Ok(())
}

fn write_map<S: Sink>(map: &Bound<'_, PyDict>, depth: Depth, sink: &mut S, write_part: WritePart<'_, S>) -> Put {
    let depth = Depth::new(depth.0)?;
    sink.put(Token::Map(map.len()));
    for (key, value) in map {
        let key = key.cast_into::<PyString>().map_err(|wrong| {
            Refusal::Reason(format!("a name in it is no text but {}", wrong.into_inner().get_type()))
        })?;
        sink.put(Token::Text(text(&key)?));
        write_part(&value, sink, depth)?;
    }
    Ok(())
}
