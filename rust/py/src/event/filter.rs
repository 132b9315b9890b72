//! Filters as Python objects.

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDelta, PyDeltaAccess, PyList, PyString, PyType};
use trading_events_core::filter::{Filter, TopicInfo};

use super::event_class::{EventClass, kind_identity};
use super::names::names;
use crate::runtime::exits;
use crate::runtime::returned;

/// A filter. Its callables and classes are numbered; each filter owns its references to them, so that the garbage
/// collector counts them right.
#[pyclass(frozen, name = "Filter", module = "trading.events._core")]
pub(crate) struct PyFilter {
    parts: FilterParts,
    text: String,
}

/// A condition, and the objects that its numbers stand for.
pub(crate) struct FilterParts {
    pub(crate) expression: Filter<usize>,
    pub(crate) leaves: Vec<Py<PyAny>>,
}

impl FilterParts {
    /// The parts of a filter given to `subscribe`: a [`PyFilter`], or a callable.
    pub(crate) fn of(filter: &Bound<'_, PyAny>) -> Self {
        let py = filter.py();
        filter.cast::<PyFilter>().map_or_else(
            |_| Self { expression: Filter::Custom(0), leaves: vec![filter.clone().unbind()] },
            |ours| {
                let parts = &ours.get().parts;
                let leaves = parts.leaves.iter().map(|leaf| leaf.clone_ref(py)).collect();
                Self { expression: parts.expression.clone(), leaves }
            },
        )
    }

    fn plain(expression: Filter<usize>) -> Self {
        Self { expression, leaves: Vec::new() }
    }
}

impl PyFilter {
    /// The conjunction or disjunction of two filters; `NotImplemented` if one side is not callable.
    fn combine(left: &Bound<'_, PyAny>, right: &Bound<'_, PyAny>, all: bool) -> PyResult<Py<PyAny>> {
        let py = left.py();
        if !left.is_callable() || !right.is_callable() {
            return Ok(py.NotImplemented());
        }
        Ok(Py::new(py, Self::joined(&[left.clone(), right.clone()], all)?)?.into_any())
    }

