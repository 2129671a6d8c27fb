/* tile.c - one tile of a Python kernel: views as ndarrays and the call. results.c has what it returns, exceptions.c
 * what it raises. Runs on the threads of a pool and in its worker processes. */
#include "binding.h"

#include <time.h>

#define PATIENCE 0.5 /* seconds in which others let go of a kernel's frame */

static PyObject *word_draws, *keyword_tile; /* "_draws", ("tile",): workers run side by side, so both are made before */

int find_tile_words(void)
{
    word_draws = PyUnicode_InternFromString("_draws");
    keyword_tile = Py_BuildValue("(s)", "tile");
    return word_draws != NULL && keyword_tile != NULL ? 0 : -1;
}

/* ---- arguments and results ---- */

static PyObject *make_tile(const tw_tile *tile, const struct call *call, PyObject *draws)
{
    PyObject *names = PyTuple_New(call->naxes);
    const char *name = call->names;
    for (int a = 0; names != NULL && a < call->naxes; a++, name += strlen(name) + 1) {
        PyObject *text = PyUnicode_FromString(name);
        if (text == NULL) {
            Py_CLEAR(names);
        } else {
            PyTuple_SET_ITEM(names, a, text);
        }
    }
    if (names == NULL) {
        return NULL;
    }
    PyObject *made = PyObject_CallFunction(
        callbacks.make_tile, "KIINNN", (unsigned long long)tile->number, tile->worker, tile->attempt, names,
        tuple_of_integers(tile->start, tile->naxes), tuple_of_integers(tile->stop, tile->naxes));
    if (made != NULL && PyObject_SetAttr(made, word_draws, draws) != 0) {
        Py_CLEAR(made);
    }
    return made;
}

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Whether a view that the kernel has kept would outlive its memory. */
static int kept(const struct call *call, PyObject *const *views, int n)
{
    for (int k = 0; k < n; k++) {
        if (call->passing >> call->args[k] & 1 && Py_REFCNT(views[k]) > 1) {
            return 1;
        }
    }
    return 0;
}

/* Whether one is kept for good. Another thread may have the kernel's frame for a moment, as profilers do that look at
 * all threads (a worker of Dask has one), and on a busy machine a moment may be long. A cycle that the kernel has left,
 * as a recursive function inside of it is one, has it until garbage is collected. */
static int keeps(const struct call *call, PyObject *const *views, int n)
{
    const double end = kept(call, views, n) ? seconds_now() + PATIENCE : 0;
    for (int looks = 1; kept(call, views, n); looks++) {
        if (looks % 64 == 4) {
            PyGC_Collect();
            continue;
        }
        if (atomic_load(&call->local->keeps) || seconds_now() > end) {
            atomic_store(&call->local->keeps, 1); /* once a run is enough */
            return 1;
        }
        Py_BEGIN_ALLOW_THREADS;
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        Py_END_ALLOW_THREADS;
    }
    return 0;
}

static void refuse_to_keep(void)
{
    PyErr_SetString(PyExc_RuntimeError, "the kernel has kept a view of its tile, whose memory ends with the run");
}

