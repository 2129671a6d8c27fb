/* status.c - how far a job on nodes is, read from its run folder. Changes nothing. */
#include <stdlib.h>

#include "base/error.h"

tw_status tw_job_status_read(tw_job_status *status, const char *file, tw_error *error)
{
    if (status == NULL || file == NULL) {
        return tw__fail_null(error, "tw_job_status_read", status == NULL ? "status" : "file");
    }
    return tw__fail(error, TW_ERROR_FILE, "%s: is not the output of a job on nodes", file);
}

void tw_job_status_free(tw_job_status *status)
{
    if (status != NULL) {
        free(status->description);
        free(status->nodes);
        free(status->disagreements);
        *status = (tw_job_status){0};
    }
}
