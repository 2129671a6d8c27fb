/* finals.h - the files that have the names of a job's outputs: whether they are this job's result. */
#ifndef TW_NODE_FINALS_H
#define TW_NODE_FINALS_H

#include "node/member.h"

/* TW_ERROR_ARGUMENT: a file that another job has made, or nobody knows who, has the name of an output. It is not taken
 * for this job's. */
tw_status tw__member_check_finals(const struct tw__member *member, tw_error *error);

/* Whether output k has its name, and this job's mark. */
int tw__member_has_final(const struct tw__member *member, int k);

/* Whether all final files are this job's: they have its mark. A file that was written to since, which a mark beside it
 * tells, is read: if all of them contain what this job has computed, the mark is made anew. launch: NULL, or the launch
 * that has finished the last of them. */
int tw__member_finds_finished(const struct tw__member *member, char launch[TW__LAUNCH_SIZE]);

/* The parts have lost their names: if others have finished the job, all of its tiles count as recorded. TW_ERROR_FILE:
 * it was removed, or begun anew. */
tw_status tw__member_end_elsewhere(struct tw__member *member, tw_error *error);

#endif
