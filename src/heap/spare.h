/* spare.h - private memory that results have left, kept for the next ones: fresh pages cost 10 to 100 times what
 * touched ones do. Bytes alone; knows no arrays. */
#ifndef TW_HEAP_SPARE_H
#define TW_HEAP_SPARE_H

#include <stddef.h>
#include <stdint.h>

#define TW__SPARE_LEAST ((size_t)64 << 10) /* smaller memory is not kept */

/* Private memory of at least `bytes` > 0 bytes: kept memory if some fits, else new memory. *length: what tw__spare_give
 * takes back. *zero: it is new, and so all zeros; else the contents are undefined. Any thread. 0, or an errno. */
int tw__spare_take(void **address, size_t bytes, size_t *length, int *zero);

/* Keeps it for the next, or gives it back to the system. What is kept beyond TW__SPARE_HOT bytes goes back by itself
 * when the system needs memory; all of it goes when an allocation of the library's would fail. Any thread. */
void tw__spare_give(void *address, size_t length);

#define TW__SPARE_HOT ((size_t)32 << 20)

/* Gives everything that is kept back to the system: before a fork, whose child would keep it. */
void tw__spare_trim(void);

/* Bytes that are kept, and how many of them are hot. */
size_t tw__spare_kept(size_t *hot);

/* Who else keeps memory that nobody uses. */
struct tw__keeper {
    struct tw__keeper *next, *previous;
    void (*relieve)(struct tw__keeper *keeper); /* gives it back to the system; any thread */
};

void tw__keeper_add(struct tw__keeper *keeper);
void tw__keeper_remove(struct tw__keeper *keeper); /* once it has returned, nobody is inside its `relieve` */

/* Memory is short: all that is kept anywhere in the process goes back to the system. Not with a keeper's lock held. In
 * a fork: nothing. */
void tw__spare_relieve(void);

/* The machine, or a control group of this process's, is short of memory, or a limit on address space is near. Cheap
 * enough to ask at each large give: it looks four times a second at most. `kept`: bytes that the caller keeps. */
int tw__memory_is_short(size_t kept);

#endif
