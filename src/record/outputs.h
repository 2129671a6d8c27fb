/* outputs.h - the files that a run writes, and the journal beside them. */
#ifndef TW_RECORD_OUTPUTS_H
#define TW_RECORD_OUTPUTS_H

#include <tilework/tilework.h>

#include "record/journal.h"

struct tw_outputs {
    const tw_kernel *kernel; /* what they were opened for; the caller's */
    const tw_grid *grid;
    int noperands;
    tw_array *operands[TW_MAX_OPERANDS]; /* those of outputs are owned */
    char *files[TW_MAX_OPERANDS];        /* of outputs, links followed; NULL: an input */
    char *unfinished[TW_MAX_OPERANDS];   /* what they are called until they are finished */
    char *journal_path;
    struct tw__journal *journal; /* NULL: nothing is recorded */
    int is_complete;             /* the last run has done all tiles */
    const char *end;             /* "committed" or "kept": no run, commit or keep follows; NULL: neither */
    uint64_t dropped, kept;
};

/* TW_OK if they were opened for this kernel, grid and operands (the same objects), else TW_ERROR_ARGUMENT. */
tw_status tw__outputs_check(const tw_outputs *outputs, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error);

#endif
