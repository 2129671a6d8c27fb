/* journal_header.h - the JSON object at the front of a journal: the files and the job that it is of. */
#ifndef TW_RUN_JOURNAL_HEADER_H
#define TW_RUN_JOURNAL_HEADER_H

#include <jansson.h>

#include "grid/grid.h"
#include "grid/signature.h"
#include "record/journal.h"

static inline int tw__journal_is_output(const tw_journal *journal, int operand)
{
    return journal->grid->signature->operands[operand].role != TW_IN;
}

/* Takes over `fingerprint`. NULL: out of memory. A header without one of its parts would be refused by every resume. */
json_t *tw__journal_header(tw_journal *journal, json_t *fingerprint);

/* Every output must be the file that the journal was written beside. *finished: at least one has its magic, which is
 * written after the last tile only. */
tw_status tw__journal_header_check(const tw_journal *journal, const json_t *outputs, int *finished, tw_error *error);

#endif
