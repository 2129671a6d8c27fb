/* run.c - tw_run as a function: what tiles of Python kernels receive, Ctrl-C, progress, and what went wrong. */
#include "binding.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define TELL_SECONDS 0.1

/* Operands of the job by their numbers, one a byte, as Job of tilework/_job.py says. */
struct numbers {
    PyObject *args, *outs, *chosen, *fresh, *dirty; /* bytes */
};

/* One call of run(). */
struct job {
    PoolObject *pool; /* NULL: serial */
    KernelObject *kernel;
    GridObject *grid;
    PyObject *arrays; /* tuple of Array */
    struct numbers numbers;
    PyObject *progress; /* called with done, total, seconds; or NULL */
    tw_run_options options;
    struct local_run local;
    int apart;
    int wants_report;
    double told; /* seconds of the run when progress was reported last */
    struct {
        int signal, code, by_itself;
    } death; /* the last that a tile was given up for */
    tw_array *operands[TW_MAX_OPERANDS];
    PyObject *bases[TW_MAX_OPERANDS];
    tw_dtype expected[TW_MAX_OPERANDS];
};

/* ---- what happens while it runs ---- */

static void kill_workers(const tw_pool *pool)
{
    for (int w = 0; w < tw_pool_workers(pool); w++) {
        const int pid = tw_pool_worker_pid(pool, w); /* this thread alone reaps them: the number is theirs */
        if (pid > 0) {
            kill(pid, SIGKILL);
        }
    }
}

static int tell(struct job *job, const tw_progress *progress)
{
    if (job->progress == NULL || (progress->seconds - job->told < TELL_SECONDS && progress->done < progress->total)) {
        return 0;
    }
    job->told = progress->seconds;
    PyObject *done = PyObject_CallFunction(job->progress, "KKd", (unsigned long long)progress->done,
                                           (unsigned long long)progress->total, progress->seconds);
    Py_XDECREF(done);
    return done != NULL ? 0 : -1;
}

/* Called by the thread that runs the job. A worker process that is in the middle of a tile is ended with it; again as
 * long as the run lasts, for its successor may have taken a tile before it was asked to stop. */
static void watch(void *user, const tw_progress *progress)
{
    struct job *job = user;
    enter_python();
    if (job->local.interrupt == NULL && (PyErr_CheckSignals() != 0 || tell(job, progress) != 0)) {
        interrupt_run(&job->local, take_exception());
    }
    leave_python();
    if (job->local.interrupt != NULL && job->apart) {
        kill_workers(job->pool->pool);
    }
}

static double stall_seconds; /* 0: the library's */

PyObject *stall_after(PyObject *self, PyObject *seconds)
{
    (void)self;
    const double wish = PyFloat_AsDouble(seconds);
    if (wish == -1 && PyErr_Occurred()) {
        return NULL;
    }
    stall_seconds = wish;
    Py_RETURN_NONE;
}

static void tell_stall(void *user, const tw_stall *stall)
{
    struct job *job = user;
    int64_t pids[TW_MAX_WORKERS];
    const int workers = tw_pool_workers(job->pool->pool);
    for (int w = 0; w < workers; w++) {
        pids[w] = tw_pool_worker_pid(job->pool->pool, w);
    }
    enter_python();
    PyObject *on_start = job->pool->on_start != NULL ? job->pool->on_start : Py_None;
    PyObject *done = PyObject_CallFunction(callbacks.stalled, "OdiLiN", on_start, stall->seconds, stall->workers,
                                           (long long)stall->tile, stall->worker, tuple_of_integers(pids, workers));
    if (done == NULL) { /* a warning may be an error, and Ctrl-C may come */
        interrupt_run(&job->local, take_exception());
    }
    Py_XDECREF(done);
    leave_python();
}

static void note_death(void *user, const tw_death *death)
{
    struct job *job = user;
    if (death->given_up) {
        job->death.signal = death->signal;
        job->death.code = death->code;
        job->death.by_itself = death->by_itself;
    }
}

/* ---- what tiles receive ---- */

