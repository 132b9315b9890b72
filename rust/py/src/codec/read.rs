//! The walk that builds an event of what a source holds.

use pyo3::exceptions::{PyException, PyMemoryError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDate, PyDateTime, PyDelta, PyDict, PyInt, PyList, PyString, PyTime, PyTuple, PyType};
use trading_events_core::codec::columns::Form;
use trading_events_core::codec::decimal::Parsed;
use trading_events_core::codec::limits::Name;
use trading_events_core::codec::{Decimal, DecodeError, Key, Layout, MAX_DEPTH, Source, Token};
use trading_events_core::topic;

use super::build::{self, Values};
use super::class::{Class, Field};
use super::decimal;
use super::moment;
use super::shape::{Bounds, Shape};
use super::write::{find_choice, from_json};
use crate::error::EventDecodeError;
use crate::event_id::hex_text;

/// Why nothing can be built.
pub(super) enum Flaw {
    /// What is read is at fault.
    Decode(DecodeError),
    /// Python raised.
    Raised(PyErr),
}

impl From<DecodeError> for Flaw {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<PyErr> for Flaw {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

type Read<'py> = Result<Bound<'py, PyAny>, Flaw>;

impl Flaw {
    /// The exception to raise. What Python raised of a value becomes an `EventDecodeError` as well.
    pub(super) fn into_error(self, py: Python<'_>, offset: usize) -> PyErr {
        match self {
            Self::Decode(error) => EventDecodeError::new_err((error.reason, error.offset)),
            Self::Raised(error) if error.is_instance_of::<EventDecodeError>(py) => error,
            Self::Raised(error)
                if !error.is_instance_of::<PyException>(py) || error.is_instance_of::<PyMemoryError>(py) =>
            {
                error
            }
            Self::Raised(error) => {
                let told = EventDecodeError::new_err((error.value(py).to_string(), offset));
                told.set_cause(py, Some(error));
                told
            }
        }
    }
}

/// Builds the event of a class whose fields a source holds. `offset` is where it begins.
pub(super) fn read_event<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    source: &mut S,
    offset: usize,
) -> Read<'py> {
    let mut values = Values::new(class, S::TRUSTED);
    while let Some(key) = source.next_key(&class.layout)? {
        match key {
            Key::Field(index) => {
                let token = source.next()?;
                let value = read_field(py, class, index, token, source, 0)?;
                put(&mut values, class, index, value, source)?;
            }
            Key::Extra(name) if class.keeps_extras => {
                let token = source.next()?;
                let value = read(py, &Shape::Any, token, source, 0)?;
                values.extras(py).set_item(name, value)?;
            }
            Key::Extra(_) => source.skip()?,
            Key::Extras => read_extras(py, source.next()?, &mut values)?,
        }
    }
    build::build(py, class, values, offset)
}

fn put<'a, 'py, S: Source<'a>>(
    values: &mut Values<'py>,
    class: &Class,
    index: usize,
    value: Bound<'py, PyAny>,
    source: &S,
) -> Result<(), Flaw> {
    if values.put(index, value) {
        return Ok(());
    }
    Err(wrong(source, format!("{} stands twice", class.layout.names()[index])))
}

/// The value of a field; an error names the field.
fn read_field<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    index: usize,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    let offset = source.offset();
    let field = &class.fields[index];
    let value = match token {
        Token::Text(text) if S::COLUMNS && field.form == Form::Json => read_as_json(py, class, field, text),
        _ => read(py, &field.shape, token, source, depth),
    };
    value.map_err(|flaw| {
        let name = &class.layout.names()[index];
        match flaw {
            Flaw::Decode(error) => DecodeError::new(error.offset, format!("{name}: {}", error.reason)).into(),
            Flaw::Raised(error) => Flaw::Raised(name_field(py, error, name, offset)),
        }
    })
}

fn read_as_json<'py>(py: Python<'py>, class: &Class, field: &Field, text: &str) -> Read<'py> {
    if text == "{}" && matches!(field.shape, Shape::Metadata) {
        return Ok(PyDict::new(py).into_any());
    }
    Ok(field.json(class, py)?.parse.bind(py).call1((text,))?)
}

fn read_extras<'py>(py: Python<'py>, token: Token<'_>, values: &mut Values<'py>) -> Result<(), Flaw> {
    let Token::Text(text) = token else {
        return Ok(());
    };
    let found = from_json(&PyString::new(py, text).into_any())?;
    let found = found.cast::<PyDict>().map_err(PyErr::from)?;
    Ok(values.extras(py).update(found.as_mapping())?)
}

