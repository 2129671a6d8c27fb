/* entry.h - a call of a statement as it was done once: what a call must be like for it, and how it is done again. */
#ifndef ENTRY_H
#define ENTRY_H

#include "binding.h"

enum { NAMES = 16, OUTS = 4, DIMS = 8 }; /* calls with more take the long way */

struct entry;
struct bound; /* its prepared run, with values of its parameters */

/* The values of a call: one for each name, in order, and `out` (NULL: none). */
struct values {
    PyObject *named[NAMES], *out;
};

/* A call that was done, as prepared_learn gets it. */
struct learned {
    PyObject *names, *values, *numbers, *outs, *arrays, *lengths, *given;
    const KernelObject *kernel;
    const GridObject *grid;
    const StatementObject *statement;
    StatementObject *binder; /* NULL: there is no parameter */
    int natural;
};

/* An entry with one user. 1, 0 if it is no call of those that are remembered, -1 with an exception. */
int make_entry(struct entry **entry, const struct learned *learned);
void join_entry(struct entry *entry);
void leave_entry(struct entry *entry);

/* Whether the call is like this one; parameters may have other values. */
int entry_matches(const struct entry *entry, const struct values *values);

/* The run with the call's parameters, which becomes the entry's: for leave_bound. One thread at a time. NULL, perhaps
 * with an exception: the call is for the long way. */
struct bound *bind_entry(struct entry *entry, PyObject *names, const struct values *values);
void leave_bound(struct bound *bound);

/* Does the call: its results, or NULL, perhaps with an exception: it is for the long way. */
PyObject *run_entry(const struct entry *entry, const struct values *values, const struct bound *bound);

#endif
