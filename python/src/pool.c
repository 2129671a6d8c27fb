/* pool.c - Pool: a tw_pool, and forks that leave the interpreter of the child whole. */
#include "binding.h"

#include <time.h>
#include <unistd.h>

#define LOOK_SECONDS 8e-6     /* a look takes 1 us if nobody holds anything, a change of threads at least 10 */
#define TRY_MICROSECONDS 1000 /* between two */
#define MOST_TRIES 1000       /* looks: an import that takes longer than a second is not waited for */
#define MOST_STREAM_TRIES 20  /* threads that never pause keep a stream busy */
#define MOST_CALLS 100        /* of one function that signals may interrupt */

/* What other threads are in the middle of. */
enum { STREAMS_BUSY = 1, IMPORTING = 2 };

/* ---- around a fork: the thread that forks has left Python ---- */

/* What the program has written but its buffer still has would be written by each worker again. */
static void flush_output(void)
{
    static const char *const streams[] = {"stdout", "stderr"};
    for (int k = 0; k < 2; k++) {
        PyObject *stream = PySys_GetObject(streams[k]);
        if (stream != NULL && stream != Py_None) {
            Py_INCREF(stream);
            PyObject *done = PyObject_CallMethod(stream, "flush", NULL);
            if (done == NULL) { /* closed, or no stream at all */
                PyErr_Clear();
            }
            Py_XDECREF(done);
            Py_DECREF(stream);
        }
    }
}

/* Waits until no thread is inside the buffer of a stream, which has a lock of its own. */
static void touch_stream(const char *name)
{
    PyObject *stream = PySys_GetObject(name);
    PyObject *buffer = stream != NULL ? PyObject_GetAttrString(stream, "buffer") : NULL;
    if (buffer != NULL && strcmp(Py_TYPE(buffer)->tp_name, "_io.BufferedWriter") == 0) {
        PyObject *done = PyObject_CallMethod(buffer, "write", "y#", "", (Py_ssize_t)0);
        Py_XDECREF(done);
    }
    Py_XDECREF(buffer);
    PyErr_Clear();
}

/* Another thread is in the middle of an import. A new worker would wait for the end of it. */
static int is_importing(void)
{
    PyObject *modules = PyImport_GetModuleDict();
    PyObject *importer = modules != NULL ? PyDict_GetItemString(modules, "_frozen_importlib") : NULL;
    PyObject *locks = importer != NULL ? PyObject_GetAttrString(importer, "_module_locks") : NULL;
    PyObject *references = locks != NULL && PyDict_Check(locks) ? PyDict_Values(locks) : NULL;
    int found = 0;
    for (Py_ssize_t k = 0; references != NULL && !found && k < PyList_GET_SIZE(references); k++) {
        PyObject *reference = PyList_GET_ITEM(references, k);
        PyObject *lock = PyWeakref_CheckRef(reference) ? PyObject_CallNoArgs(reference) : NULL;
        PyObject *owner = lock != NULL && lock != Py_None ? PyObject_GetAttrString(lock, "owner") : NULL;
        found = owner != NULL && PyLong_Check(owner) && PyLong_AsUnsignedLongMask(owner) != PyThread_get_thread_ident();
        Py_XDECREF(owner);
        Py_XDECREF(lock);
    }
    Py_XDECREF(references);
    Py_XDECREF(locks);
    PyErr_Clear();
    return found;
}

/* A quick look at what may keep a new worker waiting for a thread that it does not have. Calls nothing but C, so that
 * no other thread runs unless a stream is busy; that takes longer than a look. It is no proof: a thread that waits for
 * a stream's buffer gets it without the interpreter's lock. So workers of a program with threads make their standard
 * streams anew; other holders of a reference to one depend on the look. */
static int look(void)
{
    struct timespec began, ended;
    clock_gettime(CLOCK_MONOTONIC, &began);
    touch_stream("stdout");
    touch_stream("stderr");
    clock_gettime(CLOCK_MONOTONIC, &ended);
    const double seconds = (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) * 1e-9;
    return (seconds < LOOK_SECONDS ? 0 : STREAMS_BUSY) | (is_importing() ? IMPORTING : 0);
}

static int has_other_threads(void)
{
    return PyThreadState_Next(PyInterpreterState_ThreadHead(PyInterpreterState_Get())) != NULL;
}

/* Calls `function` until it has done its work. What a signal's handler raises meanwhile is raised when that is
 * possible. */