#[cold]
fn name_field(py: Python<'_>, error: PyErr, name: &str, offset: usize) -> PyErr {
    if error.is_instance_of::<EventDecodeError>(py) {
        return error;
    }
    match Flaw::Raised(error).into_error(py, offset) {
        told if told.is_instance_of::<EventDecodeError>(py) => {
            let reason = told.value(py).getattr("reason").map_or_else(|_| String::new(), |reason| reason.to_string());
            let named = EventDecodeError::new_err((format!("{name}: {reason}"), offset));
            named.set_cause(py, told.cause(py));
            named
        }
        other => other,
    }
}

#[cold]
fn wrong<'a, S: Source<'a>>(source: &S, reason: impl Into<String>) -> Flaw {
    Flaw::Decode(DecodeError::new(source.offset(), reason))
}

#[cold]
fn unfit<'a, S: Source<'a>>(source: &S, wanted: &str, token: &Token<'_>) -> Flaw {
    let found = match *token {
        Token::Text(text) | Token::Name(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
        Token::Int(int) => int.to_string(),
        Token::Float(float) => float.to_string(),
        ref other => other.kind().to_owned(),
    };
    wrong(source, format!("{found} is no {wanted}"))
}

fn deeper<'a, S: Source<'a>>(source: &S, depth: usize) -> Result<usize, Flaw> {
    if depth >= MAX_DEPTH {
        return Err(wrong(source, format!("it is nested more than {MAX_DEPTH} deep")));
    }
    Ok(depth + 1)
}

/// A value of a shape, of which the first token has been read.
pub(super) fn read<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    shape: &Shape,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    match (shape, token) {
        (Shape::Optional(_) | Shape::None, Token::None) => Ok(py.None().into_bound(py)),
        (Shape::Optional(inner), token) => read(py, inner, token, source, depth),
        (Shape::Decimal(bounds), token) => read_decimal(py, bounds, token, source),
        (Shape::Moment | Shape::Datetime, Token::Moment(micros)) => Ok(moment::make_utc(py, micros)?.into_any()),
        (Shape::Text(bounds) | Shape::Id(bounds), Token::Text(text) | Token::Name(text)) => {
            read_text(py, bounds, text, source)
        }
        (Shape::Id(_), Token::Id(id)) => Ok(hex_text(py, id).into_any()),
        (Shape::Id(_), Token::Bytes(bytes)) => match bytes.try_into() {
            Ok(id) => Ok(hex_text(py, id).into_any()),
            Err(_) => Err(wrong(source, format!("an id has 16 bytes, not {}", bytes.len()))),
        },
        (Shape::Bool, Token::Bool(truth)) => Ok(truth.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any()),
        (Shape::Int(bounds), token) => read_int(py, bounds, token, source),
        (Shape::Float(bounds), token) => read_float(py, bounds, token, source),
        (Shape::Literal(choices), token) => {
            let value = read_any(py, token, source, deeper(source, depth)?)?;
            let choice = find_choice(choices, &value)?;
            choice.cloned().ok_or_else(|| unfit(source, "choice of its field", &token))
        }
        (Shape::Metadata, Token::Map(count)) => {
            let depth = deeper(source, depth)?;
            read_map(py, count, source, depth, &mut read_json)
        }
        (shape, token) => read_rest(py, shape, token, source, depth),
    }
}

