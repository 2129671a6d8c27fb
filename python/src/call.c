/* call.c - what the tiles of a run receive if they call Python: which operands, by which names, and where exceptions
 * are left. One call for the kernel, one for each function that folds partial results; all share one area. */
#include <stdlib.h>

#include "run.h"

static const char part_name[] = "part";

static size_t rounded(size_t size)
{
    return (size + 63) & ~(size_t)63;
}

/* ---- the area: names, widths, slots ---- */

/* Bytes of all names, and of those of the operands of functions that fold. */
static size_t names_size(const tw_signature *signature)
{
    size_t used = 0;
    for (int a = 0; a < tw_signature_naxes(signature); a++) {
        used += strlen(tw_signature_axis(signature, a)) + 1;
    }
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        used += 2 * (strlen(tw_signature_operand(signature, k)) + 1) + sizeof part_name;
    }
    return rounded(used);
}

static size_t slots_offset(const tw_signature *signature)
{
    return names_size(signature) + rounded(2 * TW_MAX_OPERANDS * sizeof(uint32_t));
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

/* Where the workers find names, and room for widths and exceptions: 0, or -1 with an exception. */
static int make_area(struct job *job)
{
    const tw_signature *signature = job->grid->signature->signature;
    const size_t slots = slots_offset(signature);
    if (job->apart && reserve_area(job->pool, slots) != 0) {
        return -1;
    }
    job->area = job->apart ? tw_array_data(job->pool->area) : malloc(slots + 1);
    if (job->area == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int w = 0; job->apart && w < tw_pool_workers(job->pool->pool); w++) {
        struct slot *slot = (struct slot *)(void *)(job->area + slots + (size_t)w * SLOT_SIZE);
        atomic_store(&slot->tile, UINT64_MAX);
        atomic_store(&slot->looked, UINT64_MAX);
    }
    char *at = job->area;
    for (int a = 0; a < tw_signature_naxes(signature); a++) {
        at = stpcpy(at, tw_signature_axis(signature, a)) + 1;
    }
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        at = stpcpy(at, tw_signature_operand(signature, k)) + 1;
    }
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        at = stpcpy(at, part_name) + 1;
        at = stpcpy(at, tw_signature_operand(signature, k)) + 1;
    }
    _Atomic uint32_t *widths = (_Atomic uint32_t *)(void *)(job->area + names_size(signature));
    for (int n = 0; n < 2 * TW_MAX_OPERANDS; n++) {
        atomic_store(&widths[n], 0);
    }
    return 0;
}

/* The name that is `count` names behind this one. */
static const char *name_after(const char *name, int count)
{
    while (count-- > 0) {
        name += strlen(name) + 1;
    }
    return name;
}

/* ---- calls ---- */

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

/* What all calls of a run have in common. */
static void begin_call(struct call *call, struct job *job, const KernelObject *kernel, unsigned long run)
{
    const tw_signature *signature = job->grid->signature->signature;
    memset(call, 0, sizeof *call);
    call->callable = kernel->callable;
    call->wants_tile = kernel->wants_tile;
    call->pid = own_pid();
    call->run = run;
    call->local = &job->local;
    call->apart = job->apart;
    call->workers = job->local.workers;
    call->timeout = job->options.timeout;
    call->slots = slots_offset(signature);
    call->area = job->apart ? job->area : NULL;
    call->naxes = tw_signature_naxes(signature);
    call->names = job->area;
    call->operand_names = name_after(call->names, call->naxes);
    call->widths = (_Atomic uint32_t *)(void *)(job->area + names_size(signature));
}

/* That of the kernel. */
static int fill_call(struct job *job, unsigned long run)
{
    struct call *call = job->kernel->call;
    const tw_signature *signature = job->grid->signature->signature;
    int noperands;
    const tw_operand *operands = tw_signature_operands(signature, &noperands);
    begin_call(call, job, job->kernel, run);
    if (read_numbers(job->numbers.args, call->args, &call->nargs, noperands) != 0 ||
        read_numbers(job->numbers.outs, call->outs, &call->nouts, noperands) != 0 ||
        read_bits(job->numbers.chosen, &call->chosen, noperands) != 0 ||
        read_bits(job->numbers.fresh, &call->fresh, noperands) != 0 ||
        read_bits(job->numbers.dirty, &call->dirty, noperands) != 0 ||
        read_bits(job->numbers.partial, &call->partial, noperands) != 0) {
        return -1;
    }
    call->looks = job->options.check ? 2 : 1;
    call->passing = job->local.own_memory ? UINT64_MAX : call->partial | job->filed;
    for (int k = 0; k < noperands; k++) {
        call->haloed |= (uint64_t)(operands[k].has_halo != 0) << k;
        for (int d = 0; d < tw_signature_ndim(signature, k); d++) {
            call->axes[k][d] = (uint8_t)tw_signature_operand_axis(signature, k, d);
        }
    }
    call->passing |= call->haloed; /* at the border it is a copy */
    for (int k = 0; k < call->nouts; k++) {
        call->written |= (uint64_t)1 << call->outs[k];
        call->needs_result |= memchr(call->args, call->outs[k], (size_t)call->nargs) == NULL;
    }
    return 0;
}