static size_t rounded(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

/* Bytes of all names. */
static size_t names_size(const tw_signature *signature)
{
    size_t used = 0;
    for (int a = 0; a < tw_signature_naxes(signature); a++) {
        used += strlen(tw_signature_axis(signature, a)) + 1;
    }
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        used += strlen(tw_signature_operand(signature, k)) + 1;
    }
    return rounded(used);
}

static size_t slots_offset(const tw_signature *signature)
{
    return names_size(signature) + rounded(2 * TW_MAX_OPERANDS * sizeof(uint32_t));
}

/* Names of axes and operands, and room for widths, where the workers find them. */
static void place_names(struct call *call, char *at, const tw_signature *signature)
{
    call->names = at;
    call->widths = (_Atomic uint32_t *)(void *)(at + names_size(signature));
    for (int a = 0; a < call->naxes; a++) {
        at = stpcpy(at, tw_signature_axis(signature, a)) + 1;
    }
    call->operand_names = at;
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        at = stpcpy(at, tw_signature_operand(signature, k)) + 1;
    }
    for (int n = 0; n < 2 * TW_MAX_OPERANDS; n++) {
        atomic_store(&call->widths[n], 0);
    }
}

/* Shared memory for names, widths and one slot a worker. */
static int reserve_area(PoolObject *pool, size_t slots)
{
    const int64_t size = (int64_t)(slots + (size_t)tw_pool_workers(pool->pool) * SLOT_SIZE);
    const tw_dtype bytes = tw_dtype_of(TW_UINT8);
    tw_error error;
    if (pool->area != NULL && tw_array_view(pool->area)->shape[0] >= size) {
        return 0;
    }
    tw_array *area;
    if (tw_array_create(&area, pool->pool, &bytes, 1, &size, &error) != TW_OK) {
        raise_failure(&error);
        return -1;
    }
    tw_array_destroy(pool->area);
    pool->area = area;
    return 0;
}

/* Numbers of operands: `given` as a bytes object. */
static int read_numbers(PyObject *given, uint8_t *numbers, int *count, int noperands)
{
    if (!PyBytes_Check(given) || PyBytes_GET_SIZE(given) > TW_MAX_OPERANDS) {
        PyErr_SetString(PyExc_TypeError, "operands are given as bytes");
        return -1;
    }
    *count = (int)PyBytes_GET_SIZE(given);
    for (int k = 0; k < *count; k++) {
        numbers[k] = (uint8_t)PyBytes_AS_STRING(given)[k];
        if (numbers[k] >= noperands) {
            PyErr_SetString(PyExc_ValueError, "there is no such operand");
            return -1;
        }
    }
    return 0;
}

/* The same as a set of bits. */
static int read_bits(PyObject *given, uint64_t *bits, int noperands)
{
    uint8_t numbers[TW_MAX_OPERANDS];
    int count;
    if (read_numbers(given, numbers, &count, noperands) != 0) {
        return -1;
    }
    for (int n = 0; n < count; n++) {
        *bits |= (uint64_t)1 << numbers[n];
    }
    return 0;
}

static _Atomic unsigned long runs; /* begun in this process: each has a number of its own */

