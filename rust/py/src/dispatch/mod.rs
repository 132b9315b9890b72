//! Dispatch: events from the queues into handlers.

pub(crate) mod batch_take;
pub(crate) mod handling;
pub(crate) mod hiring;
pub(crate) mod nested_loop;
pub(crate) mod nesting;
pub(crate) mod next;
pub(crate) mod run;
pub(crate) mod run_through;
pub(crate) mod worker;
pub(crate) mod worker_coroutine;
pub(crate) mod worker_state;
