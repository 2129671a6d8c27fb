/* statement.c - Statement: a tw_statement, its dtypes, its lengths, its kernel. */
#include "binding.h"

#include <stdlib.h>

#define MOST TW_MAX_OPERANDS

/* A whole number of more than 64 bits, read by the library: 0, or -1 with an exception. */
static int read_long(tw_parameter *parameter, PyObject *name, PyObject *value)
{
    tw_error error;
    PyObject *text = PyObject_Str(value);
    const char *digits = text != NULL ? PyUnicode_AsUTF8(text) : NULL;
    int failed = digits == NULL;
    if (!failed && tw_parameter_parse(parameter, digits, &error) != TW_OK) {
        PyErr_Format(PyExc_OverflowError, "parameter %U is a whole number of more than 127 bits: give a float", name);
        failed = 1;
    }
    Py_XDECREF(text);
    return failed ? -1 : 0;
}

/* A scalar of NumPy's, which keeps its dtype: 0, or -1 with an exception. */
static int read_scalar(tw_parameter *parameter, PyObject *name, PyObject *value)
{
    tw_dtype dtype;
    PyArray_Descr *descr = PyArray_DescrFromScalar(value);
    const int failed = descr == NULL || dtype_from_numpy(&dtype, descr, NULL) != 0;
    Py_XDECREF(descr);
    if (failed) {
        return -1;
    }
    parameter->kind = dtype.kind;
    parameter->is_typed = 1;
    if (dtype.kind < TW_BOOL || dtype.kind > TW_COMPLEX128) {
        PyErr_Format(PyExc_TypeError, "parameter %U is a number, not %R", name, (PyObject *)Py_TYPE(value));
    } else if (dtype.kind == TW_BOOL) {
        parameter->integer = PyObject_IsTrue(value);
    } else if (dtype.kind < TW_FLOAT16) {
        PyObject *whole = PyNumber_Long(value);
        parameter->integer = whole == NULL            ? 0
                             : dtype.kind >= TW_UINT8 ? (int64_t)PyLong_AsUnsignedLongLong(whole)
                                                      : PyLong_AsLongLong(whole);
        Py_XDECREF(whole);
    } else {
        const Py_complex number = PyComplex_AsCComplex(value);
        parameter->real = number.real;
        parameter->imag = number.imag;
    }
    return PyErr_Occurred() ? -1 : 0;
}

int read_parameter(tw_parameter *parameter, PyObject *name, PyObject *value)
{
    memset(parameter, 0, sizeof *parameter);
    parameter->name = PyUnicode_AsUTF8(name);
    if (parameter->name == NULL) {
        return -1;
    }
    if (PyArray_IsScalar(value, Generic)) {
        return read_scalar(parameter, name, value);
    }
    if (PyBool_Check(value)) {
        parameter->kind = TW_BOOL;
        parameter->integer = value == Py_True;
    } else if (PyLong_Check(value)) {
        int overflow = 0;
        parameter->kind = TW_INT64;
        parameter->integer = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow != 0) {
            return read_long(parameter, name, value);
        }
    } else if (PyFloat_Check(value)) {
        parameter->kind = TW_FLOAT64;
        parameter->real = PyFloat_AS_DOUBLE(value);
    } else if (PyComplex_Check(value)) {
        parameter->kind = TW_COMPLEX128;
        parameter->real = PyComplex_RealAsDouble(value);
        parameter->imag = PyComplex_ImagAsDouble(value);
    } else {
        PyErr_Format(PyExc_TypeError, "parameter %U is a Python number, not %R", name, (PyObject *)Py_TYPE(value));
    }
    return PyErr_Occurred() ? -1 : 0;
}

/* Statement(text, parameters, edges): dicts from names to numbers, and from axes to (edge, whether bind gets their
 * length); the axis None is every other one. */