/* That of the function which folds output k: its kernel has the operands part and into, and it is called the other way
 * round, with the result so far first. */
static void fill_fold(struct job *job, KernelObject *fold, int k, unsigned long run)
{
    struct call *call = fold->call;
    begin_call(call, job, fold, run);
    call->operand_names =
        name_after(call->operand_names, tw_signature_noperands(job->grid->signature->signature) + 2 * k);
    call->nargs = 2;
    call->args[0] = 1;
    call->nouts = 1;
    call->outs[0] = 1;
    call->written = 2;
    call->passing = UINT64_MAX;
}

/* Outputs that may have a function which folds them: 0 where none has. */
static int fold_count(const struct job *job)
{
    return job->grid->folds != NULL ? (int)PyTuple_GET_SIZE(job->grid->folds) : 0;
}

/* The kernel of the function that folds output k, if that is Python's; else NULL. */
static KernelObject *fold_of(const struct job *job, int k)
{
    PyObject *fold = PyTuple_GET_ITEM(job->grid->folds, k);
    return fold != Py_None && ((KernelObject *)fold)->callable != NULL ? (KernelObject *)fold : NULL;
}

int calls_python(const struct job *job)
{
    int calls = job->kernel->callable != NULL;
    for (int k = 0; !calls && k < fold_count(job); k++) {
        calls = fold_of(job, k) != NULL;
    }
    return calls;
}

static _Atomic unsigned long runs; /* begun in this process: each has a number of its own */

int fill_calls(struct job *job)
{
    const unsigned long run = ++runs;
    if (make_area(job) != 0 || (job->kernel->callable != NULL && fill_call(job, run) != 0)) {
        return -1;
    }
    for (int k = 0; k < fold_count(job); k++) {
        KernelObject *fold = fold_of(job, k);
        if (fold != NULL) {
            fill_fold(job, fold, k, run);
        }
    }
    return 0;
}

void empty_calls(struct job *job)
{
    if (job->kernel->call != NULL) {
        memset(job->kernel->call, 0, sizeof *job->kernel->call);
    }
    for (int k = 0; k < fold_count(job); k++) {
        KernelObject *fold = fold_of(job, k);
        if (fold != NULL) {
            memset(fold->call, 0, sizeof *fold->call);
        }
    }
    if (!job->apart) {
        free(job->area);
    }
    job->area = NULL;
}

void release_kernels(struct job *job)
{
    job->kernel->busy = 0;
    for (int k = 0; k < fold_count(job); k++) {
        KernelObject *fold = fold_of(job, k);
        if (fold != NULL) {
            fold->busy = 0;
        }
    }
}

int take_kernels(struct job *job)
{
    int busy = job->kernel->busy || (job->pool != NULL && job->pool->busy);
    for (int k = 0; k < fold_count(job); k++) {
        const KernelObject *fold = fold_of(job, k);
        busy |= fold != NULL && (fold->busy || fold == job->kernel);
    }
    if (busy) {
        PyErr_SetString(PyExc_RuntimeError, "this pool or kernel is in the middle of a run");
        return -1;
    }
    job->kernel->busy = job->kernel->callable != NULL;
    for (int k = 0; k < fold_count(job); k++) {
        KernelObject *fold = fold_of(job, k);
        if (fold != NULL) {
            fold->busy = 1;
        }
    }
    return 0;
}

/* ---- what tiles have left ---- */

PyObject *exception_of(const struct job *job, int64_t tile)
{
    if (job->area == NULL || tile < 0) {
        return NULL;
    }
    if (!job->apart) {
        return job->local.exception != NULL && job->local.tile == (uint64_t)tile
                   ? Py_BuildValue("(OOO)", job->local.exception, Py_None, Py_None)
                   : NULL;
    }
    const char *slots = job->area + slots_offset(job->grid->signature->signature);
    for (int w = 0; w < tw_pool_workers(job->pool->pool); w++) {
        const struct slot *slot = (const void *)(slots + (size_t)w * SLOT_SIZE);
        if (atomic_load_explicit(&slot->tile, memory_order_acquire) == (uint64_t)tile) {
            return Py_BuildValue("(ONy#)", Py_None,
                                 PyUnicode_DecodeUTF8(slot->bytes, (Py_ssize_t)slot->text_size, "replace"),
                                 slot->bytes + slot->text_size, (Py_ssize_t)slot->pickle_size);
        }
    }
    return NULL;
}
