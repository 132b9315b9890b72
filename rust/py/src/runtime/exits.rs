//! The exit of the interpreter while other threads run native code.
//!
//! Before 3.14 a thread that asks for the GIL of an interpreter that is being finalized is ended by `pthread_exit`,
//! which unwinds its stack; in Rust frames that aborts the process. There are two defences. An exit hook refuses calls
//! of other threads from then on, and waits for running ones. And Python code that may take long is called through
//! [`call`] and its like, where unwinding meets a frame that parks the thread for good, as 3.14 itself does, and as
//! `PyO3` does when it takes the GIL back: the process ends without that thread.

use std::hint::black_box;
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::thread::this_thread;

/// The longest wait for running calls at exit.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The interval at which running calls are counted.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The number of running calls that may release the GIL. The GIL guards it.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);
static IS_ENDING: AtomicBool = AtomicBool::new(false);
/// True once the longest wait has passed.
static HAS_WAITED: AtomicBool = AtomicBool::new(false);
/// The thread in which the interpreter exits.
static EXITING_THREAD: AtomicUsize = AtomicUsize::new(0);

/// A guard for the duration of a native call that may run Python code.
pub(crate) struct NativeCall(());

impl NativeCall {
    /// Begins a call, which is refused to other threads while the interpreter exits.
    pub(crate) fn begin(py: Python<'_>) -> PyResult<Self> {
        if is_ending() && EXITING_THREAD.load(Ordering::Relaxed) != this_thread() {
            return Err(PyRuntimeError::new_err("the interpreter is ending, and takes no calls of other threads"));
        }
        Ok(Self::resume(py))
    }

    /// Begins a call that continues an earlier one, and is never refused.
    pub(crate) fn resume(_: Python<'_>) -> Self {
        UNDER_WAY.store(UNDER_WAY.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for NativeCall {
    fn drop(&mut self) {
        UNDER_WAY.store(UNDER_WAY.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
    }
}

#[inline]
pub(crate) fn is_ending() -> bool {
    IS_ENDING.load(Ordering::Relaxed)
}

/// Refuses calls of other threads from now on, and waits for running ones, up to a limit, once.
#[pyfunction]
pub(crate) fn end_calls(py: Python<'_>) {
    EXITING_THREAD.store(this_thread(), Ordering::Relaxed);
    IS_ENDING.store(true, Ordering::Relaxed);
    let started = Instant::now();
    while UNDER_WAY.load(Ordering::Relaxed) > 0 && !HAS_WAITED.load(Ordering::Relaxed) {
        py.detach(|| thread::sleep(POLL_INTERVAL));
        HAS_WAITED.store(started.elapsed() >= LONGEST_WAIT, Ordering::Relaxed);
    }
}

/// Resets the count in a forked child, which has no other threads.
pub(crate) fn note_fork() {
    UNDER_WAY.store(0, Ordering::Relaxed);
}

/// Registers [`end_calls`] as an exit hook.
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.py().import("atexit")?.call_method1("register", (module.getattr("end_calls")?,)).map(drop)
}

/// Parks the thread for good when dropped, which only unwinding does.
struct ParkOnUnwind;

impl Drop for ParkOnUnwind {
    fn drop(&mut self) {
        loop {
            thread::park();
        }
    }
}

type Object = *mut ffi::PyObject;

/// Calls an interpreter function that may unwind. It is declared as one that never does, so it is called through an
/// opaque pointer of a type that differs in nothing else.
macro_rules! call_unwinding {
    ($function:path, ($($type:ty),*) -> $result:ty, $($argument:expr),*) => {{
        type Declared = unsafe extern "C" fn($($type),*) -> $result;
        type Unwinding = unsafe extern "C-unwind" fn($($type),*) -> $result;
        let callee = mem::transmute::<Declared, Unwinding>(black_box($function as Declared));
        let hold = ParkOnUnwind;
        let result = callee($($argument),*);
        mem::forget(hold);
        result
    }};
}

/// `function(argument)`.
#[inline]
pub(crate) fn call<'py>(function: &Bound<'py, PyAny>, argument: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // A bound method puts its object into the slot before the argument.
    let mut arguments = [ptr::null_mut(), argument.as_ptr()];
    let count = 1 | ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
    // SAFETY: the pointer may be written through, and lies in the array, as does the place before it. All objects live
    // through the call, which gives a new reference, or null with an error set.
    unsafe {
        let first = arguments.as_mut_ptr().add(1).cast_const();
        let result = call_unwinding!(
            ffi::PyObject_Vectorcall,
            (Object, *const Object, usize, Object) -> Object,
            function.as_ptr(), first, count, ptr::null_mut()
        );
        Bound::from_owned_ptr_or_err(function.py(), result)
    }
}

/// Calls a method of the first of the arguments with the rest.
pub(crate) fn call_method<'py, const N: usize>(
    method: &Bound<'py, PyString>,
    arguments: [&Bound<'py, PyAny>; N],
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = arguments.map(Bound::as_ptr);
    // SAFETY: all objects live through the call, which gives a new reference, or null with an error set.
    unsafe {
        let result = call_unwinding!(
            ffi::PyObject_VectorcallMethod,
            (Object, *const Object, usize, Object) -> Object,
            method.as_ptr(), arguments.as_ptr(), N, ptr::null_mut()
        );
        Bound::from_owned_ptr_or_err(method.py(), result)
    }
}

/// Calls a function with one argument and with options.
pub(crate) fn call_with_options<'py>(
    function: &Bound<'py, PyAny>,
    argument: &Bound<'py, PyAny>,
    options: &Bound<'py, PyDict>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = PyTuple::new(function.py(), [argument])?;
    // SAFETY: all objects live through the call, which gives a new reference, or null with an error set.
    unsafe {
        let result = call_unwinding!(
            ffi::PyObject_Call,
            (Object, Object, Object) -> Object,
            function.as_ptr(), arguments.as_ptr(), options.as_ptr()
        );
        Bound::from_owned_ptr_or_err(function.py(), result)
    }
}

/// `PyIter_Send(coroutine, None)`: the status, and the value yielded or returned.
#[inline]
pub(crate) fn send<'py>(coroutine: &Bound<'py, PyAny>) -> (ffi::PySendResult, Option<Bound<'py, PyAny>>) {
    let mut value = ptr::null_mut();
    // SAFETY: both objects live through the call, and `value` receives a new reference unless an error is set.
    unsafe {
        let status = call_unwinding!(
            ffi::PyIter_Send,
            (Object, Object, *mut Object) -> ffi::PySendResult,
            coroutine.as_ptr(), ffi::Py_None(), &raw mut value
        );
        (status, Bound::from_owned_ptr_or_opt(coroutine.py(), value))
    }
}
