/* deaths.h - what a run's callback on deaths was given: how many, the last one, its reason. */
#ifndef DEATHS_H
#define DEATHS_H

#include <stdio.h>

#include <tilework/tilework.h>

struct deaths {
    int count;
    tw_death last;
    char reason[256];
};

static inline void remember(void *user, const tw_death *death)
{
    struct deaths *deaths = user;
    deaths->count++;
    deaths->last = *death;
    snprintf(deaths->reason, sizeof deaths->reason, "%s", death->reason);
}

#endif
