//! What takes long to free is freed without the interpreter, so that nobody who needs it waits.

use std::ops::{Deref, DerefMut};

use pyo3::prelude::*;

/// A large piece of memory, or a file that may be the last to hold what was removed.
pub(crate) struct Detached<T: Send>(Option<T>);

impl<T: Send> Detached<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }
}

impl<T: Send> Deref for Detached<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().expect("it is there until it is dropped")
    }
}

impl<T: Send> DerefMut for Detached<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_mut().expect("it is there until it is dropped")
    }
}

impl<T: Send> Drop for Detached<T> {
    fn drop(&mut self) {
        let value = self.0.take();
        let _ = Python::try_attach(|py| py.detach(|| drop(value)));
    }
}
