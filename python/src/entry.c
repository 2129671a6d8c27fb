/* entry.c - a call of a statement as it was done once: what a call must be like for it, and how it is done again. Knows
 * no Python object but arrays and numbers, and nothing of who asks. */
#include "entry.h"

#include <stdlib.h>

#define PARAMETER 0xff
#define UNLOCKED 2000.0 /* nanoseconds, about: what takes longer leaves Python meanwhile */

/* How an array lies: two that are equal need nothing anew. */
struct layout {
    int type, ndim;
    npy_intp shape[DIMS], strides[DIMS];
};

/* The prepared run, with the values that its parameters had last. Nothing in it changes. */
struct bound {
    atomic_int users;
    int pid;
    tw_prepared *prepared;
    tw_parameter value[NAMES];
};

/* Nothing in it changes but `bound`. */
struct entry {
    atomic_int users;
    int nnames, nouts, noperands;
    int natural; /* its outputs have the dtypes that they get by themselves */
    int unlocked;
    unsigned char operand[NAMES]; /* of each name: its number; PARAMETER: it is none */
    struct layout given[NAMES];   /* of each name that is an operand */
    PyTypeObject *type[NAMES];    /* of each parameter */
    unsigned char out[OUTS];      /* the outputs' numbers, in the order of the results */
    int name_of[OUTS];            /* that of an output which is given by its name too; -1: it is made */
    struct layout made[OUTS];
    PyArray_Descr *descr[OUTS];
    struct bound *bound;
    StatementObject *binder; /* NULL: there is no parameter */
    tw_view *views;          /* [noperands], for the binder */
    PyObject *lengths;       /* a dict: those that were given */
    int64_t found[TW_MAX_OPERANDS * TW_MAX_DIMS];
    int naxes;
};

void leave_bound(struct bound *bound)
{
    if (bound == NULL || atomic_fetch_sub(&bound->users, 1) != 1) {
        return;
    }
    if (bound->pid == own_pid()) { /* a fork leaves it: a lock that it needs may be held by a thread of the parent's */
        tw_prepared_destroy(bound->prepared);
    }
    free(bound);
}

static struct bound *make_bound(const tw_parameter *values)
{
    struct bound *made = calloc(1, sizeof *made);
    if (made != NULL) {
        atomic_init(&made->users, 1);
        made->pid = own_pid();
        memcpy(made->value, values, sizeof made->value);
    }
    return made;
}

void join_entry(struct entry *entry)
{
    atomic_fetch_add(&entry->users, 1);
}

void leave_entry(struct entry *entry)
{
    if (entry == NULL || atomic_fetch_sub(&entry->users, 1) != 1) {
        return;
    }
    for (int n = 0; n < entry->nnames; n++) {
        Py_XDECREF((PyObject *)entry->type[n]);
    }
    for (int k = 0; k < entry->nouts; k++) {
        Py_XDECREF((PyObject *)entry->descr[k]);
    }
    Py_XDECREF((PyObject *)entry->binder);
    Py_XDECREF(entry->lengths);
    leave_bound(entry->bound);
    free(entry->views);
    free(entry);
}

/* ---- what is like it ---- */

static int fits(const struct layout *layout, PyArrayObject *array)
{
    if (PyArray_TYPE(array) != layout->type || PyArray_NDIM(array) != layout->ndim || !PyArray_ISNOTSWAPPED(array) ||
        !PyArray_ISALIGNED(array)) {
        return 0;
    }
    const size_t bytes = (size_t)layout->ndim * sizeof(npy_intp);
    return memcmp(PyArray_DIMS(array), layout->shape, bytes) == 0 &&
           memcmp(PyArray_STRIDES(array), layout->strides, bytes) == 0;
}

/* The first byte of an array's items, and one past the last. */
static void extent(PyArrayObject *array, const char **low, const char **high)
{
    *low = PyArray_BYTES(array);
    *high = *low + PyArray_ITEMSIZE(array);
    for (int d = 0; d < PyArray_NDIM(array); d++) {
        const npy_intp length = PyArray_DIM(array, d), reach = (length - 1) * PyArray_STRIDE(array, d);
        if (length == 0) {
            *low = *high = PyArray_BYTES(array);
            return;
        }
        *(reach < 0 ? low : high) += reach;
    }
}

/* Whether two arrays may share memory: then they are looked at closely elsewhere. */
static int may_overlap(PyObject *one, PyObject *other)
{
    const char *low, *high, *other_low, *other_high;
    extent((PyArrayObject *)one, &low, &high);
    extent((PyArrayObject *)other, &other_low, &other_high);
    return low < other_high && other_low < high;
}

