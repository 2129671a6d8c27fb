/* here.c - tiles of a step on the calling thread, without a pool: the loop of the serial pool (pool/serial.c). */
#include "job/here.h"

#include <stdlib.h>

#include "base/error.h"

#define ALIGNMENT 64

tw_status tw__step_run_here(const struct tw__step_request *request, uint64_t first, uint64_t count, const int *stop,
                            struct tw__outcome *outcome, tw_error *error)
{
    struct tw__step_room room;
    struct tw__worker worker = {0};
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
        const struct tw__task task = {
            .function = tw__step_run_tile, .argument = step, .first = first, .count = count, .stop = stop};
        status = tw__serial_run(&worker, &task, outcome);
        tw__step_release_local(worker.local);
    }
    free(rooms);
    free(payload);
    return status;
}
