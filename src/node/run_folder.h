/* run_folder.h - FILE.run, the folder in which a job on nodes lies until its outputs get their names: made whole under
 * another name and renamed, so that the first wins; found, compared and removed. Knows its job.json; not its journals.
 *
 *     job.json           struct tw__job_text
 *     0.npy, 1.npy ...   the unfinished outputs, in the signature's order
 *     partials           what steps leave for later ones
 *     kernel.so          the kernel, if it was compiled as a portable one
 *     node-K.M.journal   log.h */
#ifndef TW_NODE_RUN_FOLDER_H
#define TW_NODE_RUN_FOLDER_H

#include <stdint.h>

#include <tilework/tilework.h>

#include "node/launch.h"
#include "node/log.h"

#define TW__RUN_FOLDER_SUFFIX ".run"

struct json_t;

struct tw__run_folder {
    int parent;       /* the open folder that the first output will be in; -1: not open */
    int fd;           /* the run folder; -1: not open */
    char *path;       /* of the run folder, from the root on */
    const char *name; /* its last part, in `parent` */
    unsigned char tag[TW__JOB_TAG];
};

#define TW__RUN_FOLDER_NONE ((struct tw__run_folder){.parent = -1, .fd = -1})

/* What is in job.json. */
struct tw__job_text {
    unsigned char tag[TW__JOB_TAG];
    uint64_t tiles, skipped;      /* skipped: that the mask leaves out */
    int replaces;                 /* it was begun with restart: finished files of other jobs are replaced */
    struct json_t *fingerprint;   /* owned */
    char *description;            /* owned; NULL: none */
    char launch[TW__LAUNCH_SIZE]; /* that has begun the job; "": not known */
};

/* Where the run folder of the first output `file`, as tw_array_target gives it, is or will be. Errors: TW_ERROR_FILE,
 * TW_ERROR_MEMORY. */
tw_status tw__run_folder_place(struct tw__run_folder *folder, const char *file, tw_error *error);

/* The same of the run folder itself. */
tw_status tw__run_folder_place_at(struct tw__run_folder *folder, const char *path, tw_error *error);
void tw__run_folder_close(struct tw__run_folder *folder);

/* Opens it, if it is there, and reads its job. *job->fingerprint is NULL, and the folder not open, if it is not there,
 * or goes just now. Errors: TW_ERROR_FILE, TW_ERROR_FORMAT (damaged), TW_ERROR_MEMORY. */
tw_status tw__run_folder_open(struct tw__run_folder *folder, struct tw__job_text *job, tw_error *error);
void tw__job_text_fini(struct tw__job_text *job);

/* What a new folder is filled with before others see it. */
typedef tw_status tw__run_folder_fill(void *user, int folder, const unsigned char *tag, tw_error *error);

/* Makes the folder and opens it. *won: 0: another process was faster, and its folder is there. Errors: TW_ERROR_FILE,
 * TW_ERROR_DISK, TW_ERROR_MEMORY, those of `fill`. */
tw_status tw__run_folder_make(struct tw__run_folder *folder, const struct tw__job_text *job, tw__run_folder_fill *fill,
                              void *user, int *won, tw_error *error);

/* Takes the folder of that name away, whatever is in it, and what makers that were killed have left. It may be gone
 * already. `tag`: only if it is of this job; NULL: whatever it is. 0, or an errno. */
int tw__run_folder_remove(struct tw__run_folder *folder, const unsigned char *tag);

/* Removes what removals have left behind: on NFS a file that a process of the same machine has open is renamed instead
 * (".nfs..."), and its folder cannot go before that process has closed it. Whoever closes last removes it so. */
void tw__run_folder_sweep(const struct tw__run_folder *folder);

#endif
