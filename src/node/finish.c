/* finish.c - the end of a job on nodes. Any number of processes may do this at once, or after each other. */
#include "node/finish.h"

#include <inttypes.h>
#include <stdlib.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/grid.h"
#include "node/content.h"
#include "node/finals.h"
#include "node/job_mark.h"
#include "node/portion.h"
#include "node/read_back.h"
#include "os/fault.h"
#include "record/outputs.h"
#include "record/written.h"
#include "store/shared.h"
#include "store/store.h"

/* ---- looking again ---- */

static void drop(struct tw__member *member, _Atomic uint32_t *words, uint64_t tile)
{
    tw__ledger_drop(&member->ledger, tile);
    tw__set_remove(member->mine, tile);
    if (member->elsewhere != NULL) {
        atomic_fetch_and(&member->elsewhere[tile / 64], ~((uint64_t)1 << tile % 64));
    }
    if (words != NULL) {
        atomic_store(&words[tile], 0);
    }
}

tw_status tw__member_verify(struct tw__member *member, uint64_t first, uint64_t end, _Atomic uint32_t *words,
                            uint64_t *dropped, tw_error *error)
{
    const tw_outputs *outputs = member->outputs;
    struct tw__box *boxes = malloc(TW_MAX_OPERANDS * sizeof *boxes);
    tw_status status = boxes != NULL ? TW_OK : tw__fail_memory(error, TW_MAX_OPERANDS * sizeof *boxes, "a check");
    *dropped = 0;
    for (uint64_t tile = first; status == TW_OK && tile < end; tile++) {
        uint64_t sum;
        if (!tw__ledger_has(&member->ledger, tile) || tw__where_skips(&outputs->where, tile)) {
            continue;
        }
        status = tw__content_sum(&sum, outputs, outputs->operands, boxes, tile, error);
        if (status == TW_OK && sum != member->ledger.sums[tile]) {
            drop(member, words, tile);
            ++*dropped;
        }
    }
    free(boxes);
    return status;
}

/* ---- disagreement ---- */

struct dispute {
    uint64_t tile, sum;
    int64_t node;     /* whose journal is read */
    int64_t nodes[2]; /* that do not agree; -1: not found yet */
};

static void look_at_record(void *user, enum tw__log_kind kind, uint64_t tile, uint64_t sum)
{
    struct dispute *dispute = user;
    if (kind != TW__LOG_DONE || tile != dispute->tile) {
        return;
    }
    if (dispute->nodes[0] < 0) {
        dispute->nodes[0] = dispute->node;
        dispute->sum = sum;
    } else if (dispute->nodes[1] < 0 && sum != dispute->sum) {
        dispute->nodes[1] = dispute->node;
    }
}

static void look_at_journal(const struct tw__member *member, struct dispute *dispute, int64_t node, int64_t number)
{
    struct tw__peer *peer = calloc(1, sizeof *peer);
    if (peer != NULL) {
        tw__log_name(peer->name, node, number);
        peer->who.node = dispute->node = node;
        peer->who.member = number;
        (void)tw__peer_read(peer, member->folder.fd, member->folder.tag, look_at_record, dispute);
        free(peer);
    }
}

tw_status tw__member_fail_disputed(struct tw__member *member, tw_error *error)
{
    struct dispute dispute = {.tile = member->disputed, .nodes = {-1, -1}};
    for (int p = 0; p < member->npeers; p++) {
        look_at_journal(member, &dispute, member->peers[p].who.node, member->peers[p].who.member);
    }
    look_at_journal(member, &dispute, member->log.who.node, member->log.who.member);
    char who[64];
    if (dispute.nodes[0] == dispute.nodes[1]) {
        snprintf(who, sizeof who, "node %" PRId64 " computed it twice, with", dispute.nodes[0]);
    } else {
        snprintf(who, sizeof who, "nodes %" PRId64 " and %" PRId64 " computed", dispute.nodes[0], dispute.nodes[1]);
    }
    const tw_status status =
        tw__fail(error, TW_ERROR_JOURNAL,
                 "tile %" PRIu64 ": %s different bytes: the kernel depends on more than its inputs, or the "
                 "memory of a machine is not to be trusted; the result is kept as it is in %s, and restart computes it "
                 "again",
                 dispute.tile, who, member->folder.path);
    if (error != NULL) {
        error->tile = (int64_t)dispute.tile;
    }
    return status;
}

