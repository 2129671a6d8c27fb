/* spare.c - private memory that results have left. It is the one thing that the library keeps for the whole process, as
 * malloc does, since tw_array_create has no object to keep it with.
 *
 * Kept blocks are hot (their pages are as they were) or cold (the system may take the pages: MADV_FREE). A block is hot
 * first: making 2 MiB of small pages cold takes 60 us, and using them again 200, while a loop uses the same block again
 * and again. The oldest blocks beyond TW__SPARE_HOT bytes are made cold, which for huge pages takes 2 us a MiB. */
#include "heap/spare.h"

#include <stdatomic.h>
#include <string.h>

#include "os/clock.h"
#include "os/cpu.h"
#include "os/map.h"
#include "os/pressure.h"
#include "os/process.h"
#include "os/thread.h"

#define MOST_BLOCKS 64
#define LOOK_NANOSECONDS INT64_C(250000000) /* between two looks at what the machine has */

struct block { /* the oldest first */
    char *address;
    size_t length;
    int cold;
};

static struct {
    pthread_mutex_t lock;
    int owner; /* process whose blocks these are; a fork begins without any */
    int count;
    size_t bytes, hot;
    struct block blocks[MOST_BLOCKS];
} spare = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct {
    pthread_mutex_t lock;
    int owner;
    struct tw__keeper *first;
} keepers = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Never waits in a fork, whose parent's threads may have held the lock. 0: nothing is kept. */
static int enter(void)
{
    const int own = tw__process_own_id();
    const int owner = __atomic_load_n(&spare.owner, __ATOMIC_ACQUIRE);
    if (owner != own && owner != 0) {
        return 0;
    }
    pthread_mutex_lock(&spare.lock);
    if (owner == 0) {
        __atomic_store_n(&spare.owner, own, __ATOMIC_RELEASE);
    }
    return 1;
}

static void leave(void)
{
    pthread_mutex_unlock(&spare.lock);
}

/* With the lock held. */
static struct block remove_block(int at)
{
    const struct block block = spare.blocks[at];
    spare.count--;
    memmove(spare.blocks + at, spare.blocks + at + 1, (size_t)(spare.count - at) * sizeof block);
    spare.bytes -= block.length;
    spare.hot -= block.cold ? 0 : block.length;
    return block;
}

/* The smallest block that fits and is at most a quarter longer; -1: none. The newest of equals, which is hot. */
static int find(size_t bytes)
{
    int best = -1;
    for (int k = 0; k < spare.count; k++) {
        const size_t length = spare.blocks[k].length;
        if (length >= bytes && length - length / 4 <= bytes && (best < 0 || length <= spare.blocks[best].length)) {
            best = k;
        }
    }
    return best;
}

int tw__spare_take(void **address, size_t bytes, size_t *length, int *zero)
{
    if (bytes >= TW__SPARE_LEAST && enter()) {
        const int at = find(bytes);
        const struct block block = at >= 0 ? remove_block(at) : (struct block){0};
        leave();
        if (block.address != NULL) {
            *address = block.address;
            *length = block.length;
            *zero = 0;
            return 0;
        }
    }
    int failed = tw__map_private(address, bytes);
    if (failed != 0) { /* what is kept may be what is missing */
        tw__spare_relieve();
        failed = tw__map_private(address, bytes);
    }
    *length = bytes;
    *zero = 1;
    return failed;
}

/* Takes the oldest block out; with the lock held. */
static void drop_oldest(void)
{
    const struct block block = remove_block(0);
    tw__unmap(block.address, block.length);
}

/* With the lock held. */
static void make_cold(size_t most)
{
    for (int k = 0; k < spare.count && spare.hot > most; k++) {
        struct block *block = &spare.blocks[k];
        if (!block->cold) {
            tw__map_let_go(block->address, block->length);
            block->cold = 1;
            spare.hot -= block->length;
        }
    }
}

void tw__spare_give(void *address, size_t length)
{
    if (length < TW__SPARE_LEAST || !enter()) {
        tw__unmap(address, length);
        return;
    }
    if (spare.count == MOST_BLOCKS) {
        drop_oldest();
    }
    spare.blocks[spare.count++] = (struct block){.address = address, .length = length};
    spare.bytes += length;
    spare.hot += length;
    make_cold(TW__SPARE_HOT);
    const size_t bytes = spare.bytes;
    leave();
    if (tw__memory_is_short(bytes)) {
        tw__spare_trim();
    }
}

void tw__spare_trim(void)
{
    if (!enter()) {
        return;
    }
    while (spare.count > 0) {
        drop_oldest();
    }
    leave();
}

size_t tw__spare_kept(size_t *hot)
{
    size_t bytes = 0;
    *hot = 0;
    if (enter()) {
        bytes = spare.bytes;
        *hot = spare.hot;
        leave();
    }
    return bytes;
}

/* ---- others that keep memory ---- */

/* In a fork the list is its parent's, and begins anew with its first keeper; who was in it does not leave it there. */
static int enter_keepers(int add)
{
    const int own = tw__process_own_id(), owner = __atomic_load_n(&keepers.owner, __ATOMIC_ACQUIRE);
    if (owner != own && !add) {
        return 0;
    }
    if (owner != own && owner != 0) {
        pthread_mutex_init(&keepers.lock, NULL);
        keepers.first = NULL;
    }
    if (owner != own) {
        __atomic_store_n(&keepers.owner, own, __ATOMIC_RELEASE);
    }
    pthread_mutex_lock(&keepers.lock);
    return 1;
}

void tw__keeper_add(struct tw__keeper *keeper)
{
    enter_keepers(1);
    keeper->previous = NULL;
    keeper->next = keepers.first;
    if (keepers.first != NULL) {
        keepers.first->previous = keeper;
    }
    keepers.first = keeper;
    pthread_mutex_unlock(&keepers.lock);
}

void tw__keeper_remove(struct tw__keeper *keeper)
{
    if (!enter_keepers(0)) {
        return;
    }
    if (keeper->next != NULL) {
        keeper->next->previous = keeper->previous;
    }
    if (keeper->previous != NULL) {
        keeper->previous->next = keeper->next;
    } else if (keepers.first == keeper) {
        keepers.first = keeper->next;
    }
    pthread_mutex_unlock(&keepers.lock);
}

void tw__spare_relieve(void)
{
    tw__spare_trim();
    if (!enter_keepers(0)) {
        return;
    }
    for (struct tw__keeper *keeper = keepers.first; keeper != NULL; keeper = keeper->next) {
        keeper->relieve(keeper);
    }
    pthread_mutex_unlock(&keepers.lock);
}

int tw__memory_is_short(size_t kept)
{
    static _Atomic int64_t looked;   /* tw__now() of the last look; 0: none */
    static _Atomic uint64_t allowed; /* bytes that may be kept until the next */
    const int64_t now = tw__now(), last = atomic_load_explicit(&looked, memory_order_relaxed);
    if (last == 0 || now - last > LOOK_NANOSECONDS) {
        atomic_store_explicit(&looked, now, memory_order_relaxed);
        const int64_t room = tw__memory_pressed() ? 0 : tw__spare_memory();
        atomic_store_explicit(&allowed, (uint64_t)(room > 0 ? room : 0), memory_order_relaxed);
    }
    return kept > atomic_load_explicit(&allowed, memory_order_relaxed);
}