static int inputs_match(const struct entry *entry, const struct values *values)
{
    for (int n = 0; n < entry->nnames; n++) {
        PyObject *value = values->named[n];
        if (entry->operand[n] == PARAMETER) {
            if (Py_TYPE(value) != entry->type[n]) {
                return 0;
            }
        } else if (!PyArray_CheckExact(value) || !fits(&entry->given[n], (PyArrayObject *)value)) {
            return 0;
        }
    }
    return 1;
}

/* The array that was given for a result, borrowed; NULL: it is made. */
static PyObject *place_of_result(const struct entry *entry, const struct values *values, int k)
{
    if (entry->name_of[k] >= 0) {
        return values->named[entry->name_of[k]];
    }
    return values->out == NULL || entry->nouts == 1 ? values->out : PyTuple_GET_ITEM(values->out, k);
}

/* out is an array, or a tuple of as many as there are results. */
static int out_matches(const struct entry *entry, const struct values *values)
{
    if (values->out == NULL) {
        return entry->natural;
    }
    if (entry->nouts > 1 && (!PyTuple_CheckExact(values->out) || PyTuple_GET_SIZE(values->out) != entry->nouts)) {
        return 0;
    }
    for (int k = 0; k < entry->nouts; k++) {
        PyObject *place = place_of_result(entry, values, k);
        if (entry->name_of[k] >= 0 || !PyArray_CheckExact(place) || !fits(&entry->made[k], (PyArrayObject *)place)) {
            return 0;
        }
    }
    return 1;
}

/* Results that are written in place: whether they may be, and share no memory with anything else. */
static int places_are_free(const struct entry *entry, const struct values *values)
{
    for (int k = 0; k < entry->nouts; k++) {
        PyObject *result = place_of_result(entry, values, k);
        if (result == NULL) {
            continue;
        }
        for (int other = 0; other < k && values->out != NULL; other++) {
            if (may_overlap(result, place_of_result(entry, values, other))) {
                return 0;
            }
        }
        if (!PyArray_ISWRITEABLE((PyArrayObject *)result)) {
            return 0;
        }
        for (int n = 0; n < entry->nnames; n++) { /* other results that are written in place are among them */
            if (n != entry->name_of[k] && entry->operand[n] != PARAMETER && may_overlap(result, values->named[n])) {
                return 0;
            }
        }
    }
    return 1;
}

int entry_matches(const struct entry *entry, const struct values *values)
{
    return inputs_match(entry, values) && out_matches(entry, values) && places_are_free(entry, values);
}

/* ---- parameters ---- */

static int same_bits(const tw_parameter *one, const tw_parameter *other)
{
    return one->kind == other->kind && one->is_typed == other->is_typed && one->integer == other->integer &&
           one->high == other->high && memcmp(&one->real, &other->real, sizeof one->real) == 0 &&
           memcmp(&one->imag, &other->imag, sizeof one->imag) == 0;
}

/* Binds the statement with these values: its kernel, or NULL. */
static const tw_kernel *bound_kernel(const struct entry *entry, const tw_parameter *values)
{
    tw_statement *statement = entry->binder->statement;
    const tw_view *views[TW_MAX_OPERANDS];
    tw_axis_length given[NAMES];
    int64_t lengths[TW_MAX_OPERANDS * TW_MAX_DIMS];
    const tw_kernel *kernel;
    size_t ngiven = 0;
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (PyDict_Next(entry->lengths, &at, &name, &value)) {
        given[ngiven].axis = PyUnicode_AsUTF8(name);
        given[ngiven++].length = PyLong_AsLongLong(value);
    }
    for (int n = 0; n < entry->nnames; n++) {
        if (entry->operand[n] == PARAMETER && tw_statement_set(statement, &values[n], NULL) != TW_OK) {
            return NULL;
        }
    }
    for (int k = 0; k < entry->noperands; k++) {
        views[k] = &entry->views[k];
    }
    return tw_statement_bind(statement, views, given, ngiven, lengths, NULL) == TW_OK &&
                   memcmp(lengths, entry->found, (size_t)entry->naxes * sizeof lengths[0]) == 0 &&
                   tw_statement_kernel(&kernel, statement, NULL, NULL) == TW_OK
               ? kernel
               : NULL;
}

