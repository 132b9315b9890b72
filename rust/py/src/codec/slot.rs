//! The slots of Pydantic's models.

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyString, PyType};

use crate::runtime::layouts;

/// The slots of a model: which fields were given, other fields, and private attributes.
pub(super) type Slots = [Slot; 3];

/// One slot of the instances of a class.
pub(super) struct Slot {
    name: Py<PyString>,
    /// Its offset in an instance, if the layout is known.
    offset: Option<usize>,
}

/// `PyMemberDescrObject` of `CPython` 3.11 to 3.13, with the `PyDescrObject` that it begins with.
#[repr(C)]
struct Descriptor {
    head: ffi::PyObject,
    class: *mut ffi::PyTypeObject,
    name: *mut ffi::PyObject,
    qualified_name: *mut ffi::PyObject,
    member: *mut ffi::PyMemberDef,
}

/// `Py_T_OBJECT_EX`: a member that holds an object or nothing, as slots do.
const OBJECT: c_int = 16;

/// Tells if slots of new instances are filled by writing their memory.
pub(crate) fn fills_slots(py: Python<'_>) -> PyResult<bool> {
    static FILLS: PyOnceLock<bool> = PyOnceLock::new();
    FILLS.get_or_try_init(py, || Ok(layouts::are_known(py) && try_on_base_model(py)?)).copied()
}

/// Fills the slots of an instance of `BaseModel`, and reads them back.
fn try_on_base_model(py: Python<'_>) -> PyResult<bool> {
    let class = py.import("pydantic")?.getattr("BaseModel")?.cast_into::<PyType>()?;
    let instance = new_instance(&class)?;
    for name in names(py) {
        let Some(offset) = offset_of(&class, name)? else { return Ok(false) };
        let value = PyString::new(py, "tried").into_any();
        if instance.getattr_opt(name)?.is_some() {
            return Ok(false);
        }
        // SAFETY: the class's own descriptor has told the offset, the slot is empty, and the instance is new.
        unsafe { fill_at(&instance, offset, value.clone()) };
        if !instance.getattr(name)?.is(&value) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn names(py: Python<'_>) -> [&Bound<'_, PyString>; 3] {
    [intern!(py, "__pydantic_fields_set__"), intern!(py, "__pydantic_extra__"), intern!(py, "__pydantic_private__")]
}

/// An instance without a value in any slot, and without a dictionary.
pub(super) fn new_instance<'py>(class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the class is a Python class on `BaseModel`, whose instances begin as zeroed memory; the call gives a new
    // one, or null with an error set.
    unsafe { Bound::from_owned_ptr_or_err(class.py(), ffi::PyType_GenericAlloc(class.as_type_ptr(), 0)) }
}

/// The offset of a slot in the instances of a class, if its descriptor has the known layout.
fn offset_of(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> PyResult<Option<usize>> {
    let descriptor = class.getattr(name)?;
    let size: usize = descriptor.get_type().getattr("__basicsize__")?.extract()?;
    let kind = &raw mut ffi::PyMemberDescr_Type;
    if descriptor.get_type_ptr() != kind || size != size_of::<Descriptor>() {
        return Ok(None);
    }
    // SAFETY: layout: the object is exactly a member descriptor, of the size of `Descriptor`, in a version whose layout
    // that is. Aliasing: neither it nor the definition is written to once made. Lifetime: `descriptor` holds the object,
    // which holds its class, in which the definition stands.
    let member = unsafe { &*(*descriptor.as_ptr().cast::<Descriptor>()).member };
    let is_object = member.type_code == OBJECT;
    Ok(usize::try_from(member.offset).ok().filter(|offset| is_object && *offset > 0))
}

/// Puts a value into an empty slot.
///
/// # Safety
///
/// At the offset the instance has a pointer to an object, or null, as the descriptor of one of its members says, and
/// there is null. Nobody but the caller has seen the instance.
#[inline]
unsafe fn fill_at(instance: &Bound<'_, PyAny>, offset: usize, value: Bound<'_, PyAny>) {
    // SAFETY: layout and aliasing: the caller says so; members are aligned. Lifetime: the slot takes over the reference to
    // the value, and had none that is lost.
    unsafe { *instance.as_ptr().byte_add(offset).cast::<*mut ffi::PyObject>() = value.into_ptr() };
}

impl Slot {
    /// The slots of a model.
    pub(super) fn of_model(class: &Bound<'_, PyType>) -> PyResult<Slots> {
        let [given, extra, private] = names(class.py());
        Ok([Self::find(class, given)?, Self::find(class, extra)?, Self::find(class, private)?])
    }

    fn find(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> PyResult<Self> {
        let offset = if fills_slots(class.py())? { offset_of(class, name)? } else { None };
        Ok(Self { name: name.clone().unbind(), offset })
    }

    /// Fills the slot of a new instance. The model's own `__setattr__` would refuse.
    #[inline]
    pub(super) fn fill(&self, instance: &Bound<'_, PyAny>, value: Bound<'_, PyAny>) -> PyResult<()> {
        let Some(offset) = self.offset else { return self.set(instance, &value) };
        // SAFETY: the descriptor of the instance's class has told the offset; the instance is new, so that all its slots are
        // empty, as instances begin as zeroed memory.
        unsafe { fill_at(instance, offset, value) };
        Ok(())
    }

    fn set(&self, instance: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        let name = self.name.bind(instance.py());
        // SAFETY: all three live.
        let status = unsafe { ffi::PyObject_GenericSetAttr(instance.as_ptr(), name.as_ptr(), value.as_ptr()) };
        if status == 0 { Ok(()) } else { Err(PyErr::fetch(instance.py())) }
    }
}
