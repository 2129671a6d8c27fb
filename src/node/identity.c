/* identity.c - what a job on nodes is, so that all who come to it know that they mean the same one; and what they may
 * not ask for. Reads inputs; changes nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "kernel/cache.h"
#include "kernel/kernel.h"
#include "node/job_mark.h"
#include "node/joining.h"
#include "os/file.h"
#include "record/contents.h"
#include "record/fingerprint.h"
#include "record/journal_file.h"
#include "record/recovery.h"

/* ---- what is refused ---- */

static tw_status check_options(const tw_outputs_options *options, tw_error *error)
{
    const tw_node *node = options->node;
    if (options->join != NULL && (node != NULL || options->restart || options->resume || options->verify)) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "join is for workers that another process has work for: it excludes "
                        "node, resume, restart and verify");
    }
    if (options->no_journal) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "no_journal: nodes know what is done by their journals; a job of one process needs none");
    }
    if (options->resume && options->restart) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "resume excludes restart");
    }
    if (node != NULL && (node->count < 1 || node->index < 0 || node->index >= node->count)) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "node %" PRId64 " of %" PRId64 ": nodes are counted from 0, and there is at least one",
                        node->index, node->count);
    }
    return TW_OK;
}

/* A slow node could bring back what a step wrote before a later one overwrote it. */
static tw_status check_steps(const tw_grid *grid, tw_error *error)
{
    const struct tw__stages *stages = grid->stages;
    for (int s = 0; stages != NULL && s < stages->count; s++) {
        if (tw__stage_is_overwritten(stages, s)) {
            return tw__fail(
                error, TW_ERROR_ARGUMENT,
                "step %d of this job overwrites what another step wrote before; nodes cannot do that, since "
                "a slow one could bring the older values back: run it as two jobs",
                s + 1);
        }
    }
    return TW_OK;
}

/* Outputs get their names by renames, from one folder. */
static tw_status check_places(const struct tw__joining *joining, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    struct tw__file_info first = {0}, info;
    const char *first_file = NULL, *name;
    for (int k = 0; k < outputs->noperands; k++) {
        int folder = -1;
        if (outputs->files[k] == NULL) {
            continue;
        }
        int failed = tw__folder_open(&folder, outputs->files[k], &name);
        if (failed == 0) {
            failed = tw__file_info(folder, &info);
            tw__file_close(folder);
        }
        if (failed != 0) {
            return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", outputs->files[k]);
        }
        if (first_file == NULL) {
            first_file = outputs->files[k];
            first = info;
        }
        if (info.device != first.device) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "%s and %s are on two file systems; the outputs of a job on nodes lie on one", first_file,
                            outputs->files[k]);
        }
    }
    return TW_OK;
}

/* An input that is the output's file would be another one once that has its name. */
static tw_status check_sources(const struct tw__joining *joining, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    for (int k = 0; k < outputs->noperands; k++) {
        tw_array *there = NULL;
        struct tw__file_info info;
        if (outputs->files[k] == NULL || tw__path_info(outputs->files[k], &info) != 0 || !info.is_regular ||
            tw_array_open(&there, NULL, outputs->files[k], NULL) != TW_OK) {
            continue;
        }
        tw_status status = TW_OK;
        for (int in = 0; status == TW_OK && there->origin != NULL && in < outputs->noperands; in++) {
            const tw_array *array = joining->arrays[in];
            const int is_same = array != NULL && array->origin != NULL && strcmp(array->origin, there->origin) == 0 &&
                                tw__view_same_shape(&array->view, &there->view);
            if (is_same) {
                status = tw__fail(error, TW_ERROR_ARGUMENT,
                                  "%s: is both an input and an output; with nodes the output needs a file of its own",
                                  outputs->files[k]);
            }
        }
        tw_array_destroy(there);
        if (status != TW_OK) {
            return status;
        }
    }
    return TW_OK;
}

tw_status tw__joining_check(const tw_outputs_options *options, const tw_grid *grid, tw_error *error)
{
    const tw_status status = check_options(options, error);
    return status == TW_OK ? check_steps(grid, error) : status;
}

tw_status tw__joining_check_files(const struct tw__joining *joining, tw_error *error)
{
    const tw_status status = check_places(joining, error);
    return status == TW_OK ? check_sources(joining, error) : status;
}

/* ---- what the job is ---- */

tw_status tw__joining_shadow(struct tw__joining *joining, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    tw_status status = TW_OK;
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        int64_t shape[TW_MAX_DIMS], bytes;
        if (outputs->files[k] != NULL) {
            const int ndim = tw__grid_shape(outputs->grid, k, shape);
            status = tw__array_new(&joining->shadows[k], &joining->files[k].dtype, ndim, shape, &bytes, error);
        }
    }
    return status;
}

/* Adds what inout operands begin with. */
static tw_status add_sources(const struct tw__joining *joining, json_t *fingerprint, tw_error *error)
{
    const tw_signature *signature = joining->outputs->grid->signature;
    tw_status status = TW_OK;
    for (int k = 0; status == TW_OK && k < signature->noperands; k++) {
        char text[256], name[256];
        if (signature->operands[k].role != TW_INOUT) {
            continue;
        }
        status = tw__contents_text(joining->arrays[k], text, sizeof text, error);
        snprintf(name, sizeof name, "first values of %.200s", signature->operands[k].name);
        if (status == TW_OK && json_object_set_new(fingerprint, name, json_string(text)) != 0) {
            status = tw__fail_memory(error, sizeof text, "the fingerprint of a job");
        }
    }
    return status;
}

static tw_status make_mark(const struct tw__joining *joining, tw_error *error)
{
    struct tw__member *member = joining->member;
    const char *description = joining->options->describe;
    char hash[TW__HASH_TEXT];
    char *text = tw__journal_file_text(member->fingerprint);
    if (text == NULL) {
        return tw__fail_memory(error, 4096, "the fingerprint of a job");
    }
    tw__hash(hash, text, strlen(text));
    free(text);
    tw__job_mark_make(member->mark, hash, joining->outputs->grid->count - joining->outputs->where.count, member->launch,
                      description != NULL ? description : joining->outputs->kernel->name);
    return TW_OK;
}

tw_status tw__joining_identify(const struct tw__joining *joining, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    tw_array *operands[TW_MAX_OPERANDS];
    for (int k = 0; k < outputs->noperands; k++) {
        operands[k] = outputs->files[k] != NULL ? joining->shadows[k] : joining->arrays[k];
    }
    tw_status status = tw__fingerprint(&joining->member->fingerprint, outputs->kernel, outputs->grid, operands,
                                       &outputs->where, error);
    if (status == TW_OK) {
        status = add_sources(joining, joining->member->fingerprint, error);
    }
    return status == TW_OK ? make_mark(joining, error) : status;
}