struct bound *bind_entry(struct entry *entry, PyObject *names, const struct values *values)
{
    tw_parameter parameters[NAMES];
    int changed = 0;
    for (int n = 0; entry->binder != NULL && n < entry->nnames; n++) {
        if (entry->operand[n] != PARAMETER) {
            memset(&parameters[n], 0, sizeof parameters[n]);
        } else if (read_parameter(&parameters[n], PyTuple_GET_ITEM(names, n), values->named[n]) != 0) {
            return NULL;
        }
    }
    for (int n = 0; entry->binder != NULL && n < entry->nnames; n++) { /* no Python here: others may bind meanwhile */
        changed |= entry->operand[n] == PARAMETER && !same_bits(&parameters[n], &entry->bound->value[n]);
    }
    if (changed) {
        const tw_kernel *kernel = bound_kernel(entry, parameters);
        struct bound *made = kernel != NULL ? make_bound(parameters) : NULL;
        if (made == NULL || tw_prepared_renew(&made->prepared, entry->bound->prepared, kernel, NULL) != TW_OK) {
            leave_bound(made);
            return NULL;
        }
        leave_bound(entry->bound);
        entry->bound = made;
    }
    atomic_fetch_add(&entry->bound->users, 1);
    return entry->bound;
}

/* ---- the run ---- */

/* Where the results are: new arrays, or those that were given. How many there are: less than all with an exception. */
static int take_results(const struct entry *entry, const struct values *values, PyObject **results)
{
    int made = 0;
    for (; made < entry->nouts; made++) {
        const struct layout *layout = &entry->made[made];
        if (entry->name_of[made] >= 0 || values->out != NULL) {
            results[made] = Py_NewRef(place_of_result(entry, values, made));
            continue;
        }
        Py_INCREF(entry->descr[made]);
        results[made] =
            PyArray_NewFromDescr(&PyArray_Type, entry->descr[made], layout->ndim, layout->shape, NULL, NULL, 0, NULL);
        if (results[made] == NULL) {
            break;
        }
    }
    return made;
}

static tw_status run_bound(const struct entry *entry, const struct bound *bound, void *const *data)
{
    PyThreadState *state = entry->unlocked ? PyEval_SaveThread() : NULL;
    const tw_status status = tw_prepared_run(bound->prepared, data, NULL);
    if (state != NULL) {
        PyEval_RestoreThread(state);
    }
    return status;
}

PyObject *run_entry(const struct entry *entry, const struct values *values, const struct bound *bound)
{
    void *data[TW_MAX_OPERANDS];
    PyObject *results[OUTS], *found = NULL;
    for (int n = 0; n < entry->nnames; n++) {
        if (entry->operand[n] != PARAMETER) {
            data[entry->operand[n]] = PyArray_DATA((PyArrayObject *)values->named[n]);
        }
    }
    const int made = take_results(entry, values, results);
    for (int k = 0; k < made; k++) {
        data[entry->out[k]] = PyArray_DATA((PyArrayObject *)results[k]);
    }
    if (made == entry->nouts && run_bound(entry, bound, data) == TW_OK) {
        found = made == 1 ? Py_NewRef(results[0]) : PyTuple_New(made);
    }
    for (int k = 0; k < made; k++) {
        if (found != NULL && made != 1) {
            PyTuple_SET_ITEM(found, k, Py_NewRef(results[k]));
        }
        Py_DECREF(results[k]);
    }
    return found;
}

/* ---- learning ---- */

static int take_layout(struct layout *layout, PyArrayObject *array)
{
    const int ndim = PyArray_NDIM(array);
    if (ndim > DIMS || !PyArray_ISNOTSWAPPED(array) || !PyArray_ISALIGNED(array)) {
        return 0;
    }
    *layout = (struct layout){.type = PyArray_TYPE(array), .ndim = ndim};
    memcpy(layout->shape, PyArray_DIMS(array), (size_t)ndim * sizeof layout->shape[0]);
    memcpy(layout->strides, PyArray_STRIDES(array), (size_t)ndim * sizeof layout->strides[0]);
    return 1;
}

static int take_view(tw_view *view, PyArrayObject *array)
{
    memset(view, 0, sizeof *view);
    view->ndim = PyArray_NDIM(array);
    for (int d = 0; d < view->ndim; d++) {
        view->shape[d] = PyArray_DIM(array, d);
        view->strides[d] = PyArray_STRIDE(array, d);
    }
    return dtype_of_number(&view->dtype, PyArray_DESCR(array)) == 0;
}

/* The strides of a new array of NumPy's. */
static void set_plain_strides(struct layout *layout, npy_intp itemsize)
{
    npy_intp step = itemsize;
    for (int d = layout->ndim - 1; d >= 0; d--) {
        layout->strides[d] = step;
        step *= layout->shape[d];
    }
}