static PyObject *statement_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *text;
    PyObject *parameters_given, *edges_given, *name, *value;
    tw_parameter parameters[MOST];
    tw_axis_edge edges[MOST];
    tw_statement_options options = {.parameters = parameters, .edges = edges, .same_kind = 1};
    tw_statement *statement;
    tw_error error;
    Py_ssize_t at = 0;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) ||
        !PyArg_ParseTuple(args, "sO!O!:Statement", &text, &PyDict_Type, &parameters_given, &PyDict_Type,
                          &edges_given)) {
        return NULL;
    }
    if (PyDict_GET_SIZE(parameters_given) > MOST) {
        PyErr_Format(PyExc_ValueError, "at most %d parameters", MOST);
        return NULL;
    }
    while (PyDict_Next(parameters_given, &at, &name, &value)) {
        if (read_parameter(&parameters[options.nparameters++], name, value) != 0) {
            return NULL;
        }
    }
    if (read_edges(edges, &options.nedges, MOST, edges_given) != 0) {
        return NULL;
    }
    if (tw_statement_parse(&statement, text, &options, &error) != TW_OK) {
        return raise_failure(&error);
    }
    StatementObject *self = (StatementObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        tw_statement_destroy(statement);
        return NULL;
    }
    self->statement = statement;
    self->pid = own_pid();
    count_live(COUNT_STATEMENTS, 1);
    return (PyObject *)self;
}

static void statement_dealloc(PyObject *object)
{
    StatementObject *self = (StatementObject *)object;
    if (self->pid == own_pid()) {
        tw_statement_destroy(self->statement);
        count_live(COUNT_STATEMENTS, -1);
    }
    Py_TYPE(object)->tp_free(object);
}

static int operands_of(const StatementObject *self)
{
    return tw_signature_noperands(tw_statement_signature(self->statement));
}

/* types(dtypes): of outputs None, or what is wished -> the dtypes of all operands */
static PyObject *statement_types(PyObject *object, PyObject *given)
{
    StatementObject *self = (StatementObject *)object;
    const int n = operands_of(self);
    tw_dtype dtypes[MOST];
    tw_error error;
    if (!PyTuple_Check(given) || PyTuple_GET_SIZE(given) != n) {
        PyErr_SetString(PyExc_TypeError, "one dtype an operand");
        return NULL;
    }
    memset(dtypes, 0, sizeof dtypes);
    for (int k = 0; k < n; k++) {
        PyObject *dtype = PyTuple_GET_ITEM(given, k);
        if (dtype != Py_None &&
            (!PyArray_DescrCheck(dtype) || dtype_from_numpy(&dtypes[k], (PyArray_Descr *)dtype, NULL) != 0)) {
            return NULL;
        }
    }
    if (tw_statement_types(self->statement, dtypes, &error) != TW_OK) {
        return raise_failure(&error);
    }
    PyObject *found = PyTuple_New(n);
    for (int k = 0; found != NULL && k < n; k++) {
        const tw_dtype dtype = tw_statement_dtype(self->statement, k);
        PyObject *descr = (PyObject *)numpy_from_dtype(&dtype);
        if (descr == NULL) {
            Py_CLEAR(found);
        } else {
            PyTuple_SET_ITEM(found, k, descr);
        }
    }
    return found;
}

