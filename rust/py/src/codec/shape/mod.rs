//! The shapes of fields' values, as described by `trading.events._codec.shapes`.

mod bounds;
mod compile;
mod tokens;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

pub(super) use bounds::Bounds;

/// The shape of a field's values, or of a part of them.
pub(super) enum Shape {
    None,
    Bool,
    Int(Bounds),
    Float(Bounds),
    Text(Bounds),
    Id(Bounds),
    Bytes(Bounds),
    Decimal(Bounds),
    Moment,
    Datetime,
    Date,
    Time,
    Timedelta,
    Uuid,
    /// Any plain data.
    Any,
    /// A JSON value.
    Json,
    /// A JSON object.
    Metadata,
    /// One of some choices.
    Literal(Vec<Py<PyAny>>),
    Enum {
        class: Py<PyType>,
        by_value: Py<PyDict>,
    },
    Optional(Box<Shape>),
    List(Box<Shape>, Bounds),
    /// A tuple of any length.
    TupleOf(Box<Shape>, Bounds),
    Tuple(Vec<Shape>),
    Dict(Box<(Shape, Shape)>, Bounds),
    Model(Py<PyType>),
    /// A value of one of the members; tagged with its index if the first token does not identify the member.
    Union {
        members: Vec<Shape>,
        is_tagged: bool,
    },
    /// A shape with constraints that only Pydantic knows, and a function that raises for values that violate them.
    Checked(Box<Shape>, Py<PyAny>),
    /// A type that only Pydantic knows, with functions that render its values as JSON text and parse that.
    Pydantic {
        render: Py<PyAny>,
        parse: Py<PyAny>,
    },
    /// A shape whose values must also survive JSON: `render` raises for those that do not.
    Proven {
        inner: Box<Shape>,
        render: Py<PyAny>,
    },
    /// A type whose values cannot be restored, for this reason.
    Unstorable(String),
}

impl Shape {
    /// Visits each model class that its values may contain.
    pub(super) fn each_model(&self, visit: &mut impl FnMut(&Py<PyType>)) {
        match self {
            Self::Model(class) => visit(class),
            Self::Optional(inner)
            | Self::Checked(inner, _)
            | Self::List(inner, _)
            | Self::TupleOf(inner, _)
            | Self::Proven { inner, .. } => {
                inner.each_model(visit);
            }
            Self::Tuple(parts) | Self::Union { members: parts, .. } => {
                for part in parts {
                    part.each_model(visit);
                }
            }
            Self::Dict(parts, _) => {
                parts.0.each_model(visit);
                parts.1.each_model(visit);
            }
            _ => {}
        }
    }

    /// Tells if only Pydantic knows its values.
    pub(super) fn is_opaque(&self) -> bool {
        match self {
            Self::Optional(inner) => inner.is_opaque(),
            _ => matches!(self, Self::Pydantic { .. }),
        }
    }

    /// Tells if an empty dictionary is a value.
    pub(super) fn has_empty_dict(&self) -> bool {
        matches!(self, Self::Metadata | Self::Any | Self::Json | Self::Dict(..))
    }

    /// Tells if None is a value, and no other value is written in the same way.
    pub(super) fn has_none(&self) -> bool {
        match self {
            Self::Checked(inner, _) | Self::Proven { inner, .. } => inner.has_none(),
            _ => matches!(self, Self::Optional(_) | Self::None | Self::Any | Self::Json),
        }
    }
}
