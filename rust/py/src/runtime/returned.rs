//! Return values of user functions: plain values, awaitables, and objects whose code has not run.
//!
//! Types decide, as in Python's own `await`: an object with every attribute, as a mock, is a plain value.

use std::ffi::{c_int, c_void};
use std::mem;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyFunction, PyList, PySet, PyTuple, PyType};
use pyo3::{ffi, intern};

use crate::error::HandlerTypeError;

/// Marks the code of a generator that `types.coroutine` has made awaitable.
const CO_ITERABLE_COROUTINE: c_int = 0x100;

/// The kind of an object returned by a user function.
enum Returned {
    Value,
    /// A coroutine, or a generator that acts as one.
    Coroutine,
    /// An object with an `__await__`.
    Awaitable,
    /// A proxy of either: its `__class__` is one, its type is not.
    Proxy,
    /// An object whose code has not run, and never will.
    NotRun(&'static str),
}

/// The coroutine or iterator to drive to await a return value; `None` for a plain value.
///
/// # Errors
///
/// The value is an object whose code has not run and that cannot be awaited, or its `__await__` has raised.
pub(crate) fn awaited<'py>(
    function: &Bound<'py, PyAny>,
    result: Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match kind(&result)? {
        Returned::Value => Ok(None),
        Returned::Coroutine => Ok(Some(result)),
        Returned::Awaitable => start(&result).map(Some),
        Returned::Proxy => {
            let starter = result.getattr_opt(intern!(result.py(), "__await__"))?;
            // A mock has every attribute too, and returns another mock.
            Ok(starter.map(|starter| starter.call0()).transpose()?.filter(is_iterator))
        }
        Returned::NotRun(what) => Err(unrun(function, &result, what)),
    }
}

/// Refuses a filter's return value that is no plain value: it would be true for every event.
pub(crate) fn check_answer(function: &Bound<'_, PyAny>, answer: &Bound<'_, PyAny>) -> PyResult<()> {
    match kind(answer)? {
        Returned::Value => Ok(()),
        Returned::Coroutine | Returned::Awaitable | Returned::Proxy => {
            discard(answer);
            Err(HandlerTypeError::new_err(format!("filter {function} is asynchronous; a filter is a plain function")))
        }
        Returned::NotRun(what) => Err(unrun(function, answer, what)),
    }
}

/// Ends a coroutine that will never be awaited.
pub(crate) fn discard(coroutine: &Bound<'_, PyAny>) {
    let closed = coroutine.getattr_opt(intern!(coroutine.py(), "close"));
    if let Err(error) = closed.and_then(|close| close.map_or(Ok(()), |close| close.call0().map(drop))) {
        error.write_unraisable(coroutine.py(), None);
    }
}

fn kind(result: &Bound<'_, PyAny>) -> PyResult<Returned> {
    if is_coroutine(result) {
        return Ok(Returned::Coroutine);
    }
    let class = result.get_type();
    if is_awaitable(&class) {
        return Ok(Returned::Awaitable);
    }
    if is_generator(&class) {
        let code = result.getattr(intern!(result.py(), "gi_code"))?;
        let flags: c_int = code.getattr(intern!(result.py(), "co_flags"))?.extract()?;
        let is_coroutine = flags & CO_ITERABLE_COROUTINE != 0;
        return Ok(if is_coroutine { Returned::Coroutine } else { Returned::NotRun("a generator") });
    }
    if let Some(what) = unrun_by_type(&class)? {
        return Ok(Returned::NotRun(what));
    }
    if has_coroutine(result) {
        return Ok(Returned::NotRun("coroutines in a collection"));
    }
    if is_async(result)? {
        return Ok(Returned::NotRun("a coroutine function that nobody has called"));
    }
    kind_by_claim(result, &class)
}

/// The kind of an object whose `__class__` is not its type. An object without one is a plain value.
fn kind_by_claim(result: &Bound<'_, PyAny>, class: &Bound<'_, PyType>) -> PyResult<Returned> {
    let claimed = result.getattr(intern!(result.py(), "__class__")).ok();
    let Some(claimed) = claimed.and_then(|claimed| claimed.cast_into::<PyType>().ok()) else {
        return Ok(Returned::Value);
    };
    if claimed.is(class) {
        Ok(Returned::Value)
    } else if is_awaitable(&claimed) {
        Ok(Returned::Proxy)
    } else if is_generator(&claimed) {
        Ok(Returned::NotRun("a generator"))
    } else {
        Ok(unrun_by_type(&claimed)?.map_or(Returned::Value, Returned::NotRun))
    }
}

