//! Filters as Python objects.

use std::sync::Arc;

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDelta, PyDeltaAccess, PyList, PyType};
use trading_events_core::filter::{Filter, Known};

use crate::event::{self, Kind, identity};

/// What a filter holds of Python.
pub(crate) enum Leaf {
    /// A condition of the user's own.
    Callable(Py<PyAny>),
    /// An event class, kept so that no other class gets its address.
    Class(Py<PyType>),
}

type Expression = Filter<Arc<Leaf>>;

#[pyclass(frozen, name = "Filter", module = "trading.events._core")]
pub(crate) struct PyFilter {
    expression: Expression,
    text: String,
}

/// A filter with its callables numbered.
pub(crate) struct Numbered {
    pub(crate) expression: Filter<usize>,
    pub(crate) leaves: Vec<Arc<Leaf>>,
}

impl PyFilter {
    /// Any filter that `subscribe` takes: one of ours, or a callable.
    pub(crate) fn numbered(filter: &Bound<'_, PyAny>) -> Numbered {
        let mut leaves = Vec::new();
        let expression = expression_of(filter).map(&mut |leaf| {
            leaves.push(Arc::clone(leaf));
            leaves.len() - 1
        });
        Numbered { expression, leaves }
    }

    /// Both, or either; `NotImplemented` where one side is no filter.
    fn combine(left: &Bound<'_, PyAny>, right: &Bound<'_, PyAny>, all: bool) -> PyResult<Py<PyAny>> {
        let py = left.py();
        if !left.is_callable() || !right.is_callable() {
            return Ok(py.NotImplemented());
        }
        Ok(Py::new(py, Self::joined(&[left.clone(), right.clone()], all)?)?.into_any())
    }

    fn joined(filters: &[Bound<'_, PyAny>], all: bool) -> PyResult<Self> {
        let texts = filters.iter().map(text_of).collect::<PyResult<Vec<_>>>()?;
        let parts = filters.iter().map(expression_of).collect();
        let (expression, sign) = if all { (Filter::All(parts), " & ") } else { (Filter::Any(parts), " | ") };
        Ok(Self { expression, text: format!("({})", texts.join(sign)) })
    }
}

fn expression_of(filter: &Bound<'_, PyAny>) -> Expression {
    filter.cast::<PyFilter>().map_or_else(
        |_| Filter::Custom(Arc::new(Leaf::Callable(filter.clone().unbind()))),
        |ours| ours.get().expression.clone(),
    )
}

fn text_of(filter: &Bound<'_, PyAny>) -> PyResult<String> {
    filter.cast::<PyFilter>().map_or_else(
        |_| match filter.getattr_opt(intern!(filter.py(), "__qualname__"))? {
            Some(name) => name.extract(),
            None => Ok(filter.repr()?.to_string()),
        },
        |ours| Ok(ours.get().text.clone()),
    )
}

fn boxed(names: Vec<String>) -> Box<[Box<str>]> {
    names.into_iter().map(String::into_boxed_str).collect()
}

/// An event's `timestamp` in microseconds since 1970.
pub(crate) fn timestamp_us(event: &Bound<'_, PyAny>) -> PyResult<i64> {
    let py = event.py();
    microseconds(&event.getattr(intern!(py, "timestamp"))?)
}

/// An aware moment in microseconds since 1970.
fn microseconds(moment: &Bound<'_, PyAny>) -> PyResult<i64> {
    static EPOCH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = moment.py();
    let epoch = EPOCH.get_or_try_init(py, || {
        let datetime = py.import("datetime")?;
        let utc = datetime.getattr("UTC")?;
        PyResult::Ok(datetime.getattr("datetime")?.call1((1970, 1, 1, 0, 0, 0, 0, utc))?.unbind())
    })?;
    let since = moment.sub(epoch.bind(py))?.cast_into::<PyDelta>()?;
    let seconds = i64::from(since.get_days()) * 86_400 + i64::from(since.get_seconds());
    Ok(seconds * 1_000_000 + i64::from(since.get_microseconds()))
}

/// Asks what a class and a topic have not settled.
pub(crate) fn test(rest: &Filter<usize>, leaves: &[Arc<Leaf>], event: &Bound<'_, PyAny>) -> PyResult<bool> {
    rest.test(&mut || timestamp_us(event), &mut |number| leaf_passes(&leaves[*number], event))
}

fn leaf_passes(leaf: &Leaf, event: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = event.py();
    match leaf {
        Leaf::Callable(callable) => callable.bind(py).call1((event,))?.is_truthy(),
        Leaf::Class(class) => event.is_instance(class.bind(py)),
    }
}

pub(crate) fn visit_leaves(leaves: &[Arc<Leaf>], visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
    for leaf in leaves {
        match &**leaf {
            Leaf::Callable(callable) => visit.call(callable)?,
            Leaf::Class(class) => visit.call(class)?,
        }
    }
    Ok(())
}

#[pymethods]
impl PyFilter {
    #[staticmethod]
    #[pyo3(signature = (names, /))]
    fn symbols(names: Vec<String>) -> Self {
        Self { text: format!("symbol_filter({})", quoted(&names)), expression: Filter::Symbol(boxed(names)) }
    }

