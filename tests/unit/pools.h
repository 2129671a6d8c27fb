/* pools.h - pools of every kind for tests. */
#ifndef TW_TESTS_POOLS_H
#define TW_TESTS_POOLS_H

#include "harness.h"

#include <stdlib.h>

#include <tilework/tilework.h>

#include "pool/pool.h"

static const tw_pool_kind kinds[] = {TW_SERIAL, TW_THREADS, TW_PROCESSES}; /* processes last */

enum { POOL_KINDS = sizeof kinds / sizeof kinds[0] };

/* How many of `kinds` to test: ThreadSanitizer cannot follow memory between processes, its build leaves them out. */
static inline int pool_kinds(void)
{
    return getenv("TILEWORK_TEST_NO_PROCESSES") != NULL ? POOL_KINDS - 1 : POOL_KINDS;
}

static inline void need_processes(void)
{
    if (pool_kinds() < POOL_KINDS) {
        skip();
    }
}

static inline tw_pool *open_pool(tw_pool_kind kind, int workers)
{
    tw_pool *pool;
    const tw_pool_options options = {.kind = kind, .workers = workers, .heap_bytes = 1 << 28};
    assert_int_equal(tw_pool_open(&pool, &options, NULL), TW_OK);
    assert_int_equal(tw_pool_workers(pool), pool->crew.ops->alone ? 1 : workers);
    return pool;
}

#endif
