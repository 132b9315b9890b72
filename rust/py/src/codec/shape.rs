//! What values a field holds, as `trading.events._codec.shapes` says it.

use std::ops::Deref;

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use trading_events_core::codec::Token;
use trading_events_core::codec::limits::{Comparison, Limit, Limits, Name};

use super::recent::Recent;

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
    /// One of these; `is_told` where the tokens do not tell which.
    Union {
        members: Vec<Shape>,
        is_told: bool,
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

/// What else holds of values.
#[derive(Default)]
pub(super) struct Bounds {
    pub(super) limits: Limits,
    /// What raises where something else does not hold.
    pub(super) check: Option<Py<PyAny>>,
    /// Texts that were built lately, and so were found to be within all these.
    pub(super) recent: Texts,
}

impl Deref for Bounds {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        &self.limits
    }
}

/// How long a text may be that is kept.
const RECENT_BYTES: usize = 24;

/// Short texts of a field, each to be shared by events that have it.
pub(super) struct Texts(Recent<Py<PyString>, 32>);

impl Default for Texts {
    fn default() -> Self {
        Self(Recent::new())
    }
}

impl Texts {
    fn hash(text: &str) -> Option<usize> {
        let bytes = text.as_bytes();
        let (first, last) = (bytes.first()?, bytes.last()?);
        let mixed = usize::from(*first) ^ usize::from(*last) << 1 ^ usize::from(bytes[bytes.len() / 2]) << 2;
        (bytes.len() <= RECENT_BYTES).then_some(mixed ^ bytes.len())
    }

    /// The text as it was built before.
    pub(super) fn find<'py>(&self, py: Python<'py>, text: &str) -> Option<Bound<'py, PyString>> {
        self.0.find(py, Self::hash(text)?, |known| {
            let known = known.bind(py);
            (known.to_str().ok()? == text).then(|| known.clone())
        })
    }

    /// Keeps a text.
    pub(super) fn keep(&self, text: &str, built: &Bound<'_, PyString>) {
        if let Some(hash) = Self::hash(text) {
            self.0.keep(built.py(), hash, built.clone().unbind());
        }
    }
}

impl Shape {
    /// The shape that a description has.
    pub(super) fn compile(shape: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = shape.py();
        let kind: String = shape.getattr(intern!(py, "kind"))?.extract()?;
        let detail = shape.getattr(intern!(py, "detail"))?;
        let bounds = Bounds::compile(&shape.getattr(intern!(py, "bounds"))?)?;
        let inner = shape.getattr(intern!(py, "inner"))?.cast_into::<PyTuple>()?;
        let mut inner: Vec<Self> = inner.iter().map(|part| Self::compile(&part, class)).collect::<PyResult<_>>()?;
        let mut first = || Box::new(inner.remove(0));
        Ok(match kind.as_str() {
            "none" => Self::None,
            "bool" => Self::Bool,
            "int" => Self::Int(bounds),
            "float" => Self::Float(bounds),
            "text" => Self::Text(bounds),
            "id" => Self::Id(bounds),
            "bytes" => Self::Bytes(bounds),
            "decimal" => Self::Decimal(bounds),
            "moment" => Self::Moment,
            "datetime" => Self::Datetime,
            "date" => Self::Date,
            "time" => Self::Time,
            "timedelta" => Self::Timedelta,
            "uuid" => Self::Uuid,
            "any" => Self::Any,
            "json" => Self::Json,
            "metadata" => Self::Metadata,
            "literal" => Self::Literal(detail.try_iter()?.map(|choice| Ok(choice?.unbind())).collect::<PyResult<_>>()?),
            "enum" => compile_enum(detail.cast_into()?)?,
            "optional" => Self::Optional(first()),
            "checked" => Self::Checked(first(), detail.unbind()),
            "list" => Self::List(first(), bounds),
            "tuple_of" => Self::TupleOf(first(), bounds),
            "tuple" => Self::Tuple(inner),
            "dict" => {
                let (key, value) = (inner.remove(0), inner.remove(0));
                Self::Dict(Box::new((key, value)), bounds)
            }
            "model" => Self::Model(detail.cast_into()?.unbind()),
            "union" => Self::Union { is_told: !are_told_apart(&inner), members: inner },
            "pydantic" => {
                let module = py.import(intern!(py, "trading.events._codec.typed_json"))?;
                let (render, parse) = module.call_method1(intern!(py, "typed_json"), (class, detail))?.extract()?;
                Self::Pydantic { render, parse }
            }
            "proven" => {
                let module = py.import(intern!(py, "trading.events._codec.typed_json"))?;
                let json = module.call_method1(intern!(py, "typed_json"), (class, detail))?;
                let (render, _): (Py<PyAny>, Py<PyAny>) = json.extract()?;
                Self::Proven { inner: first(), render }
            }
            "unstorable" => Self::Unstorable(detail.extract()?),
            other => return Err(PyValueError::new_err(format!("no kind of values is called {other}"))),
        })
    }

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