/* bind(arrays, parameters, lengths) -> lengths of all axes; arrays has None for outputs that are yet to be made */
static PyObject *statement_bind(PyObject *object, PyObject *args)
{
    StatementObject *self = (StatementObject *)object;
    PyObject *arrays, *parameters, *lengths_given, *name, *value;
    const tw_view *views[MOST];
    tw_axis_length given[MOST];
    int64_t lengths[MOST * TW_MAX_DIMS];
    size_t ngiven = 0;
    tw_error error;
    Py_ssize_t at = 0;
    if (!PyArg_ParseTuple(args, "O!O!O!:bind", &PyTuple_Type, &arrays, &PyDict_Type, &parameters, &PyDict_Type,
                          &lengths_given)) {
        return NULL;
    }
    const int n = operands_of(self);
    if (PyTuple_GET_SIZE(arrays) != n || PyDict_GET_SIZE(lengths_given) > MOST) {
        PyErr_SetString(PyExc_ValueError, "one array an operand, and no more lengths than axes");
        return NULL;
    }
    for (int k = 0; k < n; k++) {
        PyObject *array = PyTuple_GET_ITEM(arrays, k);
        views[k] = Py_IS_TYPE(array, &ArrayType) ? tw_array_view(((ArrayObject *)array)->array) : NULL;
    }
    while (PyDict_Next(parameters, &at, &name, &value)) {
        tw_parameter parameter;
        if (read_parameter(&parameter, name, value) != 0) {
            return NULL;
        }
        if (tw_statement_set(self->statement, &parameter, &error) != TW_OK) {
            return raise_failure(&error);
        }
    }
    at = 0;
    while (PyDict_Next(lengths_given, &at, &name, &value)) {
        tw_axis_length *axis = &given[ngiven++];
        axis->axis = PyUnicode_AsUTF8(name);
        axis->length = PyLong_AsLongLong(value);
        if (PyErr_Occurred()) {
            return NULL;
        }
    }
    if (tw_statement_bind(self->statement, views, given, ngiven, lengths, &error) != TW_OK) {
        return raise_failure(&error);
    }
    return tuple_of_integers(lengths, tw_signature_naxes(tw_statement_signature(self->statement)));
}

/* grid(lengths, splits): with the lengths that bind() found */
static PyObject *statement_grid(PyObject *object, PyObject *args)
{
    StatementObject *self = (StatementObject *)object;
    PyObject *lengths_given, *splits_given;
    int64_t lengths[MOST * TW_MAX_DIMS];
    struct splits splits;
    tw_grid *grid;
    tw_error error;
    if (!PyArg_ParseTuple(args, "OO!:grid", &lengths_given, &PyTuple_Type, &splits_given)) {
        return NULL;
    }
    const int naxes = integers_of_sequence(lengths_given, lengths, MOST * TW_MAX_DIMS, "lengths");
    if (naxes < 0 || read_splits(&splits, splits_given) != 0) {
        return NULL;
    }
    if (naxes != tw_signature_naxes(tw_statement_signature(self->statement))) {
        splits_fini(&splits);
        PyErr_SetString(PyExc_ValueError, "one length an axis");
        return NULL;
    }
    const tw_status status =
        tw_statement_grid(&grid, self->statement, lengths, splits.items, splits.count, NULL, &error);
    splits_fini(&splits);
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    PyObject *signature = signature_of_statement(self);
    PyObject *made = signature != NULL ? grid_object(grid, (SignatureObject *)signature, NULL) : NULL;
    if (signature == NULL) {
        tw_grid_destroy(grid);
    }
    Py_XDECREF(signature);
    return made;
}

/* kernel(portable=False, look_in=None): compiled now, or found in the cache */
static PyObject *statement_kernel(PyObject *object, PyObject *args)
{
    StatementObject *self = (StatementObject *)object;
    const tw_kernel *kernel;
    PyObject *folder = NULL;
    tw_compile_options options;
    tw_error error;
    memset(&options, 0, sizeof options);
    if (!PyArg_ParseTuple(args, "|pO&:kernel", &options.portable, path_or_none, &folder)) {
        return NULL;
    }
    options.look_in = folder != NULL ? PyBytes_AS_STRING(folder) : NULL;
    leave_python();
    const tw_status status = tw_statement_kernel(&kernel, self->statement, &options, &error);
    enter_python();
    Py_XDECREF(folder);
    return status == TW_OK ? kernel_of_statement(kernel, self) : raise_failure(&error);
}

