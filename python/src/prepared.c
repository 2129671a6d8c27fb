/* prepared.c - Prepared: a statement that remembers its last calls, and does one like them at once. What is unlike them
 * is for the Python part, which then says what to remember. */
#include "entry.h"

enum { ENTRIES = 8 };

typedef struct {
    PyObject_HEAD vectorcallfunc vectorcall;
    PyObject *names;                /* tuple of texts: what is given in order */
    struct entry *entries[ENTRIES]; /* the last used first */
    int count;
} PreparedObject;

static PyObject *word_out, *word_missed; /* "out", "_missed" */

/* ---- calls ---- */

static struct entry *find_entry(PreparedObject *self, const struct values *values)
{
    for (int n = 0; n < self->count; n++) {
        struct entry *entry = self->entries[n];
        if (entry_matches(entry, values)) {
            self->entries[n] = self->entries[0]; /* the next call is probably like this one */
            self->entries[0] = entry;
            join_entry(entry);
            return entry;
        }
    }
    return NULL;
}

/* Does a call that is like an earlier one. NULL without an exception: there was none like it. */
static PyObject *attempt(PreparedObject *self, const struct values *values)
{
    struct entry *entry;
    struct bound *bound = NULL;
    Py_BEGIN_CRITICAL_SECTION(self);
    entry = find_entry(self, values);
    if (entry != NULL) {
        bound = bind_entry(entry, self->names, values);
    }
    Py_END_CRITICAL_SECTION();
    if (bound == NULL && entry != NULL) {
        PyErr_Clear(); /* the long way says what is wrong */
    }
    PyObject *found = bound != NULL ? run_entry(entry, values, bound) : NULL;
    leave_bound(bound);
    leave_entry(entry);
    return found;
}

/* -1: none. */
static int place_of(const PreparedObject *self, PyObject *name)
{
    const int count = (int)PyTuple_GET_SIZE(self->names);
    for (int n = 0; n < count; n++) {
        if (PyTuple_GET_ITEM(self->names, n) == name) {
            return n;
        }
    }
    for (int n = 0; n < count; n++) {
        if (PyUnicode_Compare(PyTuple_GET_ITEM(self->names, n), name) == 0) {
            return n;
        }
    }
    return -1;
}

/* All values of a call in the order of the names. 0: it is another call. */
static int take_values(const PreparedObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *keywords,
                       struct values *values)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(self->names);
    const Py_ssize_t nkeywords = keywords != NULL ? PyTuple_GET_SIZE(keywords) : 0;
    if (self->count == 0 || nargs > count || count > NAMES) {
        return 0;
    }
    memset(values, 0, sizeof *values);
    for (Py_ssize_t n = 0; n < nargs; n++) {
        values->named[n] = args[n];
    }
    for (Py_ssize_t n = 0; n < nkeywords; n++) {
        PyObject *name = PyTuple_GET_ITEM(keywords, n);
        if (name == word_out || PyUnicode_Compare(name, word_out) == 0) {
            values->out = args[nargs + n] != Py_None ? args[nargs + n] : NULL;
            continue;
        }
        const int place = place_of(self, name);
        if (place < nargs) { /* unknown, or given in both ways */
            return 0;
        }
        values->named[place] = args[nargs + n];
    }
    for (Py_ssize_t n = 0; n < count; n++) {
        if (values->named[n] == NULL) {
            return 0;
        }
    }
    return 1;
}

static PyObject *prepared_call(PyObject *object, PyObject *const *args, size_t flags, PyObject *keywords)
{
    struct values values;
    PyObject *found = NULL;
    if (take_values((PreparedObject *)object, args, PyVectorcall_NARGS(flags), keywords, &values)) {
        found = attempt((PreparedObject *)object, &values);
    }
    if (found != NULL || PyErr_Occurred()) {
        return found;
    }
    PyObject *missed = PyObject_GetAttr(object, word_missed);
    if (missed != NULL) {
        found = PyObject_Vectorcall(missed, args, (size_t)PyVectorcall_NARGS(flags), keywords);
        Py_DECREF(missed);
    }
    return found;
}

/* The values of `named` and nothing else besides `out`. 0: it is another call. */
static int take_named(const PreparedObject *self, PyObject *named, struct values *values)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(self->names), given = PyDict_GET_SIZE(named);
    if (count > NAMES || self->count == 0 || (given != count && given != count + 1)) {
        return 0;
    }
    values->out = NULL;
    for (Py_ssize_t k = 0; k < count; k++) { /* nobody else has this dict */
        values->named[k] = PyDict_GetItemWithError(named, PyTuple_GET_ITEM(self->names, k));
        if (values->named[k] == NULL) {
            return 0;
        }
    }
    if (given > count) {
        PyObject *out = PyDict_GetItemWithError(named, word_out);
        values->out = out != Py_None ? out : NULL;
        return out != NULL;
    }
    return 1;
}

