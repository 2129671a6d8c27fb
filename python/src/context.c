/* context.c - the context (contextvars) that kernels run in: for each worker and run a copy of the caller's, so that
 * what the caller has set holds for all tiles and what kernels set stays theirs. A context cannot be entered twice at
 * once. */
#include "binding.h"

#include <stdlib.h>

static struct {
    PyObject *errors_here; /* () -> what NumPy keeps by thread, or None */
    PyObject *arrive;      /* (errors): on a worker, inside of its context, before its first tile */
    PyObject *put_errors;  /* (errors): on the caller, after its run */
} callback;

/* In a worker process: what the kernels of the current run run in. Its own context is that of the fork. */
static struct {
    unsigned long run;
    PyObject *context;
} apart;

PyObject *set_context_callbacks(PyObject *self, PyObject *args)
{
    PyObject *errors_here, *arrive, *put_errors;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOO:set_context_callbacks", &errors_here, &arrive, &put_errors)) {
        return NULL;
    }
    Py_XSETREF(callback.errors_here, Py_NewRef(errors_here));
    Py_XSETREF(callback.arrive, Py_NewRef(arrive));
    Py_XSETREF(callback.put_errors, Py_NewRef(put_errors));
    Py_RETURN_NONE;
}

int take_context(struct local_run *local)
{
    local->contexts = calloc(local->workers, sizeof *local->contexts);
    if (local->contexts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    local->context = PyContext_CopyCurrent();
    local->errors = local->context != NULL ? PyObject_CallNoArgs(callback.errors_here) : NULL;
    return local->errors != NULL ? 0 : -1;
}

void drop_context(struct local_run *local)
{
    for (unsigned w = 0; local->contexts != NULL && w < local->workers; w++) {
        Py_XDECREF(local->contexts[w]);
    }
    free((void *)local->contexts);
    local->contexts = NULL;
    Py_CLEAR(local->context);
    if (local->errors != NULL && local->errors != Py_None) { /* the caller is a worker too */
        PyObject *done = PyObject_CallOneArg(callback.put_errors, local->errors);
        if (done == NULL) {
            PyErr_Clear();
        }
        Py_XDECREF(done);
    }
    Py_CLEAR(local->errors);
}

void forget_context(void)
{
    apart.run = 0;
    apart.context = NULL; /* not released: a kernel of the parent's may be inside of it */
}

PyObject *enter_context(const tw_tile *tile, const struct call *call)
{
    /* With `check` the caller runs tiles of a pool of processes too. */
    const int is_apart = call->pid != own_pid();
    PyObject **place = is_apart ? &apart.context : &call->local->contexts[tile->worker];
    int fresh = 0;
    if (is_apart && apart.run != call->run) {
        apart.run = call->run;
        Py_CLEAR(apart.context);
    }
    if (*place == NULL) {
        *place = is_apart ? PyContext_CopyCurrent() : PyContext_Copy(call->local->context);
        fresh = 1;
    }
    if (*place == NULL || PyContext_Enter(*place) != 0) {
        return NULL;
    }
    PyObject *entered = Py_NewRef(*place);
    PyObject *done = fresh ? PyObject_CallOneArg(callback.arrive, is_apart ? Py_None : call->local->errors) : NULL;
    if (fresh && done == NULL) {
        exit_context(entered);
        Py_CLEAR(*place);
        return NULL;
    }
    Py_XDECREF(done);
    return entered;
}

void exit_context(PyObject *context)
{
    if (PyContext_Exit(context) != 0) {
        PyErr_WriteUnraisable(context);
    }
    Py_DECREF(context);
}
