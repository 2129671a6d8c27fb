/* emitter.h - what the printing of one program shares: where the text goes, how values are called, which helpers are
 * needed. Knows no statements. */
#ifndef TW_KERNEL_EXPR_EMITTER_H
#define TW_KERNEL_EXPR_EMITTER_H

#include <stdio.h>

#include "notation/type/tree.h"
#include "notation/value/kind.h"

/* How the C text of a node's value reads where it is used. */
enum tw__form {
    TW__FORM_TEXT, /* its expression, printed in place */
    TW__FORM_NAME, /* the variable v<node> */
    TW__FORM_ITEM, /* p<node>[q]: items of a strip as they lie in memory */
    TW__FORM_OWN,  /* out[q]: the target's own element, before it is written */
    TW__FORM_CELL  /* element q of a strip of values that have been computed: w<node>[q] */
};

/* The parts of a source, in the order in which they stand in it; each is printed when it is known. */
enum tw__part { TW__PART_HELPERS, TW__PART_FUNCTIONS, TW__PART_KERNEL, TW__PARTS };

struct tw__emitter {
    const struct tw__program *program;
    FILE *part[TW__PARTS];
    char *text[TW__PARTS];
    size_t length[TW__PARTS];
    FILE *out;                 /* the part, or a function on its way to one, that is printed now */
    int indent;                /* of the line that is printed now */
    unsigned char *form;       /* [nnodes] enum tw__form */
    unsigned char *level;      /* [nnodes] what is known of a node in the scope that is printed: see strip.c */
    int *uses;                 /* [nnodes] by how many nodes and roots of the scope */
    int *height;               /* [nnodes] operations from here down to what has a name */
    unsigned char *given;      /* [nnodes] the form is set, from outside of what is printed now: a parameter */
    unsigned char *blocked;    /* [nnodes] a REDUCE that is computed in blocks: see product.h */
    unsigned char *printed;    /* [nnodes] a REDUCE: its functions stand in the text */
    unsigned char *helpers;    /* [helpers x kinds] stand in the text */
    int fast;                  /* the expression that is printed is of a loop for most arguments: see function.h */
    int strip;                 /* program's axis that the strip runs along; -1: none, there is no q */
    int target;                /* operand that the statement writes; -1: what is printed writes none */
    uint64_t math;             /* texts of prelude.h that the program needs */
    int64_t rooms, most_rooms; /* bytes of stack: of the functions of this statement, of the largest one */
    int *same;                 /* [nnodes] the first READ of the same element in the scope; else the node itself */
    int unknown;               /* the program has an operation that nothing is known of */
    int failed;                /* out of memory */
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

/* A function is printed into memory of its own, since those that it needs are found on the way and stand before it:
 * begin remembers where printing was, end puts the function behind all others and goes on there. */
struct tw__emit_mark {
    FILE *out;
    int indent, strip, target, fast;
    char *text;
    size_t length;
};
void tw__emit_function_begin(struct tw__emitter *e, struct tw__emit_mark *mark);
void tw__emit_function_end(struct tw__emitter *e, struct tw__emit_mark *mark);

/* ---- dtypes ---- */

const char *tw__emit_type(tw_kind kind);    /* of a value: "double"; float16 is computed as float; bool as uint8_t */
const char *tw__emit_storage(tw_kind kind); /* of an item in memory: float16 is uint16_t */
const char *tw__emit_suffix(tw_kind kind);  /* in the names of helpers: "f64" */
int tw__emit_size(tw_kind kind);            /* bytes of an item */
/* A constant as a C expression. */
void tw__emit_constant(struct tw__emitter *e, tw_kind kind, const union tw__value *value);
void tw__emit_float(struct tw__emitter *e, double value, int single);

#endif