PyObject *recall(PyObject *module, PyObject *const *args, Py_ssize_t n)
{
    struct values values;
    PyObject *known, *found = NULL;
    (void)module;
    if (n != 3 || !PyDict_CheckExact(args[0]) || !PyDict_CheckExact(args[2])) {
        PyErr_SetString(PyExc_TypeError, "recall(known, text, named)");
        return NULL;
    }
    if (!PyUnicode_CheckExact(args[1])) {
        Py_RETURN_NONE;
    }
#if PY_VERSION_HEX >= 0x030d0000
    if (PyDict_GetItemRef(args[0], args[1], &known) < 0) {
        return NULL;
    }
#else
    known = Py_XNewRef(PyDict_GetItemWithError(args[0], args[1]));
#endif
    if (known != NULL) {
        if (PyObject_TypeCheck(known, &PreparedType) && take_named((PreparedObject *)known, args[2], &values)) {
            found = attempt((PreparedObject *)known, &values);
        }
        Py_DECREF(known);
    }
    return found != NULL ? found : PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

/* ---- learning ---- */

static void remember(PreparedObject *self, struct entry *entry)
{
    struct entry *dropped = NULL;
    Py_BEGIN_CRITICAL_SECTION(self);
    if (self->count == ENTRIES) {
        dropped = self->entries[ENTRIES - 1];
    } else {
        self->count++;
    }
    memmove(self->entries + 1, self->entries, (size_t)(self->count - 1) * sizeof self->entries[0]);
    self->entries[0] = entry;
    Py_END_CRITICAL_SECTION();
    leave_entry(dropped);
}

/* learn(values, numbers, outs, arrays, kernel, grid, statement, binder, lengths, given, natural): a call that was done.
 * values in the order of the names; numbers: which operand each is, a byte each, 255 for parameters; outs: the operands
 * that are results; arrays: of all operands; binder: a statement of its own if there are parameters, else None; given:
 * lengths that were given; natural: outputs have the dtypes that they get by themselves. Whether it is remembered. */
static PyObject *prepared_learn(PyObject *object, PyObject *args)
{
    PreparedObject *self = (PreparedObject *)object;
    struct learned learned = {.names = self->names};
    PyObject *binder;
    struct entry *entry;
    if (!PyArg_ParseTuple(args, "O!O!O!O!O!O!O!OO!O!p:learn", &PyTuple_Type, &learned.values, &PyBytes_Type,
                          &learned.numbers, &PyBytes_Type, &learned.outs, &PyTuple_Type, &learned.arrays, &KernelType,
                          &learned.kernel, &GridType, &learned.grid, &StatementType, &learned.statement, &binder,
                          &PyTuple_Type, &learned.lengths, &PyDict_Type, &learned.given, &learned.natural)) {
        return NULL;
    }
    if (binder != Py_None && !PyObject_TypeCheck(binder, &StatementType)) {
        PyErr_SetString(PyExc_TypeError, "binder is a Statement, or None");
        return NULL;
    }
    learned.binder = binder != Py_None ? (StatementObject *)binder : NULL;
    const int done = make_entry(&entry, &learned);
    if (done == 1) {
        remember(self, entry);
    }
    return done < 0 ? NULL : PyBool_FromLong(done);
}

/* ---- the object ---- */

/* Prepared(names) */
static int prepared_init(PyObject *object, PyObject *args, PyObject *keywords)
{
    PreparedObject *self = (PreparedObject *)object;
    PyObject *names;
    (void)keywords;
    if (!PyArg_ParseTuple(args, "O!:Prepared", &PyTuple_Type, &names)) {
        return -1;
    }
    for (Py_ssize_t n = 0; n < PyTuple_GET_SIZE(names); n++) {
        if (!PyUnicode_Check(PyTuple_GET_ITEM(names, n))) {
            PyErr_SetString(PyExc_TypeError, "names are texts");
            return -1;
        }
    }
    if (self->count > 0) {
        PyErr_SetString(PyExc_TypeError, "it has calls of its names");
        return -1;
    }
    Py_XSETREF(self->names, Py_NewRef(names));
    return 0;
}

static PyObject *prepared_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    PreparedObject *self = (PreparedObject *)type->tp_alloc(type, 0);
    (void)args;
    (void)keywords;
    if (self != NULL) {
        self->vectorcall = prepared_call;
        self->names = PyTuple_New(0);
        count_live(COUNT_PREPARED, 1);
    }
    return (PyObject *)self;
}

static void prepared_dealloc(PyObject *object)
{
    PreparedObject *self = (PreparedObject *)object;
    for (int n = 0; n < self->count; n++) {
        leave_entry(self->entries[n]);
    }
    Py_XDECREF(self->names);
    count_live(COUNT_PREPARED, -1);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *prepared_names(PyObject *object, void *closure)
{
    (void)closure;
    return Py_NewRef(((PreparedObject *)object)->names);
}

static PyObject *prepared_known(PyObject *object, void *closure)
{
    (void)closure;
    return PyLong_FromLong(((PreparedObject *)object)->count);
}

static PyMethodDef prepared_methods[] = {
    {"learn_call", prepared_learn, METH_VARARGS, "tw_prepared_create."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef prepared_fields[] = {
    {"names", prepared_names, NULL, "The names of what is given, in order.", NULL},
    {"known", prepared_known, NULL, "How many calls are remembered.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject PreparedType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Prepared",
    .tp_basicsize = sizeof(PreparedObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_VECTORCALL,
    .tp_new = prepared_new,
    .tp_init = prepared_init,
    .tp_dealloc = prepared_dealloc,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(PreparedObject, vectorcall),
    .tp_methods = prepared_methods,
    .tp_getset = prepared_fields,
};

int find_words(void)
{
    word_out = PyUnicode_InternFromString("out");
    word_missed = PyUnicode_InternFromString("_missed");
    return word_out != NULL && word_missed != NULL ? 0 : -1;
}
