/* results.c - what a kernel returns: as an array of its tile's shape, in memory of the output's dtype, or, where the
 * output has none, of its own dtype. Runs on the threads of a pool and in its worker processes. */
#include "binding.h"

/* What tilework/_results.py has given to be called back. */
static struct {
    PyObject *plain;   /* (value) -> numpy.ndarray */
    PyObject *choose;  /* (dtype, run, operand) -> (dtype of the array that is asked for, descr, bytes of a text) */
    PyObject *no_room; /* the exception for an output that has no memory */
} asked;

PyObject *set_result_callbacks(PyObject *self, PyObject *args)
{
    PyObject *plain, *choose, *no_room;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOO:set_result_callbacks", &plain, &choose, &no_room)) {
        return NULL;
    }
    Py_XSETREF(asked.plain, Py_NewRef(plain));
    Py_XSETREF(asked.choose, Py_NewRef(choose));
    Py_XSETREF(asked.no_room, Py_NewRef(no_room));
    Py_RETURN_NONE;
}

/* ---- values as arrays ---- */

/* An exact ndarray; numbers of NumPy's are read here, all else there. A new reference. */
static PyArrayObject *plain_array(PyObject *value)
{
    if (PyArray_CheckExact(value)) {
        return (PyArrayObject *)Py_NewRef(value);
    }
    if (PyArray_IsScalar(value, Generic)) {
        return (PyArrayObject *)PyArray_FromAny(value, NULL, 0, 0, 0, NULL);
    }
    PyObject *found = PyObject_CallOneArg(asked.plain, value);
    if (found != NULL && !PyArray_CheckExact(found)) {
        PyErr_Format(PyExc_TypeError, "the kernel has returned a %s, which is no array", Py_TYPE(value)->tp_name);
        Py_CLEAR(found);
    }
    return (PyArrayObject *)found;
}

const char *operand_name(const struct call *call, int operand)
{
    const char *name = call->operand_names;
    for (int k = 0; k < operand; k++) {
        name += strlen(name) + 1;
    }
    return name;
}

/* The input whose halo is still around a value of this shape; -1: none. */
static int haloed_input(const tw_tile *tile, const struct call *call, int operand, PyArrayObject *array)
{
    for (int n = 0; n < call->nargs; n++) {
        const int k = call->args[n], ndim = tile->operand[k].ndim;
        int same = ndim == PyArray_NDIM(array) && ndim == tile->operand[operand].ndim &&
                   memcmp(call->axes[k], call->axes[operand], (size_t)ndim) == 0;
        for (int d = 0; same && d < ndim; d++) {
            same = tile->operand[k].shape[d] == PyArray_DIM(array, d);
        }
        if (same && (call->haloed >> k & 1) != 0) {
            return k;
        }
    }
    return -1;
}

static int check_shape(const tw_tile *tile, const struct call *call, int operand, PyArrayObject *array)
{
    npy_intp shape[TW_MAX_DIMS];
    const int ndim = tile->operand[operand].ndim;
    for (int d = 0; d < ndim; d++) {
        shape[d] = tile->operand[operand].shape[d];
    }
    if (PyArray_NDIM(array) == ndim && PyArray_CompareLists(PyArray_DIMS(array), shape, ndim)) {
        return 0;
    }
    const int haloed = haloed_input(tile, call, operand, array);
    PyObject *given = PyArray_IntTupleFromIntp(PyArray_NDIM(array), PyArray_DIMS(array));
    PyObject *wanted = PyArray_IntTupleFromIntp(ndim, shape);
    if (given != NULL && wanted != NULL) {
        PyErr_Format(PyExc_ValueError, "the kernel has returned a value of shape %R for a tile of shape %R%s%s", given,
                     wanted, haloed >= 0 ? ": cut off the halo of " : "",
                     haloed >= 0 ? operand_name(call, haloed) : "");
    }
    Py_XDECREF(given);
    Py_XDECREF(wanted);
    return -1;
}

/* ---- outputs that have a dtype ---- */

static int is_number(const PyArray_Descr *descr)
{
    return strchr("biufc", descr->kind) != NULL;
}

/* Numbers and lists of Python's are read as items of the output's dtype, unless that would cut them: then they are what
 * NumPy reads them as. */
