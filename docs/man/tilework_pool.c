#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    tw_pool *pool;
    tw_error error;
    if (tw_pool_open(&pool, &(tw_pool_options){.kind = TW_PROCESSES, .workers = 2}, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    if (tw_pool_note(pool) != NULL)
        fprintf(stderr, "note: %s\n", tw_pool_note(pool));
    for (int k = 0; k < tw_pool_workers(pool); k++)
        printf("worker %d is process %d\n", k, tw_pool_worker_pid(pool, k));
    const int wrong = tw_pool_get_kind(pool) != TW_PROCESSES || tw_pool_workers(pool) < 1;
    tw_pool_close(pool);
    return wrong;
}