    #[staticmethod]
    #[pyo3(signature = (names, /))]
    fn exchanges(names: Vec<String>) -> Self {
        Self { text: format!("exchange_filter({})", quoted(&names)), expression: Filter::Exchange(boxed(names)) }
    }

    #[staticmethod]
    #[pyo3(signature = (names, classes, /))]
    fn event_types(names: Vec<String>, classes: Vec<Bound<'_, PyType>>) -> PyResult<Self> {
        let mut texts: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        let mut parts = vec![Filter::EventType(boxed(names))];
        for class in classes {
            texts.push(class.qualname()?.to_string());
            parts.push(Filter::Class(identity(&class), Arc::new(Leaf::Class(class.unbind()))));
        }
        Ok(Self { expression: Filter::Any(parts), text: format!("event_type_filter({})", texts.join(", ")) })
    }

    #[staticmethod]
    #[pyo3(signature = (start, end, /))]
    fn time_range(start: Option<&Bound<'_, PyAny>>, end: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let named = |name: &str, moment: Option<&Bound<'_, PyAny>>| match moment {
            Some(moment) => Ok(Some(format!("{name}={}", moment.str()?))),
            None => PyResult::Ok(None),
        };
        let texts: Vec<String> = [named("start", start)?, named("end", end)?].into_iter().flatten().collect();
        Ok(Self {
            expression: Filter::Time {
                start: start.map(microseconds).transpose()?,
                end: end.map(microseconds).transpose()?,
            },
            text: format!("time_range_filter({})", texts.join(", ")),
        })
    }

    #[staticmethod]
    #[pyo3(signature = (filters, /))]
    fn all(filters: &Bound<'_, PyList>) -> PyResult<Self> {
        Self::joined(&filters.iter().collect::<Vec<_>>(), true)
    }

    #[staticmethod]
    #[pyo3(signature = (filters, /))]
    fn any(filters: &Bound<'_, PyList>) -> PyResult<Self> {
        Self::joined(&filters.iter().collect::<Vec<_>>(), false)
    }

    #[staticmethod]
    #[pyo3(signature = (condition, /))]
    fn negation(condition: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = format!("~{}", text_of(condition)?);
        Ok(Self { expression: Filter::Not(Box::new(expression_of(condition))), text })
    }

    #[pyo3(signature = (event, /))]
    fn __call__(&self, event: &Bound<'_, PyAny>) -> PyResult<bool> {
        let kind = Kind::of(event)?;
        let (exchange, symbol) = event::names(event)?;
        let known = Known {
            event_type: &kind.event_type,
            lineage: &kind.lineage,
            exchange: exchange.text()?,
            symbol: symbol.text()?,
        };
        let rest = self.expression.settle(&known);
        rest.test(&mut || timestamp_us(event), &mut |leaf| leaf_passes(leaf, event))
    }

    fn __and__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Self::combine(slf.as_any(), other, true)
    }

    fn __rand__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Self::combine(other, slf.as_any(), true)
    }

    fn __or__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Self::combine(slf.as_any(), other, false)
    }

    fn __ror__(slf: &Bound<'_, Self>, other: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        Self::combine(other, slf.as_any(), false)
    }

    fn __invert__(slf: &Bound<'_, Self>) -> PyResult<Self> {
        Self::negation(slf.as_any())
    }

    fn __repr__(&self) -> &str {
        &self.text
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        fn walk(filter: &Expression, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
            match filter {
                Filter::Custom(leaf) | Filter::Class(_, leaf) => visit_leaves(std::slice::from_ref(leaf), visit),
                Filter::All(parts) | Filter::Any(parts) => parts.iter().try_for_each(|part| walk(part, visit)),
                Filter::Not(part) => walk(part, visit),
                _ => Ok(()),
            }
        }
        walk(&self.expression, visit)
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}