    /// The kinds of tokens that its values begin with, as bits.
    fn tokens(&self) -> u16 {
        const EVERY: u16 = u16::MAX;
        match self {
            Self::None => 1,
            Self::Bool => 2,
            Self::Int(_) | Self::Timedelta => 4,
            Self::Float(_) => 8,
            Self::Text(_) | Self::Decimal(_) | Self::Date | Self::Time => 16,
            Self::Bytes(_) | Self::Uuid => 32,
            Self::Moment => 64,
            Self::Datetime => 16 | 64,
            Self::Id(_) => 16 | 32,
            Self::List(..) | Self::TupleOf(..) | Self::Tuple(_) => 128,
            Self::Metadata | Self::Model(_) => 256,
            Self::Dict(parts, _) => {
                if matches!(parts.0, Self::Text(_)) {
                    256
                } else {
                    128
                }
            }
            Self::Optional(inner) => 1 | inner.tokens(),
            Self::Checked(inner, _) | Self::Proven { inner, .. } => inner.tokens(),
            Self::Any
            | Self::Json
            | Self::Literal(_)
            | Self::Enum { .. }
            | Self::Union { .. }
            | Self::Pydantic { .. }
            | Self::Unstorable(_) => EVERY,
        }
    }

    /// Whether a token may begin one of its values.
    pub(super) fn takes(&self, token: &Token<'_>) -> bool {
        let bit = match token {
            Token::None => 1,
            Token::Bool(_) => 2,
            Token::Int(_) | Token::Unsigned(_) | Token::BigInt(_) => 4,
            Token::Float(_) => 8,
            Token::Text(_) | Token::Name(_) | Token::Decimal(_) => 16,
            Token::Bytes(_) | Token::Id(_) => 32,
            Token::Moment(_) => 64,
            Token::List(_) => 128,
            Token::Map(_) => 256,
        };
        self.tokens() & bit != 0
    }
}

fn are_told_apart(members: &[Shape]) -> bool {
    let mut seen = 0;
    members.iter().all(|member| {
        let own = member.tokens();
        let apart = own & seen == 0;
        seen |= own;
        apart
    })
}

fn compile_enum(class: Bound<'_, PyType>) -> PyResult<Shape> {
    let by_value = PyDict::new(class.py());
    for member in class.try_iter()? {
        let member = member?;
        by_value.set_item(member.getattr("value")?, member)?;
    }
    Ok(Shape::Enum { class: class.unbind(), by_value: by_value.unbind() })
}

impl Bounds {
    fn compile(pairs: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut bounds = Self::default();
        for pair in pairs.try_iter()? {
            let (name, limit): (String, Bound<'_, PyAny>) = pair?.extract()?;
            match name.as_str() {
                "finite" => bounds.limits.finite = true,
                "min_length" => bounds.limits.min_length = Some(limit.extract()?),
                "max_length" => bounds.limits.max_length = Some(limit.extract()?),
                "exchange" => bounds.limits.name = Some(Name::Exchange),
                "symbol" => bounds.limits.name = Some(Name::Symbol),
                "check" => bounds.check = Some(limit.unbind()),
                comparison => {
                    bounds.limits.comparisons.push((compile_comparison(comparison)?, compile_limit(&limit)?));
                }
            }
        }
        Ok(bounds)
    }
}

fn compile_comparison(name: &str) -> PyResult<Comparison> {
    Ok(match name {
        "gt" => Comparison::Above,
        "ge" => Comparison::AtLeast,
        "lt" => Comparison::Below,
        "le" => Comparison::AtMost,
        other => return Err(PyValueError::new_err(format!("no bound is called {other}"))),
    })
}

fn compile_limit(limit: &Bound<'_, PyAny>) -> PyResult<Limit> {
    limit.extract().map(Limit::Int).or_else(|_| limit.extract().map(Limit::Float))
}
