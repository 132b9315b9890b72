//! The constraints of a field's values, and a cache of short texts that satisfy them.

use std::ops::Deref;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use trading_events_core::codec::limits::{Comparison, Limit, Limits, Name};

use super::super::recent::Recent;

/// The constraints of a field's values.
#[derive(Default)]
pub(crate) struct Bounds {
    pub(crate) limits: Limits,
    /// A function that raises for constraints that only Pydantic knows.
    pub(crate) check: Option<Py<PyAny>>,
    /// Recent texts that satisfy all constraints.
    pub(crate) recent: Texts,
}

impl Deref for Bounds {
    type Target = Limits;

    fn deref(&self) -> &Limits {
        &self.limits
    }
}

/// The length of the longest text cached.
const RECENT_BYTES: usize = 24;

/// Short texts of a field, shared by the events that have them.
pub(crate) struct Texts(Recent<Py<PyString>, 32>);

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

    /// The cached object of a text.
    pub(crate) fn find<'py>(&self, py: Python<'py>, text: &str) -> Option<Bound<'py, PyString>> {
        self.0.find(py, Self::hash(text)?, |known| {
            let known = known.bind(py);
            (known.to_str().ok()? == text).then(|| known.clone())
        })
    }

    /// Caches a text.
    pub(crate) fn keep(&self, text: &str, built: &Bound<'_, PyString>) {
        if let Some(hash) = Self::hash(text) {
            self.0.keep(built.py(), hash, built.clone().unbind());
        }
    }
}

impl Bounds {
    pub(super) fn compile(pairs: &Bound<'_, PyAny>) -> PyResult<Self> {
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
