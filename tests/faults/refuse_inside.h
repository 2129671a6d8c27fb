/* refuse_inside.h - what refuse.c and refuse_calls.c share. */
#ifndef REFUSE_INSIDE_H
#define REFUSE_INSIDE_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "refuse.h"

#pragma GCC visibility push(default) /* or the C library would not find them */

#define MAX_FILES 32
#define MAX_FRAMES 24

/* One for a program and all its children. tests/faults/calls.py reads the first three fields. */
struct refuse_shared {
    _Atomic uint64_t met;
    _Atomic uint64_t resynced;
    _Atomic uint64_t written;
    _Atomic uint64_t seen[REFUSE_KINDS];
    _Atomic int kind; /* -1: nothing is refused */
    _Atomic int forever, error;
    _Atomic uint64_t number;
    _Atomic int nfiles;
    struct {
        uint64_t device, inode;
    } files[MAX_FILES]; /* whose sync was refused */
    int nframes;
    void *frames[MAX_FRAMES];
};
extern struct refuse_shared *refuse_shared;

extern _Atomic int64_t refuse_mapped_bytes;
extern _Thread_local int refuse_inside; /* in a call of these files' own: passed on, not counted */

/* The function of this name that comes next. */
void *refuse_next(const char *name);

/* Counts a call. 0, or what it is to fail with. */
int refuse_call(enum refuse_kind kind);

/* The same for calls that only count on regular files; `half`: may take half. */
int refuse_file(enum refuse_kind kind, int fd, int half);

/* Declares `next`, the function that this one stands in for. */
#define NEXT(result, symbol, ...)                                                                                      \
    static _Atomic(void *) cached;                                                                                     \
    if (cached == NULL) {                                                                                              \
        cached = refuse_next(symbol);                                                                                  \
    }                                                                                                                  \
    result (*next)(__VA_ARGS__) = (result(*)(__VA_ARGS__))(uintptr_t)cached

#endif
