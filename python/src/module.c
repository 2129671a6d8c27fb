/* module.c - the module _tilework: its names, its counters, and what the Python part gives it to be called back. */
#define BINDING_IMPORTS_NUMPY
#include "binding.h"

#include <stdio.h>
#include <unistd.h>

/* See meson.build. */
extern void *__wrap_stdin __attribute__((visibility("hidden")));
void *__wrap_stdin;

struct callbacks callbacks;
static atomic_int live[COUNT_KINDS];
static atomic_int known_pid;

void count_live(enum counted kind, int change)
{
    atomic_fetch_add_explicit(&live[kind], change, memory_order_relaxed);
}

int own_pid(void)
{
    int pid = atomic_load_explicit(&known_pid, memory_order_relaxed);
    if (pid == 0) {
        pid = (int)getpid();
        atomic_store_explicit(&known_pid, pid, memory_order_relaxed);
    }
    return pid;
}

void forget_own_pid(void)
{
    atomic_store_explicit(&known_pid, 0, memory_order_relaxed);
}

/* ---- functions ---- */

static PyObject *counters(PyObject *self, PyObject *none)
{
    static const char *const names[COUNT_KINDS] = {"pools",   "arrays",     "signatures", "grids",   "kernels",
                                                   "reports", "statements", "outputs",    "prepared"};
    (void)self;
    (void)none;
    PyObject *dict = PyDict_New();
    for (int k = 0; dict != NULL && k < COUNT_KINDS; k++) {
        PyObject *value = PyLong_FromLong(atomic_load(&live[k]));
        if (value == NULL || PyDict_SetItemString(dict, names[k], value) != 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

static PyObject *set_callbacks(PyObject *self, PyObject *args)
{
    static PyObject **const places[] = {&callbacks.make_tile,      &callbacks.describe,      &callbacks.clear,
                                        &callbacks.dtype_of_descr, &callbacks.before_fork,   &callbacks.in_parent,
                                        &callbacks.in_child,       &callbacks.is_of_handler, &callbacks.stalled};
    const Py_ssize_t count = sizeof places / sizeof places[0];
    (void)self;
    if (PyTuple_GET_SIZE(args) != count) {
        PyErr_Format(PyExc_TypeError, "%zd functions are called back", count);
        return NULL;
    }
    for (Py_ssize_t k = 0; k < count; k++) {
        Py_XSETREF(*places[k], Py_NewRef(PyTuple_GET_ITEM(args, k)));
    }
    Py_RETURN_NONE;
}

static PyObject *machine(PyObject *self, PyObject *none)
{
    tw_machine found;
    (void)self;
    (void)none;
    tw_machine_describe(&found);
    return Py_BuildValue("{s:i,s:i,s:s,s:L,s:L,s:s,s:s}", "cpus", found.cpus_affinity, "workers", found.workers,
                         "workers_reason", found.workers_reason, "memory_total", (long long)found.memory_total,
                         "memory_available", (long long)found.memory_available, "cpu", found.cpu, "system",
                         found.system);
}

static PyObject *inside_run(PyObject *self, PyObject *none)
{
    (void)self;
    (void)none;
    return PyBool_FromLong(tw_inside_run());
}

static PyObject *seconds_text(PyObject *module, PyObject *seconds)
{
    char text[64];
    const double value = PyFloat_AsDouble(seconds);
    (void)module;
    if (value == -1.0 && PyErr_Occurred()) {
        return NULL;
    }
    tw_seconds_text(value, text, sizeof text);
    return PyUnicode_FromString(text);
}

static PyMethodDef methods[] = {
    {"inside_run", inside_run, METH_NOARGS, "tw_inside_run."},
    {"counters", counters, METH_NOARGS, "Live objects of the library in this process, by kind."},
    {"set_callbacks", set_callbacks, METH_VARARGS, "What is called back, in the order of struct callbacks."},
    {"set_context_callbacks", set_context_callbacks, METH_VARARGS,
     "What is called back around runs: errors_here, arrive, put_errors."},
    {"set_fresh_callbacks", set_fresh_callbacks, METH_VARARGS,
     "What is called back for new outputs that kernels fill: before, look."},
    {"set_result_callbacks", set_result_callbacks, METH_VARARGS,
     "What is called back for results: plain, choose, no_room."},
    {"machine", machine, METH_NOARGS, "What the machine allows."},
    {"stall_after", stall_after, METH_O, "Seconds until a run that stands still is said; for tests. 0: the default."},
    {"run", (PyCFunction)(void (*)(void))run_job, METH_FASTCALL, "tw_run."},
    {"open_array", open_array, METH_O, "tw_array_open."},
    {"checksum", array_checksum, METH_O, "tw_array_checksum."},
    {"node_find", node_find, METH_O, "tw_node_find."},
    {"job_status", job_status, METH_O, "tw_job_status_read."},
    {"edge", parse_edge, METH_VARARGS, "tw_edge_parse."},
    {"seconds_text", seconds_text, METH_O, "tw_seconds_text."},
    {"plan", make_plan, METH_VARARGS, "tw_plan_make."},
    {"recall", (PyCFunction)(void (*)(void))recall, METH_FASTCALL,
     "A call of a statement that is like an earlier one."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                        .m_name = "_tilework",
                                        .m_doc = "Wrappers of tilework.h.",
                                        .m_size = -1,
                                        .m_methods = methods};

static int add_type(PyObject *module, PyTypeObject *type, const char *name)
{
    return PyType_Ready(type) == 0 ? PyModule_AddObjectRef(module, name, (PyObject *)type) : -1;
}

static int add_constants(PyObject *module)
{
    static const struct {
        const char *name;
        long value;
    } constants[] = {
        {"THREADS", TW_THREADS},
        {"PROCESSES", TW_PROCESSES},
        {"SERIAL", TW_SERIAL},
        {"IN", TW_IN},
        {"OUT", TW_OUT},
        {"INOUT", TW_INOUT},
        {"COST_UNKNOWN", TW_COST_UNKNOWN},
        {"COST_STATEMENT", TW_COST_STATEMENT},
        {"FOLD_NONE", TW_FOLD_NONE},
        {"FOLD_SUM", TW_FOLD_SUM},
        {"FOLD_PROD", TW_FOLD_PROD},
        {"FOLD_MIN", TW_FOLD_MIN},
        {"FOLD_MAX", TW_FOLD_MAX},
        {"FOLD_ANY", TW_FOLD_ANY},
        {"FOLD_ALL", TW_FOLD_ALL},
        {"FOLD_KERNEL", TW_FOLD_KERNEL},
        {"MAX_OPERANDS", TW_MAX_OPERANDS},
        {"MAX_DIMS", TW_MAX_DIMS},
        {"MENTION_ALONE", TW_MENTION_ALONE},
        {"MENTION_OPERAND", TW_MENTION_OPERAND},
        {"MAX_WORKERS", TW_MAX_WORKERS},
    };
    for (size_t k = 0; k < sizeof constants / sizeof constants[0]; k++) {
        if (PyModule_AddIntConstant(module, constants[k].name, constants[k].value) != 0) {
            return -1;
        }
    }
    return PyModule_AddStringConstant(module, "version", tw_version());
}

PyMODINIT_FUNC PyInit__tilework(void);

PyMODINIT_FUNC PyInit__tilework(void)
{
    import_array();
    pthread_atfork(NULL, NULL, forget_own_pid);
    PyObject *module = find_record_types() == 0 ? PyModule_Create(&definition) : NULL;
    if (module == NULL) {
        return NULL;
    }
    Failure = PyErr_NewExceptionWithDoc("tilework._tilework.Failure",
                                        "A call of the library failed: (status name, message, os_error, tile, worker, "
                                        "column, kernel_code).",
                                        PyExc_RuntimeError, NULL);
    if (Failure == NULL || PyModule_AddObjectRef(module, "Failure", Failure) != 0 ||
        add_type(module, &PoolType, "Pool") != 0 || add_type(module, &ArrayType, "Array") != 0 ||
        add_type(module, &HeapType, "Heap") != 0 || add_type(module, &SignatureType, "Signature") != 0 ||
        add_type(module, &GridType, "Grid") != 0 || add_type(module, &KernelType, "Kernel") != 0 ||
        add_type(module, &ReportType, "Report") != 0 || add_type(module, &StatementType, "Statement") != 0 ||
        add_type(module, &OutputsType, "Outputs") != 0 || add_type(module, &PreparedType, "Prepared") != 0 ||
        add_type(module, &DrawsType, "Draws") != 0 || find_words() != 0 || find_tile_words() != 0 ||
        add_constants(module) != 0) {
        Py_DECREF(module);
        return NULL;
    }
#ifdef Py_GIL_DISABLED
    PyUnstable_Module_SetGIL(module, Py_MOD_GIL_NOT_USED);
#endif
    return module;
}
