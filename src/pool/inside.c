/* inside.c - how many runs each thread is inside of. */
#include "pool/inside.h"

#include <tilework/tilework.h>

static _Thread_local int depth; /* a process that was forked has its parent's */

int tw_inside_run(void)
{
    return depth > 0;
}

void tw__inside_enter(void)
{
    depth++;
}

void tw__inside_leave(void)
{
    depth--;
}
