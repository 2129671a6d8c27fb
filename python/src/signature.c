/* signature.c - Signature: the text as it was read, and the lengths of its axes. */
#include "binding.h"

static PyObject *signature_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    const char *text;
    tw_signature *signature;
    tw_error error;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) || !PyArg_ParseTuple(args, "s:Signature", &text)) {
        return NULL;
    }
    if (tw_signature_parse(&signature, text, &error) != TW_OK) {
        return raise_failure(&error);
    }
    SignatureObject *self = (SignatureObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        tw_signature_destroy(signature);
        return NULL;
    }
    self->signature = self->own = signature;
    self->pid = own_pid();
    count_live(COUNT_SIGNATURES, 1);
    return (PyObject *)self;
}

PyObject *signature_of_statement(StatementObject *statement)
{
    SignatureObject *self = (SignatureObject *)SignatureType.tp_alloc(&SignatureType, 0);
    if (self != NULL) {
        self->signature = tw_statement_signature(statement->statement);
        self->owner = Py_NewRef((PyObject *)statement);
        self->pid = own_pid();
        count_live(COUNT_SIGNATURES, 1);
    }
    return (PyObject *)self;
}

static void signature_dealloc(PyObject *object)
{
    SignatureObject *self = (SignatureObject *)object;
    if (self->pid == own_pid()) {
        tw_signature_destroy(self->own);
        count_live(COUNT_SIGNATURES, -1);
    }
    Py_XDECREF(self->owner);
    Py_TYPE(object)->tp_free(object);
}

static PyObject *signature_axes(PyObject *object, void *closure)
{
    const tw_signature *signature = ((SignatureObject *)object)->signature;
    (void)closure;
    const int n = tw_signature_naxes(signature);
    PyObject *tuple = PyTuple_New(n);
    for (int a = 0; tuple != NULL && a < n; a++) {
        PyObject *name = PyUnicode_FromString(tw_signature_axis(signature, a));
        if (name == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, a, name);
        }
    }
    return tuple;
}

/* ((name, role, axes, dtype or None, given, written), ...) as in tw_operand. */
static PyObject *signature_operands(PyObject *object, void *closure)
{
    int n;
    const tw_operand *operands = tw_signature_operands(((SignatureObject *)object)->signature, &n);
    (void)closure;
    PyObject *tuple = PyTuple_New(n);
    for (int k = 0; tuple != NULL && k < n; k++) {
        const tw_operand *read = &operands[k];
        int64_t axes[TW_MAX_DIMS];
        for (int d = 0; d < read->ndim; d++) {
            axes[d] = read->axes[d];
        }
        PyObject *operand = Py_BuildValue("(siNzii)", read->name, (int)read->role, tuple_of_integers(axes, read->ndim),
                                          read->dtype[0] != '\0' ? read->dtype : NULL, read->given, read->written);
        if (operand == NULL) {
            Py_CLEAR(tuple);
        } else {
            PyTuple_SET_ITEM(tuple, k, operand);
        }
    }
    return tuple;
}

/* lengths(shapes, known): shapes[k] is None for an output yet to be made, known[a] is -1 where the axis is not known.
 */
static PyObject *signature_lengths(PyObject *object, PyObject *args)
{
    const tw_signature *signature = ((SignatureObject *)object)->signature;
    PyObject *shapes, *known;
    tw_view views[TW_MAX_OPERANDS];
    const tw_view *pointers[TW_MAX_OPERANDS];
    int64_t lengths[TW_MAX_OPERANDS * TW_MAX_DIMS];
    tw_error error;
    if (!PyArg_ParseTuple(args, "O!O:lengths", &PyTuple_Type, &shapes, &known)) {
        return NULL;
    }
    const int naxes = integers_of_sequence(known, lengths, (int)(sizeof lengths / sizeof lengths[0]), "known lengths");
    const int n = tw_signature_noperands(signature);
    if (naxes < 0) {
        return NULL;
    }
    if (naxes != tw_signature_naxes(signature) || PyTuple_GET_SIZE(shapes) != n) {
        PyErr_SetString(PyExc_ValueError, "one shape an operand and one length an axis");
        return NULL;
    }
    for (int k = 0; k < n; k++) {
        PyObject *shape = PyTuple_GET_ITEM(shapes, k);
        pointers[k] = shape == Py_None ? NULL : &views[k];
        if (shape != Py_None) {
            views[k].ndim = integers_of_sequence(shape, views[k].shape, TW_MAX_DIMS, "a shape");
            if (views[k].ndim < 0) {
                return NULL;
            }
        }
    }
    if (tw_signature_lengths(signature, pointers, lengths, &error) != TW_OK) {
        return raise_failure(&error);
    }
    return tuple_of_integers(lengths, naxes);
}

static PyObject *signature_has_halo(PyObject *object, void *closure)
{
    int noperands, found = 0;
    const tw_operand *operands = tw_signature_operands(((const SignatureObject *)object)->signature, &noperands);
    (void)closure;
    for (int k = 0; k < noperands; k++) {
        found |= operands[k].has_halo;
    }
    return PyBool_FromLong(found);
}

static PyMethodDef signature_methods[] = {
    {"lengths", signature_lengths, METH_VARARGS, "tw_signature_lengths."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef signature_fields[] = {
    {"axes", signature_axes, NULL, "Names of the axes.", NULL},
    {"has_halo", signature_has_halo, NULL, "Any of the operands has a halo.", NULL},
    {"operands", signature_operands, NULL,
     "(name, role, axes, dtype or None, given, written) of each operand, as in tw_operand.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

PyTypeObject SignatureType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Signature",
    .tp_basicsize = sizeof(SignatureObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = signature_new,
    .tp_dealloc = signature_dealloc,
    .tp_methods = signature_methods,
    .tp_getset = signature_fields,
};
