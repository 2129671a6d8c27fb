/* emitter.h - lines of C: where the text of one program goes, its indent, the helpers that stand in it. Knows no
 * statements.
 *
 * A plan of loops (loop/plan.h) becomes C in files that know only those above them, and decide nothing:
 *     emitter            lines, types, constants
 *     helper, prelude    small functions and vector math functions, each printed once, if it is used
 *     value, address     the expression of a node; where the elements of a READ lie
 *     call, element      calls of reductions; what their functions share
 *     strip              a loop over the elements of a strip, with its variables
 *     reduce, multiply   the functions of a reduction: one value or a row; a block of rows and columns
 *     statement, emit    the loops of a statement; the whole source */
#ifndef TW_NOTATION_PRINT_EMITTER_H
#define TW_NOTATION_PRINT_EMITTER_H

#include <stdio.h>

#include "notation/loop/plan.h"
#include "notation/value/kind.h"

/* The parts of a source, in the order in which they stand in it; each is printed when it is known. */
enum tw__part { TW__PART_HELPERS, TW__PART_FUNCTIONS, TW__PART_KERNEL, TW__PARTS };

struct tw__emitter {
    const struct tw__plan *plan;
    const struct tw__program *program; /* the plan's */
    FILE *part[TW__PARTS];
    char *text[TW__PARTS];
    size_t length[TW__PARTS];
    FILE *out;              /* the part that is printed now */
    int indent;             /* of the line that is printed now */
    unsigned char *helpers; /* [helpers x kinds] stand in the text */
    uint64_t math;          /* texts of prelude.h that the program needs */
    int random;             /* it has random numbers */
    int unknown;            /* the program has an operation that nothing is known of */
    int failed;             /* out of memory */
};

/* One line: indented, ended. */
__attribute__((format(printf, 2, 3))) void tw__emit_line(struct tw__emitter *e, const char *format, ...);

/* A part of a line. */
__attribute__((format(printf, 2, 3))) void tw__emit_text(struct tw__emitter *e, const char *format, ...);
void tw__emit_begin(struct tw__emitter *e); /* the indent */
void tw__emit_end(struct tw__emitter *e);   /* the line end */

/* "{" after what `format` gives, one level deeper; and its end. */
__attribute__((format(printf, 2, 3))) void tw__emit_open(struct tw__emitter *e, const char *format, ...);
void tw__emit_close(struct tw__emitter *e);

/* "{" after what `format` gives, and the end of the function: one level deep, a blank line after it. */
__attribute__((format(printf, 2, 3))) void tw__emit_function(struct tw__emitter *e, const char *format, ...);
void tw__emit_function_end(struct tw__emitter *e);

/* ---- dtypes ---- */

const char *tw__emit_type(tw_kind kind);    /* of a value: "double"; float16 is computed as float; bool as uint8_t */
const char *tw__emit_storage(tw_kind kind); /* of an item in memory: float16 is uint16_t */
const char *tw__emit_suffix(tw_kind kind);  /* in the names of helpers: "f64" */
int tw__emit_size(tw_kind kind);            /* bytes of an item */

/* A constant as a C expression. */
void tw__emit_constant(struct tw__emitter *e, tw_kind kind, const union tw__value *value);

#endif
