/* fresh.c - new outputs that a kernel fills: zeros before it runs, and a look at what it has left of them after the
 * first tile of a run. Runs on the threads of a pool and in its worker processes. */
#include "binding.h"

/* What tilework/_unwritten.py has given to be called back. */
static struct {
    PyObject *before; /* (views, positions) -> what `look` gets of those that are not new */
    PyObject *look; /* (callable, views, tile or None, ((position, name, starts, is filled, is a partial result), ...),
                     * before, alone, apart) */
} asked;

PyObject *set_fresh_callbacks(PyObject *self, PyObject *args)
{
    PyObject *before, *look;
    (void)self;
    if (!PyArg_ParseTuple(args, "OO:set_fresh_callbacks", &before, &look)) {
        return NULL;
    }
    Py_XSETREF(asked.before, Py_NewRef(before));
    Py_XSETREF(asked.look, Py_NewRef(look));
    Py_RETURN_NONE;
}

static void zero(const tw_view *view, int d, char *at)
{
    if (d == view->ndim) {
        memset(at, 0, (size_t)view->dtype.itemsize);
        return;
    }
    if (d == view->ndim - 1 && view->strides[d] == view->dtype.itemsize) {
        memset(at, 0, (size_t)(view->shape[d] * view->dtype.itemsize));
        return;
    }
    for (int64_t i = 0; i < view->shape[d]; i++) {
        zero(view, d + 1, at + i * view->strides[d]);
    }
}

void clear_fresh(const tw_tile *tile, const struct call *call)
{
    const uint64_t dirty = (tile->attempt > 0 ? call->fresh : call->dirty) & ~call->partial; /* which is the identity */
    for (int n = 0; dirty != 0 && n < call->nargs; n++) {
        const tw_view *view = &tile->operand[call->args[n]];
        if (dirty >> call->args[n] & 1 && tw_view_size(view) > 0) {
            if (tw_view_is_contiguous(view)) {
                memset(view->data, 0, (size_t)(tw_view_size(view) * view->dtype.itemsize));
            } else {
                zero(view, 0, view->data);
            }
        }
    }
}

/* Positions of the outputs among the arguments that are written but not new, or that begin as the identity of a
 * reduction, as bytes. */
static PyObject *changed(const struct call *call)
{
    char positions[TW_MAX_OPERANDS];
    Py_ssize_t count = 0;
    for (int n = 0; n < call->nargs; n++) {
        if (call->written >> call->args[n] & 1 && !((call->fresh & ~call->partial) >> call->args[n] & 1)) {
            positions[count++] = (char)n;
        }
    }
    return PyBytes_FromStringAndSize(positions, count);
}

static PyObject *tuple_of_views(const struct call *call, PyObject *const *views)
{
    PyObject *tuple = PyTuple_New(call->nargs);
    for (int n = 0; tuple != NULL && n < call->nargs; n++) {
        PyTuple_SET_ITEM(tuple, n, Py_NewRef(views[n]));
    }
    return tuple;
}

PyObject *remember_changed(const struct call *call, PyObject *const *views)
{
    return PyObject_CallFunction(asked.before, "NN", tuple_of_views(call, views), changed(call));
}

/* A kernel whose tile has taken more than this part of the timeout is not run again. */
#define PART_OF_TIMEOUT 0.2

static struct slot *slot_of(const struct call *call, unsigned worker)
{
    return (struct slot *)(void *)(call->area + call->slots + worker * SLOT_SIZE);
}

int is_looked_at(const tw_tile *tile, const struct call *call)
{
    if (call->fresh == 0 || (call->looks == 1 && tile->number != 0)) {
        return 0;
    }
    for (unsigned w = 0; call->apart && tile->attempt > 0 && w < call->workers; w++) {
        if (atomic_load_explicit(&slot_of(call, w)->looked, memory_order_relaxed) == tile->number) {
            return 0; /* its worker died of it */
        }
    }
    return 1;
}

/* Whether the kernel has returned nothing, or what it was given, for the output that is its n-th argument. */
static int is_filled(const struct call *call, PyObject *const *views, PyObject *result, int n)
{
    PyObject *value = result;
    for (int k = 0; call->nouts > 1 && result != Py_None && k < call->nouts; k++) {
        if (!PyTuple_Check(result) || PyTuple_GET_SIZE(result) != call->nouts) {
            return 0; /* which is an error */
        }
        if (call->outs[k] == call->args[n]) {
            value = PyTuple_GET_ITEM(result, k);
        }
    }
    return value == Py_None || value == views[n];
}

/* ((position, name, first index in each dimension, is filled, is a partial result), ...) of the new outputs; what is
 * returned is put there. */
static PyObject *fresh_outputs(const tw_tile *tile, const struct call *call, PyObject *const *views, PyObject *result)
{
    PyObject *found = PyList_New(0);
    for (int n = 0; found != NULL && n < call->nargs; n++) {
        const int k = call->args[n];
        if (!(call->fresh >> k & 1)) {
            continue;
        }
        int64_t starts[TW_MAX_DIMS];
        for (int d = 0; d < tile->operand[k].ndim; d++) {
            starts[d] = tile->start[call->axes[k][d]];
        }
        PyObject *item =
            Py_BuildValue("(isNii)", n, operand_name(call, k), tuple_of_integers(starts, tile->operand[k].ndim),
                          is_filled(call, views, result, n), (int)(call->partial >> k & 1));
        if (item == NULL || PyList_Append(found, item) != 0) {
            Py_CLEAR(found);
        }
        Py_XDECREF(item);
    }
    return found;
}

int look_at_fresh(const tw_tile *tile, const struct call *call, PyObject *const *views, PyObject *result,
                  PyObject *before, double seconds)
{
    if (call->timeout > 0 && seconds > PART_OF_TIMEOUT * call->timeout) {
        return 0;
    }
    struct slot *slot = call->apart ? slot_of(call, tile->worker) : NULL;
    if (slot != NULL) {
        atomic_store_explicit(&slot->looked, tile->number, memory_order_relaxed);
    }
    PyObject *looked =
        PyObject_CallFunction(asked.look, "ONONOii", call->callable, tuple_of_views(call, views),
                              call->wants_tile ? views[call->nargs] : Py_None, fresh_outputs(tile, call, views, result),
                              before, call->apart || call->workers == 1, call->apart);
    if (slot != NULL) {
        atomic_store_explicit(&slot->looked, UINT64_MAX, memory_order_relaxed);
    }
    Py_XDECREF(looked);
    return looked != NULL ? 0 : -1;
}
