/* views.c - dtypes, shapes and views between NumPy and the library; failures between the library and Python. */
#include "binding.h"

PyObject *Failure;

PyObject *raise_failure_with(const tw_error *error, PyObject *details)
{
    PyObject *message = PyUnicode_DecodeUTF8(error->message, (Py_ssize_t)strlen(error->message), "replace");
    if (details == NULL) {
        details = Py_NewRef(Py_None);
    }
    PyObject *value = Py_BuildValue("(iNiLiiiN)", (int)error->status, message, error->os_error, (long long)error->tile,
                                    error->worker, error->column, error->kernel_code, details);
    if (value != NULL) {
        PyErr_SetObject(Failure, value);
        Py_DECREF(value);
    }
    return NULL;
}

PyObject *raise_failure(const tw_error *error)
{
    return raise_failure_with(error, NULL);
}

/* Kinds and NumPy's type numbers, by size: C's names for the same size are several. */
static const struct {
    char kind; /* NumPy's letter */
    int size;
    tw_kind ours;
    int number;
} kinds[] = {
    {'b', 1, TW_BOOL, NPY_BOOL},           {'i', 1, TW_INT8, NPY_INT8},
    {'i', 2, TW_INT16, NPY_INT16},         {'i', 4, TW_INT32, NPY_INT32},
    {'i', 8, TW_INT64, NPY_INT64},         {'u', 1, TW_UINT8, NPY_UINT8},
    {'u', 2, TW_UINT16, NPY_UINT16},       {'u', 4, TW_UINT32, NPY_UINT32},
    {'u', 8, TW_UINT64, NPY_UINT64},       {'f', 2, TW_FLOAT16, NPY_FLOAT16},
    {'f', 4, TW_FLOAT32, NPY_FLOAT32},     {'f', 8, TW_FLOAT64, NPY_FLOAT64},
    {'c', 8, TW_COMPLEX64, NPY_COMPLEX64}, {'c', 16, TW_COMPLEX128, NPY_COMPLEX128},
};

int dtype_of_number(tw_dtype *dtype, const PyArray_Descr *from)
{
    const npy_intp size = PyDataType_ELSIZE(from);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (from->kind == kinds[k].kind && size == kinds[k].size) {
            *dtype = tw_dtype_of(kinds[k].ours);
            return 0;
        }
    }
    return -1;
}

int dtype_from_numpy(tw_dtype *dtype, PyArray_Descr *from, const char *descr)
{
    const npy_intp size = PyDataType_ELSIZE(from);
    if (descr == NULL) {
        if (PyArray_ISNBO(from->byteorder) && dtype_of_number(dtype, from) == 0) {
            return 0;
        }
        PyErr_Format(PyExc_TypeError, "items of dtype %R need a description", from);
        return -1;
    }
    *dtype = (tw_dtype){.kind = TW_OPAQUE, .alignment = 1, .itemsize = size, .descr = descr};
    return 0;
}

PyArray_Descr *numpy_from_dtype(const tw_dtype *dtype)
{
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (dtype->kind == kinds[k].ours) {
            return PyArray_DescrFromType(kinds[k].number);
        }
    }
    PyObject *found = PyObject_CallFunction(callbacks.dtype_of_descr, "s", dtype->descr);
    if (found != NULL && (!PyArray_DescrCheck(found) || PyDataType_ELSIZE((PyArray_Descr *)found) != dtype->itemsize)) {
        PyErr_Format(PyExc_TypeError, "the dtype %s could not be made again", dtype->descr);
        Py_CLEAR(found);
    }
    return (PyArray_Descr *)found;
}

static PyTypeObject *record, *record_array; /* numpy.record, numpy.recarray */

int find_record_types(void)
{
    PyObject *numpy = PyImport_ImportModule("numpy");
    if (numpy != NULL) {
        record = (PyTypeObject *)PyObject_GetAttrString(numpy, "record");
        record_array = (PyTypeObject *)PyObject_GetAttrString(numpy, "recarray");
        Py_DECREF(numpy);
    }
    return record != NULL && record_array != NULL ? 0 : -1;
}

PyObject *ndarray_of_view(const tw_view *view, int writable, PyObject *base)
{
    static char nothing[64]; /* NumPy takes a null pointer for the wish to have memory */
    npy_intp shape[TW_MAX_DIMS], strides[TW_MAX_DIMS];
    PyArray_Descr *descr = numpy_from_dtype(&view->dtype);
    if (descr == NULL) {
        return NULL;
    }
    for (int d = 0; d < view->ndim; d++) {
        shape[d] = view->shape[d];
        strides[d] = view->strides[d];
    }
    /* Its items say of which class the user's array is, so no more than a dtype has to reach the workers. */
    PyTypeObject *class = view->dtype.kind == TW_OPAQUE && descr->typeobj == record ? record_array : &PyArray_Type;
    PyObject *array =
        PyArray_NewFromDescr(class, descr, view->ndim, shape, strides, view->data != NULL ? view->data : nothing,
                             writable ? NPY_ARRAY_WRITEABLE : 0, NULL);
    if (array != NULL && base != NULL && PyArray_SetBaseObject((PyArrayObject *)array, Py_NewRef(base)) != 0) {
        Py_CLEAR(array);
    }
    return array;
}

PyObject *tuple_of_integers(const int64_t *values, int n)
{
    PyObject *tuple = PyTuple_New(n);
    for (int k = 0; tuple != NULL && k < n; k++) {
        PyObject *value = PyLong_FromLongLong(values[k]);
        if (value == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, k, value);
        }
    }
    return tuple;
}

int integers_of_sequence(PyObject *sequence, int64_t *values, int most, const char *what)
{
    PyObject *fast = PySequence_Fast(sequence, what);
    if (fast == NULL) {
        return -1;
    }
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(fast);
    if (n > most) {
        PyErr_Format(PyExc_ValueError, "%s: %zd numbers, at most %d", what, n, most);
        Py_DECREF(fast);
        return -1;
    }
    for (Py_ssize_t k = 0; k < n; k++) {
        values[k] = PyLong_AsLongLong(PySequence_Fast_GET_ITEM(fast, k));
        if (values[k] == -1 && PyErr_Occurred()) {
            Py_DECREF(fast);
            return -1;
        }
    }
    Py_DECREF(fast);
    return (int)n;
}
