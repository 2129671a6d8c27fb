/* finals.c - the files that have the names of a job's outputs. Knows their marks; not how they came to their names. */
#include "node/finals.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array/array.h"
#include "base/error.h"
#include "node/content.h"
#include "node/job_mark.h"
#include "os/file.h"
#include "record/outputs.h"
#include "store/shared.h"
#include "store/shared_mark.h"
#include "store/store.h"

/* The file that has the name of an output, and its mark. */
struct final {
    char mark[TW__MARK_SIZE];
    struct tw__file_info info;
    int is_older; /* it was written to since it was marked */
};

/* ENOENT: there is no such file. 0: it has this job's mark. Else: it is another's, or nobody knows whose. */
static int look_at_final(const struct tw__member *member, int k, struct final *final)
{
    const char *name;
    int folder = -1;
    final->is_older = 0;
    if (tw__folder_open(&folder, member->outputs->files[k], &name) != 0) {
        return ENOENT;
    }
    const int failed = tw__shared_mark_read_older(folder, name, final->mark, &final->info, &final->is_older);
    tw__file_close(folder);
    return failed == 0 && !tw__shared_mark_is(final->mark, member->mark) ? EEXIST : failed;
}

int tw__member_has_final(const struct tw__member *member, int k, int *older)
{
    struct final final;
    const int found = look_at_final(member, k, &final);
    *older = final.is_older;
    return found == 0;
}

/* Whether it is the file that this job has written: another node has named it just now. */
static int is_own(const tw_array *output)
{
    return output != NULL && output->store != NULL && output->store->state == TW__STORE_WRITTEN &&
           tw__shared_is_finished(output);
}

tw_status tw__member_check_finals(const struct tw__member *member, tw_error *error)
{
    struct final final;
    const tw_outputs *outputs = member->outputs;
    for (int k = 0; k < outputs->noperands; k++) {
        const int found = outputs->files[k] != NULL ? look_at_final(member, k, &final) : ENOENT;
        if (found != ENOENT && (found != 0 || final.is_older) && !is_own(outputs->operands[k])) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "%s: exists, and is not the result of this job; restart replaces it", outputs->files[k]);
        }
    }
    return TW_OK;
}

/* Of a file that is this job's after all. If that fails, the next one who asks reads it again. */
static void renew(const tw_outputs *outputs, int k, const struct final *final)
{
    const char *name;
    int folder = -1;
    if (tw__folder_open(&folder, outputs->files[k], &name) == 0) {
        (void)tw__shared_mark_renew(folder, name, &final->info, final->mark);
        tw__file_close(folder);
    }
}

void tw__member_renew_finals(const struct tw__member *member)
{
    struct final final;
    for (int k = 0; k < member->outputs->noperands; k++) {
        if (member->outputs->files[k] != NULL && look_at_final(member, k, &final) == 0 && final.is_older) {
            renew(member->outputs, k, &final);
        }
    }
}

/* All have this job's mark, and this one is older than its file: whether they contain what the mark says. */
static int holds(const struct tw__member *member, int k, struct final *final)
{
    const int is_there = tw__content_is_there(member->outputs, tw__job_mark_content(final->mark));
    if (is_there) {
        renew(member->outputs, k, final);
    }
    return is_there;
}

int tw__member_finds_finished(const struct tw__member *member, char launch[TW__LAUNCH_SIZE])
{
    struct final final;
    const tw_outputs *outputs = member->outputs;
    uint64_t older = 0; /* bit k */
    for (int k = 0; k < outputs->noperands; k++) {
        int64_t tiles;
        if (outputs->files[k] == NULL) {
            continue;
        }
        const int found = look_at_final(member, k, &final);
        const int is_marked = found == 0 && !final.is_older;
        if (!is_marked && !is_own(outputs->operands[k])) {
            if (found != 0) {
                return 0;
            }
            older |= (uint64_t)1 << k;
        }
        if (found == 0 && launch != NULL) {
            (void)tw__job_mark_read(final.mark, &tiles, launch);
        }
    }
    for (int k = 0; k < outputs->noperands; k++) {
        if ((older >> k & 1) != 0 &&
            (look_at_final(member, k, &final) != 0 || (final.is_older && !holds(member, k, &final)))) {
            return 0;
        }
    }
    return 1;
}

/* Whether every output was finished, and what was opened as its part is the finished file: not one of the same job
 * begun anew. */
static int has_all_names(const tw_outputs *outputs)
{
    for (int k = 0; k < outputs->noperands; k++) {
        const tw_array *output = outputs->operands[k];
        if (outputs->files[k] != NULL &&
            (output == NULL || output->store == NULL || output->store->state != TW__STORE_WRITTEN ||
             !tw__shared_has_final_name(output))) {
            return 0;
        }
    }
    return 1;
}

void tw__member_find_other(struct tw__member *member, const struct tw__record *records, int count, uint64_t *differs)
{
    const tw_outputs *outputs = member->outputs;
    struct tw__box *boxes = malloc(TW_MAX_OPERANDS * sizeof *boxes);
    for (int n = 0; boxes != NULL && n < count && has_all_names(outputs); n++) {
        const uint64_t tile = records[n].tile;
        tw__lock(&member->lock);
        const int is_known = tw__ledger_is_recorded(&member->ledger, tile);
        uint64_t sum = is_known ? member->ledger.sums[tile] : 0;
        tw__unlock(&member->lock);
        if (!is_known && tw__content_sum(&sum, outputs, outputs->operands, boxes, tile, NULL) != TW_OK) {
            break;
        }
        if (sum != records[n].sum) {
            *differs = tile < *differs ? tile : *differs;
        }
    }
    free(boxes);
}

tw_status tw__member_end_elsewhere(struct tw__member *member, tw_error *error)
{
    if (!tw__member_finds_finished(member, NULL)) {
        return tw__fail(error, TW_ERROR_FILE,
                        "%s: was removed, or the job was begun anew, while this node worked on it",
                        member->folder.path);
    }
    tw__lock(&member->lock);
    member->is_committed = member->is_gone = 1; /* checksums of others' tiles are not known any more */
    tw__ledger_complete(&member->ledger);
    tw__unlock(&member->lock);
    return TW_OK;
}
