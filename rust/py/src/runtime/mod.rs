//! The interpreter: event loops, threads, forks, calls into Python, exit.

pub(crate) mod coroutine;
pub(crate) mod detached;
pub(crate) mod done;
pub(crate) mod drive;
pub(crate) mod event_loop;
pub(crate) mod exits;
pub(crate) mod fork;
pub(crate) mod guarded;
pub(crate) mod handler_context;
pub(crate) mod histogram;
pub(crate) mod layouts;
pub(crate) mod pace;
pub(crate) mod references;
pub(crate) mod returned;
pub(crate) mod thread;
