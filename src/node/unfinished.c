/* unfinished.c - the outputs of a job on nodes before they have their names: made in a new run folder, and opened. */
#include "node/unfinished.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "array/dtype.h"
#include "array/view.h"
#include "base/error.h"
#include "grid/grid.h"
#include "grid/stages.h"
#include "kernel/kernel.h"
#include "node/finals.h"
#include "os/fault.h"
#include "os/file.h"
#include "record/partials.h"
#include "store/shared.h"
#include "store/store.h"

#define KERNEL "kernel.so"
#define PARTIALS "partials"
#define MOST_OBJECT ((size_t)1 << 30) /* bytes of a kernel's object */

/* ---- final files ---- */

/* An output that has its name, to be read. Its mark stays with it if another file is copied into it. */
static tw_status open_final(const struct tw__joining *joining, int k, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    const tw_status status = tw_array_open(&outputs->operands[k], NULL, outputs->files[k], error);
    if (status != TW_OK) {
        return status;
    }
    const tw_view *view = &outputs->operands[k]->view, *made = &joining->shadows[k]->view;
    return tw__view_same_shape(view, made) && tw__dtype_same(&view->dtype, &made->dtype)
               ? TW_OK
               : tw__fail(error, TW_ERROR_ARGUMENT,
                          "%s: was written to since it was finished, and is not the result of this job; restart "
                          "replaces it",
                          outputs->files[k]);
}

void tw__unfinished_close(tw_outputs *outputs)
{
    tw__partials_close(outputs->partials, 0);
    outputs->partials = NULL;
    for (int k = 0; k < outputs->noperands; k++) {
        if (outputs->files[k] != NULL) {
            tw_array_destroy(outputs->operands[k]);
            outputs->operands[k] = NULL;
        }
    }
}

tw_status tw__unfinished_open_finals(const struct tw__joining *joining, tw_error *error)
{
    tw_status status = TW_OK;
    for (int k = 0; status == TW_OK && k < joining->outputs->noperands; k++) {
        status = joining->outputs->files[k] != NULL ? open_final(joining, k, error) : TW_OK;
    }
    if (status != TW_OK) {
        tw__unfinished_close(joining->outputs);
    }
    return status;
}

/* ---- parts ---- */

/* What is asked of the store for one output, and the texts that this needs. */
struct wish {
    struct tw__shared_wish shared;
    char name[24];
    char shown[4096];
    unsigned char tag[TW__TAG_SIZE];
    int64_t shape[TW_MAX_DIMS];
};

static void wish_for(const struct tw__joining *joining, int k, int number, const unsigned char *job_tag, int folder,
                     struct wish *wish)
{
    const struct tw__member *member = joining->member;
    snprintf(wish->name, sizeof wish->name, "%d.npy", number);
    snprintf(wish->shown, sizeof wish->shown, "%.4000s/%s", member->folder.path, wish->name);
    memset(wish->tag, 0, sizeof wish->tag);
    memcpy(wish->tag + 2, job_tag, sizeof wish->tag - 2);
    const int ndim = tw__grid_shape(joining->outputs->grid, k, wish->shape);
    wish->shared = (struct tw__shared_wish){.folder = folder,
                                            .name = wish->name,
                                            .shown = wish->shown,
                                            .path = joining->outputs->files[k],
                                            .mark = member->mark,
                                            .dtype = &joining->files[k].dtype,
                                            .ndim = ndim,
                                            .shape = wish->shape,
                                            .tag = wish->tag};
}

/* Tiles that the mask leaves out keep the first values of an inout operand. */
static tw_status keep_first_values(const struct tw__joining *joining, const tw_array *part, int k, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    int64_t start[TW_MAX_DIMS], shape[TW_MAX_DIMS];
    tw_status status = TW_OK;
    for (uint64_t tile = 0; status == TW_OK && tile < outputs->grid->count; tile++) {
        if (tw__where_skips(&outputs->where, tile)) {
            tw__grid_part(outputs->grid, tile, k, start, shape);
            status = tw__store_copy(part, joining->arrays[k], start, shape, error);
        }
    }
    const int failed = status == TW_OK ? tw__store_sync(part) : 0;
    return failed == 0
               ? status
               : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be written", outputs->files[k]);
}

static tw_status make_part(const struct tw__joining *joining, int k, struct wish *wish, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    tw_array *part = NULL;
    tw_status status = tw__shared_create(&wish->shared, error);
    if (status != TW_OK || outputs->where.count == 0 || joining->arrays[k] == NULL) {
        return status;
    }
    status = tw__shared_open(&part, &wish->shared, error);
    if (status == TW_OK && part != NULL) {
        status = keep_first_values(joining, part, k, error);
        tw_array_destroy(part);
    }
    return status;
}