/* What the kernel's call must be for this run. */
static int fill_call(struct job *job)
{
    struct call *call = job->kernel->call;
    const tw_signature *signature = job->grid->signature->signature;
    const int noperands = tw_signature_noperands(signature);
    const size_t slots = slots_offset(signature);
    memset(call, 0, sizeof *call);
    if (read_numbers(job->numbers.args, call->args, &call->nargs, noperands) != 0 ||
        read_numbers(job->numbers.outs, call->outs, &call->nouts, noperands) != 0 ||
        read_bits(job->numbers.chosen, &call->chosen, noperands) != 0 ||
        read_bits(job->numbers.fresh, &call->fresh, noperands) != 0 ||
        read_bits(job->numbers.dirty, &call->dirty, noperands) != 0) {
        return -1;
    }
    call->looks = job->options.check ? 2 : 1;
    call->workers = job->local.workers;
    call->timeout = job->options.timeout;
    for (int k = 0; k < noperands; k++) {
        for (int d = 0; d < tw_signature_ndim(signature, k); d++) {
            call->axes[k][d] = (uint8_t)tw_signature_operand_axis(signature, k, d);
        }
    }
    call->callable = job->kernel->callable;
    call->pid = own_pid();
    call->run = ++runs;
    call->local = &job->local;
    call->apart = job->apart;
    call->wants_tile = job->kernel->wants_tile;
    call->naxes = tw_signature_naxes(signature);
    call->slots = slots;
    for (int k = 0; k < call->nouts; k++) {
        call->written |= (uint64_t)1 << call->outs[k];
        call->needs_result |= memchr(call->args, call->outs[k], (size_t)call->nargs) == NULL;
    }
    if (call->apart && reserve_area(job->pool, slots) != 0) {
        return -1;
    }
    char *names = call->apart ? tw_array_data(job->pool->area) : malloc(slots + 1);
    if (names == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    call->area = call->apart ? names : NULL;
    place_names(call, names, signature);
    for (int w = 0; call->apart && w < tw_pool_workers(job->pool->pool); w++) {
        struct slot *slot = (struct slot *)(void *)(call->area + slots + (size_t)w * SLOT_SIZE);
        atomic_store(&slot->tile, UINT64_MAX);
        atomic_store(&slot->looked, UINT64_MAX);
    }
    return 0;
}

static void empty_call(struct job *job)
{
    struct call *call = job->kernel->call;
    if (call != NULL) {
        if (!call->apart) {
            free((char *)call->names);
        }
        memset(call, 0, sizeof *call);
    }
}

/* ---- what went wrong ---- */

/* (exception or None, text or None, pickle or None) of the tile that failed. */
static PyObject *exception_of(const struct job *job, int64_t tile)
{
    const struct call *call = job->kernel->call;
    if (call == NULL || tile < 0) {
        return NULL;
    }
    if (!job->apart) {
        return job->local.exception != NULL && job->local.tile == (uint64_t)tile
                   ? Py_BuildValue("(OOO)", job->local.exception, Py_None, Py_None)
                   : NULL;
    }
    for (int w = 0; w < tw_pool_workers(job->pool->pool); w++) {
        const struct slot *slot = (const void *)(call->area + call->slots + (size_t)w * SLOT_SIZE);
        if (atomic_load_explicit(&slot->tile, memory_order_acquire) == (uint64_t)tile) {
            return Py_BuildValue("(ONy#)", Py_None,
                                 PyUnicode_DecodeUTF8(slot->bytes, (Py_ssize_t)slot->text_size, "replace"),
                                 slot->bytes + slot->text_size, (Py_ssize_t)slot->pickle_size);
        }
    }
    return NULL;
}

static PyObject *explain(const struct job *job, const tw_error *error, PyObject *report)
{
    PyObject *exception = error->status == TW_ERROR_KERNEL ? exception_of(job, error->tile) : NULL;
    PyObject *death = error->status == TW_ERROR_WORKER
                          ? Py_BuildValue("(iii)", job->death.signal, job->death.code, job->death.by_itself)
                          : Py_NewRef(Py_None);
    if (exception == NULL) {
        PyErr_Clear();
        exception = Py_NewRef(Py_None);
    }
    return raise_failure_with(error, Py_BuildValue("(NNN)", exception, report, death));
}

/* ---- the call ---- */

static int take_operands(struct job *job)
{
    const Py_ssize_t n = PyTuple_GET_SIZE(job->arrays);
    if (n != tw_signature_noperands(job->grid->signature->signature)) {
        PyErr_SetString(PyExc_ValueError, "one array an operand");
        return -1;
    }
    for (Py_ssize_t k = 0; k < n; k++) {
        PyObject *array = PyTuple_GET_ITEM(job->arrays, k);
        if (!Py_IS_TYPE(array, &ArrayType)) {
            PyErr_SetString(PyExc_TypeError, "operands are Arrays");
            return -1;
        }
        job->operands[k] = ((ArrayObject *)array)->array;
        job->bases[k] = ((ArrayObject *)array)->source != NULL ? ((ArrayObject *)array)->source : array;
    }
    return 0;
}

/* What chosen outputs will probably be: a tuple of (operand, dtype). Others than numbers are left out. */
static int read_expected(struct job *job, PyObject *pairs)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(pairs);
    if (count > 0) {
        memset(job->expected, 0, sizeof job->expected);
        job->options.expected = job->expected;
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        int operand;
        PyArray_Descr *dtype;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(pairs, n), "iO!", &operand, &PyArrayDescr_Type, &dtype)) {
            return -1;
        }
        if (operand >= 0 && operand < TW_MAX_OPERANDS && !PyTypeNum_ISUSERDEF(dtype->type_num)) {
            dtype_of_number(&job->expected[operand], dtype);
        }
    }
    return 0;
}

