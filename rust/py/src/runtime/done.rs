//! A fast path for awaiting a finished awaitable.

use std::ptr;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyType;

use super::drive::{self, Progress};
use super::layouts;

/// `__await__`: the object is its own iterator.
extern "C" fn itself(object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    // SAFETY: the interpreter calls a slot with a live object, and takes a new reference from it.
    unsafe { ffi::Py_NewRef(object) }
}

/// `__next__`: null without an exception is the end.
extern "C" fn at_its_end(_object: *mut ffi::PyObject) -> *mut ffi::PyObject {
    ptr::null_mut()
}

/// Sets the slots of a class of finished awaitables to functions without a call guard; the guards cost a tenth of a
/// publish. Returns whether it has; if not, the class is unchanged.
pub(crate) fn shorten(instance: &Bound<'_, PyAny>) -> bool {
    let class = instance.get_type();
    if !layouts::are_known(instance.py()) {
        return false;
    }
    let own = (Some(itself as ffi::unaryfunc), Some(at_its_end as ffi::iternextfunc));
    let Some(former) = replace(&class, own) else { return false };
    let ends = matches!(drive::send(instance), Progress::Returned);
    if !ends {
        replace(&class, former);
    }
    ends
}

/// The functions of a type that `await` and `next` call.
type Slots = (Option<ffi::unaryfunc>, Option<ffi::iternextfunc>);

/// Sets both slots of a class that has a table of asynchronous methods. Returns their former values.
fn replace(class: &Bound<'_, PyType>, (awaiter, next): Slots) -> Option<Slots> {
    let class = class.as_type_ptr();
    // SAFETY: layout: `PyTypeObject` is the interpreter's public one, of the version that this was compiled for. Aliasing:
    // the class is one of this crate's own heap types, complete, and no other thread looks at it while this one holds the
    // GIL; the interpreter is told that it has changed. Lifetime: the table is part of the heap type.
    unsafe {
        let methods = (*class).tp_as_async.as_mut()?;
        let former = (std::mem::replace(&mut methods.am_await, awaiter), (*class).tp_iternext);
        (*class).tp_iternext = next;
        ffi::PyType_Modified(class);
        Some(former)
    }
}