/* The portable object of a kernel, so that nodes without a compiler, or with another one, need none. */
static tw_status bring_kernel(const tw_kernel *kernel, int folder, tw_error *error)
{
    char *object = NULL;
    size_t length;
    int fd = -1;
    if (kernel->path == NULL || kernel->origin[0] == '\0') {
        return TW_OK;
    }
    int failed = tw__file_text(&object, &length, kernel->path, MOST_OBJECT);
    failed = failed == 0 ? TW__POINT("node.kernel") : failed;
    failed = failed == 0 ? tw__file_create_in(&fd, folder, KERNEL, 0644) : failed;
    if (failed == 0) {
        failed = tw__file_write(fd, object, length, 0);
        failed = failed == 0 ? tw__file_sync(fd) : failed;
        tw__file_close(fd);
    }
    free(object);
    return failed == 0 ? TW_OK
                       : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be copied to the run folder",
                                     kernel->path);
}

static int has_temporaries(const tw_grid *grid)
{
    return grid->stages != NULL && grid->stages->ntemporaries > 0;
}

/* What a new folder has beside its parts. */
static tw_status fill_rest(const struct tw__joining *joining, int folder, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    tw_array *operands[TW_MAX_OPERANDS];
    for (int k = 0; k < outputs->noperands; k++) {
        operands[k] = outputs->files[k] != NULL ? joining->shadows[k] : joining->arrays[k];
    }
    const tw_status status =
        has_temporaries(outputs->grid)
            ? tw__partials_share(folder, PARTIALS, joining->member->folder.path, outputs->grid->stages, operands, error)
            : TW_OK;
    return status == TW_OK ? bring_kernel(outputs->kernel, folder, error) : status;
}

tw_status tw__unfinished_fill(void *user, int folder, const unsigned char *tag, tw_error *error)
{
    const struct tw__joining *joining = user;
    struct wish *wish = malloc(sizeof *wish);
    tw_status status = wish != NULL ? TW_OK : tw__fail_memory(error, sizeof *wish, "an output");
    int number = 0;
    for (int k = 0; status == TW_OK && k < joining->outputs->noperands; k++) {
        if (joining->outputs->files[k] != NULL) {
            wish_for(joining, k, number++, tag, folder, wish);
            status = make_part(joining, k, wish, error);
        }
    }
    free(wish);
    return status == TW_OK ? fill_rest(joining, folder, error) : status;
}

static tw_status open_partials(const struct tw__joining *joining, int *gone, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    const struct tw__member *member = joining->member;
    if (!has_temporaries(outputs->grid)) {
        return TW_OK;
    }
    const tw_status status = tw__partials_join(&outputs->partials, member->folder.fd, PARTIALS, member->folder.path,
                                               outputs->grid->stages, outputs->operands, 0, error);
    *gone |= status == TW_OK && outputs->partials == NULL;
    return status;
}

tw_status tw__unfinished_open(const struct tw__joining *joining, int *finals, int *gone, tw_error *error)
{
    tw_outputs *outputs = joining->outputs;
    struct tw__member *member = joining->member;
    struct wish *wish = malloc(sizeof *wish);
    tw_status status = wish != NULL ? TW_OK : tw__fail_memory(error, sizeof *wish, "an output");
    int number = 0, older = 0, any_older = 0;
    *finals = *gone = 0;
    member->is_coherent = 1;
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        if (outputs->files[k] == NULL) {
            continue;
        }
        wish_for(joining, k, number++, member->folder.tag, member->folder.fd, wish);
        status = tw__shared_open(&outputs->operands[k], &wish->shared, error);
        if (status == TW_OK && outputs->operands[k] != NULL) {
            member->is_coherent &= tw__shared_is_coherent(outputs->operands[k]);
            if (joining->arrays[k] != NULL) {
                status = tw__shared_begin_with(outputs->operands[k], joining->arrays[k], error);
            }
        } else if (status == TW_OK && !member->is_worker && tw__member_has_final(member, k, &older)) {
            status = open_final(joining, k, error);
            ++*finals;
            member->has_finals = 1;
            member->verifies |= older; /* what it contains is seen before the others get their names */
            any_older |= older;
        } else if (status == TW_OK) {
            *gone = 1;
        }
    }
    free(wish);
    *finals = *finals == number;
    if (status == TW_OK && *finals && any_older && !tw__member_finds_finished(member, NULL)) {
        status = tw__member_check_finals(member, error);
        *gone = status == TW_OK; /* something has changed meanwhile */
    }
    if (status == TW_OK && !*gone && !*finals) {
        status = open_partials(joining, gone, error);
    }
    if (status != TW_OK || *gone) {
        tw__unfinished_close(outputs);
    }
    return status;
}