/* What the library reports while it runs, and to whom. */
static void watch_job(struct job *job)
{
    job->apart = job->pool != NULL && tw_pool_get_kind(job->pool->pool) == TW_PROCESSES;
    job->options.progress = watch;
    job->options.progress_user = job;
    job->options.stop = &job->local.stop;
    job->options.died = note_death;
    job->options.died_user = job;
    job->options.stall_seconds = stall_seconds;
    job->options.stalled = job->apart ? tell_stall : NULL;
    job->options.stalled_user = job;
    job->local.bases = job->bases;
    job->local.own_memory = job->options.check;
    job->local.workers = job->pool != NULL ? (unsigned)tw_pool_workers(job->pool->pool) : 1;
}

static PyObject *run_taken(struct job *job)
{
    tw_choices *choices = NULL;
    tw_report *report = NULL;
    tw_error error;
    if (job->kernel->callable != NULL && (fill_call(job) != 0 || take_context(&job->local) != 0)) {
        empty_call(job);
        drop_context(&job->local);
        return NULL;
    }
    const int chooses = job->kernel->callable != NULL && job->kernel->call->chosen != 0;
    job->options.choices = chooses ? &choices : NULL;
    leave_python();
    const tw_status status = tw_run(job->pool != NULL ? job->pool->pool : NULL, job->kernel->kernel, job->grid->grid,
                                    job->operands, &job->options, job->wants_report ? &report : NULL, &error);
    enter_python();
    drop_context(&job->local);
    PyObject *told = report != NULL ? report_of(report, job->grid) : Py_NewRef(Py_None);
    if (told != NULL && job->local.interrupt != NULL) {
        Py_CLEAR(told);
        give_exception(Py_NewRef(job->local.interrupt));
    } else if (told != NULL && status != TW_OK) {
        told = explain(job, &error, told);
    }
    if (told != NULL && chooses) {
        PyObject *arrays = chosen_arrays(choices, job->kernel->call, tw_grid_count(job->grid->grid));
        told = arrays != NULL ? Py_BuildValue("(NN)", told, arrays) : (Py_DECREF(told), NULL);
    } else {
        tw_choices_destroy(choices);
    }
    empty_call(job);
    return told;
}

/* The fields of Job (tilework/_job.py) and RunOptions (tilework/_options.py), which are tuples, in their order. */
enum job_field { KERNEL, GRID, ARRAYS, CALLED_WITH, OUTS, CHOSEN, FRESH, DIRTY, EXPECTED, JOB_FIELDS };
enum option_field { RETRIES, TIMEOUT, TILES_PER_WORKER, KEEP_GOING, GUARD, CHECK, PROGRESS, REPORT, OPTION_FIELDS };

static int is_tuple_of(PyObject *object, int fields)
{
    return PyTuple_Check(object) && PyTuple_GET_SIZE(object) == fields;
}

