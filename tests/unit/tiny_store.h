/* tiny_store.h - the smallest store: elements in a block of memory that processes share, unit after unit, so that no
 * part of it is a view; copied box by box. Shows that nothing assumes a file or a mapping. */
#ifndef TW_TESTS_TINY_STORE_H
#define TW_TESTS_TINY_STORE_H

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "array/view.h"
#include "store/store.h"

/* What was asked of the store, by whichever process. */
struct tiny_log {
    _Atomic int takes, gives;
    _Atomic int splits; /* gives that ended inside a unit */
    _Atomic int syncs, finishes, abandons, keeps;
    _Atomic int failing; /* an errno that take, give and sync return from here on */
};

struct tiny {
    struct tw__store store;
    int64_t unit[TW_MAX_DIMS];
    char *elements;
    size_t bytes;
    struct tiny_log *log; /* outlives the store: the test's */
};

/* The byte of `elements` where the element with this index is. */
static inline int64_t tiny_place(const struct tiny *tiny, const int64_t *start, const int64_t *index)
{
    int64_t unit = 0, inside = 0, volume = 1;
    for (int d = 0; d < tiny->store.ndim; d++) {
        const int64_t length = tiny->unit[d], at = start[d] + index[d];
        unit = unit * ((tiny->store.shape[d] + length - 1) / length) + at / length;
        inside = inside * length + at % length;
        volume *= length;
    }
    return (unit * volume + inside) * tiny->store.dtype.itemsize;
}

static inline void tiny_move(const struct tiny *tiny, const int64_t *start, const tw_view *view, int give)
{
    struct tw__rows rows;
    if (tw_view_size(view) == 0) {
        return;
    }
    tw__rows_first(&rows, view->ndim, view->shape, view->strides, view->strides);
    do {
        char *here = tiny->elements + tiny_place(tiny, start, rows.index), *there = (char *)view->data + rows.offset[0];
        memcpy(give ? here : there, give ? there : here, (size_t)view->dtype.itemsize);
    } while (tw__rows_next(&rows));
}

static inline int tiny_take(struct tw__store *store, const int64_t *start, const tw_view *into)
{
    struct tiny *tiny = (struct tiny *)store;
    atomic_fetch_add(&tiny->log->takes, 1);
    tiny_move(tiny, start, into, 0);
    return atomic_load(&tiny->log->failing);
}

static inline int tiny_give(struct tw__store *store, const int64_t *start, const tw_view *from)
{
    struct tiny *tiny = (struct tiny *)store;
    atomic_fetch_add(&tiny->log->gives, 1);
    for (int d = 0; d < store->ndim; d++) {
        const int64_t stop = start[d] + from->shape[d];
        if (start[d] % tiny->unit[d] != 0 || (stop % tiny->unit[d] != 0 && stop != store->shape[d])) {
            atomic_fetch_add(&tiny->log->splits, 1);
        }
    }
    tiny_move(tiny, start, from, 1);
    return atomic_load(&tiny->log->failing);
}

static inline int tiny_sync(struct tw__store *store)
{
    const struct tiny *tiny = (struct tiny *)store;
    atomic_fetch_add(&tiny->log->syncs, 1);
    return atomic_load(&tiny->log->failing);
}

static inline int tiny_sync_name(struct tw__store *store, int folder)
{
    (void)store;
    (void)folder;
    return 0; /* it has no name */
}

static inline tw_status tiny_check(struct tw__store *store, tw_error *error)
{
    (void)store;
    (void)error;
    return TW_OK;
}

static inline tw_status tiny_finish(struct tw__store *store, tw_error *error)
{
    (void)error;
    atomic_fetch_add(&((struct tiny *)store)->log->finishes, 1);
    return TW_OK;
}

static inline void tiny_release(struct tw__store *store)
{
    struct tiny *tiny = (struct tiny *)store;
    munmap(tiny->elements, tiny->bytes);
    free(tiny);
}

static inline void tiny_abandon(struct tw__store *store)
{
    atomic_fetch_add(&((struct tiny *)store)->log->abandons, 1);
    tiny_release(store);
}

static inline void tiny_keep(struct tw__store *store)
{
    atomic_fetch_add(&((struct tiny *)store)->log->keeps, 1);
    tiny_release(store);
}

static inline void tiny_identity(const struct tw__store *store, struct tw__file_identity *identity)
{
    *identity = (struct tw__file_identity){.inode = (uint64_t)(uintptr_t)store};
}

static const struct tw__store_ops tiny_ops = {.take = tiny_take,
                                              .give = tiny_give,
                                              .sync = tiny_sync,
                                              .sync_name = tiny_sync_name,
                                              .check = tiny_check,
                                              .finish = tiny_finish,
                                              .abandon = tiny_abandon,
                                              .keep = tiny_keep,
                                              .identity = tiny_identity};

static inline struct tiny_log *tiny_log_open(void)
{
    void *log = mmap(NULL, sizeof(struct tiny_log), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(log != MAP_FAILED);
    return log;
}

static inline void tiny_log_close(struct tiny_log *log)
{
    munmap(log, sizeof *log);
}

/* An array of zeros in a tiny store with units of 5 x 7 (x 3 x 3 ...). */
static inline tw_array *tiny_array(struct tiny_log *log, tw_kind kind, int ndim, const int64_t *shape)
{
    struct tiny *tiny = calloc(1, sizeof *tiny);
    tw_array *array = NULL;
    assert_non_null(tiny);
    tiny->log = log;
    tiny->store.ops = &tiny_ops;
    tiny->store.dtype = tw_dtype_of(kind);
    tiny->store.ndim = ndim;
    tiny->store.unit = tiny->unit;
    tiny->store.unfinished = "tiny";
    tiny->bytes = (size_t)tiny->store.dtype.itemsize;
    for (int d = 0; d < ndim; d++) {
        tiny->store.shape[d] = shape[d];
        tiny->unit[d] = d == 0 ? 5 : d == 1 ? 7 : 3;
        tiny->bytes *= (size_t)((shape[d] + tiny->unit[d] - 1) / tiny->unit[d] * tiny->unit[d]);
    }
    tiny->elements = mmap(NULL, tiny->bytes + 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(tiny->elements != MAP_FAILED);
    assert_int_equal(tw__store_array(&array, &tiny->store, NULL), TW_OK);
    return array;
}

static struct tiny_log *stored; /* of the stores of the test that runs */

static inline int tiny_set_up(void **state)
{
    (void)state;
    stored = tiny_log_open();
    return 0;
}

static inline int tiny_tear_down(void **state)
{
    (void)state;
    tiny_log_close(stored);
    return 0;
}

#endif
