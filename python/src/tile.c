/* tile.c - one tile of a Python kernel: views as ndarrays, the call, what it raises; results.c has what it returns.
 * Runs on the threads of a pool and in its worker processes. */
#include "binding.h"

#include <stdio.h>
#include <time.h>

/* ---- exceptions ---- */

PyObject *take_exception(void)
{
#if PY_VERSION_HEX >= 0x030c0000
    return PyErr_GetRaisedException();
#else
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
#endif
}

void give_exception(PyObject *exception)
{
#if PY_VERSION_HEX >= 0x030c0000
    PyErr_SetRaisedException(exception);
#else
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), exception, PyException_GetTraceback(exception));
#endif
}

/* What the run is to end with: Ctrl-C, or what the handler of another signal raised inside the kernel. A new reference;
 * NULL: the exception is the kernel's own. */
static PyObject *interrupt_of(const struct local_run *local, PyObject *exception)
{
    if (exception == local->interrupt || PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt)) {
        return Py_NewRef(exception);
    }
    PyObject *answer = PyObject_CallOneArg(callbacks.is_of_handler, exception);
    if (answer == NULL) { /* a signal came just then */
        return take_exception();
    }
    Py_DECREF(answer);
    return answer == Py_True ? Py_NewRef(exception) : NULL;
}

/* "ValueError: no root", for the library's own message. `local` is NULL in a worker process. */
static void write_message(char *message, PyObject *exception, struct local_run *local)
{
    PyObject *text = PyObject_Str(exception);
    const char *words = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    if (words == NULL) {
        PyObject *another = take_exception();
        PyObject *interrupt = local != NULL ? interrupt_of(local, another) : NULL;
        if (interrupt != NULL) { /* a signal came just then */
            interrupt_run(local, interrupt);
        }
        Py_DECREF(another);
        PyErr_Clear();
        words = "(its text is not available)";
    }
    const char *name = strrchr(Py_TYPE(exception)->tp_name, '.');
    name = name != NULL ? name + 1 : Py_TYPE(exception)->tp_name;
    snprintf(message, TW_TILE_MESSAGE_SIZE, words[0] != '\0' ? "%s: %s" : "%s", name, words);
    Py_XDECREF(text);
}

/* In a worker process: text and pickle to where the caller finds them. */
static void leave_in_slot(struct slot *slot, uint64_t tile, PyObject *exception)
{
    const size_t room = SLOT_SIZE - offsetof(struct slot, bytes);
    const char *text, *pickle;
    Py_ssize_t text_size, pickle_size;
    if (atomic_load_explicit(&slot->tile, memory_order_relaxed) <= tile) {
        return; /* the lowest is reported */
    }
    PyObject *described = PyObject_CallOneArg(callbacks.describe, exception);
    if (described == NULL || !PyArg_ParseTuple(described, "y#y#", &text, &text_size, &pickle, &pickle_size)) {
        PyErr_Clear();
        Py_XDECREF(described);
        return;
    }
    atomic_store_explicit(&slot->tile, UINT64_MAX, memory_order_release);
    if ((size_t)pickle_size > room / 2) {
        pickle_size = 0;
    }
    if ((size_t)text_size > room / 2) { /* its end says most */
        text += (size_t)text_size - room / 2;
        text_size = (Py_ssize_t)(room / 2);
    }
    memcpy(slot->bytes, text, (size_t)text_size);
    memcpy(slot->bytes + text_size, pickle, (size_t)pickle_size);
    slot->text_size = (uint32_t)text_size;
    slot->pickle_size = (uint32_t)pickle_size;
    atomic_store_explicit(&slot->tile, tile, memory_order_release);
    Py_DECREF(described);
}

void interrupt_run(struct local_run *local, PyObject *exception)
{
    pthread_mutex_lock(&local->lock);
    const int first = local->interrupt == NULL;
    if (first) {
        local->interrupt = exception;
    }
    pthread_mutex_unlock(&local->lock);
    if (!first) {
        Py_DECREF(exception);
    }
    __atomic_store_n(&local->stop, 1, __ATOMIC_RELAXED);
    for (unsigned w = 0; first && w < local->workers; w++) {
        const unsigned long thread = atomic_load(&local->inside[w]);
        if (thread != 0 && thread != PyThread_get_thread_ident()) {
            PyThreadState_SetAsyncExc(thread, PyExc_KeyboardInterrupt);
        }
    }
}

static void keep_exception(struct local_run *local, uint64_t tile, PyObject *exception)
{
    PyObject *dropped = exception;
    pthread_mutex_lock(&local->lock);
    if (local->exception == NULL || tile < local->tile) {
        dropped = local->exception;
        local->exception = exception;
        local->tile = tile;
    }
    pthread_mutex_unlock(&local->lock);
    Py_XDECREF(dropped);
}

