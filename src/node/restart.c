/* restart.c - a job that is begun anew: what is there of it, or of another one, is thrown away; once for each launch,
 * whose processes were all given the same command. */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "grid/grid.h"
#include "node/finals.h"
#include "node/joining.h"
#include "os/file.h"
#include "record/fingerprint.h"
#include "store/shared_mark.h"

/* Whether a process of this launch has begun this job anew already. *was_there, with the folder's tag: there is a
 * folder to throw away. */
static tw_status look_at_folder(struct tw__member *member, int *is_ours, int *was_there, tw_error *error)
{
    char difference[900];
    struct tw__job_text job;
    tw_error damaged;
    *is_ours = 0;
    *was_there = 0;
    if (tw__run_folder_open(&member->folder, &job, &damaged) != TW_OK) {
        if (damaged.status == TW_ERROR_FORMAT) {
            return TW_OK; /* whatever it is */
        }
        if (error != NULL) {
            *error = damaged;
        }
        return damaged.status;
    }
    *was_there = job.fingerprint != NULL;
    *is_ours = *was_there && member->launch[0] != '\0' && strcmp(job.launch, member->launch) == 0 &&
               tw__fingerprint_same(job.fingerprint, member->fingerprint, difference, sizeof difference);
    tw__job_text_fini(&job);
    if (member->folder.fd >= 0) {
        tw__file_close(member->folder.fd);
        member->folder.fd = -1;
    }
    return TW_OK;
}

/* Files that are finished stay until they are replaced, but no longer say of which job they are. */
static tw_status remove_marks(const struct tw__joining *joining, tw_error *error)
{
    const tw_outputs *outputs = joining->outputs;
    for (int k = 0; k < outputs->noperands; k++) {
        const char *name;
        int folder = -1;
        if (outputs->files[k] == NULL || tw__folder_open(&folder, outputs->files[k], &name) != 0) {
            continue;
        }
        const int failed = tw__shared_mark_remove(folder, name);
        tw__file_close(folder);
        if (failed != 0 && failed != ENOENT && failed != ENODATA) {
            return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be replaced", outputs->files[k]);
        }
    }
    return TW_OK;
}

tw_status tw__joining_restart(const struct tw__joining *joining, tw_error *error)
{
    struct tw__member *member = joining->member;
    char launch[TW__LAUNCH_SIZE];
    int is_ours, was_there;
    const tw_status status = look_at_folder(member, &is_ours, &was_there, error);
    if (status != TW_OK || is_ours) {
        return status;
    }
    if (!was_there && member->launch[0] != '\0' && tw__member_finds_finished(member, launch) &&
        strcmp(launch, member->launch) == 0) {
        return TW_OK; /* this launch has finished it */
    }
    const int failed = tw__run_folder_remove(&member->folder, was_there ? member->folder.tag : NULL);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be removed", member->folder.path);
    }
    return remove_marks(joining, error);
}
