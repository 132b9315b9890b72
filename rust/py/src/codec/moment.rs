//! Python datetimes as microseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTimeAccess, PyType, PyTzInfo, PyTzInfoAccess};
use trading_events_core::codec::time::{DAY_US, LAST_US, date_from_days, days_from_date};

use super::recent::Recent;

/// The microseconds since 1970 of a datetime in UTC; none of one in another zone or without one.
pub(super) fn read_utc(value: &Bound<'_, PyDateTime>) -> PyResult<Option<i64>> {
    let py = value.py();
    let Some(zone) = value.get_tzinfo() else {
        return Ok(None);
    };
    if !zone.is(PyTzInfo::utc(py)?) && (!is_fixed(&zone)? || !is_at_zero(value)?) {
        return Ok(None);
    }
    let days = days_from_date(i64::from(value.get_year()), i64::from(value.get_month()), i64::from(value.get_day()));
    let minutes = i64::from(value.get_hour()) * 60 + i64::from(value.get_minute());
    let seconds = minutes * 60 + i64::from(value.get_second());
    Ok(Some(days * DAY_US + seconds * 1_000_000 + i64::from(value.get_microsecond())))
}

/// Whether a zone is an offset and no more.
fn is_fixed(zone: &Bound<'_, PyTzInfo>) -> PyResult<bool> {
    static PYDANTIC: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let (py, kind) = (zone.py(), zone.get_type());
    Ok(kind.is(PyTzInfo::utc(py)?.get_type()) || kind.is(PYDANTIC.import(py, "pydantic_core", "TzInfo")?))
}

/// Whether ISO 8601 says all of a zone and a fold.
pub(super) fn is_told(zone: Option<&Bound<'_, PyTzInfo>>, fold: bool) -> PyResult<bool> {
    Ok(!fold && zone.map_or(Ok(true), is_fixed)?)
}

fn is_at_zero(value: &Bound<'_, PyDateTime>) -> PyResult<bool> {
    let offset = value.call_method0(intern!(value.py(), "utcoffset"))?;
    Ok(offset
        .cast::<PyDelta>()
        .is_ok_and(|offset| offset.get_days() == 0 && offset.get_seconds() == 0 && offset.get_microseconds() == 0))
}

/// The datetime in UTC, the last one again if it is the same. The microseconds are between the years 1 and 9999.
pub(super) fn make_utc(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyDateTime>> {
    static LAST: Recent<(i64, Py<PyDateTime>), 1> = Recent::new();
    if let Some(last) = LAST.find(py, 0, |(known, last)| (*known == micros).then(|| last.bind(py).clone())) {
        return Ok(last);
    }
    let made = make_anew(py, micros)?;
    LAST.keep(py, 0, (micros, made.clone().unbind()));
    Ok(made)
}

fn make_anew(py: Python<'_>, micros: i64) -> PyResult<Bound<'_, PyDateTime>> {
    let (year, month, day) = date_from_days(micros.div_euclid(DAY_US));
    let left = micros.rem_euclid(DAY_US);
    let seconds = left / 1_000_000;
    let small = |number: i64| u8::try_from(number).unwrap_or(u8::MAX);
    PyDateTime::new(
        py,
        i32::try_from(year).unwrap_or(i32::MAX),
        small(month),
        small(day),
        small(seconds / 3600),
        small(seconds / 60 % 60),
        small(seconds % 60),
        u32::try_from(left % 1_000_000).unwrap_or(0),
        Some(&*PyTzInfo::utc(py)?),
    )
}

/// The time now, aware and in UTC.
#[pyfunction]
pub(crate) fn utc_now(py: Python<'_>) -> PyResult<Bound<'_, PyDateTime>> {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    make_utc(py, i64::try_from(passed).unwrap_or(LAST_US).min(LAST_US))
}

/// A datetime as it is if it is plain and in UTC, else as `convert_to_utc` of `trading.events.base` makes it.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub(crate) fn to_utc(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    static CONVERT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    if let Ok(moment) = value.cast_exact::<PyDateTime>()
        && !moment.get_fold()
        && let Some(zone) = moment.get_tzinfo()
        && zone.is(PyTzInfo::utc(py)?)
    {
        return Ok(value);
    }
    CONVERT.import(py, "trading.events.base", "convert_to_utc")?.call1((value,))
}
