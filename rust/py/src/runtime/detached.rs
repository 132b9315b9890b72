//! Values that are slow to free, freed without holding the GIL.

use std::ops::{Deref, DerefMut};

use pyo3::prelude::*;

/// A value that is dropped without the GIL: a large buffer, or the last handle of a removed file.
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
