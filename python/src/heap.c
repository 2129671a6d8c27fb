/* heap.c - Heap: shared memory of no pool for many arrays. */
#include "binding.h"

static PyObject *heap_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    tw_heap *heap;
    tw_error error;
    if ((keywords != NULL && PyDict_GET_SIZE(keywords) > 0) || !PyArg_ParseTuple(args, ":Heap")) {
        return NULL;
    }
    if (tw_heap_open(&heap, 0, &error) != TW_OK) {
        return raise_failure(&error);
    }
    HeapObject *self = (HeapObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        tw_heap_close(heap);
        return NULL;
    }
    self->heap = heap;
    self->pid = own_pid();
    return (PyObject *)self;
}

static void heap_dealloc(PyObject *object)
{
    HeapObject *self = (HeapObject *)object;
    if (self->pid == own_pid()) {
        tw_heap_close(self->heap);
    }
    Py_TYPE(object)->tp_free(object);
}

PyTypeObject HeapType = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "tilework._tilework.Heap",
    .tp_basicsize = sizeof(HeapObject),
    .tp_flags = Py_TPFLAGS_DEFAULT,
    .tp_new = heap_new,
    .tp_dealloc = heap_dealloc,
};