static int read_job(struct job *job, PyObject *given)
{
    if (!is_tuple_of(given, JOB_FIELDS) || !Py_IS_TYPE(PyTuple_GET_ITEM(given, KERNEL), &KernelType) ||
        !Py_IS_TYPE(PyTuple_GET_ITEM(given, GRID), &GridType) || !PyTuple_Check(PyTuple_GET_ITEM(given, ARRAYS)) ||
        !PyTuple_Check(PyTuple_GET_ITEM(given, EXPECTED))) {
        PyErr_SetString(PyExc_TypeError, "run(pool or None, Job, RunOptions): this is no Job");
        return -1;
    }
    job->kernel = (KernelObject *)PyTuple_GET_ITEM(given, KERNEL);
    job->grid = (GridObject *)PyTuple_GET_ITEM(given, GRID);
    job->arrays = PyTuple_GET_ITEM(given, ARRAYS);
    job->numbers = (struct numbers){.args = PyTuple_GET_ITEM(given, CALLED_WITH),
                                    .outs = PyTuple_GET_ITEM(given, OUTS),
                                    .chosen = PyTuple_GET_ITEM(given, CHOSEN),
                                    .fresh = PyTuple_GET_ITEM(given, FRESH),
                                    .dirty = PyTuple_GET_ITEM(given, DIRTY)};
    return take_operands(job) == 0 ? read_expected(job, PyTuple_GET_ITEM(given, EXPECTED)) : -1;
}

static int read_options(struct job *job, PyObject *asked)
{
    if (!is_tuple_of(asked, OPTION_FIELDS)) {
        PyErr_SetString(PyExc_TypeError, "run(pool or None, Job, RunOptions): these are no RunOptions");
        return -1;
    }
    PyObject *progress = PyTuple_GET_ITEM(asked, PROGRESS);
    job->options.retries = (int)PyLong_AsLong(PyTuple_GET_ITEM(asked, RETRIES));
    job->options.timeout = PyFloat_AsDouble(PyTuple_GET_ITEM(asked, TIMEOUT));
    job->options.tiles_per_worker = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(asked, TILES_PER_WORKER));
    job->options.keep_going = PyObject_IsTrue(PyTuple_GET_ITEM(asked, KEEP_GOING));
    job->options.guard = PyObject_IsTrue(PyTuple_GET_ITEM(asked, GUARD));
    job->options.check = PyObject_IsTrue(PyTuple_GET_ITEM(asked, CHECK));
    job->progress = progress != Py_None && progress != Py_False ? progress : NULL;
    job->wants_report = PyObject_IsTrue(PyTuple_GET_ITEM(asked, REPORT));
    return PyErr_Occurred() ? -1 : 0;
}

/* run(pool or None, Job, RunOptions) -> Report or None; with chosen outputs that and chosen_arrays() */
PyObject *run_job(PyObject *self, PyObject *const *args, Py_ssize_t n)
{
    struct job job;
    (void)self;
    if (n != 3 || (args[0] != Py_None && !Py_IS_TYPE(args[0], &PoolType))) {
        PyErr_SetString(PyExc_TypeError, "run(pool or None, Job, RunOptions)");
        return NULL;
    }
    memset(&job, 0, offsetof(struct job, operands));
    job.pool = args[0] != Py_None ? (PoolObject *)args[0] : NULL;
    if (read_job(&job, args[1]) != 0 || read_options(&job, args[2]) != 0) {
        return NULL;
    }
    if (job.pool != NULL && job.pool->pool == NULL) {
        PyErr_SetString(PyExc_ValueError, "the pool is closed");
        return NULL;
    }
    if (job.kernel->busy || (job.pool != NULL && job.pool->busy)) {
        PyErr_SetString(PyExc_RuntimeError, "this pool or kernel is in the middle of a run");
        return NULL;
    }
    watch_job(&job);
    job.local.inside = calloc(job.local.workers, sizeof *job.local.inside);
    if (job.local.inside == NULL) {
        return PyErr_NoMemory();
    }
    pthread_mutex_init(&job.local.lock, NULL);
    job.kernel->busy = job.kernel->callable != NULL;
    job.local.entered = (struct inside){.pool = job.pool, .outer = inside_of};
    inside_of = &job.local.entered;
    if (job.pool != NULL) {
        job.pool->busy = 1;
        job.pool->running = &job.local;
    }
    PyObject *result = run_taken(&job);
    job.kernel->busy = 0;
    inside_of = job.local.entered.outer;
    if (job.pool != NULL) {
        job.pool->running = NULL;
        job.pool->busy = 0;
    }
    pthread_mutex_destroy(&job.local.lock);
    free((void *)job.local.inside);
    Py_XDECREF(job.local.exception);
    Py_XDECREF(job.local.interrupt);
    return result;
}
