//! The event loop of a bus, and its thread.

use std::sync::atomic::{AtomicUsize, Ordering};

use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use pyo3::{ffi, intern};

use super::exits;
use super::guarded::Guarded;
use super::references::holders;
use super::thread::this_thread;
use crate::error::WrongLoopError;

/// The event loop that a bus belongs to.
pub(crate) struct LoopHandle {
    event_loop: Py<PyAny>,
    /// The thread in which the loop ran when it was last seen.
    thread: AtomicUsize,
    task_class: Py<PyAny>,
    /// `loop=` and `context=` of a worker's task.
    task_options: Py<PyDict>,
    /// The context in it.
    context: Guarded<Py<PyAny>>,
}

/// The reference count of the next task's context while no task has it: one of the options, one of the handle.
const FREE: isize = 2;

impl LoopHandle {
    /// The loop that runs in this thread, if any.
    pub(crate) fn of_running_loop(py: Python<'_>) -> PyResult<Option<Self>> {
        let Some(event_loop) = running_loop(py)? else { return Ok(None) };
        let task_options = PyDict::new(py);
        task_options.set_item("loop", &event_loop)?;
        let context = empty_context(py)?;
        task_options.set_item("context", &context)?;
        Ok(Some(Self {
            event_loop: event_loop.unbind(),
            thread: AtomicUsize::new(this_thread()),
            task_class: py.import("trading.events._bus.worker_task")?.getattr("WorkerTask")?.unbind(),
            task_options: task_options.unbind(),
            context: Guarded::new(context.unbind()),
        }))
    }

    pub(crate) fn is_in_this_thread(&self) -> bool {
        self.thread.load(Ordering::Relaxed) == this_thread()
    }

    /// Tells if the loop runs in this thread now.
    pub(crate) fn is_running_here(&self, py: Python<'_>) -> PyResult<bool> {
        let is_here = running_loop(py)?.is_some_and(|running| running.is(&self.event_loop));
        if is_here {
            self.thread.store(this_thread(), Ordering::Relaxed);
        }
        Ok(is_here)
    }

    pub(crate) fn traverse(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        visit.call(&self.task_options)?;
        self.context.lock_in_traverse(&visit).map_or(Ok(()), |context| visit.call(&*context))
    }

    /// Refuses a closed loop.
    pub(crate) fn check_open(&self, py: Python<'_>) -> PyResult<()> {
        if self.event_loop.bind(py).call_method0(intern!(py, "is_closed"))?.is_truthy()? {
            return Err(WrongLoopError::new_err(
                "this bus belongs to an event loop that is closed; make a new bus in the loop that runs now",
            ));
        }
        Ok(())
    }

    /// Refuses callers outside the loop.
    pub(crate) fn check_running(&self, py: Python<'_>) -> PyResult<()> {
        if self.is_running_here(py)? {
            return Ok(());
        }
        Err(WrongLoopError::new_err(
            "this bus belongs to another event loop or thread; only publish and publish_nowait may be called from there",
        ))
    }

    pub(crate) fn start_task<'py>(&self, coroutine: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let py = coroutine.py();
        self.renew_context(py)?;
        exits::call_with_options(self.task_class.bind(py), coroutine, self.task_options.bind(py))
    }

    /// Makes sure that the next task shares its context with no other: with `nest_asyncio` one task may run inside
    /// another.
    fn renew_context(&self, py: Python<'_>) -> PyResult<()> {
        if holders(self.context.lock(py).bind(py)) <= FREE {
            return Ok(());
        }
        let context = empty_context(py)?;
        self.task_options.bind(py).set_item(intern!(py, "context"), &context)?;
        let former = std::mem::replace(&mut *self.context.lock(py), context.unbind());
        drop(former);
        Ok(())
    }

    pub(crate) fn call_soon(&self, callback: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = callback.py();
        exits::call_method(intern!(py, "call_soon"), [self.event_loop.bind(py), callback]).map(drop)
    }

    pub(crate) fn call_soon_threadsafe(&self, callback: &Bound<'_, PyAny>, argument: usize) -> PyResult<()> {
        let py = callback.py();
        let method = intern!(py, "call_soon_threadsafe");
        let argument = argument.into_pyobject(py)?.into_any();
        exits::call_method(method, [self.event_loop.bind(py), callback, &argument]).map(drop)
    }

    pub(crate) fn new_future<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        exits::call_method(intern!(py, "create_future"), [self.event_loop.bind(py)])
    }
}

/// A context without variables. Handlers run in their subscriptions' contexts; a copy of the caller's would only keep
/// its values alive.
fn empty_context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: the thread is attached; the call gives a new reference, or null with an error set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyContext_New()) }
}

/// Tells if handlers may run the event loop from within.
pub(crate) fn may_nest(py: Python<'_>) -> PyResult<bool> {
    static NAMES: PyOnceLock<Py<PyDict>> = PyOnceLock::new();
    let names = NAMES.get_or_try_init(py, || PyResult::Ok(py.import("asyncio")?.dict().unbind()))?;
    names.bind(py).contains(intern!(py, "_nest_patched"))
}

fn running_loop(py: Python<'_>) -> PyResult<Option<Bound<'_, PyAny>>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let found = GET.import(py, "asyncio", "_get_running_loop")?.call0()?;
    Ok((!found.is_none()).then_some(found))
}

/// Completes futures that are not done.
pub(crate) fn wake(py: Python<'_>, futures: Vec<Py<PyAny>>) -> PyResult<()> {
    for future in futures {
        let future = future.bind(py);
        if !future.call_method0(intern!(py, "done"))?.is_truthy()? {
            exits::call_method(intern!(py, "set_result"), [future, py.None().bind(py)])?;
        }
    }
    Ok(())
}