fn read_rest<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    shape: &Shape,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    match (shape, token) {
        (Shape::Bytes(bounds), Token::Bytes(bytes)) if S::TRUSTED || bounds.hold_length(bytes.len()) => {
            Ok(PyBytes::new(py, bytes).into_any())
        }
        (Shape::Bytes(bounds), Token::Id(bytes)) if S::TRUSTED || bounds.hold_length(16) => {
            Ok(PyBytes::new(py, &bytes).into_any())
        }
        (Shape::Datetime, Token::Text(text)) => Ok(from_isoformat(&py.get_type::<PyDateTime>(), text)?),
        (Shape::Date, Token::Text(text)) => Ok(from_isoformat(&py.get_type::<PyDate>(), text)?),
        (Shape::Time, Token::Text(text)) => Ok(from_isoformat(&py.get_type::<PyTime>(), text)?),
        (Shape::Timedelta, token) => {
            let micros = read_int(py, &Bounds::default(), token, source)?;
            let options = PyDict::new(py);
            options.set_item(intern!(py, "microseconds"), micros)?;
            Ok(py.get_type::<PyDelta>().call((), Some(&options))?)
        }
        (Shape::Uuid, Token::Bytes(bytes)) => Ok(make_uuid(py, bytes)?),
        (Shape::Uuid, Token::Id(bytes)) => Ok(make_uuid(py, &bytes)?),
        (Shape::Any, token) => read_any(py, token, source, deeper(source, depth)?),
        (Shape::Json, token) => read_json(py, token, source, deeper(source, depth)?),
        (Shape::Enum { by_value, .. }, token) => {
            let value = read_any(py, token, source, deeper(source, depth)?)?;
            let member = if value.hash().is_ok() { by_value.bind(py).get_item(&value)? } else { None };
            member.ok_or_else(|| unfit(source, "value of its enumeration", &token))
        }
        (Shape::List(inner, bounds), Token::List(count)) => {
            let list = read_items(py, inner, bounds, count, source, depth)?;
            Ok(list.into_any())
        }
        (Shape::TupleOf(inner, bounds), Token::List(count)) => {
            let list = read_items(py, inner, bounds, count, source, depth)?;
            Ok(list.to_tuple().into_any())
        }
        (Shape::Tuple(inner), Token::List(count)) if count == inner.len() => {
            let depth = deeper(source, depth)?;
            let values =
                inner.iter().map(|inner| read_next(py, inner, source, depth)).collect::<Result<Vec<_>, _>>()?;
            Ok(PyTuple::new(py, values)?.into_any())
        }
        (Shape::Dict(parts, bounds), token) => read_dict(py, parts, bounds, token, source, depth),
        (Shape::Model(class), Token::Map(count)) => {
            let depth = deeper(source, depth)?;
            read_model(py, Class::of(class.bind(py))?, count, source, depth)
        }
        (Shape::Union { members, is_told }, token) => read_union(py, members, *is_told, token, source, depth),
        (Shape::Pydantic { parse, .. }, token) => {
            let plain = read_any(py, token, source, deeper(source, depth)?)?;
            let text = py.import("trading.events.typed_json")?.call_method1("render_json", (plain,))?;
            Ok(parse.bind(py).call1((text,))?)
        }
        (_, token) => Err(unfit(source, "value of its field", &token)),
    }
}

fn read_next<'a, 'py, S: Source<'a>>(py: Python<'py>, shape: &Shape, source: &mut S, depth: usize) -> Read<'py> {
    let token = source.next()?;
    read(py, shape, token, source, depth)
}

fn read_decimal<'a, 'py, S: Source<'a>>(py: Python<'py>, bounds: &Bounds, token: Token<'a>, source: &S) -> Read<'py> {
    let parsed;
    let plain = match token {
        Token::Decimal(ref found) => Some(found),
        Token::Text(text) | Token::Name(text) => match Decimal::parse(text) {
            Some(Parsed::Decimal(found)) => {
                parsed = found;
                Some(&parsed)
            }
            Some(_) => None,
            None => return Err(unfit(source, "decimal", &token)),
        },
        _ => return Err(unfit(source, "decimal", &token)),
    };
    if let Some(found) = plain {
        if !S::TRUSTED && !bounds.hold_sign(found.negative, found.mantissa == 0) {
            return Err(unfit_decimal(source, &token));
        }
        return Ok(decimal::make(py, found)?);
    }
    let (Token::Text(text) | Token::Name(text)) = token else {
        return Err(unfit(source, "decimal", &token));
    };
    let made = decimal::make_from_text(py, text)?.ok_or_else(|| unfit(source, "decimal", &token))?;
    let (finite, negative, zero) = decimal::signs(&made)?;
    let fits = if finite { bounds.hold_sign(negative, zero) } else { !bounds.finite };
    if fits || S::TRUSTED { Ok(made) } else { Err(unfit_decimal(source, &token)) }
}

#[cold]
fn unfit_decimal<'a, S: Source<'a>>(source: &S, token: &Token<'_>) -> Flaw {
    unfit(source, "decimal that its field may hold", token)
}

fn read_text<'a, 'py, S: Source<'a>>(py: Python<'py>, bounds: &Bounds, text: &str, source: &S) -> Read<'py> {
    if let Some(recent) = bounds.recent.find(py, text) {
        return Ok(recent.into_any());
    }
    let made = PyString::new(py, text);
    match check_text(bounds, text, &made, source) {
        Ok(()) => bounds.recent.keep(text, &made),
        Err(_) if S::TRUSTED => {}
        Err(flaw) => return Err(flaw),
    }
    Ok(made.into_any())
}

