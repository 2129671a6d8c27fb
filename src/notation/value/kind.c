/* kind.c - the names of kinds. */
#include "notation/value/kind.h"

const char *tw__kind_name(tw_kind kind)
{
    const tw_dtype dtype = tw_dtype_of(kind);
    return tw_dtype_name(&dtype);
}