/// Tells if a handler is an `async def` function or method.
pub(crate) fn is_async(handler: &Bound<'_, PyAny>) -> PyResult<bool> {
    static METHOD: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = handler.py();
    let is_method = handler.is_exact_instance(METHOD.import(py, "types", "MethodType")?);
    let function = if is_method { handler.getattr(intern!(py, "__func__"))? } else { handler.clone() };
    if !function.is_instance_of::<PyFunction>() {
        return Ok(false);
    }
    let flags: c_int = function.getattr(intern!(py, "__code__"))?.getattr(intern!(py, "co_flags"))?.extract()?;
    Ok(flags & ffi::CO_COROUTINE != 0)
}

fn is_coroutine(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a type check of a live object.
    unsafe { ffi::PyCoro_CheckExact(object.as_ptr()) != 0 }
}

fn is_awaitable(class: &Bound<'_, PyType>) -> bool {
    awaiter(class).is_some()
}

/// The slot of a type that `await` calls.
fn awaiter(class: &Bound<'_, PyType>) -> Option<ffi::unaryfunc> {
    // SAFETY: a live type; the interpreter gives the function in the slot, or null if there is none.
    let slot = unsafe { ffi::PyType_GetSlot(class.as_type_ptr(), ffi::Py_am_await) };
    // SAFETY: a function in this slot has this type, and null is none.
    unsafe { mem::transmute::<*mut c_void, Option<ffi::unaryfunc>>(slot) }
}

fn is_generator(class: &Bound<'_, PyType>) -> bool {
    // SAFETY: the address of a static type of the interpreter's.
    class.as_type_ptr() == &raw mut ffi::PyGen_Type
}

/// A description of the type, if its objects hold code that has not run.
fn unrun_by_type(class: &Bound<'_, PyType>) -> PyResult<Option<&'static str>> {
    static BASE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    static ASYNC_GENERATOR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let py = class.py();
    if class.is(ASYNC_GENERATOR.import(py, "types", "AsyncGeneratorType")?) {
        return Ok(Some("an asynchronous generator"));
    }
    let is_context = class.is_subclass(BASE.import(py, "contextlib", "_GeneratorContextManagerBase")?)?;
    Ok(is_context.then_some("a context manager"))
}

/// Tells if one of the first elements of a collection is a coroutine. Checking all would cost each event the length of
/// its handler's return value.
fn has_coroutine(result: &Bound<'_, PyAny>) -> bool {
    const FIRST: usize = 16;
    elements(result).take(FIRST).any(|element| is_coroutine(&element))
}

fn elements<'py>(result: &Bound<'py, PyAny>) -> impl Iterator<Item = Bound<'py, PyAny>> {
    let list = result.cast_exact::<PyList>().into_iter().flatten();
    let tuple = result.cast_exact::<PyTuple>().into_iter().flatten();
    let set = result.cast_exact::<PySet>().into_iter().flatten();
    list.chain(tuple).chain(set)
}

/// Calls the `__await__` of an object whose type has one.
fn start<'py>(result: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let Some(awaiter) = awaiter(&result.get_type()) else { return Ok(result.clone()) };
    // SAFETY: the object's own slot; it gives a new reference, or null with an error set.
    let started = unsafe { Bound::from_owned_ptr_or_err(result.py(), awaiter(result.as_ptr())) };
    let started = started?;
    if is_iterator(&started) {
        return Ok(started);
    }
    let (of, found) = (result.get_type().name()?, started.get_type().name()?);
    Err(PyTypeError::new_err(format!("__await__ of a {of} returned a {found}, which is no iterator")))
}

fn is_iterator(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a type check of a live object.
    unsafe { ffi::PyIter_Check(object.as_ptr()) != 0 }
}

#[cold]
fn unrun(function: &Bound<'_, PyAny>, result: &Bound<'_, PyAny>, what: &str) -> PyErr {
    for coroutine in elements(result).filter(is_coroutine) {
        discard(&coroutine);
    }
    HandlerTypeError::new_err(format!(
        "{function} returned {what}, which nobody runs; make it a coroutine function or a plain one, and have it await, \
         iterate or enter what it makes",
    ))
}

/// The object to await for a handler's return value, as the bus itself decides; `None` for a plain value.
#[pyfunction]
#[pyo3(signature = (handler, result, /))]
pub(crate) fn to_await<'py>(
    handler: &Bound<'py, PyAny>,
    result: Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    awaited(handler, result)
}
