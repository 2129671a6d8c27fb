/* prelude.h - the vector math functions as C texts, for whoever prints a kernel: which function does an operation on a
 * dtype, and which texts must stand before it. Knows no expressions; the texts are the files of math/.
 *
 * A kernel's source begins with the texts that its functions need, in the order of their numbers:
 *
 *     uint64_t needs = 0;
 *     for each operation: if (tw__prelude_find(operation, dtype, &function)) needs |= function.needs;
 *     for (int k = 0; k < tw__prelude_ntexts; k++) if (needs >> k & 1) print tw__prelude_texts[k].text
 *
 * They want <stdint.h>, and are compiled with -ffp-contract=off -fno-math-errno -fno-trapping-math. */
#ifndef TW_NOTATION_PRINT_PRELUDE_H
#define TW_NOTATION_PRINT_PRELUDE_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

#include "notation/type/tree.h"

/* T is float or double.
 *
 *     T name(T x)   or   T name(T x, T y)   right for all arguments
 *     T fast(T x, intN *outside)            if `name` would keep a loop from being vectorised: the same bits, or
 *                                           *outside is set to 1 (it is never set to 0) and the result is not to be
 *                                           used. intN is int32_t for float32, int64_t for float64 */
struct tw__prelude_function {
    char name[32];
    char fast[32];  /* "" if there is none */
    int narguments; /* `outside` not counted */
    uint64_t needs; /* bit k: tw__prelude_texts[k] */
};

struct tw__prelude_text {
    const char *name; /* of the file, without its ending */
    const char *text;
    size_t length;
    uint64_t needs; /* itself, and all that it builds on: these have smaller numbers */
};

extern const struct tw__prelude_text tw__prelude_texts[];
extern const int tw__prelude_ntexts;

/* The function for an operation on float32 or float64 (float16 is computed in float32; complex functions are the C
 * library's). Gives 0, and leaves *function alone, if there is none: the operation is then the printer's own. */
int tw__prelude_find(enum tw__operation operation, tw_kind dtype, struct tw__prelude_function *function);

#endif