static PyArrayObject *as_wished(PyArrayObject *array, PyObject *value, PyArray_Descr *wish)
{
    const PyArray_Descr *own = PyArray_DESCR(array);
    const int python = !PyArray_Check(value) && !PyArray_IsScalar(value, Generic);
    const int whole = strchr("iu", own->kind) != NULL && strchr("iu", wish->kind) != NULL;
    if (!python || (is_number(own) && is_number(wish) && !whole)) {
        return array;
    }
    Py_DECREF(array);
    Py_INCREF(wish);
    return (PyArrayObject *)PyArray_FromAny(value, wish, 0, 0, NPY_ARRAY_FORCECAST, NULL);
}

/* place[...] = value, of the same shape: a value that NumPy would repeat over the tile is none that was meant. */
static int copy_whole(const tw_tile *tile, const struct call *call, int operand, PyArrayObject *place, PyObject *value)
{
    PyArray_Descr *wish = PyArray_DESCR(place);
    PyArrayObject *array = plain_array(value);
    if (array != NULL && PyArray_DESCR(array) != wish &&
        !PyArray_CanCastTypeTo(PyArray_DESCR(array), wish, NPY_SAME_KIND_CASTING)) {
        array = as_wished(array, value, wish);
    }
    if (array == NULL) {
        return -1;
    }
    int done = check_shape(tile, call, operand, array);
    if (done == 0 && !PyArray_CanCastTypeTo(PyArray_DESCR(array), wish, NPY_SAME_KIND_CASTING)) {
        const int objects = PyArray_DESCR(array)->type_num == NPY_OBJECT; /* which no output can have */
        PyErr_Format(
            PyExc_TypeError,
            "the kernel has returned %S for output %s of dtype %S, which does not hold that; convert it in the "
            "kernel%s%S%s",
            PyArray_DESCR(array), operand_name(call, operand), wish, objects ? " to " : ", or give dtype='",
            objects ? wish : PyArray_DESCR(array), objects ? "" : "'");
        done = -1;
    }
    if (done == 0) {
        done = PyArray_CopyInto(place, array);
    }
    Py_DECREF(array);
    return done;
}

/* ---- outputs that have the dtype of what is returned ---- */

/* How wide the texts are that were put into arrays of more room. */
static void note_width(const struct call *call, int operand, char kind, long long width)
{
    _Atomic uint32_t *widest = &call->widths[2 * operand + (kind == 'U')];
    uint32_t known = atomic_load(widest);
    while ((long long)known < width && !atomic_compare_exchange_weak(widest, &known, (uint32_t)width)) {
    }
}

static int choose(const tw_tile *tile, const struct call *call, int operand, PyArray_Descr *from, tw_view *view)
{
    tw_dtype dtype;
    PyObject *chosen = NULL;
    if (PyTypeNum_ISUSERDEF(from->type_num) || dtype_of_number(&dtype, from) != 0) {
        PyArray_Descr *wanted;
        const char *descr;
        long long width;
        chosen = PyObject_CallFunction(asked.choose, "OKi", from, (unsigned long long)call->run, operand);
        if (chosen == NULL || !PyArg_ParseTuple(chosen, "O!zL", &PyArrayDescr_Type, &wanted, &descr, &width) ||
            dtype_from_numpy(&dtype, wanted, descr) != 0) {
            Py_XDECREF(chosen);
            return -1;
        }
        if (width > 0) {
            note_width(call, operand, from->kind, width);
        }
    }
    const int status = tw_tile_choose(tile, operand, &dtype, view);
    Py_XDECREF(chosen);
    if (status != TW_OK) {
        PyErr_Format(status == TW_ERROR_MEMORY ? asked.no_room : PyExc_TypeError, "output %s: %s",
                     operand_name(call, operand), tile->message);
        return -1;
    }
    return 0;
}