    fn joined(filters: &[Bound<'_, PyAny>], all: bool) -> PyResult<Self> {
        let texts = filters.iter().map(text_of).collect::<PyResult<Vec<_>>>()?;
        let (mut expressions, mut leaves) = (Vec::new(), Vec::new());
        for filter in filters {
            let (parts, before) = (FilterParts::of(filter), leaves.len());
            expressions.push(parts.expression.map(&mut |number| number + before));
            leaves.extend(parts.leaves);
        }
        let (expression, sign) =
            if all { (Filter::All(expressions), " & ") } else { (Filter::Any(expressions), " | ") };
        Ok(Self { parts: FilterParts { expression, leaves }, text: format!("({})", texts.join(sign)) })
    }
}

fn text_of(filter: &Bound<'_, PyAny>) -> PyResult<String> {
    filter.cast::<PyFilter>().map_or_else(
        |_| {
            let name = filter.getattr_opt(intern!(filter.py(), "__qualname__"))?;
            match name.and_then(|name| name.cast_into::<PyString>().ok()) {
                Some(name) => name.extract(),
                None => Ok(filter.repr()?.to_string()),
            }
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
pub(crate) fn microseconds(moment: &Bound<'_, PyAny>) -> PyResult<i64> {
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

/// Evaluates the conditions that class and topic do not decide.
pub(crate) fn evaluate(rest: &Filter<usize>, leaves: &[Py<PyAny>], event: &Bound<'_, PyAny>) -> PyResult<bool> {
    rest.eval_residual(&mut || timestamp_us(event), &mut |number| passes(leaves[*number].bind(event.py()), event))
}

/// Evaluates a callable.
fn passes(callable: &Bound<'_, PyAny>, event: &Bound<'_, PyAny>) -> PyResult<bool> {
    let answer = exits::call(callable, event)?;
    if let Ok(plain) = answer.cast_exact::<PyBool>() {
        return Ok(plain.is_true());
    }
    returned::check_answer(callable, &answer)?;
    answer.is_truthy()
}

#[pymethods]
impl PyFilter {
    /// A filter that passes events of these symbols.
    #[staticmethod]
    #[pyo3(signature = (names, /))]
    fn symbols(names: Vec<String>) -> Self {
        Self {
            text: format!("symbol_filter({})", quoted(&names)),
            parts: FilterParts::plain(Filter::Symbol(boxed(names))),
        }
    }

    /// A filter that passes events of these exchanges.
    #[staticmethod]
    #[pyo3(signature = (names, /))]
    fn exchanges(names: Vec<String>) -> Self {
        Self {
            text: format!("exchange_filter({})", quoted(&names)),
            parts: FilterParts::plain(Filter::Exchange(boxed(names))),
        }
    }

    /// A filter that passes events of these types and classes.
    #[staticmethod]
    #[pyo3(signature = (names, classes, /))]
    fn event_types(names: Vec<String>, classes: Vec<Bound<'_, PyType>>) -> PyResult<Self> {
        let mut texts: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
        let mut options = vec![Filter::EventType(boxed(names))];
        let mut leaves = Vec::new();
        for class in classes {
            texts.push(class.qualname()?.to_string());
            options.push(Filter::Class(kind_identity(&class)?, leaves.len()));
            leaves.push(class.into_any().unbind());
        }
        let parts = FilterParts { expression: Filter::Any(options), leaves };
        Ok(Self { parts, text: format!("event_type_filter({})", texts.join(", ")) })
    }

    /// A filter that passes events with a timestamp from `start` on and before `end`.
    #[staticmethod]
    #[pyo3(signature = (start, end, /))]
    fn time_range(start: Option<&Bound<'_, PyAny>>, end: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let named = |name: &str, moment: Option<&Bound<'_, PyAny>>| match moment {
            Some(moment) => Ok(Some(format!("{name}={}", moment.str()?))),
            None => PyResult::Ok(None),
        };
        let texts: Vec<String> = [named("start", start)?, named("end", end)?].into_iter().flatten().collect();
        Ok(Self {
            parts: FilterParts::plain(Filter::Time {
                start: start.map(microseconds).transpose()?,
                end: end.map(microseconds).transpose()?,
            }),
            text: format!("time_range_filter({})", texts.join(", ")),
        })
    }

    /// A filter that passes what all of these pass.
    #[staticmethod]
    #[pyo3(signature = (filters, /))]
    fn all(filters: &Bound<'_, PyList>) -> PyResult<Self> {
        Self::joined(&filters.iter().collect::<Vec<_>>(), true)
    }

    /// A filter that passes what any of these passes.
    #[staticmethod]
    #[pyo3(signature = (filters, /))]
    fn any(filters: &Bound<'_, PyList>) -> PyResult<Self> {
        Self::joined(&filters.iter().collect::<Vec<_>>(), false)
    }

    /// A filter that passes what another does not.
    #[staticmethod]
    #[pyo3(signature = (condition, /))]
    fn negation(condition: &Bound<'_, PyAny>) -> PyResult<Self> {
        let text = format!("~{}", text_of(condition)?);
        let FilterParts { expression, leaves } = FilterParts::of(condition);
        Ok(Self { parts: FilterParts { expression: Filter::Not(Box::new(expression)), leaves }, text })
    }

    #[pyo3(signature = (event, /))]
    fn __call__(&self, event: &Bound<'_, PyAny>) -> PyResult<bool> {
        let _call = exits::NativeCall::resume(event.py());
        let kind = EventClass::of(event)?;
        let (exchange, symbol) = names(event)?;
        let known = TopicInfo {
            event_type: &kind.event_type,
            lineage: &kind.lineage,
            exchange: exchange.text()?,
            symbol: symbol.text()?,
        };
        evaluate(&self.parts.expression.partial_eval(&known), &self.parts.leaves, event)
    }

    /// The filter's result for all events of a type, class, topic and time range, if it is the same for all.
    #[pyo3(signature = (event_type, class_, exchange, symbol, span_us, /))]
    fn decide(
        &self,
        event_type: &str,
        class_: Option<&Bound<'_, PyType>>,
        exchange: Option<&str>,
        symbol: Option<&str>,
        span_us: (i64, i64),
    ) -> PyResult<Option<bool>> {
        let kind = class_.map(|class| EventClass::of_class(class.clone())).transpose()?;
        let lineage = kind.as_ref().map_or(&[][..], |kind| &kind.lineage);
        let known = TopicInfo { event_type, lineage, exchange, symbol };
        Ok(self.parts.expression.partial_eval(&known).decide(span_us.0, span_us.1))
    }

    /// The event types, exchanges and symbols that may pass; None where the filter does not say.
    #[getter]
    fn name_bounds(&self) -> [Option<Vec<&str>>; 3] {
        let expression = &self.parts.expression;
        [
            expression.name_bounds(&|part| if let Filter::EventType(names) = part { Some(names) } else { None }),
            expression.name_bounds(&|part| if let Filter::Exchange(names) = part { Some(names) } else { None }),
            expression.name_bounds(&|part| if let Filter::Symbol(names) = part { Some(names) } else { None }),
        ]
    }

    /// The first moment that may pass, and the first after those, in microseconds since 1970; None is open.
    #[getter]
    fn time_bounds_us(&self) -> (Option<i64>, Option<i64>) {
        self.parts.expression.time_bounds()
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
        self.parts.leaves.iter().try_for_each(|leaf| visit.call(leaf))
    }
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}
