//! Python datetimes as microseconds.

use std::time::{SystemTime, UNIX_EPOCH};

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyDate, PyDateAccess, PyDateTime, PyDelta, PyDeltaAccess, PyTime, PyTimeAccess, PyType, PyTzInfo, PyTzInfoAccess,
};
use trading_events_core::codec::time::{DAY_US, LAST_US, date_from_days, days_from_date};

use super::recent::Recent;
use crate::runtime::guarded::Guarded;

/// The microseconds since 1970 of a datetime in UTC; `None` for other zones, or none.
pub(super) fn read_utc(value: &Bound<'_, PyDateTime>) -> PyResult<Option<i64>> {
    let py = value.py();
    let Some(zone) = value.get_tzinfo() else {
        return Ok(None);
    };
    if value.get_fold() {
        return Ok(None); // which a moment does not say
    }
    if !zone.is(PyTzInfo::utc(py)?) && (!is_fixed(&zone)? || !is_at_zero(value)?) {
        return Ok(None);
    }
    let days = days_from_date(i64::from(value.get_year()), i64::from(value.get_month()), i64::from(value.get_day()));
    let minutes = i64::from(value.get_hour()) * 60 + i64::from(value.get_minute());
    let seconds = minutes * 60 + i64::from(value.get_second());
    Ok(Some(days * DAY_US + seconds * 1_000_000 + i64::from(value.get_microsecond())))
}

/// Tells if a zone is a fixed offset.
fn is_fixed(zone: &Bound<'_, PyTzInfo>) -> PyResult<bool> {
    static PYDANTIC: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let (py, kind) = (zone.py(), zone.get_type());
    Ok(kind.is(PyTzInfo::utc(py)?.get_type()) || kind.is(PYDANTIC.import(py, "pydantic_core", "TzInfo")?))
}

/// Tells if ISO 8601 keeps a zone and a fold.
pub(super) fn is_kept_by_iso(zone: Option<&Bound<'_, PyTzInfo>>, fold: bool) -> PyResult<bool> {
    Ok(!fold && zone.map_or(Ok(true), is_fixed)?)
}

fn is_at_zero(value: &Bound<'_, PyDateTime>) -> PyResult<bool> {
    let offset = value.call_method0(intern!(value.py(), "utcoffset"))?;
    Ok(offset
        .cast::<PyDelta>()
        .is_ok_and(|offset| offset.get_days() == 0 && offset.get_seconds() == 0 && offset.get_microseconds() == 0))
}

/// The datetime in UTC; the last one is reused if it is the same. The microseconds are between the years 1 and 9999.
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

/// The clock set in place of the system's.
static CLOCK: Guarded<Option<Py<PyAny>>> = Guarded::new(None);

/// Sets the clock, or with None the system's. Returns the former one.
#[pyfunction]
#[pyo3(signature = (clock, /))]
pub(crate) fn set_clock(py: Python<'_>, clock: Option<Py<PyAny>>) -> Option<Py<PyAny>> {
    std::mem::replace(&mut *CLOCK.lock(py), clock)
}

/// The time now, aware and in UTC.
#[pyfunction]
pub(crate) fn utc_now(py: Python<'_>) -> PyResult<Bound<'_, PyDateTime>> {
    let clock = CLOCK.lock(py).as_ref().map(|clock| clock.bind(py).clone());
    if let Some(clock) = clock {
        return ask(&clock);
    }
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
    make_utc(py, i64::try_from(passed).unwrap_or(LAST_US).min(LAST_US))
}

#[cold]
fn ask<'py>(clock: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDateTime>> {
    match clock.call0()?.cast_into::<PyDateTime>() {
        Ok(told) => Ok(to_utc(told.into_any())?.cast_into()?),
        Err(other) => {
            let told = other.into_inner();
            Err(PyTypeError::new_err(format!("the clock {clock} says {}, which is no datetime", told.repr()?)))
        }
    }
}

/// A datetime as a plain one in UTC; it is returned itself if it is one. One without a zone is taken as UTC.
#[pyfunction]
#[pyo3(signature = (value, /))]
pub(crate) fn to_utc(value: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let py = value.py();
    if let Ok(moment) = value.cast_exact::<PyDateTime>()
        && !moment.get_fold()
        && let Some(zone) = moment.get_tzinfo()
        && zone.is(PyTzInfo::utc(py)?)
    {
        return Ok(value);
    }
    convert(&plain(&value)?)
}

#[cold]
fn convert<'py>(value: &Bound<'py, PyDateTime>) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    let utc = PyTzInfo::utc(py)?;
    if value.get_tzinfo().is_none_or(|zone| zone.is(&*utc)) {
        return Ok(with_zone(py, value, value, Some(&utc), false)?.into_any());
    }
    value.call_method1(intern!(py, "astimezone"), (&*utc,)).map_err(|error| {
        if !error.is_instance_of::<PyOverflowError>(py) {
            return error;
        }
        let shown =
            value.call_method0(intern!(py, "isoformat")).map_or_else(|_| String::from("it"), |text| text.to_string());
        PyValueError::new_err(format!("{shown} has no UTC time between the years 1 and 9999"))
    })
}

/// The datetime as an instance of `datetime` itself. Its parts are read through methods, as objects of derived classes,
/// such as `pandas.NaT`, need not have them.
fn plain<'py>(value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDateTime>> {
    let py = value.py();
    if let Ok(exact) = value.cast_exact::<PyDateTime>() {
        return Ok(exact.clone());
    }
    let day = value.call_method0(intern!(py, "date"))?.cast_into::<PyDate>()?;
    let time = value.call_method0(intern!(py, "time"))?.cast_into::<PyTime>()?;
    let zone = value.getattr(intern!(py, "tzinfo"))?;
    let zone = if zone.is_none() { None } else { Some(zone.cast_into::<PyTzInfo>()?) };
    with_zone(py, &day, &time, zone.as_ref(), time.get_fold())
}

fn with_zone<'py>(
    py: Python<'py>,
    day: &impl PyDateAccess,
    time: &impl PyTimeAccess,
    zone: Option<&Bound<'py, PyTzInfo>>,
    fold: bool,
) -> PyResult<Bound<'py, PyDateTime>> {
    PyDateTime::new_with_fold(
        py,
        day.get_year(),
        day.get_month(),
        day.get_day(),
        time.get_hour(),
        time.get_minute(),
        time.get_second(),
        time.get_microsecond(),
        zone,
        fold,
    )
}
