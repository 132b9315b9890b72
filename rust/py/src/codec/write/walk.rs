//! Writing values by their shapes.

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDate, PyDateTime, PyFloat, PyInt, PyList, PyTuple};
use trading_events_core::codec::{Sink, Token};

use super::super::class::Class;
use super::super::frozen;
use super::super::json::from_json;
use super::super::moment;
use super::super::shape::Shape;
use super::containers::{write_dict, write_items, write_model, write_tuple, write_union};
use super::literal::write_literal;
use super::plain::{Depth, nested, write_json, write_map};
use super::scalars::{
    holds_int, short, write_datetime, write_decimal, write_id, write_int, write_text, write_text_of, write_time,
    write_timedelta, write_uuid,
};
use super::write_error::{WriteError, WriteResult, check};

impl Shape {
    /// Writes a value of the shape.
    pub(super) fn write<S: Sink>(&self, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> WriteResult {
        match self {
            Self::Optional(inner) => {
                if value.is_none() {
                    sink.put(Token::None);
                    return Ok(());
                }
                inner.write(value, sink, depth)
            }
            Self::Decimal(bounds) => write_decimal(bounds, value, sink),
            Self::Moment => {
                let moment = moment::read_utc(value.cast_exact::<PyDateTime>()?)?;
                sink.put(Token::Moment(moment.ok_or(WriteError::Kind)?));
                Ok(())
            }
            Self::Text(bounds) => write_text(bounds, value, sink),
            Self::Id(_) => write_id(value, sink),
            Self::Int(bounds) => {
                let int = value.cast_exact::<PyInt>()?;
                check(bounds.comparisons.is_empty() || holds_int(bounds, int))?;
                write_int(int, sink)
            }
            Self::Float(bounds) => {
                let float = value.cast_exact::<PyFloat>()?.value();
                check(bounds.hold_float(float))?;
                sink.put(Token::Float(float));
                Ok(())
            }
            Self::Bool => {
                sink.put(Token::Bool(value.cast_exact::<PyBool>()?.is_true()));
                Ok(())
            }
            Self::Literal(choices) => write_literal(choices, value, sink),
            Self::Metadata => write_map(frozen::as_dict(value)?.ok_or(WriteError::Kind)?, Depth::new(depth)?, sink),
            _ => self.write_rare(value, sink, depth),
        }
    }

    /// Writes a value of a rare scalar shape.
    fn write_rare<S: Sink>(&self, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> WriteResult {
        let py = value.py();
        match self {
            Self::None if value.is_none() => sink.put(Token::None),
            Self::Bytes(bounds) => {
                let bytes = value.cast_exact::<PyBytes>()?.as_bytes();
                check(bounds.hold_length(bytes.len()))?;
                sink.put(Token::Bytes(short(bytes)?));
            }
            Self::Datetime => write_datetime(value.cast_exact()?, sink)?,
            Self::Date => write_text_of(value.cast_exact::<PyDate>()?.call_method0(intern!(py, "isoformat"))?, sink)?,
            Self::Time => write_time(value.cast_exact()?, sink)?,
            Self::Timedelta => write_timedelta(value.cast_exact()?, sink)?,
            Self::Uuid => write_uuid(value, sink)?,
            Self::Any | Self::Json => write_json(value, sink, Depth::new(depth)?)?,
            Self::Enum { class, .. } => {
                if !value.get_type().is(class) {
                    return Err(WriteError::Kind);
                }
                write_json(&value.getattr(intern!(py, "value"))?, sink, Depth::new(depth)?)?;
            }
            Self::Pydantic { render, .. } => {
                let plain = from_json(&render.bind(py).call1((value,))?)?;
                write_json(&plain, sink, Depth::new(depth)?)?;
            }
            Self::Unstorable(reason) => return Err(WriteError::Reason(reason.clone())),
            _ => self.write_parts(value, sink, depth)?,
        }
        Ok(())
    }

    /// Writes a value of a composite shape.
    fn write_parts<S: Sink>(&self, value: &Bound<'_, PyAny>, sink: &mut S, depth: usize) -> WriteResult {
        let py = value.py();
        match self {
            Self::List(inner, bounds) => {
                let list = value.cast_exact::<PyList>()?;
                check(bounds.hold_length(list.len()))?;
                write_items(inner, list.iter(), sink, depth)
            }
            Self::TupleOf(inner, bounds) => {
                let values = value.cast_exact::<PyTuple>()?;
                check(bounds.hold_length(values.len()))?;
                write_items(inner, values.iter(), sink, depth)
            }
            Self::Tuple(inner) => write_tuple(inner, value.cast_exact()?, sink, depth),
            Self::Dict(parts, bounds) => write_dict(parts, bounds, value.cast_exact()?, sink, depth),
            Self::Model(class) if value.get_type().is(class) => {
                write_model(Class::of(class.bind(py))?, value, sink, nested(depth)?)
            }
            Self::Checked(inner, check) => {
                inner.write(value, sink, depth)?;
                if S::COLUMNS || S::LASTING {
                    check.bind(py).call1((value,))?;
                }
                Ok(())
            }
            Self::Union { members, is_tagged } => write_union(members, *is_tagged, value, sink, depth),
            Self::Proven { inner, render } => {
                inner.write(value, sink, depth)?;
                if S::LASTING {
                    render.bind(py).call1((value,))?;
                }
                Ok(())
            }
            _ => Err(WriteError::Kind),
        }
    }
}