static void call_in_peace(PoolObject *self, PyObject *function)
{
    PyObject *done = PyObject_CallNoArgs(function);
    for (int tries = 0; done == NULL && tries < MOST_CALLS; tries++, done = PyObject_CallNoArgs(function)) {
        PyObject *exception = take_exception();
        if (self->raised == NULL) {
            self->raised = exception;
        } else {
            Py_DECREF(exception);
        }
    }
    PyErr_Clear();
    Py_XDECREF(done);
}

/* The fork is prepared, and nobody may run Python between this and the fork: this thread does not let go of the lock.
 * It has to, if another thread is inside a write to a stream or an import; then the rest is looked at again. */
static void before_fork(void *user)
{
    static int patient = 1; /* not after it was in vain: the next worker would wait for the same import */
    PoolObject *self = user;
    enter_python();
    self->forks++;
    call_in_peace(self, callbacks.before_fork);
    flush_output();
    PyOS_BeforeFork();
    self->has_threads = has_other_threads();
    int busy = self->has_threads ? look() : 0;
    for (int tries = 0; busy != 0 && patient; tries++) {
        if (tries >= ((busy & IMPORTING) != 0 ? MOST_TRIES : MOST_STREAM_TRIES)) {
            break;
        }
        PyOS_AfterFork_Parent(); /* gives back what keeps others from getting there */
        Py_BEGIN_ALLOW_THREADS;
        usleep(TRY_MICROSECONDS);
        Py_END_ALLOW_THREADS;
        PyOS_BeforeFork();
        busy = look();
    }
    patient = (busy & IMPORTING) == 0;
}

static void after_fork_in_parent(void *user)
{
    PoolObject *self = user;
    PyOS_AfterFork_Parent();
    call_in_peace(self, callbacks.in_parent);
    if (self->raised != NULL && self->running != NULL) {
        interrupt_run(self->running, self->raised);
        self->raised = NULL;
    }
    leave_python();
}

/* A new worker. It has left Python whenever it is not inside a kernel, so that threads of a kernel's can continue. */
static void after_fork_in_child(void *user, int worker)
{
    PoolObject *self = user;
    forget_own_pid();
    forget_context();
    PyOS_AfterFork_Child();
    PyObject *done = PyObject_CallOneArg(callbacks.in_child, self->has_threads ? Py_True : Py_False);
    if (done == NULL) {
        PyErr_WriteUnraisable(callbacks.in_child);
    }
    Py_XDECREF(done);
    if (self->on_start != NULL) {
        done = PyObject_CallFunction(self->on_start, "i", worker);
        if (done == NULL) {
            PyErr_WriteUnraisable(self->on_start);
        }
        Py_XDECREF(done);
    }
    leave_python();
}

/* A worker that the pool ends. */
static void before_end_of_child(void *user, int worker)
{
    const PoolObject *self = user;
    (void)worker;
    enter_python();
    PyObject *done = PyObject_CallNoArgs(self->on_end);
    if (done == NULL) {
        PyErr_WriteUnraisable(self->on_end);
    }
    Py_XDECREF(done);
    leave_python();
}

/* ---- the object ---- */

/* Pool(kind, workers, heap_bytes, on_start or None, on_end or None, late) */
static PyObject *pool_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    int kind, workers, late;
    long long heap_bytes;
    PyObject *on_start, *on_end;
    tw_error error;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) ||
        !PyArg_ParseTuple(args, "iiLOOp:Pool", &kind, &workers, &heap_bytes, &on_start, &on_end, &late)) {
        return NULL;
    }
    PoolObject *self = (PoolObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->on_start = on_start != Py_None ? Py_NewRef(on_start) : NULL;
    self->on_end = on_end != Py_None ? Py_NewRef(on_end) : NULL;
    self->pid = own_pid();
    const tw_pool_options options = {.kind = (tw_pool_kind)kind,
                                     .workers = workers,
                                     .heap_bytes = heap_bytes,
                                     .late = late,
                                     .hooks = {.before = before_fork,
                                               .parent = after_fork_in_parent,
                                               .child = after_fork_in_child,
                                               .end = self->on_end != NULL ? before_end_of_child : NULL,
                                               .user = self}};
    leave_python();
    const tw_status status = tw_pool_open(&self->pool, &options, &error);
    enter_python();
    if (status == TW_OK) {
        count_live(COUNT_POOLS, 1);
    }
    if (status == TW_OK && self->raised == NULL) {
        return (PyObject *)self;
    }
    PyObject *raised = self->raised;
    self->raised = NULL;
    if (status != TW_OK) {
        self->pool = NULL;
    }
    Py_DECREF(self);
    if (raised == NULL) {
        return raise_failure(&error);
    }
    give_exception(raised);
    return NULL;
}

