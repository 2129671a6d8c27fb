/* grow.c - a list in memory that grows by doubling. */
#include "base/grow.h"

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

enum { FIRST = 64 };

void *tw__grow(void *list, int used, int *room, size_t size)
{
    if (used < *room) {
        return list;
    }
    if (*room > INT_MAX / 2 || (size_t)*room > SIZE_MAX / 2 / size) {
        return NULL;
    }
    const int more = *room == 0 ? FIRST : 2 * *room;
    void *longer = realloc(list, (size_t)more * size);
    if (longer != NULL) {
        *room = more;
    }
    return longer;
}