fn check_text<'a, S: Source<'a>>(
    bounds: &Bounds,
    text: &str,
    made: &Bound<'_, PyString>,
    source: &S,
) -> Result<(), Flaw> {
    if bounds.min_length.is_some() || bounds.max_length.is_some() {
        let length = if bounds.max_length.is_some() { text.chars().count() } else { text.len() };
        let short = bounds.min_length.is_some_and(|least| least > 1 && text.chars().count() < least);
        if short || !bounds.hold_length(length) {
            return Err(wrong(
                source,
                format!("its length is out of bounds: {:?}", text.chars().take(80).collect::<String>()),
            ));
        }
    }
    let checked = match bounds.name {
        None => Ok(()),
        Some(Name::Exchange) => topic::check_exchange(text),
        Some(Name::Symbol) => topic::check_symbol(text),
    };
    checked.map_err(|error| wrong(source, format!("{text:?}: {error}")))?;
    if let Some(check) = &bounds.check {
        check.bind(made.py()).call1((made,))?;
    }
    Ok(())
}

fn read_int<'a, 'py, S: Source<'a>>(py: Python<'py>, bounds: &Bounds, token: Token<'a>, source: &S) -> Read<'py> {
    if let Token::Int(int) = token {
        return if S::TRUSTED || bounds.hold_int(int) {
            Ok(int.into_pyobject(py).map_err(PyErr::from)?.into_any())
        } else {
            Err(unfit(source, "integer that its field may hold", &token))
        };
    }
    let (made, above) = match token {
        // Only columns have them as text.
        Token::Text(text) if S::COLUMNS => (py.get_type::<PyInt>().call1((text,))?, !text.starts_with('-')),
        Token::Unsigned(int) => (int.into_pyobject(py).map_err(PyErr::from)?.into_any(), true),
        Token::BigInt(bytes) => (big_int(py, bytes)?, bytes.first().is_none_or(|first| *first < 128)),
        _ => return Err(unfit(source, "integer", &token)),
    };
    // It is beyond 64 bits, and every bound is within them.
    if !S::TRUSTED && bounds.end(above) {
        return Err(unfit(source, "integer that its field may hold", &token));
    }
    Ok(made)
}

fn big_int<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let options = PyDict::new(py);
    options.set_item(intern!(py, "signed"), true)?;
    py.get_type::<PyInt>().call_method(intern!(py, "from_bytes"), (PyBytes::new(py, bytes), "big"), Some(&options))
}

fn read_float<'a, 'py, S: Source<'a>>(py: Python<'py>, bounds: &Bounds, token: Token<'a>, source: &S) -> Read<'py> {
    let float = match token {
        Token::Float(float) => float,
        #[expect(clippy::cast_precision_loss, reason = "programs in other languages write 1 for 1.0")]
        Token::Int(int) => int as f64,
        _ => return Err(unfit(source, "float", &token)),
    };
    if !S::TRUSTED && !bounds.hold_float(float) {
        return Err(unfit(source, "float that its field may hold", &token));
    }
    Ok(float.into_pyobject(py).map_err(PyErr::from)?.into_any())
}

fn from_isoformat<'py>(class: &Bound<'py, PyType>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    class.call_method1(intern!(class.py(), "fromisoformat"), (text,))
}

fn make_uuid<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "bytes"), PyBytes::new(py, bytes))?;
    UUID.import(py, "uuid", "UUID")?.call((), Some(&options))
}

fn read_items<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    inner: &Shape,
    bounds: &Bounds,
    count: usize,
    source: &mut S,
    depth: usize,
) -> Result<Bound<'py, PyList>, Flaw> {
    let depth = deeper(source, depth)?;
    if !S::TRUSTED && !bounds.hold_length(count) {
        return Err(wrong(source, format!("{count} values are not what its field may hold")));
    }
    let list = PyList::empty(py);
    for _ in 0..count {
        list.append(read_next(py, inner, source, depth)?)?;
    }
    Ok(list)
}

fn read_dict<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    parts: &(Shape, Shape),
    bounds: &Bounds,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    let depth = deeper(source, depth)?;
    let named = matches!(parts.0, Shape::Text(_));
    let count = match token {
        Token::Map(count) if named => count,
        Token::List(count) if !named => count,
        _ => return Err(unfit(source, "mapping", &token)),
    };
    if !S::TRUSTED && !bounds.hold_length(count) {
        return Err(wrong(source, format!("{count} entries are not what its field may hold")));
    }
    let dict = PyDict::new(py);
    for _ in 0..count {
        if !named {
            let pair = source.next()?;
            if pair != Token::List(2) {
                return Err(unfit(source, "pair of a key and its value", &pair));
            }
        }
        let key = read_next(py, &parts.0, source, depth)?;
        dict.set_item(key, read_next(py, &parts.1, source, depth)?)?;
    }
    Ok(dict.into_any())
}