static void close_pool(PoolObject *self)
{
    tw_pool *pool = self->pool;
    tw_array *area = self->area;
    self->pool = NULL;
    self->area = NULL;
    if (pool == NULL || self->pid != own_pid()) {
        return;
    }
    leave_python(); /* threads that end give their state back */
    tw_array_destroy(area);
    tw_pool_close(pool);
    enter_python();
    count_live(COUNT_POOLS, -1);
}

static void pool_dealloc(PyObject *object)
{
    PoolObject *self = (PoolObject *)object;
    close_pool(self);
    Py_CLEAR(self->on_start);
    Py_CLEAR(self->on_end);
    Py_CLEAR(self->raised);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *pool_close(PyObject *object, PyObject *none)
{
    PoolObject *self = (PoolObject *)object;
    (void)none;
    if (self->busy) {
        PyErr_SetString(PyExc_RuntimeError, "a pool cannot be closed in the middle of a run");
        return NULL;
    }
    close_pool(self);
    Py_RETURN_NONE;
}

/* inside(): the calling thread is in the middle of a run of this pool's, as a kernel or a progress function. */
static PyObject *pool_inside(PyObject *object, PyObject *none)
{
    const struct inside *entered = inside_of;
    (void)none;
    while (entered != NULL && (PyObject *)entered->pool != object) {
        entered = entered->outer;
    }
    return PyBool_FromLong(entered != NULL);
}

/* stop(exception): the current run, if there is one, ends and raises it. */
static PyObject *pool_stop(PyObject *object, PyObject *exception)
{
    const PoolObject *self = (PoolObject *)object;
    if (!PyExceptionInstance_Check(exception)) {
        PyErr_SetString(PyExc_TypeError, "a run is stopped with an exception");
        return NULL;
    }
    if (self->running != NULL && self->pid == own_pid()) {
        interrupt_run(self->running, Py_NewRef(exception));
    }
    Py_RETURN_NONE;
}

/* Process ids of the workers; empty while there are none, and once it is closed. */
static PyObject *pool_pids(PyObject *object, PyObject *none)
{
    const PoolObject *self = (PoolObject *)object;
    int64_t pids[TW_MAX_WORKERS];
    (void)none;
    const int workers = self->pool != NULL ? tw_pool_workers(self->pool) : 0;
    int alive = 0;
    for (int w = 0; w < workers; w++) {
        pids[w] = tw_pool_worker_pid(self->pool, w);
        alive += pids[w] != 0;
    }
    return tuple_of_integers(pids, alive > 0 ? workers : 0);
}

static PyObject *pool_workers(PyObject *object, void *closure)
{
    const PoolObject *self = (PoolObject *)object;
    (void)closure;
    return PyLong_FromLong(self->pool != NULL ? tw_pool_workers(self->pool) : 0);
}

static PyObject *pool_closed(PyObject *object, void *closure)
{
    (void)closure;
    return PyBool_FromLong(((PoolObject *)object)->pool == NULL);
}

static PyObject *pool_note(PyObject *object, void *closure)
{
    const PoolObject *self = (PoolObject *)object;
    (void)closure;
    const char *note = self->pool != NULL ? tw_pool_note(self->pool) : NULL;
    if (note == NULL) {
        Py_RETURN_NONE;
    }
    return PyUnicode_FromString(note);
}

static PyObject *pool_forks(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLong(((PoolObject *)object)->forks);
}

static PyObject *pool_pid(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLong(((PoolObject *)object)->pid);
}

static PyMethodDef pool_methods[] = {
    {"close", pool_close, METH_NOARGS, "tw_pool_close."},
    {"inside", pool_inside, METH_NOARGS, "The calling thread is in the middle of a run of this pool's."},
    {"stop", pool_stop, METH_O, "The current run, if there is one, ends and raises this exception."},
    {"pids", pool_pids, METH_NOARGS, "tw_pool_worker_pid of each worker."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef pool_fields[] = {
    {"workers", pool_workers, NULL, "tw_pool_workers; 0 once it is closed.", NULL},
    {"closed", pool_closed, NULL, "It was closed.", NULL},
    {"note", pool_note, NULL, "tw_pool_note.", NULL},
    {"forks", pool_forks, NULL, "How many workers were forked until now.", NULL},
    {"pid", pool_pid, NULL, "The process that opened it.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject PoolType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Pool",
    .tp_basicsize = sizeof(PoolObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = pool_new,
    .tp_dealloc = pool_dealloc,
    .tp_methods = pool_methods,
    .tp_getset = pool_fields,
};