static int keep_whole(const tw_tile *tile, const struct call *call, int operand, PyObject *value)
{
    tw_view view;
    if (value == Py_None) {
        PyErr_Format(PyExc_TypeError, "the kernel has returned None for output %s", operand_name(call, operand));
        return -1;
    }
    PyArrayObject *array = plain_array(value);
    if (array == NULL || check_shape(tile, call, operand, array) != 0 ||
        choose(tile, call, operand, PyArray_DESCR(array), &view) != 0) {
        Py_XDECREF(array);
        return -1;
    }
    PyObject *place = ndarray_of_view(&view, 1, NULL);
    const int done = place != NULL ? PyArray_CopyInto((PyArrayObject *)place, array) : -1;
    Py_XDECREF(place);
    Py_DECREF(array);
    return done;
}

/* ---- all outputs of a tile ---- */

/* Nothing to do where the kernel gives back what it was given to fill. */
static int store(const tw_tile *tile, const struct call *call, PyObject *const *views, int operand, PyObject *value)
{
    for (int n = 0; n < call->nargs; n++) {
        if (call->args[n] == operand) {
            return views[n] == value || value == Py_None
                       ? 0
                       : copy_whole(tile, call, operand, (PyArrayObject *)views[n], value);
        }
    }
    if (call->chosen >> operand & 1) {
        return keep_whole(tile, call, operand, value);
    }
    PyObject *place = ndarray_of_view(&tile->operand[operand], 1, NULL);
    const int done = place != NULL ? copy_whole(tile, call, operand, (PyArrayObject *)place, value) : -1;
    Py_XDECREF(place);
    return done;
}

int store_result(const tw_tile *tile, const struct call *call, PyObject *const *views, PyObject *result)
{
    if (call->nouts == 0) {
        return 0; /* it runs for its effects */
    }
    if (call->nouts == 1) {
        return store(tile, call, views, call->outs[0], result);
    }
    if (!PyTuple_Check(result) || PyTuple_GET_SIZE(result) != call->nouts) {
        PyErr_Format(PyExc_TypeError, "a kernel of %d outputs fills them and returns None, or returns a tuple of %d",
                     call->nouts, call->nouts);
        return -1;
    }
    for (int k = 0; k < call->nouts; k++) {
        if (store(tile, call, views, call->outs[k], PyTuple_GET_ITEM(result, k)) != 0) {
            return -1;
        }
    }
    return 0;
}

/* ---- after the run ---- */

/* Number of the array that has each tile of the output; 255: none. */
static PyObject *places_of(const tw_choices *choices, int operand, uint64_t tiles)
{
    PyObject *places = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)tiles);
    for (uint64_t tile = 0; places != NULL && tile < tiles; tile++) {
        PyBytes_AS_STRING(places)[tile] = (char)tw_choices_of(choices, operand, tile);
    }
    return places;
}

PyObject *chosen_arrays(tw_choices *choices, PyObject *taken, const struct call *call, uint64_t tiles)
{
    const int count = choices != NULL ? tw_choices_count(choices) : 0;
    PyObject *arrays = PyList_New(0), *outputs = PyDict_New();
    int done = arrays != NULL && outputs != NULL ? 0 : -1;
    for (int k = 0; done == 0 && choices != NULL && k < TW_MAX_OPERANDS; k++) {
        if (call->chosen >> k & 1) {
            PyObject *number = PyLong_FromLong(k);
            PyObject *places =
                Py_BuildValue("(NII)", places_of(choices, k, tiles), (unsigned)atomic_load(&call->widths[2 * k]),
                              (unsigned)atomic_load(&call->widths[2 * k + 1]));
            done = number != NULL && places != NULL ? PyDict_SetItem(outputs, number, places) : -1;
            Py_XDECREF(number);
            Py_XDECREF(places);
        }
    }
    for (int n = 0; done == 0 && n < count; n++) {
        PyObject *number = taken != NULL ? PyLong_FromLong(n) : NULL;
        PyObject *array = number != NULL ? PyDict_GetItem(taken, number) : NULL;
        array = array != NULL ? Py_NewRef(array) : array_object(tw_choices_take(choices, n), NULL);
        Py_XDECREF(number);
        done = array != NULL ? PyList_Append(arrays, array) : -1;
        Py_XDECREF(array);
    }
    tw_choices_destroy(choices);
    return done == 0 ? Py_BuildValue("(NN)", arrays, outputs) : (Py_XDECREF(arrays), Py_XDECREF(outputs), NULL);
}