fn read_model<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    class: &Class,
    count: usize,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    let offset = source.offset();
    let mut values = Values::new(class, S::TRUSTED);
    for place in 0..count {
        let name = read_name(source)?;
        match find_name(&class.layout, name, place) {
            Some(index) => {
                let token = source.next()?;
                let value = read_field(py, class, index, token, source, depth)?;
                put(&mut values, class, index, value, source)?;
            }
            None if class.keeps_extras => {
                let value = read_next(py, &Shape::Any, source, depth)?;
                values.extras(py).set_item(name, value)?;
            }
            None => source.skip()?,
        }
    }
    build::build(py, class, values, offset)
}

fn find_name(layout: &Layout, name: &str, expected: usize) -> Option<usize> {
    let names = layout.names();
    if names.get(expected).is_some_and(|at| at == name) {
        return Some(expected);
    }
    names.iter().position(|at| at == name)
}

fn read_name<'a, S: Source<'a>>(source: &mut S) -> Result<&'a str, Flaw> {
    match source.next()? {
        Token::Text(name) | Token::Name(name) => Ok(name),
        other => Err(wrong(source, format!("a key of a map is {}, not a text", other.kind()))),
    }
}

fn read_union<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    members: &[Shape],
    is_told: bool,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
) -> Read<'py> {
    if !is_told {
        let member = members.iter().find(|member| member.takes(&token));
        let member = member.ok_or_else(|| unfit(source, "value of its field", &token))?;
        return read(py, member, token, source, depth);
    }
    if token != Token::List(2) {
        return Err(unfit(source, "pair of a number and its value", &token));
    }
    let number = source.next()?;
    let member = match number {
        Token::Int(index) => usize::try_from(index).ok().and_then(|index| members.get(index)),
        _ => None,
    };
    let member = member.ok_or_else(|| unfit(source, "number of a type in its union", &number))?;
    read_next(py, member, source, depth)
}

/// What JSON can say.
fn read_json<'a, 'py, S: Source<'a>>(py: Python<'py>, token: Token<'a>, source: &mut S, depth: usize) -> Read<'py> {
    match token {
        Token::Float(float) if !float.is_finite() => Err(unfit(source, "number that JSON has", &token)),
        Token::Bytes(_) | Token::Id(_) => Err(unfit(source, "value that JSON has", &token)),
        _ => read_plain(py, token, source, depth, &mut read_json),
    }
}

/// Plain data: what JSON can say, any float, and bytes.
fn read_any<'a, 'py, S: Source<'a>>(py: Python<'py>, token: Token<'a>, source: &mut S, depth: usize) -> Read<'py> {
    match token {
        Token::Bytes(bytes) => Ok(PyBytes::new(py, bytes).into_any()),
        Token::Id(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
        _ => read_plain(py, token, source, depth, &mut read_any),
    }
}

type ReadPart<'b, 'a, 'py, S> = &'b mut dyn FnMut(Python<'py>, Token<'a>, &mut S, usize) -> Read<'py>;

fn read_plain<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    token: Token<'a>,
    source: &mut S,
    depth: usize,
    read_part: ReadPart<'_, 'a, 'py, S>,
) -> Read<'py> {
    match token {
        Token::None => Ok(py.None().into_bound(py)),
        Token::Bool(_) => read(py, &Shape::Bool, token, source, depth),
        Token::Int(_) | Token::Unsigned(_) | Token::BigInt(_) => read_int(py, &Bounds::default(), token, source),
        Token::Float(float) => Ok(float.into_pyobject(py).map_err(PyErr::from)?.into_any()),
        Token::Text(text) | Token::Name(text) => Ok(PyString::new(py, text).into_any()),
        Token::List(count) => {
            let depth = deeper(source, depth)?;
            let list = PyList::empty(py);
            for _ in 0..count {
                let token = source.next()?;
                list.append(read_part(py, token, source, depth)?)?;
            }
            Ok(list.into_any())
        }
        Token::Map(count) => read_map(py, count, source, depth, read_part),
        Token::Bytes(_) | Token::Id(_) | Token::Decimal(_) | Token::Moment(_) => {
            Err(unfit(source, "value of plain data", &token))
        }
    }
}

fn read_map<'a, 'py, S: Source<'a>>(
    py: Python<'py>,
    count: usize,
    source: &mut S,
    depth: usize,
    read_part: ReadPart<'_, 'a, 'py, S>,
) -> Read<'py> {
    let depth = deeper(source, depth)?;
    let dict = PyDict::new(py);
    for _ in 0..count {
        let name = read_name(source)?;
        let token = source.next()?;
        dict.set_item(name, read_part(py, token, source, depth)?)?;
    }
    Ok(dict.into_any())
}
