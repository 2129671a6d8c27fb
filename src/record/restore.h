/* restore.h - inout operands of a run that resumes. */
#ifndef TW_RECORD_RESTORE_H
#define TW_RECORD_RESTORE_H

#include "record/journal.h"

/* Gives all tiles of an inout operand that are missing the values that `source` has there, since the run that was
 * interrupted may have left others. Errors: TW_ERROR_ARGUMENT (shape, dtype), TW_ERROR_JOURNAL (the run did not begin
 * with that source). */
tw_status tw__journal_restore(struct tw__journal *journal, int operand, const tw_array *source, tw_error *error);

#endif
