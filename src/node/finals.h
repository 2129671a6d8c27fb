/* finals.h - the files that have the names of a job's outputs: whether they are this job's result. */
#ifndef TW_NODE_FINALS_H
#define TW_NODE_FINALS_H

#include "node/member.h"

/* TW_ERROR_ARGUMENT: a file that another job has made, or nobody knows who, has the name of an output. It is not taken
 * for this job's. */
tw_status tw__member_check_finals(const struct tw__member *member, tw_error *error);

/* Whether output k has its name, and this job's mark. *older: it was written to since, so it must be read back. */
int tw__member_has_final(const struct tw__member *member, int k, int *older);

/* Makes the marks anew of files that were written to since they were marked: they were read back, and are right. */
void tw__member_renew_finals(const struct tw__member *member);

/* Whether all final files are this job's: they have its mark. A file that was written to since, which a mark beside it
 * tells, is read: if all of them contain what this job has computed, the mark is made anew. launch: NULL, or the launch
 * that has finished the last of them. */
int tw__member_finds_finished(const struct tw__member *member, char launch[TW__LAUNCH_SIZE]);

/* Of records of this node that came after others had finished the job: *differs becomes the first tile, if it comes
 * before *differs, of which another node has recorded other bytes, or, if its record was not read in time, the finished
 * files contain others. Nothing, if the job was not finished, or that cannot be seen. */
void tw__member_find_other(struct tw__member *member, const struct tw__record *records, int count, uint64_t *differs);

/* The parts have lost their names: if others have finished the job, all of its tiles count as recorded. TW_ERROR_FILE:
 * it was removed, or begun anew. */
tw_status tw__member_end_elsewhere(struct tw__member *member, tw_error *error);

#endif
