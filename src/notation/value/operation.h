/* operation.h - operations by their codes: look-ups in the table of operations.h. Knows no syntax, no dtypes and no C
 * beyond the columns of the table. */
#ifndef TW_NOTATION_VALUE_OPERATION_H
#define TW_NOTATION_VALUE_OPERATION_H

#include <stddef.h>

#include "notation/value/operations.h"

enum tw__operation {
#define ROW(code, ...) TW__OP_##code,
    TW__OPERATION_TABLE(ROW)
#undef ROW
        TW__OPERATIONS
};

/* How a statement writes an operation. */
enum tw__written {
    TW__WRITTEN_PREFIX,
    TW__WRITTEN_INFIX,    /* at a level of precedence */
    TW__WRITTEN_COMPARES, /* between its arguments, in chains: a < b < c */
    TW__WRITTEN_CALLED    /* as a function */
};

/* Which dtypes an operation takes and gives: NumPy's ufuncs, by groups. type/ufunc.c does what they say. */
enum tw__rule {
    TW__RULE_ARITHMETIC,    /* the common dtype; bools add and multiply as | and & */
    TW__RULE_DIVIDE,        /* the common dtype, float64 for integers */
    TW__RULE_FLOOR,         /* the common dtype, int8 for bools; not complex */
    TW__RULE_POWER,         /* the same, also complex */
    TW__RULE_BITS,          /* the common dtype of bools and integers */
    TW__RULE_SHIFT,         /* the common dtype of integers, int8 for bools */
    TW__RULE_COMPARE,       /* any common dtype -> bool; int64 and uint64 are compared as they are */
    TW__RULE_NOT,           /* bool */
    TW__RULE_SELECT,        /* a bool, and the common dtype of the other two */
    TW__RULE_EXTREME,       /* the common dtype */
    TW__RULE_FLOAT,         /* the smallest float that holds the arguments; not complex */
    TW__RULE_FLOAT_COMPLEX, /* the same, also complex */
    TW__RULE_ROUND,         /* a float stays, integers and bools are their own result; not complex */
    TW__RULE_TEST,          /* of a float or complex: bool */
    TW__RULE_ABSOLUTE,      /* bools and unsigned integers are their own result; complex: its float */
    TW__RULE_SIGN,          /* all but bool */
    TW__RULE_PART,          /* of a complex its float (CONJ: complex) */
    TW__RULE_RANDOM         /* a seed that is known before the run -> float64, or float32 where that is the result */
};

enum tw__trait {
    TW__TRAIT_PLAIN = 0,
    TW__TRAIT_ROUNDS = 1, /* computed as float32 for float16, it has more digits than float16 */
    TW__TRAIT_LIFTS = 2,  /* a constant argument may be a value of the context instead of code: see lift.h */
    TW__TRAIT_GROWS = 4,  /* integers wrap around if the result has more digits than the arguments */
    TW__TRAIT_SWAPS = 8,  /* the helper takes the arguments in the other order */
    TW__TRAIT_FAST = 16,  /* the math functions have a version for most arguments: tw_sin_f64_fast */
    TW__TRAIT_LONG = 32   /* the C compiler is busy with it: some hundred instructions in line */
};

struct tw__operation_row {
    const char *spelled;
    int arity;
    enum tw__written written;
    int level;         /* INFIX: a higher one binds tighter */
    const char *usage; /* CALLED: "atan2(y, x)" */
    enum tw__rule rule;
    const char *sign, *helper, *family, *function; /* its C; NULL: it has none of this kind */
    int flops, complex_flops;
    int cost, complex_cost; /* hundredths of a nanosecond */
    unsigned traits;
};

/* The row of a code. */
const struct tw__operation_row *tw__operation_row(enum tw__operation code);

static inline int tw__operation_has(enum tw__operation code, enum tw__trait trait)
{
    return (tw__operation_row(code)->traits & (unsigned)trait) != 0;
}

/* "sqrt", "+": how an operation is written. */
const char *tw__operation_name(enum tw__operation code);

/* The operation that is written so, with the first `length` characters of a text; -1: there is none. level: of INFIX
 * alone; a negative one: any. */
int tw__operation_find(enum tw__written written, int level, const char *text, size_t length);

int tw__operation_is_comparison(enum tw__operation code);

#endif