tw_status tw__member_fail_late(const struct tw__member *member, tw_error *error)
{
    const tw_status status = tw__fail(
        error, TW_ERROR_JOURNAL,
        "tile %" PRIu64 ": the job was finished by other nodes, and this one computed different bytes: the "
        "kernel depends on more than its inputs, an input was changed, or the memory of a machine is not to be "
        "trusted; restart computes it again",
        member->late_differs);
    if (error != NULL) {
        error->tile = (int64_t)member->late_differs;
    }
    return status;
}

/* ---- names ---- */

static tw_status check_complete(struct tw__member *member, tw_error *error)
{
    uint64_t dropped = 0;
    if (member->ledger.done != member->ledger.count) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "outputs get their names after all of their tiles are recorded, and %" PRIu64 " are not",
                        member->ledger.count - member->ledger.done);
    }
    if (member->disputed != UINT64_MAX) {
        return tw__member_fail_disputed(member, error);
    }
    if (!tw__reads_back(member)) {
        return TW_OK;
    }
    const tw_status status = tw__member_verify(member, 0, member->ledger.count, NULL, &dropped, error);
    if (status == TW_OK && dropped > 0) {
        return tw__fail(error, TW_ERROR_DISK,
                        member->has_finals ? "%s: %" PRIu64 " tiles read back with other bytes than were written, and "
                                             "some outputs have their names already; restart computes them again"
                                           : "%s: %" PRIu64 " tiles read back with other bytes than were written; they "
                                             "are missing again",
                        member->folder.path, dropped);
    }
    return status;
}

static int is_written(const tw_outputs *outputs, int k)
{
    return outputs->files[k] != NULL && outputs->operands[k]->store != NULL &&
           outputs->operands[k]->store->state == TW__STORE_WRITTEN;
}

/* With all checksums known: the mark says what the files contain. */
static tw_status complete_marks(struct tw__member *member, tw_error *error)
{
    const tw_outputs *outputs = member->outputs;
    tw_status status = TW_OK;
    tw__job_mark_set_content(member->mark, tw__content_of(outputs, member->ledger.sums));
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = is_written(outputs, k) ? tw__shared_set_mark(outputs->operands[k], member->mark, error) : TW_OK;
    }
    return status;
}

tw_status tw__member_commit(struct tw__member *member, tw_error *error)
{
    const tw_outputs *outputs = member->outputs;
    if (member->is_finished || member->is_committed) {
        return TW_OK;
    }
    tw_status status = check_complete(member, error);
    if (status == TW_OK && member->has_finals && member->verifies) {
        tw__member_renew_finals(member);
    }
    /* A file that came while this job ran: whoever made the folder may be slow to look again. */
    if (status == TW_OK && !member->replaces && tw__member_is_there(member)) {
        status = tw__member_check_finals(member, error);
    }
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = is_written(outputs, k) ? tw__store_check(outputs->operands[k], error) : TW_OK;
    }
    status = status == TW_OK ? complete_marks(member, error) : status;
    (void)TW__POINT("node.commit");
    for (int k = 0; status == TW_OK && k < outputs->noperands; k++) {
        status = is_written(outputs, k) ? tw_array_commit(outputs->operands[k], error) : TW_OK;
    }
    if (status == TW_OK) {
        (void)TW__POINT("node.committed");
        member->is_committed = 1;
        tw__member_end(member); /* NFS keeps the name of a file that is open here, and so its folder */
        (void)tw__run_folder_remove(&member->folder, member->folder.tag); /* any later start removes what stays */
    }
    return status;
}
