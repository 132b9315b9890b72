//! Descriptions of event classes for the core, which makes columns of msgpack without Python.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};
use trading_events_core::codec::transcode::{Check, Choice, Field, FieldType, Text, Transcoder};

use super::class::Class;
use super::shape::{Bounds, Shape};

impl Class {
    /// The class's transcoder, if it needs no Python. Rules are not checked again: they were when the event was
    /// recorded.
    pub(crate) fn transcoder(&self, py: Python<'_>) -> PyResult<Option<&Transcoder>> {
        if let Some(known) = self.transcoder.get() {
            return Ok(known.as_ref());
        }
        let made = self.describe_to_core(py)?;
        Ok(self.transcoder.get_or_init(|| made).as_ref())
    }

    fn describe_to_core(&self, py: Python<'_>) -> PyResult<Option<Transcoder>> {
        if self.keeps_extras {
            return Ok(None);
        }
        let mut fields = Vec::new();
        for field in &self.fields {
            let Some(kind) = kind(py, &field.shape)? else { return Ok(None) };
            fields.push(Field { field_type: kind, form: field.form });
        }
        let layout = &self.layout;
        Ok(Some(Transcoder::new(layout.event_type(), layout.names(), fields)))
    }
}

/// The core's kind for a shape, if there is one.
fn kind(py: Python<'_>, shape: &Shape) -> PyResult<Option<FieldType>> {
    Ok(Some(match shape {
        Shape::None => FieldType::None,
        Shape::Bool => FieldType::Bool,
        Shape::Int(bounds) => FieldType::Int(bounds.limits.clone()),
        Shape::Float(bounds) => FieldType::Float(bounds.limits.clone()),
        Shape::Text(bounds) => FieldType::Text(text(py, bounds)),
        Shape::Id(bounds) => FieldType::Id(text(py, bounds)),
        Shape::Decimal(bounds) => FieldType::Decimal(bounds.limits.clone()),
        Shape::Moment | Shape::Datetime => FieldType::Moment,
        Shape::Metadata => FieldType::Json,
        Shape::Literal(choices) => return Ok(self::choices(choices.iter().map(|each| each.bind(py).clone()))),
        Shape::Enum { by_value, .. } => return Ok(self::choices(by_value.bind(py).keys().iter())),
        Shape::Optional(inner) => return Ok(kind(py, inner)?.map(|inner| FieldType::Optional(Box::new(inner)))),
        Shape::List(inner, bounds) | Shape::TupleOf(inner, bounds) => {
            let limits = bounds.limits.clone();
            return Ok(kind(py, inner)?.map(|inner| FieldType::List(Box::new(inner), limits)));
        }
        Shape::Tuple(parts) => {
            let parts = parts.iter().map(|part| kind(py, part)).collect::<PyResult<Option<Vec<_>>>>()?;
            return Ok(parts.map(FieldType::Tuple));
        }
        Shape::Proven { inner, .. } => return kind(py, inner),
        Shape::Model(class) => return model(py, Class::of(class.bind(py))?),
        _ => return Ok(None),
    }))
}

fn model(py: Python<'_>, class: &Class) -> PyResult<Option<FieldType>> {
    if class.keeps_extras || !class.rules.is_empty() {
        return Ok(None);
    }
    let mut fields = Vec::new();
    for (name, field) in class.layout.names().iter().zip(&class.fields) {
        let Some(kind) = kind(py, &field.shape)? else { return Ok(None) };
        fields.push((name.clone(), kind));
    }
    Ok(Some(FieldType::Model(fields)))
}

fn choices<'py>(values: impl Iterator<Item = Bound<'py, PyAny>>) -> Option<FieldType> {
    values.map(|value| choice(&value)).collect::<Option<Vec<_>>>().map(FieldType::Choice)
}

fn choice(value: &Bound<'_, PyAny>) -> Option<Choice> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        return Some(Choice::Text(text.to_str().ok()?.to_owned()));
    }
    if let Ok(truth) = value.cast_exact::<PyBool>() {
        return Some(Choice::Bool(truth.is_true()));
    }
    value.cast_exact::<PyInt>().ok()?.extract().ok().map(Choice::Int)
}

fn text(py: Python<'_>, bounds: &Bounds) -> Text {
    let check = bounds.check.as_ref().map(|check| {
        let check = check.clone_ref(py);
        Check(Box::new(move |text| Python::attach(|py| check.bind(py).call1((text,)).is_ok())))
    });
    Text::new(bounds.limits.clone(), check)
}
