/* reduce.c - reductions. */
#include "kernel/expr/reduce.h"

void tw__reduce_call(struct tw__emitter *e, int node)
{
    (void)node;
    e->unknown = 1;
}

void tw__reduce_strip(struct tw__emitter *e, int node)
{
    (void)node;
    e->unknown = 1;
}
