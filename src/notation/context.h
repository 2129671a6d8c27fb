/* context.h - the context of a statement's kernel: lengths, the values of its scalars and of its lifted constants, as
 * type/tree.h lays them out. */
#ifndef TW_NOTATION_CONTEXT_H
#define TW_NOTATION_CONTEXT_H

#include "notation/read/syntax.h"
#include "notation/type/typed.h"

/* *context (malloc) has *size bytes. Lengths and parameters are known, and reads proven to stay inside. Errors:
 * TW_ERROR_SYNTAX (a number that its dtype does not have), TW_ERROR_MEMORY. */
tw_status tw__context_make(unsigned char **context, size_t *size, const struct tw__syntax *syntax,
                           const struct tw__typed *typed, struct tw__known *known, tw_error *error);

#endif
