/* translate.h - from one C source to a shared object: the compiler's calls, one or one a level, and what it says. */
#ifndef TW_KERNEL_TRANSLATE_H
#define TW_KERNEL_TRANSLATE_H

#include <tilework/tilework.h>

#include "kernel/compiler.h"

struct tw__translation {
    const struct tw__compiler *compiler;
    const char *title;                                /* what messages call the source */
    const char *source;                               /* the file that the compiler reads */
    const char *include;                              /* the folder of the public headers */
    const struct tw__arguments *front, *flags, *kept; /* in this order; later ones hold */
    int is_for_baseline; /* of the processor's family, unless the flags say otherwise; with levels 0 */
    int levels; /* of the processor's family, from the baseline up; 0: the flags alone say what it is compiled for */
};

/* Writes `object`, and into `rule` which files were read. Several levels are compiled side by side, and linked.
 * *blames_folder, on failure: it was for want of room or rights where the files lie, not for the source. Errors:
 * TW_ERROR_COMPILE (with the compiler's words), TW_ERROR_MEMORY, as tw__compiler_run. */
tw_status tw__translate(const struct tw__translation *translation, const char *object, const char *rule,
                        int *blames_folder, tw_error *error);

#endif
