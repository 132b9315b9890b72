//! What values a field holds, as `trading.events._codec.shapes` says it.

mod bounds;
mod compile;
mod tokens;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};

pub(super) use bounds::Bounds;

/// The values of a field, or of a part of one.
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
    /// Whatever is plain data.
    Any,
    /// What JSON can say.
    Json,
    /// The same, by name.
    Metadata,
    /// One of these.
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
    /// One of these; `is_tagged` where the tokens do not tell which.
    Union {
        members: Vec<Shape>,
        is_tagged: bool,
    },
    /// A shape with constraints that only Pydantic knows, and what raises where a value that is read breaks one.
    Checked(Box<Shape>, Py<PyAny>),
    /// Only Pydantic knows them: what renders them as JSON text, and what parses that.
    Pydantic {
        render: Py<PyAny>,
        parse: Py<PyAny>,
    },
    /// Read and written as they are; what renders them as JSON text raises for one that would not come back from that.
    Proven {
        inner: Box<Shape>,
        render: Py<PyAny>,
    },
    /// No value of it comes back as it was, for this reason.
    Unstorable(String),
}

impl Shape {
    /// Calls for each class of models that its values may hold.
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

    /// Whether only Pydantic knows its values.
    pub(super) fn is_opaque(&self) -> bool {
        match self {
            Self::Optional(inner) => inner.is_opaque(),
            _ => matches!(self, Self::Pydantic { .. }),
        }
    }

    /// Whether None is one of its values, and no other value is written as that is.
    pub(super) fn has_none(&self) -> bool {
        match self {
            Self::Checked(inner, _) | Self::Proven { inner, .. } => inner.has_none(),
            _ => matches!(self, Self::Optional(_) | Self::None | Self::Any | Self::Json),
        }
    }
}
