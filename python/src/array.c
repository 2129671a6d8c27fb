/* array.c - Array: a tw_array, and ndarrays over its memory that keep it alive. */
#include "binding.h"

PyObject *array_object(tw_array *array, PyObject *source)
{
    ArrayObject *self = PyObject_New(ArrayObject, &ArrayType);
    if (self == NULL) {
        tw_array_destroy(array);
        return NULL;
    }
    self->array = array;
    self->source = Py_XNewRef(source);
    self->weak = NULL;
    self->pid = own_pid();
    count_live(COUNT_ARRAYS, 1);
    return (PyObject *)self;
}

static void array_dealloc(PyObject *object)
{
    ArrayObject *self = (ArrayObject *)object;
    if (self->weak != NULL) {
        PyObject_ClearWeakRefs(object);
    }
    if (self->pid == own_pid()) {
        tw_array_destroy(self->array);
        count_live(COUNT_ARRAYS, -1);
    }
    Py_XDECREF(self->source);
    PyObject_Free(self);
}

/* create(Pool, Heap or None, dtype, descr or None, shape) */
static PyObject *array_create(PyObject *type, PyObject *args)
{
    PyObject *place, *shape;
    PyArray_Descr *from;
    const char *descr;
    int64_t lengths[TW_MAX_DIMS];
    tw_dtype dtype;
    tw_array *array;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "OO!zO:create", &place, &PyArrayDescr_Type, &from, &descr, &shape)) {
        return NULL;
    }
    const int in_heap = Py_IS_TYPE(place, &HeapType);
    if (place != Py_None && !in_heap && (!Py_IS_TYPE(place, &PoolType) || ((PoolObject *)place)->pool == NULL)) {
        PyErr_SetString(PyExc_ValueError, "an array is made for an open pool");
        return NULL;
    }
    const int ndim = integers_of_sequence(shape, lengths, TW_MAX_DIMS, "an array's shape");
    if (ndim < 0 || dtype_from_numpy(&dtype, from, descr) != 0) {
        return NULL;
    }
    tw_pool *for_pool = place != Py_None && !in_heap ? ((PoolObject *)place)->pool : NULL;
    const tw_status status =
        in_heap ? tw_array_create_in(&array, ((HeapObject *)place)->heap, &dtype, ndim, lengths, &error)
                : tw_array_create(&array, for_pool, &dtype, ndim, lengths, &error);
    return status == TW_OK ? array_object(array, NULL) : raise_failure(&error);
}

static int view_of_ndarray(tw_view *view, PyArrayObject *source, const char *descr)
{
    if (PyArray_NDIM(source) > TW_MAX_DIMS) {
        PyErr_Format(PyExc_ValueError, "an array of %d dimensions; at most %d", PyArray_NDIM(source), TW_MAX_DIMS);
        return -1;
    }
    if (dtype_from_numpy(&view->dtype, PyArray_DESCR(source), descr) != 0) {
        return -1;
    }
    view->data = PyArray_DATA(source);
    view->ndim = PyArray_NDIM(source);
    for (int d = 0; d < view->ndim; d++) {
        view->shape[d] = PyArray_DIM(source, d);
        view->strides[d] = PyArray_STRIDE(source, d);
    }
    return 0;
}

/* wrap(ndarray, descr or None, owner or None): with an owner, an Array in whose memory all items lie, a part of that.
 */
static PyObject *array_wrap(PyObject *type, PyObject *args)
{
    PyArrayObject *source;
    PyObject *owner;
    const char *descr;
    tw_view view;
    tw_array *array;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "O!zO:wrap", &PyArray_Type, &source, &descr, &owner)) {
        return NULL;
    }
    if (view_of_ndarray(&view, source, descr) != 0) {
        return NULL;
    }
    if (owner != Py_None && !Py_IS_TYPE(owner, &ArrayType)) {
        PyErr_SetString(PyExc_TypeError, "the owner of a part is an Array");
        return NULL;
    }
    const tw_status status = owner == Py_None ? tw_array_wrap(&array, &view, &error)
                                              : tw_array_part(&array, ((ArrayObject *)owner)->array, &view, &error);
    return status == TW_OK ? array_object(array, (PyObject *)source) : raise_failure(&error);
}

static PyObject *array_numpy(PyObject *object, PyObject *none)
{
    ArrayObject *self = (ArrayObject *)object;
    (void)none;
    return self->source != NULL
               ? Py_NewRef(self->source)
               : ndarray_of_view(tw_array_view(self->array), tw_array_memory(self->array) != TW_MAPPED, object);
}

