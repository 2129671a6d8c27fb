/* emit.h - a typed program as C: planned, then printed. */
#ifndef TW_NOTATION_PRINT_EMIT_H
#define TW_NOTATION_PRINT_EMIT_H

#include "notation/type/tree.h"

/* C for one tile: a source that includes <tilework/tilework.h> and defines `int FUNCTION(const tw_tile *tile)`, the one
 * function that is not static. *text (malloc, terminated) has *length characters and depends on the program alone: no
 * name of the user's is in it. The kernel begins with a check of each operand's dtype and number of dimensions
 * (tw_tile_fail), since a compiled one may be given others. `function` is a C identifier, checked before.
 * Errors: TW_ERROR_MEMORY, TW_ERROR_ARGUMENT (a program that is too large). */
tw_status tw__emit(char **text, size_t *length, const struct tw__program *program, const char *function,
                   tw_error *error);

#endif