/* compile(path, name, compiler or None, flags or None, cache or None, portable): the signature's text */
static PyObject *statement_compile(PyObject *object, PyObject *args)
{
    PyObject *path = NULL;
    const char *name;
    tw_compile_options options;
    tw_error error;
    memset(&options, 0, sizeof options);
    if (!PyArg_ParseTuple(args, "O&szzzp:compile", PyUnicode_FSConverter, &path, &name, &options.compiler,
                          &options.flags, &options.cache, &options.portable)) {
        return NULL;
    }
    leave_python();
    const tw_status status =
        tw_statement_compile(((StatementObject *)object)->statement, PyBytes_AS_STRING(path), name, &options, &error);
    enter_python();
    Py_DECREF(path);
    if (status != TW_OK) {
        return raise_failure(&error);
    }
    tw_dtype dtypes[MOST];
    char text[8192]; /* a signature's text has 4096 characters at most, dtypes aside */
    const tw_signature *signature = tw_statement_signature(((StatementObject *)object)->statement);
    for (int k = 0; k < tw_signature_noperands(signature); k++) {
        dtypes[k] = tw_statement_dtype(((StatementObject *)object)->statement, k);
    }
    tw_signature_text(signature, dtypes, text, sizeof text);
    return PyUnicode_FromString(text);
}

/* source(): the C of a statement that has its dtypes */
static PyObject *statement_source(PyObject *object, PyObject *none)
{
    char *text;
    tw_error error;
    (void)none;
    if (tw_statement_source(((StatementObject *)object)->statement, &text, &error) != TW_OK) {
        return raise_failure(&error);
    }
    PyObject *source = PyUnicode_FromString(text);
    free(text);
    return source;
}

/* explain(): what a statement that has its dtypes does, in words */
static PyObject *statement_explain(PyObject *object, PyObject *none)
{
    char *text = NULL;
    size_t size;
    tw_error error;
    (void)none;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL) {
        return PyErr_NoMemory();
    }
    const tw_status status = tw_statement_explain(((StatementObject *)object)->statement, file, &error);
    fclose(file);
    PyObject *words = status == TW_OK ? PyUnicode_FromString(text) : raise_failure(&error);
    free(text);
    return words;
}

static PyObject *statement_signature(PyObject *object, void *closure)
{
    (void)closure;
    return signature_of_statement((StatementObject *)object);
}

/* mention(text, name) -> 0, 1 or 2, as in tw_mention */
static PyObject *statement_mention(PyObject *type, PyObject *args)
{
    const char *text, *name;
    (void)type;
    return PyArg_ParseTuple(args, "ss:mention", &text, &name) ? PyLong_FromLong((long)tw_statement_mention(text, name))
                                                              : NULL;
}

/* names_of(text) -> the names that a caller gives, in order */
static PyObject *statement_names_of(PyObject *type, PyObject *text)
{
    char *names = NULL;
    tw_error error;
    (void)type;
    const char *characters = PyUnicode_AsUTF8(text);
    if (characters == NULL) {
        return NULL;
    }
    if (tw_statement_names(&names, characters, &error) != TW_OK) {
        return raise_failure(&error);
    }
    PyObject *found = PyUnicode_FromString(names);
    free(names);
    return found;
}

static PyMethodDef statement_methods[] = {
    {"names_of", statement_names_of, METH_O | METH_STATIC, "tw_statement_names."},
    {"mention", statement_mention, METH_VARARGS | METH_STATIC, "tw_statement_mention."},
    {"types", statement_types, METH_O, "tw_statement_types."},
    {"bind", statement_bind, METH_VARARGS, "tw_statement_set of each parameter, tw_statement_bind."},
    {"grid", statement_grid, METH_VARARGS, "tw_statement_grid."},
    {"kernel", statement_kernel, METH_VARARGS, "tw_statement_kernel."},
    {"compile", statement_compile, METH_VARARGS, "tw_statement_compile."},
    {"source", statement_source, METH_NOARGS, "tw_statement_source."},
    {"explain", statement_explain, METH_NOARGS, "tw_statement_explain."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef statement_fields[] = {
    {"signature", statement_signature, NULL, "tw_statement_signature.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject StatementType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Statement",
    .tp_basicsize = sizeof(StatementObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = statement_new,
    .tp_dealloc = statement_dealloc,
    .tp_methods = statement_methods,
    .tp_getset = statement_fields,
};
