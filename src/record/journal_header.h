/* journal_header.h - the JSON object at the front of a journal: the files and the job that it is of. */
#ifndef TW_RECORD_JOURNAL_HEADER_H
#define TW_RECORD_JOURNAL_HEADER_H

#include "record/journal.h"

struct json_t;

/* The text of a new journal's header (malloc). Takes note of what inout operands begin with. NULL: out of memory. A
 * header without one of its parts would be refused by every resume. */
char *tw__journal_header(struct tw__journal *journal, struct json_t *fingerprint);

/* The fingerprint in a header. */
const struct json_t *tw__journal_header_job(const struct json_t *header);

/* Takes from a header that was found what inout operands began with. Every output must be the file that the journal was
 * written beside; journal->is_finished: at least one has its magic, which is written after the last tile only. Errors:
 * TW_ERROR_JOURNAL, TW_ERROR_MEMORY. */
tw_status tw__journal_header_take(struct tw__journal *journal, const struct json_t *header, tw_error *error);

#endif
