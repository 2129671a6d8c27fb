/* kernel.c - Kernel: a tw_kernel, of a Python callable or native. */
#include "binding.h"

#include <stdlib.h>

static KernelObject *kernel_new(void)
{
    KernelObject *self = PyObject_GC_New(KernelObject, &KernelType);
    if (self != NULL) {
        self->kernel = NULL;
        self->own = NULL;
        self->callable = self->anchor = NULL;
        self->wants_tile = 0;
        self->call = NULL;
        self->pid = own_pid();
        self->busy = 0;
        count_live(COUNT_KERNELS, 1);
        PyObject_GC_Track((PyObject *)self);
    }
    return self;
}

/* A callable often knows the pool that keeps it, as a method does whose object has the pool. There is nothing to clear:
 * no cycle is without an object that can be emptied. */
static int kernel_traverse(PyObject *object, visitproc visit, void *arg)
{
    const KernelObject *self = (KernelObject *)object;
    Py_VISIT(self->callable);
    Py_VISIT(self->anchor);
    return 0;
}

static void kernel_dealloc(PyObject *object)
{
    KernelObject *self = (KernelObject *)object;
    PyObject_GC_UnTrack(object);
    if (self->pid == own_pid()) {
        tw_kernel_destroy(self->own);
        count_live(COUNT_KERNELS, -1);
    }
    free(self->call);
    Py_XDECREF(self->callable);
    Py_XDECREF(self->anchor);
    PyObject_GC_Del(self);
}

/* The object of a kernel that was made, or NULL with the reason why it was not. */
static PyObject *finish(KernelObject *self, tw_status status, const tw_error *error)
{
    if (status != TW_OK) {
        self->own = NULL;
        Py_DECREF(self);
        return raise_failure(error);
    }
    self->kernel = self->own;
    return (PyObject *)self;
}

static PyObject *finish_named(KernelObject *self, tw_status status, const char *name, tw_error *error)
{
    if (status == TW_OK && tw_kernel_set_name(self->own, name, error) != TW_OK) {
        Py_DECREF(self);
        return raise_failure(error);
    }
    return finish(self, status, error);
}

/* python(callable, wants_tile, name) */
static PyObject *kernel_python(PyObject *type, PyObject *args)
{
    PyObject *callable;
    const char *name;
    int wants_tile;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "Ops:python", &callable, &wants_tile, &name)) {
        return NULL;
    }
    KernelObject *self = kernel_new();
    if (self == NULL) {
        return NULL;
    }
    self->callable = Py_NewRef(callable);
    self->wants_tile = wants_tile;
    self->call = calloc(1, sizeof *self->call);
    if (self->call == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    const tw_status status =
        tw_kernel_from_function(&self->own, run_python_tile, self->call, sizeof *self->call, &error);
    return finish_named(self, status, name, &error);
}

/* function(address, anchor, name): `int f(const tw_tile *)` somewhere in this process; anchor keeps it there. */
static PyObject *kernel_function(PyObject *type, PyObject *args)
{
    unsigned long long address;
    PyObject *anchor;
    const char *name;
    tw_function function;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "KOs:function", &address, &anchor, &name)) {
        return NULL;
    }
    const uintptr_t place = (uintptr_t)address;
    memcpy(&function, &place, sizeof function);
    KernelObject *self = kernel_new();
    if (self == NULL) {
        return NULL;
    }
    self->anchor = Py_NewRef(anchor);
    return finish_named(self, tw_kernel_from_function(&self->own, function, NULL, 0, &error), name, &error);
}

/* library(path, symbol) */
static PyObject *kernel_library(PyObject *type, PyObject *args)
{
    PyObject *path = NULL;
    const char *symbol;
    tw_error error;
    (void)type;
    if (!PyArg_ParseTuple(args, "O&s:library", PyUnicode_FSConverter, &path, &symbol)) {
        return NULL;
    }
    KernelObject *self = kernel_new();
    if (self == NULL) {
        Py_DECREF(path);
        return NULL;
    }
    leave_python(); /* what the object's constructors do may take any time */
    const tw_status status = tw_kernel_from_library(&self->own, PyBytes_AS_STRING(path), symbol, &error);
    enter_python();
    Py_DECREF(path);
    return finish(self, status, &error);
}

