/* helper.h - the small functions that generated C is made of, printed only if a program uses them. */
#ifndef TW_NOTATION_PRINT_HELPER_H
#define TW_NOTATION_PRINT_HELPER_H

#include "notation/print/emitter.h"

/* A family of functions, one for each kind of number: tw_NAME_SUFFIX. The text is C in which
 *     @T the type of a value   @M that of an item in memory   @S its suffix   @U the unsigned type it wraps in
 *     @A the type of sums of a run: 32 bits of an integer of 8 or 16, else 64
 *     @B its bits   @P the type of a complex number's parts   @R their suffix   @F what a C function's name ends with
 * stand for what the kind says. */
struct tw__helper {
    const char *name;
    const char *kinds; /* one letter a class: b bool, i signed, u unsigned, h float16, f float32 and float64,
                        * c complex; "-" the family has one member, tw_NAME */
    const char *needs; /* names of others, separated by blanks: of the same kind, or "name/part" of a complex number's
                        * parts, "name/" of the family that has one member */
    const char *text;
};

/* The tables: all helpers of a subject, ended by one without a name. */
extern const struct tw__helper tw__helpers_memory[];
extern const struct tw__helper tw__helpers_integer[];
extern const struct tw__helper tw__helpers_real[];
extern const struct tw__helper tw__helpers_complex[];
extern const struct tw__helper tw__helpers_reduce[];

/* The members of all tables, for the size of tw__emitter's list. */
int tw__helper_count(void);

/* Prints the helper, and those that it needs, unless they stand there already. 0: there is no such helper. */
int tw__helper_need(struct tw__emitter *e, const char *name, tw_kind kind);

#endif
