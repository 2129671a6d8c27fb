/* levels.h - the levels of the processor's family that a portable object has code for. The function F of level v3 is
 * exported as tw_v3_F, that of the baseline as F: who knows nothing of levels finds code that runs everywhere. */
#ifndef TW_KERNEL_LEVELS_H
#define TW_KERNEL_LEVELS_H

#include <tilework/tilework.h>

#include "os/library.h"

struct tw__level {
    const char *name;   /* "v3"; of the first, which every processor of the family has, "baseline" */
    const char *flags;  /* for the compiler */
    const char *zig;    /* the same for zig cc, which has names of its own */
    const char *define; /* for the compiler: TW_LEVEL(name) is the name of the level's function; NULL: the name alone */
    int needs;          /* tw__cpu_level */
};

#if defined(__x86_64__)
#define TW__LEVELS 3
#else
#define TW__LEVELS 1
#endif
extern const struct tw__level tw__levels[TW__LEVELS]; /* from the baseline up */

/* The number of the highest level that this machine runs, but none above $TILEWORK_LEVEL. Errors: TW_ERROR_ARGUMENT
 * (TILEWORK_LEVEL is no level). */
tw_status tw__level_highest(int *level, tw_error *error);

/* The function of this name for the highest level of these that the object has: *function, NULL if the object has none
 * of this name. Errors: as tw__level_highest. */
tw_status tw__level_symbol(void **function, const struct tw__library *library, const char *symbol, tw_error *error);

#endif