/* The kernel raised: the tile has failed, or, if a signal's handler did, the run is to end. */
static int fail(const tw_tile *tile, const struct call *call)
{
    PyObject *exception = take_exception();
    PyObject *interrupt = call->apart ? NULL : interrupt_of(call->local, exception);
    if (call->apart) {
        write_message(tile->message, exception, NULL);
        leave_in_slot((struct slot *)(void *)(call->area + call->slots + tile->worker * SLOT_SIZE), tile->number,
                      exception);
        Py_DECREF(exception);
    } else if (interrupt != NULL) {
        Py_DECREF(exception);
        interrupt_run(call->local, interrupt);
    } else {
        write_message(tile->message, exception, call->local);
        keep_exception(call->local, tile->number, exception);
    }
    return 1;
}

/* ---- arguments and results ---- */

static PyObject *make_tile(const tw_tile *tile, const struct call *call)
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
    return PyObject_CallFunction(callbacks.make_tile, "KIINNN", (unsigned long long)tile->number, tile->worker,
                                 tile->attempt, names, tuple_of_integers(tile->start, tile->naxes),
                                 tuple_of_integers(tile->stop, tile->naxes));
}

/* Whether a view that the kernel has kept would outlive its memory. */
static int kept(PyObject *const *views, int n)
{
    for (int k = 0; k < n; k++) {
        if (Py_REFCNT(views[k]) > 1) {
            return 1;
        }
    }
    return 0;
}

static void refuse_to_keep(void)
{
    PyErr_SetString(PyExc_RuntimeError, "the kernel has kept a view of its tile, whose memory ends with the run");
}

/* The frames of the exception that is set know the views of a tile whose memory ends: they forget them. */
static void let_go(struct local_run *local, PyObject *const *views, int n)
{
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
    if (kept(views, n) && interrupt == NULL) {
        Py_DECREF(exception);
        if (kept(views, n)) {
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

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static int call_kernel(const tw_tile *tile, const struct call *call)
{
    PyObject *arguments[TW_MAX_OPERANDS + 2] = {NULL}; /* one before the first, as vectorcall wants; one for tile= */
    static PyObject *keyword;
    PyObject **views = arguments + 1;
    PyObject *result = NULL, *before = NULL;
    const int looks = is_looked_at(tile, call);
    const double begin = looks ? seconds_now() : 0;
    int done = -1, n = 0;
    clear_fresh(tile, call);
    for (; n < call->nargs; n++) {
        const int k = call->args[n];
        PyObject *base = call->local != NULL && !call->apart && !call->local->own_memory ? call->local->bases[k] : NULL;
        views[n] = ndarray_of_view(&tile->operand[k], (int)(call->written >> k & 1), base);
        if (views[n] == NULL) {
            goto end;
        }
    }
    if (call->wants_tile) {
        if (keyword == NULL) {
            keyword = Py_BuildValue("(s)", "tile");
        }
        views[n] = make_tile(tile, call);
        if (keyword == NULL || views[n] == NULL) {
            goto end;
        }
    }
    if (looks && (before = remember_changed(call, views)) == NULL) {
        goto end;
    }
    result = PyObject_Vectorcall(call->callable, views, (size_t)n | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                 call->wants_tile ? keyword : NULL);
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
    if (done == 0 && !call->apart && call->local->own_memory && kept(views, n)) {
        refuse_to_keep();
        done = -1;
    }
end:
    Py_XDECREF(result);
    Py_XDECREF(before);
    if (done != 0 && !call->apart && call->local->own_memory) {
        let_go(call->local, views, n);
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
        return fail(tile, call);
    }
    const int code = call_kernel(tile, call) == 0 ? 0 : fail(tile, call);
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

/* ---- threads that were not made by Python ---- */

static pthread_key_t end_of_thread;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void give_back_state(void *marked)
{
    PyThreadState *state = left_with;
    (void)marked;
    if (state != NULL) {
        enter_python();
        PyThreadState_Clear(state); /* not PyGILState_Release, whose own key may be gone by now */
        PyThreadState_DeleteCurrent();
    }
}

static void make_key(void)
{
    pthread_key_create(&end_of_thread, give_back_state);
}

static void enter_anywhere(void)
{
    if (left_with != NULL) {
        enter_python();
        return;
    }
    pthread_once(&once, make_key);
    pthread_setspecific(end_of_thread, &end_of_thread);
    PyGILState_Ensure(); /* released when the thread ends: a state for each tile would cost microseconds */
}

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
