//! Building values by their shapes.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDate, PyDateTime, PyDelta, PyDict, PyString, PyTime};
use trading_events_core::codec::{Source, Token};

use super::super::class::Class;
use super::super::json::render_json;
use super::super::literal::find_choice;
use super::super::moment;
use super::super::read_error::{ReadResult, nested, unexpected};
use super::super::shape::{Bounds, Shape};
use super::containers::{read_dict, read_items, read_model, read_tuple, read_union};
use super::plain::{Made, read_any, read_frozen, read_json, read_map};
use super::scalars::{from_isoformat, make_uuid, read_decimal, read_float, read_id, read_int, read_text};

impl Shape {
    /// The next value.
    pub(super) fn read_next<'a, 'py, S: Source<'a>>(
        &self,
        py: Python<'py>,
        source: &mut S,
        depth: usize,
    ) -> ReadResult<'py> {
        let token = source.next()?;
        self.read(py, token, source, depth)
    }

    /// The value whose first token has been read.
    pub(super) fn read<'a, 'py, S: Source<'a>>(
        &self,
        py: Python<'py>,
        token: Token<'a>,
        source: &mut S,
        depth: usize,
    ) -> ReadResult<'py> {
        match (self, token) {
            (Self::Optional(_) | Self::None, Token::None) => Ok(py.None().into_bound(py)),
            (Self::Optional(inner), token) => inner.read(py, token, source, depth),
            (Self::Decimal(bounds), token) => read_decimal(py, bounds, token, source),
            (Self::Moment | Self::Datetime, Token::Moment(micros)) => Ok(moment::make_utc(py, micros)?.into_any()),
            (Self::Text(bounds) | Self::Id(bounds), Token::Text(text) | Token::Name(text)) => {
                read_text(py, bounds, text, source)
            }
            (Self::Id(_), token @ (Token::Id(_) | Token::Bytes(_))) => read_id(py, token, source),
            (Self::Bool, Token::Bool(truth)) => Ok(truth.into_pyobject(py).map_err(PyErr::from)?.to_owned().into_any()),
            (Self::Int(bounds), token) => read_int(py, bounds, token, source),
            (Self::Float(bounds), token) => read_float(py, bounds, token, source),
            (Self::Literal(choices), Token::Text(text) | Token::Name(text)) => {
                let is_it = |choice: &&Py<PyAny>| choice.bind(py).cast_exact::<PyString>().is_ok_and(|it| it == text);
                let choice = choices.iter().find(is_it).map(|choice| choice.bind(py).clone());
                choice.ok_or_else(|| unexpected(source, "choice of its field", &token))
            }
            (Self::Metadata, Token::Map(count)) => {
                let depth = nested(source, depth)?;
                read_map(py, Made::Frozen, count, source, depth, &mut read_frozen)
            }
            (shape, token) => shape.read_rare(py, token, source, depth),
        }
    }

    /// A value of a rare scalar shape.
    fn read_rare<'a, 'py, S: Source<'a>>(
        &self,
        py: Python<'py>,
        token: Token<'a>,
        source: &mut S,
        depth: usize,
    ) -> ReadResult<'py> {
        match (self, token) {
            (Self::Bytes(bounds), Token::Bytes(bytes)) if S::TRUSTED || bounds.hold_length(bytes.len()) => {
                Ok(PyBytes::new(py, bytes).into_any())
            }
            (Self::Bytes(bounds), Token::Id(bytes)) if S::TRUSTED || bounds.hold_length(16) => {
                Ok(PyBytes::new(py, &bytes).into_any())
            }
            (Self::Datetime, Token::Text(text) | Token::Name(text)) => {
                Ok(from_isoformat(&py.get_type::<PyDateTime>(), text)?)
            }
            (Self::Date, Token::Text(text) | Token::Name(text)) => Ok(from_isoformat(&py.get_type::<PyDate>(), text)?),
            (Self::Time, Token::Text(text) | Token::Name(text)) => Ok(from_isoformat(&py.get_type::<PyTime>(), text)?),
            (Self::Timedelta, token) => {
                let micros = read_int(py, &Bounds::default(), token, source)?;
                let options = PyDict::new(py);
                options.set_item(intern!(py, "microseconds"), micros)?;
                Ok(py.get_type::<PyDelta>().call((), Some(&options))?)
            }
            (Self::Uuid, Token::Bytes(bytes)) => Ok(make_uuid(py, bytes)?),
            (Self::Uuid, Token::Id(bytes)) => Ok(make_uuid(py, &bytes)?),
            (Self::Any, token) => read_any(py, token, source, nested(source, depth)?),
            (Self::Json, token) => read_json(py, token, source, nested(source, depth)?),
            (shape, token) => shape.read_choice(py, token, source, depth),
        }
    }

    /// A value identified by plain data.
    fn read_choice<'a, 'py, S: Source<'a>>(
        &self,
        py: Python<'py>,
        token: Token<'a>,
        source: &mut S,
        depth: usize,
    ) -> ReadResult<'py> {
        match self {
            Self::Literal(choices) => {
                let value = read_any(py, token, source, nested(source, depth)?)?;
                let choice = find_choice(choices, &value)?;
                choice.cloned().ok_or_else(|| unexpected(source, "choice of its field", &token))
            }
            Self::Enum { by_value, .. } => {
                let value = read_any(py, token, source, nested(source, depth)?)?;
                let member = if value.hash().is_ok() { by_value.bind(py).get_item(&value)? } else { None };
                member.ok_or_else(|| unexpected(source, "value of its enumeration", &token))
            }
            Self::Pydantic { parse, .. } => {
                let plain = read_any(py, token, source, nested(source, depth)?)?;
                Ok(parse.bind(py).call1((render_json(&plain)?,))?)
            }
            _ => self.read_parts(py, token, source, depth),
        }
    }

    /// A value of a composite shape.
    fn read_parts<'a, 'py, S: Source<'a>>(
        &self,
        py: Python<'py>,
        token: Token<'a>,
        source: &mut S,
        depth: usize,
    ) -> ReadResult<'py> {
        match (self, token) {
            (Self::List(inner, bounds), Token::List(count)) => {
                Ok(read_items(py, inner, bounds, count, source, depth)?.into_any())
            }
            (Self::TupleOf(inner, bounds), Token::List(count)) => {
                Ok(read_items(py, inner, bounds, count, source, depth)?.to_tuple().into_any())
            }
            (Self::Tuple(inner), Token::List(count)) if count == inner.len() => read_tuple(py, inner, source, depth),
            (Self::Dict(parts, bounds), token) => read_dict(py, parts, bounds, token, source, depth),
            (Self::Model(class), Token::Map(count)) => {
                let depth = nested(source, depth)?;
                read_model(py, Class::of(class.bind(py))?, count, source, depth)
            }
            (Self::Proven { inner, .. }, token) => inner.read(py, token, source, depth),
            (Self::Union { members, is_tagged }, token) => read_union(py, members, *is_tagged, token, source, depth),
            (Self::Checked(inner, check), token) => {
                let value = inner.read(py, token, source, depth)?;
                if !S::TRUSTED {
                    check.bind(py).call1((&value,))?;
                }
                Ok(value)
            }
            (_, token) => Err(unexpected(source, "value of its field", &token)),
        }
    }
}
