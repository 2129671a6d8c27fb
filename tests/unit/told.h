/* told.h - what a run's callback on deaths has been given: how many, the last one, its reason. */
#ifndef TOLD_H
#define TOLD_H

#include <stdio.h>

#include <tilework/tilework.h>

struct told {
    int count;
    tw_death last;
    char reason[256];
};

static inline void remember(void *user, const tw_death *death)
{
    struct told *told = user;
    told->count++;
    told->last = *death;
    snprintf(told->reason, sizeof told->reason, "%s", death->reason);
}

#endif
