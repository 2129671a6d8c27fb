/* pools.h - pools of every kind for tests. */
#ifndef TW_TESTS_POOLS_H
#define TW_TESTS_POOLS_H

#include "harness.h"

#include <stdlib.h>

#include <tilework/tilework.h>

static const tw_pool_kind kinds[] = {TW_SERIAL, TW_THREADS, TW_PROCESSES};

/* How many of `kinds` to test: ThreadSanitizer cannot follow memory between processes, its build leaves them out. */
static inline int pool_kinds(void)
{
    return getenv("TILEWORK_TEST_NO_PROCESSES") != NULL ? 2 : 3;
}

static inline void need_processes(void)
{
    if (pool_kinds() < 3) {
        skip();
    }
}

static inline tw_pool *open_pool(tw_pool_kind kind, int workers)
{
    tw_pool *pool;
    const tw_pool_options options = {.kind = kind, .workers = workers, .heap_bytes = 1 << 28};
    assert_int_equal(tw_pool_open(&pool, &options, NULL), TW_OK);
    assert_int_equal(tw_pool_workers(pool), kind == TW_SERIAL ? 1 : workers);
    return pool;
}

#endif
