/* function.h - the names that a statement may call. */
#ifndef TW_NOTATION_READ_FUNCTION_H
#define TW_NOTATION_READ_FUNCTION_H

#include <stddef.h>

enum tw__function_kind {
    TW__FUNCTION_OPERATION, /* which: enum tw__operation */
    TW__FUNCTION_REDUCTION, /* which: enum tw__reducer */
    TW__FUNCTION_CAST,      /* which: tw_kind */
    TW__FUNCTION_CLIP,
    TW__FUNCTION_ROUND,
    TW__FUNCTION_LENGTH
};

struct tw__function {
    const char *name;
    enum tw__function_kind kind;
    int which;
    int arity;         /* arguments of an operation */
    const char *usage; /* "atan2(y, x)" */
};

/* NULL: there is none. */
const struct tw__function *tw__find_function(const char *name, size_t length);

/* All names: names[tw__function_names(NULL, 0)] at most. Returns how many there are. */
size_t tw__function_names(const char **names, size_t most);

#endif
