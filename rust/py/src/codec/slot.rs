//! The slots that Pydantic gives its models.

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

/// One slot of the instances of a class.
pub(super) struct Slot {
    name: Py<PyString>,
    /// Where it stands in an instance, if that is known.
    offset: Option<usize>,
}

/// What the descriptor of a slot is in Python 3.11 to 3.13.
#[repr(C)]
struct Descriptor {
    head: ffi::PyObject,
    class: *mut ffi::PyTypeObject,
    name: *mut ffi::PyObject,
    qualified_name: *mut ffi::PyObject,
    member: *mut ffi::PyMemberDef,
}

/// The kind of a member that holds an object or nothing.
const OBJECT: c_int = 16;

impl Slot {
    /// The slots of a model: which fields were given, other fields, and private attributes.
    pub(super) fn of_model(class: &Bound<'_, PyType>) -> PyResult<[Self; 3]> {
        let py = class.py();
        Ok([
            Self::find(class, intern!(py, "__pydantic_fields_set__"))?,
            Self::find(class, intern!(py, "__pydantic_extra__"))?,
            Self::find(class, intern!(py, "__pydantic_private__"))?,
        ])
    }

    /// The slot of a name.
    fn find(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> PyResult<Self> {
        let descriptor = class.getattr(name)?;
        let size: usize = descriptor.get_type().getattr("__basicsize__")?.extract()?;
        let kind = &raw mut ffi::PyMemberDescr_Type;
        let is_known = descriptor.get_type_ptr() == kind && size == size_of::<Descriptor>();
        // SAFETY: it is the descriptor of a member, of the size that is known; the class keeps it alive.
        let member = is_known.then(|| unsafe { &*(*descriptor.as_ptr().cast::<Descriptor>()).member });
        let offset = member.filter(|member| member.type_code == OBJECT).map(|member| member.offset);
        let offset = offset.and_then(|offset| usize::try_from(offset).ok()).filter(|offset| *offset > 0);
        Ok(Self { name: name.clone().unbind(), offset })
    }

    /// Fills the slot of a new instance, past the model's own `__setattr__`, which refuses.
    pub(super) fn fill(&self, instance: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        if let Some(offset) = self.offset {
            // SAFETY: the instance is new and of the class, so that at this offset stands a null pointer to an object.
            unsafe { *instance.as_ptr().byte_add(offset).cast::<*mut ffi::PyObject>() = value.into_ptr() };
            return Ok(());
        }
        let name = self.name.bind(instance.py());
        // SAFETY: all three live.
        let status = unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), value.as_ptr()) };
        if status == 0 { Ok(()) } else { Err(PyErr::fetch(instance.py())) }
    }
}
