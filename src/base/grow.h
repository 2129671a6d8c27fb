/* grow.h - a list in memory that grows by doubling. */
#ifndef TW_BASE_GROW_H
#define TW_BASE_GROW_H

#include <stddef.h>

/* Room for one more thing of `size` bytes behind the `used` ones of a list that has *room; NULL and 0 are an empty
 * list. Gives the list, which may lie elsewhere then; NULL: out of memory, and the list is as it was. */
void *tw__grow(void *list, int used, int *room, size_t size);

#endif
