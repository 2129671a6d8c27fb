/* here.c - tiles of a step on the calling thread, without a pool: the serial loop that every run equals. */
#include "job/here.h"

#include <stdlib.h>

#include "base/error.h"

#define ALIGNMENT 64

static tw_status run(struct tw__step *step, uint64_t first, uint64_t count, const int *stop,
                     struct tw__outcome *outcome)
{
    struct tw__worker worker = {0};
    tw_status status = TW_OK;
    for (uint64_t tile = first; status == TW_OK && tile < first + count; tile++) {
        if (stop != NULL && __atomic_load_n(stop, __ATOMIC_RELAXED) != 0) {
            status = TW_ERROR_INTERRUPTED;
            break;
        }
        outcome->tile = tile;
        outcome->worker = 0;
        outcome->message[0] = '\0';
        outcome->result = tw__step_run_tile(step, &worker, tile, 0, outcome->message);
        outcome->message[sizeof outcome->message - 1] = '\0';
        status = outcome->result.status == TW_OK ? TW_OK : TW_ERROR_KERNEL;
        outcome->done += status == TW_OK;
        outcome->failed += status != TW_OK;
    }
    tw__step_release_local(worker.local);
    return status;
}

tw_status tw__step_run_here(const struct tw__step_request *request, uint64_t first, uint64_t count, const int *stop,
                            struct tw__outcome *outcome, tw_error *error)
{
    struct tw__step_room room;
    void *payload = NULL, *rooms = NULL;
    tw__outcome_begin(outcome);
    tw_status status = tw__step_measure(&room, NULL, request, error);
    if (status == TW_OK && (posix_memalign(&payload, ALIGNMENT, room.payload) != 0 ||
                            (room.accesses > 0 && posix_memalign(&rooms, ALIGNMENT, room.accesses) != 0))) {
        status = tw__fail_memory(error, room.payload + room.accesses, "a job");
    }
    if (status == TW_OK) {
        struct tw__step *step = tw__step_fill(payload, NULL, request);
        step->number = 1;
        step->rooms = rooms;
        status = outcome->status = run(step, first, count, stop, outcome);
    }
    free(rooms);
    free(payload);
    return status;
}
