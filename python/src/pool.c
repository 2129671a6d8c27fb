/* pool.c - Pool: a tw_pool, and forks that leave the interpreter of the child whole. */
#include "binding.h"

#include <signal.h>
#include <unistd.h>

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

/* 1 where Ctrl-C came just then, which it may until `hold` has done its work and once `release` has. */
static int is_interrupted(PyObject *function)
{
    PyObject *done = PyObject_CallNoArgs(function);
    if (done == NULL) {
        const int interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt);
        PyErr_Clear();
        return interrupted;
    }
    Py_DECREF(done);
    return 0;
}

static void before_fork(void *user)
{
    PoolObject *self = user;
    enter_python();
    self->forks++;
    while (is_interrupted(callbacks.hold)) {
        self->interrupted = 1;
    }
    flush_output();
    PyOS_BeforeFork();
}

static void after_fork_in_parent(void *user)
{
    PoolObject *self = user;
    PyOS_AfterFork_Parent();
    if (is_interrupted(callbacks.release) || self->interrupted) {
        self->interrupted = 0;
        PyErr_SetInterruptEx(SIGINT); /* the next who looks for signals finds it */
    }
    leave_python();
}

/* A new worker. It has left Python whenever it is not inside a kernel, so that threads of a kernel's can go on. */
static void after_fork_in_child(void *user, int worker)
{
    PoolObject *self = user;
    forget_own_pid();
    PyOS_AfterFork_Child();
    if (self->on_start != NULL) {
        PyObject *done = PyObject_CallFunction(self->on_start, "i", worker);
        if (done == NULL) {
            PyErr_WriteUnraisable(self->on_start);
        }
        Py_XDECREF(done);
    }
    leave_python();
}

/* ---- the object ---- */

/* Pool(kind, workers, heap_bytes, on_start or None) */
static PyObject *pool_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    int kind, workers;
    long long heap_bytes;
    PyObject *on_start;
    tw_error error;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) ||
        !PyArg_ParseTuple(args, "iiLO:Pool", &kind, &workers, &heap_bytes, &on_start)) {
        return NULL;
    }
    PoolObject *self = (PoolObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->on_start = on_start != Py_None ? Py_NewRef(on_start) : NULL;
    self->pid = own_pid();
    const tw_pool_options options = {
        .kind = (tw_pool_kind)kind,
        .workers = workers,
        .heap_bytes = heap_bytes,
        .hooks = {.before = before_fork, .parent = after_fork_in_parent, .child = after_fork_in_child, .user = self}};
    leave_python();
    const tw_status status = tw_pool_open(&self->pool, &options, &error);
    enter_python();
    if (status != TW_OK) {
        self->pool = NULL;
        Py_DECREF(self);
        return raise_failure(&error);
    }
    count_live(COUNT_POOLS, 1);
    return (PyObject *)self;
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

/* stop(exception): the run in hand, if there is one, ends and raises it. */
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

/* Process ids of the workers; empty once it is closed. */
static PyObject *pool_pids(PyObject *object, PyObject *none)
{
    const PoolObject *self = (PoolObject *)object;
    int64_t pids[TW_MAX_WORKERS];
    (void)none;
    const int n = self->pool != NULL ? tw_pool_workers(self->pool) : 0;
    for (int w = 0; w < n; w++) {
        pids[w] = tw_pool_worker_pid(self->pool, w);
    }
    return tuple_of_integers(pids, n);
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
    {"stop", pool_stop, METH_O, "The run in hand, if there is one, ends and raises this exception."},
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
