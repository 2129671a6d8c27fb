/* outputs.h - the files that a run writes, and the journal beside them. */
#ifndef TW_RECORD_OUTPUTS_H
#define TW_RECORD_OUTPUTS_H

#include <tilework/tilework.h>

#include "job/where.h"
#include "record/journal.h"
#include "record/partials.h"

struct tw__member;

struct tw_outputs {
    struct tw__member *member; /* of a job on nodes; NULL: this process writes alone */
    const tw_kernel *kernel;   /* what they were opened for; the caller's */
    const tw_grid *grid;
    int noperands;
    tw_array *operands[TW_MAX_OPERANDS]; /* those of outputs are owned */
    char *files[TW_MAX_OPERANDS];        /* of outputs, links followed; NULL: an input */
    char *unfinished[TW_MAX_OPERANDS];   /* what they are called until they are finished */
    char *journal_path;
    char *partials_path;
    struct tw__journal *journal;   /* NULL: nothing is recorded */
    struct tw__partials *partials; /* what steps leave for later ones, which lasts as long as the journal; NULL: none */
    struct tw__where where;        /* tiles that nobody wants */
    int is_complete;               /* the last run has done all tiles */
    const char *end;               /* "committed" or "kept": no run, commit or keep follows; NULL: neither */
    uint64_t dropped, lost, kept;
};

/* Outputs of which the names alone are known. */
tw_status tw__outputs_new(tw_outputs **outputs, const tw_signature *signature, const tw_output *files, tw_error *error);

/* Outputs whose names are known, and whose arrays are not made yet: for tw_outputs_open. */
tw_status tw__outputs_prepare(tw_outputs **outputs, const tw_kernel *kernel, const tw_grid *grid,
                              tw_array *const *arrays, const tw_output *files, const tw_outputs_options *options,
                              tw_error *error);

/* What tw_outputs_open, tw_outputs_commit, ... do with outputs that this process writes alone. tw__outputs_close frees
 * any outputs; `remove`: what is not finished goes. */
tw_status tw__outputs_open(tw_outputs *outputs, tw_array *const *arrays, const tw_output *files,
                           const tw_outputs_options *options, tw_error *error);
tw_status tw__outputs_commit(tw_outputs *outputs, tw_error *error);
tw_status tw__outputs_keep(tw_outputs *outputs, tw_error *error);
void tw__outputs_get_totals(const tw_outputs *outputs, tw_outputs_totals *totals);
void tw__outputs_close(tw_outputs *outputs, int remove);

/* Destroys the arrays of the outputs; `keep`: what is in their files stays. */
void tw__outputs_close_arrays(tw_outputs *outputs, int keep);

/* TW_ERROR_ARGUMENT: they were committed or kept. */
tw_status tw__outputs_fail_ended(const tw_outputs *outputs, tw_error *error);

/* [ntemporaries of the grid's stages] the arrays between the steps of a run, which all workers see; NULL: they are no
 * files, and the run makes its own. */
static inline tw_array *const *tw__outputs_between(const struct tw_outputs *outputs)
{
    return outputs->partials != NULL ? outputs->partials->array : NULL;
}

/* The first operand that is an output: every job that writes files has one. */
static inline int tw__outputs_first(const struct tw_outputs *outputs)
{
    int first = 0;
    while (outputs->files[first] == NULL) {
        first++;
    }
    return first;
}

/* TW_OK if they were opened for this kernel, grid and operands (the same objects), else TW_ERROR_ARGUMENT. */
tw_status tw__outputs_check(const tw_outputs *outputs, const tw_kernel *kernel, const tw_grid *grid,
                            tw_array *const *operands, tw_error *error);

#endif