/* bytes(): all of its memory as an ndarray of uint8 */
static PyObject *array_bytes(PyObject *object, PyObject *none)
{
    const tw_view *view = tw_array_view(((ArrayObject *)object)->array);
    (void)none;
    const tw_view flat = {.data = view->data,
                          .dtype = tw_dtype_of(TW_UINT8),
                          .ndim = 1,
                          .shape = {tw_view_size(view) * view->dtype.itemsize},
                          .strides = {1}};
    return ndarray_of_view(&flat, 1, object);
}

/* handle() -> what attach takes, or None: the array is in no memory file */
static PyObject *array_handle(PyObject *object, PyObject *none)
{
    tw_handle handle;
    tw_error error;
    (void)none;
    const tw_status status = tw_array_handle(((ArrayObject *)object)->array, &handle, &error);
    if (status == TW_ERROR_FILE) {
        Py_RETURN_NONE;
    }
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    return Py_BuildValue("(iiKKLLLK)", handle.pid, handle.descriptor, (unsigned long long)handle.device,
                         (unsigned long long)handle.inode, (long long)handle.offset, (long long)handle.bytes,
                         (long long)handle.mark_at, (unsigned long long)handle.mark);
}

/* attach(handle): an Array of uint8 */
static PyObject *array_attach(PyObject *type, PyObject *args)
{
    tw_handle handle;
    unsigned long long device, inode, mark;
    long long offset, bytes, mark_at;
    tw_array *array;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "(iiKKLLLK):attach", &handle.pid, &handle.descriptor, &device, &inode, &offset, &bytes,
                          &mark_at, &mark)) {
        return NULL;
    }
    handle.device = device;
    handle.inode = inode;
    handle.offset = offset;
    handle.bytes = bytes;
    handle.mark_at = mark_at;
    handle.mark = mark;
    return tw_array_attach(&array, &handle, &error) == TW_OK ? array_object(array, NULL) : raise_failure(&error);
}

static PyObject *array_address(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromVoidPtr(tw_array_data(((ArrayObject *)object)->array));
}

static PyObject *array_nbytes(PyObject *object, void *closure)
{
    const tw_view *view = tw_array_view(((ArrayObject *)object)->array);
    (void)closure;
    return PyLong_FromLongLong(tw_view_size(view) * view->dtype.itemsize);
}

static PyObject *array_shared(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(tw_array_memory(((ArrayObject *)object)->array) == TW_SHARED);
}

static PyObject *array_mapped(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(tw_array_memory(((ArrayObject *)object)->array) == TW_MAPPED);
}

static PyObject *array_descr(PyObject *object, void *closure)
{
    const tw_dtype *dtype = &tw_array_view(((ArrayObject *)object)->array)->dtype;
    (void)closure;
    return dtype->kind == TW_OPAQUE ? PyUnicode_DecodeUTF8(dtype->descr, (Py_ssize_t)strlen(dtype->descr), "replace")
                                    : Py_NewRef(Py_None);
}

static PyObject *array_zero(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(tw_array_is_zero(((ArrayObject *)object)->array));
}

static PyMethodDef array_methods[] = {
    {"create", array_create, METH_VARARGS | METH_STATIC, "tw_array_create, tw_array_create_in."},
    {"attach", array_attach, METH_VARARGS | METH_STATIC, "tw_array_attach."},
    {"wrap", array_wrap, METH_VARARGS | METH_STATIC, "tw_array_wrap, tw_array_part."},
    {"numpy", array_numpy, METH_NOARGS, "An ndarray over the memory, or the one that was wrapped."},
    {"bytes", array_bytes, METH_NOARGS, "All of its memory as an ndarray of uint8."},
    {"handle", array_handle, METH_NOARGS, "tw_array_handle."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef array_fields[] = {
    {"address", array_address, NULL, "Where its memory begins.", NULL},
    {"nbytes", array_nbytes, NULL, "Bytes that its items take.", NULL},
    {"zero", array_zero, NULL, "tw_array_is_zero.", NULL},
    {"shared", array_shared, NULL, "It lies in the shared memory of a pool.", NULL},
    {"descr", array_descr, NULL, "The text of items that the library does not compute with, else None.", NULL},
    {"mapped", array_mapped, NULL, "It is a file that is mapped.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject ArrayType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Array",
    .tp_basicsize = sizeof(ArrayObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .tp_dealloc = array_dealloc,
    .tp_weaklistoffset = offsetof(ArrayObject, weak),
    .tp_methods = array_methods,
    .tp_getset = array_fields,
};