/* The frames of the exception that is set know the views of a tile whose memory ends: they forget them. */
static void let_go(const struct call *call, PyObject *const *views, int n)
{
    struct local_run *local = call->local;
    PyObject *exception = take_exception();
    PyObject *interrupt = interrupt_of(local, exception); /* while the frames say so */
    if (interrupt != NULL) {
        interrupt_run(local, interrupt);
    }
    PyObject *cleared = PyObject_CallOneArg(callbacks.clear, exception);
    if (cleared == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(cleared);
    if (interrupt == NULL && keeps(call, views, n)) {
        Py_DECREF(exception);
        if (kept(call, views, n)) {
            refuse_to_keep();
            return;
        }
        PyErr_SetString(PyExc_RuntimeError,
                        "the kernel has raised an exception that keeps a view of its tile, whose memory "
                        "ends with the run");
        return;
    }
    give_exception(exception);
}

static int call_kernel(const tw_tile *tile, const struct call *call)
{
    PyObject *arguments[TW_MAX_OPERANDS + 2] = {NULL}; /* one before the first, as vectorcall wants; one for tile= */
    PyObject **views = arguments + 1;
    PyObject *result = NULL, *before = NULL, *draws = NULL;
    const int looks = is_looked_at(tile, call);
    const double begin = looks ? seconds_now() : 0;
    int done = -1, n = 0;
    clear_fresh(tile, call);
    for (; n < call->nargs; n++) {
        const int k = call->args[n];
        PyObject *base = call->apart || call->passing >> k & 1 ? NULL : call->local->bases[k];
        views[n] = ndarray_of_view(&tile->operand[k], (int)(call->written >> k & 1), base);
        if (views[n] == NULL) {
            goto end;
        }
    }
    if (call->wants_tile) {
        draws = draws_of(tile, call);
        views[n] = draws != NULL ? make_tile(tile, call, draws) : NULL;
        if (views[n] == NULL) {
            goto end;
        }
    }
    if (looks && (before = remember_changed(call, views)) == NULL) {
        goto end;
    }
    result = PyObject_Vectorcall(call->callable, views, (size_t)n | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                 call->wants_tile ? keyword_tile : NULL);
    if (result == NULL || (looks && look_at_fresh(tile, call, views, result, before, seconds_now() - begin) != 0)) {
        goto end;
    }
    if (result != Py_None) {
        done = store_result(tile, call, views, result);
    } else if (call->needs_result) {
        PyErr_SetString(PyExc_TypeError, "a kernel that is not given its outputs has to return them, not None");
    } else {
        done = 0;
    }
    Py_CLEAR(result);
    if (done == 0 && !call->apart && call->passing != 0 && keeps(call, views, n)) {
        refuse_to_keep();
        done = -1;
    }
end:
    if (draws != NULL) {
        end_draws(draws);
    }
    Py_XDECREF(result);
    Py_XDECREF(before);
    if (done != 0 && !call->apart && call->passing != 0) {
        let_go(call, views, n);
    }
    for (int k = 0; k < n + (call->wants_tile != 0); k++) {
        Py_XDECREF(views[k]);
    }
    return done;
}

static int call_in_context(const tw_tile *tile, const struct call *call)
{
    PyObject *context = enter_context(tile, call);
    if (context == NULL) {
        return fail_tile(tile, call);
    }
    const int code = call_kernel(tile, call) == 0 ? 0 : fail_tile(tile, call);
    exit_context(context);
    return code;
}

/* What a kernel has printed is seen even though its process will be ended without ceremony. */
static void flush_stdout(void)
{
    PyObject *stream = PySys_GetObject("stdout");
    if (stream == NULL || stream == Py_None) {
        return;
    }
    Py_INCREF(stream);
    PyObject *done = PyObject_CallMethod(stream, "flush", NULL);
    if (done == NULL) {
        PyErr_Clear();
    }
    Py_XDECREF(done);
    Py_DECREF(stream);
}

_Thread_local const struct inside *inside_of;

int run_python_tile(const tw_tile *tile)
{
    const struct call *call = tile->context;
    int code = 0;
    enter_anywhere();
    if (call->apart) {
        code = call_in_context(tile, call);
        flush_stdout();
    } else {
        _Atomic(unsigned long) *inside = &call->local->inside[tile->worker];
        const struct inside *outer = inside_of;
        inside_of = &call->local->entered;
        atomic_store(inside, PyThread_get_thread_ident());
        code = call_in_context(tile, call);
        const unsigned long own = atomic_exchange(inside, 0);
        inside_of = outer;
        if (__atomic_load_n(&call->local->stop, __ATOMIC_RELAXED) != 0) {
            PyThreadState_SetAsyncExc(own, NULL); /* it came too late to be raised in the kernel */
        }
    }
    leave_python();
    return code;
}