/* source(path, function, compiler or None, flags or None, cache or None, portable=False, look_in=None) */
static PyObject *kernel_source(PyObject *type, PyObject *args)
{
    PyObject *path = NULL, *folder = NULL;
    const char *function;
    tw_compile_options options;
    tw_error error;
    (void)type;
    memset(&options, 0, sizeof options);
    if (!PyArg_ParseTuple(args, "O&szzz|pO&:source", PyUnicode_FSConverter, &path, &function, &options.compiler,
                          &options.flags, &options.cache, &options.portable, path_or_none, &folder)) {
        return NULL;
    }
    KernelObject *self = kernel_new();
    if (self == NULL) {
        Py_DECREF(path);
        Py_XDECREF(folder);
        return NULL;
    }
    options.look_in = folder != NULL ? PyBytes_AS_STRING(folder) : NULL;
    leave_python();
    const tw_status status = tw_kernel_from_source(&self->own, PyBytes_AS_STRING(path), function, &options, &error);
    enter_python();
    Py_DECREF(path);
    Py_XDECREF(folder);
    return finish(self, status, &error);
}

int path_or_none(PyObject *object, void *path)
{
    if (object == NULL || object == Py_None) { /* what was converted is given back */
        Py_CLEAR(*(PyObject **)path);
        return object != NULL;
    }
    return PyUnicode_FSConverter(object, path);
}

PyObject *kernel_of_statement(const tw_kernel *kernel, StatementObject *statement)
{
    KernelObject *self = kernel_new();
    if (self != NULL) {
        self->kernel = kernel;
        self->anchor = Py_NewRef((PyObject *)statement);
    }
    return (PyObject *)self;
}

static PyObject *kernel_name(PyObject *object, void *closure)
{
    (void)closure;
    return PyUnicode_DecodeFSDefault(tw_kernel_name(((KernelObject *)object)->kernel));
}

static PyObject *kernel_callable(PyObject *object, void *closure)
{
    const KernelObject *self = (KernelObject *)object;
    (void)closure;
    return Py_NewRef(self->callable != NULL ? self->callable : Py_None);
}

static PyObject *kernel_note(PyObject *object, void *closure)
{
    (void)closure;
    const char *note = tw_kernel_note(((KernelObject *)object)->kernel);
    return note != NULL ? PyUnicode_DecodeFSDefault(note) : Py_NewRef(Py_None);
}

/* set_identity(text or None) */
static PyObject *kernel_set_identity(PyObject *object, PyObject *text)
{
    const KernelObject *self = (KernelObject *)object;
    tw_error error;
    const char *identity = text != Py_None ? PyUnicode_AsUTF8(text) : NULL;
    if (identity == NULL && text != Py_None) {
        return NULL;
    }
    if (self->own == NULL) {
        PyErr_SetString(PyExc_ValueError, "the kernel of a statement is known by itself");
        return NULL;
    }
    if (tw_kernel_set_identity(self->own, identity, &error) != TW_OK) {
        return raise_failure(&error);
    }
    Py_RETURN_NONE;
}

static PyMethodDef kernel_methods[] = {
    {"python", kernel_python, METH_VARARGS | METH_STATIC, "A kernel that calls a Python callable."},
    {"function", kernel_function, METH_VARARGS | METH_STATIC, "tw_kernel_from_function."},
    {"library", kernel_library, METH_VARARGS | METH_STATIC, "tw_kernel_from_library."},
    {"source", kernel_source, METH_VARARGS | METH_STATIC, "tw_kernel_from_source."},
    {"set_identity", kernel_set_identity, METH_O, "tw_kernel_set_identity."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef kernel_fields[] = {
    {"name", kernel_name, NULL, "tw_kernel_name.", NULL},
    {"note", kernel_note, NULL, "tw_kernel_note.", NULL},
    {"callable", kernel_callable, NULL, "The Python callable, or None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject KernelType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Kernel",
    .tp_basicsize = sizeof(KernelObject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_HAVE_GC,
    .tp_dealloc = kernel_dealloc,
    .tp_traverse = kernel_traverse,
    .tp_methods = kernel_methods,
    .tp_getset = kernel_fields,
};
