//! Making shapes from the descriptions of `trading.events._codec.description`.

use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

use super::Shape;
use super::bounds::Bounds;
use super::tokens::are_distinguishable;

/// The parts of a shape's description.
struct Described<'py> {
    kind: String,
    detail: Bound<'py, PyAny>,
    bounds: Bounds,
    inner: Vec<Shape>,
}

impl Shape {
    /// The shape of a description.
    pub(crate) fn compile(shape: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<Self> {
        let py = shape.py();
        let inner = shape.getattr(intern!(py, "inner"))?.cast_into::<PyTuple>()?;
        let described = Described {
            kind: shape.getattr(intern!(py, "kind"))?.extract()?,
            detail: shape.getattr(intern!(py, "detail"))?,
            bounds: Bounds::compile(&shape.getattr(intern!(py, "bounds"))?)?,
            inner: inner.iter().map(|part| Self::compile(&part, class)).collect::<PyResult<_>>()?,
        };
        match described.kind.as_str() {
            "none" => Ok(Self::None),
            "bool" => Ok(Self::Bool),
            "int" => Ok(Self::Int(described.bounds)),
            "float" => Ok(Self::Float(described.bounds)),
            "text" => Ok(Self::Text(described.bounds)),
            "id" => Ok(Self::Id(described.bounds)),
            "bytes" => Ok(Self::Bytes(described.bounds)),
            "decimal" => Ok(Self::Decimal(described.bounds)),
            "moment" => Ok(Self::Moment),
            "datetime" => Ok(Self::Datetime),
            "date" => Ok(Self::Date),
            "time" => Ok(Self::Time),
            "timedelta" => Ok(Self::Timedelta),
            "uuid" => Ok(Self::Uuid),
            "any" => Ok(Self::Any),
            "json" => Ok(Self::Json),
            "metadata" => Ok(Self::Metadata),
            _ => compile_parts(described, class),
        }
    }
}

/// A composite shape, or one with details besides its bounds.
fn compile_parts(described: Described<'_>, class: &Bound<'_, PyType>) -> PyResult<Shape> {
    let Described { kind, detail, bounds, mut inner } = described;
    let mut first = || Box::new(inner.remove(0));
    Ok(match kind.as_str() {
        "literal" => Shape::Literal(detail.try_iter()?.map(|choice| Ok(choice?.unbind())).collect::<PyResult<_>>()?),
        "enum" => compile_enum(detail.cast_into()?)?,
        "optional" => Shape::Optional(first()),
        "checked" => Shape::Checked(first(), detail.unbind()),
        "list" => Shape::List(first(), bounds),
        "tuple_of" => Shape::TupleOf(first(), bounds),
        "tuple" => Shape::Tuple(inner),
        "dict" => {
            let (key, value) = (inner.remove(0), inner.remove(0));
            Shape::Dict(Box::new((key, value)), bounds)
        }
        "model" => Shape::Model(detail.cast_into()?.unbind()),
        "union" => Shape::Union { is_tagged: !are_distinguishable(&inner), members: inner },
        "pydantic" => {
            let (render, parse) = typed_json(class, &detail)?;
            Shape::Pydantic { render, parse }
        }
        "proven" => Shape::Proven { inner: first(), render: typed_json(class, &detail)?.0 },
        "unstorable" => Shape::Unstorable(detail.extract()?),
        other => return Err(PyValueError::new_err(format!("no kind of values is called {other}"))),
    })
}

/// The functions that render values of an annotation as JSON text and parse that.
fn typed_json(class: &Bound<'_, PyType>, annotation: &Bound<'_, PyAny>) -> PyResult<(Py<PyAny>, Py<PyAny>)> {
    let py = class.py();
    let module = py.import(intern!(py, "trading.events._codec.typed_json"))?;
    module.call_method1(intern!(py, "typed_json"), (class, annotation))?.extract()
}

fn compile_enum(class: Bound<'_, PyType>) -> PyResult<Shape> {
    let by_value = PyDict::new(class.py());
    for member in class.try_iter()? {
        let member = member?;
        by_value.set_item(member.getattr("value")?, member)?;
    }
    Ok(Shape::Enum { class: class.unbind(), by_value: by_value.unbind() })
}
