/* exceptions.c - what the kernel of a tile raises: kept for the caller of the run, or left where it finds it, or the
 * end of the run. Runs on the threads of a pool and in its worker processes. */
#include "binding.h"

#include <stdio.h>

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
PyObject *interrupt_of(const struct local_run *local, PyObject *exception)
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
int fail_tile(const tw_tile *tile, const struct call *call)
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
