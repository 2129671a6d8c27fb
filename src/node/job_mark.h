/* job_mark.h - the text with which a job on nodes marks the files that it has finished: which job it is, how many tiles
 * it had, which launch has finished it, what the files contain (content.h), and the job in words. Where the mark is
 * kept: store/shared_mark.h. */
#ifndef TW_NODE_JOB_MARK_H
#define TW_NODE_JOB_MARK_H

#include <stdint.h>

#include "node/launch.h"
#include "store/shared_mark.h"

/* Writes the mark, which does not say yet what the files contain. hash: of the job's fingerprint; launch: "" if it is
 * not known. A long description is cut. */
void tw__job_mark_make(char mark[TW__MARK_SIZE], const char *hash, uint64_t tiles, const char *launch,
                       const char *description);

/* What the files contain, as a checksum; 0: that is not known. */
void tw__job_mark_set_content(char mark[TW__MARK_SIZE], uint64_t content);
uint64_t tw__job_mark_content(char mark[TW__MARK_SIZE]);

/* Reads a mark, which may be anything: the description, which is cut out of it, and *tiles, if the mark has them. NULL:
 * there is none. launch: NULL, or the launch that has finished the job, "" if it is not known. */
char *tw__job_mark_read(char *mark, int64_t *tiles, char launch[TW__LAUNCH_SIZE]);

#endif
