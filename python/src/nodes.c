/* nodes.c - which node this process is, and how far a job on nodes is: tw_node_find and tw_job_status_read. */
#include "binding.h"

/* node_find(text) -> (index, count) */
PyObject *node_find(PyObject *self, PyObject *text)
{
    tw_node node;
    tw_error error;
    (void)self;
    const char *characters = PyUnicode_AsUTF8(text);
    if (characters == NULL) {
        return NULL;
    }
    if (tw_node_find(&node, characters, &error) != TW_OK) {
        return raise_failure(&error);
    }
    return Py_BuildValue("(LL)", (long long)node.index, (long long)node.count);
}

static PyObject *state_of(const tw_node_state *node)
{
    PyObject *failure = node->failed ? PyUnicode_DecodeUTF8(node->failure, (Py_ssize_t)strlen(node->failure), "replace")
                                     : Py_NewRef(Py_None);
    if (failure == NULL) {
        return NULL;
    }
    return Py_BuildValue("(LLisLKKddKLN)", (long long)node->node, (long long)node->count, node->member, node->host,
                         (long long)node->pid, (unsigned long long)node->done, (unsigned long long)node->twice,
                         node->at_work, node->silent, (unsigned long long)node->intended,
                         node->failed ? (long long)node->failed_tile : -1LL, failure);
}

static PyObject *states_of(const tw_job_status *status)
{
    PyObject *states = PyTuple_New((Py_ssize_t)status->nnodes);
    for (size_t k = 0; states != NULL && k < status->nnodes; k++) {
        PyObject *state = state_of(&status->nodes[k]);
        if (state == NULL) {
            Py_CLEAR(states);
        } else {
            PyTuple_SET_ITEM(states, (Py_ssize_t)k, state);
        }
    }
    return states;
}

static PyObject *disagreements_of(const tw_job_status *status)
{
    PyObject *found = PyTuple_New((Py_ssize_t)status->ndisagreements);
    for (size_t k = 0; found != NULL && k < status->ndisagreements; k++) {
        const tw_disagreement *one = &status->disagreements[k];
        PyObject *item =
            Py_BuildValue("(KLL)", (unsigned long long)one->tile, (long long)one->node[0], (long long)one->node[1]);
        if (item == NULL) {
            Py_CLEAR(found);
        } else {
            PyTuple_SET_ITEM(found, (Py_ssize_t)k, item);
        }
    }
    return found;
}

/* job_status(path) -> (finished, description or None, tiles, done, rate, seconds_left, nodes, disagreements) */
PyObject *job_status(PyObject *self, PyObject *path)
{
    tw_job_status status;
    tw_error error;
    (void)self;
    const char *name = PyBytes_AsString(path);
    if (name == NULL) {
        return NULL;
    }
    leave_python();
    const tw_status read = tw_job_status_read(&status, name, &error);
    enter_python();
    if (read != TW_OK) {
        return raise_failure(&error);
    }
    PyObject *states = states_of(&status), *disagreements = disagreements_of(&status);
    PyObject *found = NULL;
    if (states != NULL && disagreements != NULL) {
        found = Py_BuildValue("(izKKddOO)", status.finished, status.description, (unsigned long long)status.tiles,
                              (unsigned long long)status.done, status.rate, status.seconds_left, states, disagreements);
    }
    Py_XDECREF(states);
    Py_XDECREF(disagreements);
    tw_job_status_free(&status);
    return found;
}