/* The same results as make_entry. */
static int take_names(struct entry *entry, const struct learned *learned)
{
    tw_parameter parameters[NAMES] = {{0}};
    entry->nnames = (int)PyTuple_GET_SIZE(learned->names);
    entry->noperands = (int)PyTuple_GET_SIZE(learned->arrays);
    if (PyTuple_GET_SIZE(learned->names) > NAMES || PyTuple_GET_SIZE(learned->values) != entry->nnames ||
        PyBytes_GET_SIZE(learned->numbers) != entry->nnames || PyTuple_GET_SIZE(learned->arrays) > TW_MAX_OPERANDS) {
        entry->nnames = 0;
        return 0;
    }
    for (int n = 0; n < entry->nnames; n++) {
        PyObject *value = PyTuple_GET_ITEM(learned->values, n);
        entry->operand[n] = (unsigned char)PyBytes_AS_STRING(learned->numbers)[n];
        if (entry->operand[n] == PARAMETER) {
            entry->type[n] = (PyTypeObject *)Py_NewRef((PyObject *)Py_TYPE(value));
            if (learned->binder == NULL) {
                return 0;
            }
            if (read_parameter(&parameters[n], PyTuple_GET_ITEM(learned->names, n), value) != 0) {
                return -1;
            }
        } else if (entry->operand[n] >= entry->noperands || !PyArray_CheckExact(value) ||
                   !take_layout(&entry->given[n], (PyArrayObject *)value)) {
            return 0;
        }
    }
    entry->bound = make_bound(parameters);
    if (entry->bound == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 1;
}

static int take_outs(struct entry *entry, const struct learned *learned)
{
    entry->natural = learned->natural;
    if (PyBytes_GET_SIZE(learned->outs) > OUTS || PyBytes_GET_SIZE(learned->outs) < 1) {
        return 0;
    }
    for (int k = 0; k < (int)PyBytes_GET_SIZE(learned->outs); k++) {
        entry->out[k] = (unsigned char)PyBytes_AS_STRING(learned->outs)[k];
        entry->name_of[k] = -1;
        for (int n = 0; n < entry->nnames; n++) {
            entry->name_of[k] = entry->operand[n] == entry->out[k] ? n : entry->name_of[k];
        }
        if (entry->out[k] >= entry->noperands) {
            return 0;
        }
        PyArrayObject *array = (PyArrayObject *)PyTuple_GET_ITEM(learned->arrays, entry->out[k]);
        if (!PyArray_Check(array) || !take_layout(&entry->made[k], array)) {
            return 0;
        }
        if (entry->natural && entry->name_of[k] < 0) {
            set_plain_strides(&entry->made[k], PyArray_ITEMSIZE(array));
        }
        entry->descr[k] = PyArray_DESCR(array);
        Py_INCREF(entry->descr[k]);
        entry->nouts = k + 1;
    }
    return 1;
}

/* The prepared run of an entry that has all else. */
static int prepare(struct entry *entry, const struct learned *learned)
{
    const tw_view *views[TW_MAX_OPERANDS];
    tw_error error;
    entry->views = calloc((size_t)entry->noperands, sizeof *entry->views);
    if (entry->views == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (int k = 0; k < entry->noperands; k++) {
        PyObject *array = PyTuple_GET_ITEM(learned->arrays, k);
        if (!PyArray_Check(array) || !take_view(&entry->views[k], (PyArrayObject *)array)) {
            return 0;
        }
        views[k] = &entry->views[k];
    }
    for (int k = 0; k < entry->nouts; k++) {
        for (int d = 0; d < entry->made[k].ndim; d++) {
            entry->views[entry->out[k]].strides[d] = entry->made[k].strides[d];
        }
    }
    if (tw_prepared_create(&entry->bound->prepared, learned->kernel->kernel, learned->grid->grid, views, &error) !=
        TW_OK) {
        raise_failure(&error);
        return -1;
    }
    return 1;
}

/* Whether the call takes long enough for others to run meanwhile. */
static int takes_long(const StatementObject *statement, const int64_t *lengths)
{
    tw_work work;
    return tw_statement_work(statement->statement, lengths, &work, NULL) != TW_OK || work.nanoseconds > UNLOCKED;
}

int make_entry(struct entry **entry, const struct learned *learned)
{
    struct entry *made = calloc(1, sizeof *made);
    if (made == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    atomic_init(&made->users, 1);
    made->lengths = Py_NewRef(learned->given);
    made->binder = (StatementObject *)Py_XNewRef((PyObject *)learned->binder);
    made->naxes = integers_of_sequence(learned->lengths, made->found, TW_MAX_OPERANDS * TW_MAX_DIMS, "lengths");
    int done = made->naxes < 0 ? -1 : PyDict_GET_SIZE(learned->given) <= NAMES;
    done = done == 1 ? take_names(made, learned) : done;
    done = done == 1 ? take_outs(made, learned) : done;
    done = done == 1 ? prepare(made, learned) : done;
    if (done != 1) {
        leave_entry(made);
        return done;
    }
    made->unlocked = takes_long(learned->statement, made->found);
    *entry = made;
    return 1;
}
