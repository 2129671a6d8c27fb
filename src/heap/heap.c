/* heap.c - shared memory of one pool: one sparse mapping, and which ranges of it are taken. The ranges are kept in
 * private memory of the process that made the heap: a worker never takes or gives. */
#include "heap/heap.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/checked.h"
#include "base/error.h"
#include "heap/spare.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/map.h"
#include "os/process.h"
#include "os/thread.h"

#define SMALL_ALIGNMENT 64
#define LARGE ((size_t)1 << 20)
#define LEAST_RESERVE ((size_t)1 << 23)

/* Ranges tile the heap without gaps, in order of address; two free neighbours are always one range. */
struct range {
    size_t offset, size;
    int taken;
};

/* Ranges that were given while other processes had them. */
struct later {
    struct later *next;
    void *address;
    _Atomic uint64_t *counter;
};

struct tw__heap {
    struct tw__keeper keeper; /* first */
    char *base;
    size_t size;
    int fd;
    int owner;         /* process that made it: a fork has the memory, but its own copy of the list of ranges */
    int64_t mapped_at; /* tw__now() */
    int refused;       /* the system gives no huge pages */
    atomic_int references;
    _Atomic uint64_t epoch;
    pthread_mutex_t lock; /* over what follows; workers never take it */
    struct range *ranges;
    size_t count, capacity;
    size_t touched; /* no page at or past this offset was ever handed out */
    int returns;    /* given memory goes back at once */
    int sealed;     /* nothing more is taken: free ranges are mapped no longer */
    int needed;     /* how many need the memory file */
    struct later *later;
};

static void relieve(struct tw__keeper *keeper)
{
    tw__heap_trim((struct tw__heap *)keeper); /* its first member */
}

tw_status tw__heap_create(struct tw__heap **heap, int64_t bytes, tw_error *error)
{
    size_t wanted = (size_t)bytes;
    if (bytes <= 0) {
        tw_machine machine;
        tw_machine_describe(&machine);
        wanted = machine.heap_bytes > 0 ? (size_t)machine.heap_bytes : (size_t)64 << 30;
    }
    wanted = (wanted + TW__HUGE_PAGE - 1) & ~(TW__HUGE_PAGE - 1);
    struct tw__heap *made = calloc(1, sizeof *made);
    struct range *ranges = malloc(64 * sizeof *ranges);
    if (made == NULL || ranges == NULL) {
        free(made);
        free(ranges);
        return tw__fail_memory(error, sizeof *made, "a shared heap");
    }
    void *base = NULL;
    int os_error = tw__map_shared(&base, wanted, &made->fd);
    while (os_error != 0 && bytes <= 0 && wanted > LEAST_RESERVE) { /* address-space limits: take what is available */
        wanted = (wanted / 2) & ~(TW__HUGE_PAGE - 1);
        os_error = tw__map_shared(&base, wanted, &made->fd);
    }
    if (os_error != 0) {
        free(made);
        free(ranges);
        return tw__fail_os(error, TW_ERROR_MEMORY, os_error, "cannot reserve %zu bytes of shared memory", wanted);
    }
    made->base = base;
    made->owner = tw__process_own_id();
    made->mapped_at = tw__now();
    made->size = wanted;
    atomic_init(&made->references, 1);
    atomic_init(&made->epoch, 1);
    pthread_mutex_init(&made->lock, NULL);
    made->ranges = ranges;
    made->capacity = 64;
    made->count = 1;
    made->ranges[0] = (struct range){0, wanted, 0};
    made->keeper.relieve = relieve;
    tw__keeper_add(&made->keeper);
    *heap = made;
    return TW_OK;
}

void tw__heap_retain(struct tw__heap *heap)
{
    atomic_fetch_add_explicit(&heap->references, 1, memory_order_relaxed);
}

/* Of a sealed heap, what is still mapped: ranges that nobody gave. Others may have been mapped elsewhere since. */
static void unmap_taken(struct tw__heap *heap)
{
    const size_t page = (size_t)tw__page_size();
    for (size_t k = 0; k < heap->count; k++) {
        const struct range *range = &heap->ranges[k];
        if (range->taken) {
            const size_t start = range->offset & ~(page - 1);
            tw__unmap(heap->base + start, ((range->offset + range->size + page - 1) & ~(page - 1)) - start);
        }
    }
}

void tw__heap_release(struct tw__heap *heap)
{
    if (heap == NULL || atomic_fetch_sub_explicit(&heap->references, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (heap->owner == tw__process_own_id()) {
        tw__keeper_remove(&heap->keeper);
    }
    if (heap->sealed) {
        unmap_taken(heap);
    } else {
        tw__unmap(heap->base, heap->size);
    }
    tw__map_close(heap->fd);
    pthread_mutex_destroy(&heap->lock);
    while (heap->later != NULL) {
        struct later *later = heap->later;
        heap->later = later->next;
        free(later);
    }
    free(heap->ranges);
    free(heap);
}

static void insert(struct tw__heap *heap, size_t at, struct range range)
{
    for (size_t k = heap->count; k > at; k--) {
        heap->ranges[k] = heap->ranges[k - 1];
    }
    heap->ranges[at] = range;
    heap->count++;
}

static void drop(struct tw__heap *heap, size_t at)
{
    heap->count--;
    for (size_t k = at; k < heap->count; k++) {
        heap->ranges[k] = heap->ranges[k + 1];
    }
}

/* Index of the range that starts at `offset`, or `count`. */
static size_t find(const struct tw__heap *heap, size_t offset)
{
    size_t low = 0, high = heap->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (heap->ranges[middle].offset < offset) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < heap->count && heap->ranges[low].offset == offset ? low : heap->count;
}

/* The free range to take from: of those that were touched before (warm) in full the smallest that fits, else the first
 * that fits, which also reuses a warm piece in front of untouched memory. */
static size_t choose(const struct tw__heap *heap, size_t size, size_t alignment)
{
    size_t best = heap->count, first = heap->count;
    for (size_t k = 0; k < heap->count; k++) {
        const struct range *range = &heap->ranges[k];
        const size_t start = (range->offset + alignment - 1) & ~(alignment - 1);
        if (range->taken || start + size > range->offset + range->size) {
            continue;
        }
        if (first == heap->count) {
            first = k;
        }
        if (!heap->returns && range->offset + range->size <= heap->touched &&
            (best == heap->count || range->size < heap->ranges[best].size)) {
            best = k;
        }
    }
    return best < heap->count ? best : first;
}

/* With the lock held. */
static void trim(struct tw__heap *heap)
{
    atomic_fetch_add_explicit(&heap->epoch, 1, memory_order_release);
    const size_t page = (size_t)tw__page_size();
    for (size_t k = 0; k < heap->count; k++) {
        const struct range *range = &heap->ranges[k];
        const size_t start = (range->offset + page - 1) & ~(page - 1);
        const size_t end = range->offset + range->size < heap->touched ? range->offset + range->size : heap->touched;
        if (!range->taken && end > start + page) {
            tw__map_discard(heap->base + start, (end - start) & ~(page - 1), heap->fd, start);
        }
    }
}

/* The reserve is address space; what is past all that was ever handed out must come from the machine's free memory. */
static tw_status check_room(const struct tw__heap *heap, size_t start, size_t size, tw_error *error)
{
    const size_t fresh = heap->returns || start >= heap->touched ? size
                         : start + size > heap->touched          ? start + size - heap->touched
                                                                 : 0;
    if (tw__is_small((int64_t)fresh)) {
        return TW_OK; /* looking costs more than that is worth */
    }
    const int64_t available = tw__available_memory();
    if (fresh <= (uint64_t)available) {
        return TW_OK;
    }
    return tw__fail(error, TW_ERROR_MEMORY, "a shared array needs %zu MiB; this machine has %lld MiB available",
                    fresh >> 20, (long long)(available >> 20));
}

/* Whole pages of the free range `at` that `size` bytes from `offset` on were just added to: those of the rest have gone
 * before. With the lock held. */
static void hand_back(struct tw__heap *heap, size_t at, size_t offset, size_t size)
{
    const size_t page = (size_t)tw__page_size();
    const struct range *range = &heap->ranges[at];
    const size_t first = (range->offset + page - 1) & ~(page - 1), last = (range->offset + range->size) & ~(page - 1);
    const size_t from = offset & ~(page - 1), to = (offset + size + page - 1) & ~(page - 1);
    const size_t start = from > first ? from : first, end = to < last ? to : last;
    if (end <= start || heap->owner != tw__process_own_id()) {
        return;
    }
    tw__map_discard(heap->base + start, end - start, heap->fd, start);
    if (heap->sealed) {
        tw__unmap(heap->base + start, end - start);
    }
}

/* With the lock held. */
static void give(struct tw__heap *heap, void *address)
{
    size_t at = find(heap, (size_t)((char *)address - heap->base));
    if (at == heap->count || !heap->ranges[at].taken) {
        return;
    }
    const struct range given = heap->ranges[at];
    heap->ranges[at].taken = 0;
    if (at + 1 < heap->count && !heap->ranges[at + 1].taken) {
        heap->ranges[at].size += heap->ranges[at + 1].size;
        drop(heap, at + 1);
    }
    if (at > 0 && !heap->ranges[at - 1].taken) {
        heap->ranges[at - 1].size += heap->ranges[at].size;
        drop(heap, at--);
    }
    if (heap->returns || heap->sealed) {
        hand_back(heap, at, given.offset, given.size);
    }
}

/* With the lock held. */
static void close_file(struct tw__heap *heap)
{
    if (heap->sealed && heap->needed == 0 && heap->later == NULL) {
        tw__map_close(heap->fd);
        heap->fd = -1;
    }
}

/* Gives what other processes had and have no longer. With the lock held. */
static void give_later(struct tw__heap *heap)
{
    for (struct later **link = &heap->later; *link != NULL;) {
        struct later *later = *link;
        if (atomic_load_explicit(later->counter, memory_order_acquire) != 0) {
            link = &later->next;
            continue;
        }
        *link = later->next;
        give(heap, later->address);
        give(heap, later->counter);
        free(later);
    }
    close_file(heap);
}

static tw_status take(struct tw__heap *heap, size_t bytes, void **address, tw_error *error)
{
    const size_t alignment = bytes >= LARGE ? TW__HUGE_PAGE : SMALL_ALIGNMENT;
    int64_t rounded;
    if (bytes > INT64_MAX || !tw__round_up((int64_t)(bytes > 0 ? bytes : 1), SMALL_ALIGNMENT, &rounded) ||
        (size_t)rounded > heap->size) {
        return tw__fail(error, TW_ERROR_MEMORY,
                        "shared memory of %zu bytes was asked for, but this pool has reserved %zu in all", bytes,
                        heap->size);
    }
    if (heap->owner != tw__process_own_id()) {
        return tw__fail(error, TW_ERROR_PROCESS,
                        "this shared memory belongs to process %d, of which this one is a fork; open a pool here",
                        heap->owner);
    }
    const size_t size = (size_t)rounded;
    tw_status status = TW_OK;
    pthread_mutex_lock(&heap->lock);
    if (heap->count + 2 > heap->capacity) {
        struct range *more = realloc(heap->ranges, 2 * heap->capacity * sizeof *more);
        if (more == NULL) {
            status = tw__fail_memory(error, 2 * heap->capacity * sizeof *more, "the shared heap's list of ranges");
            goto done;
        }
        heap->ranges = more;
        heap->capacity *= 2;
    }
    give_later(heap);
    size_t at = choose(heap, size, alignment);
    if (at == heap->count) {
        status = tw__fail(error, TW_ERROR_MEMORY,
                          "shared memory of %zu bytes was asked for, but no free range of this pool's %zu is as long",
                          bytes, heap->size);
        goto done;
    }
    struct range range = heap->ranges[at];
    const size_t start = (range.offset + alignment - 1) & ~(alignment - 1);
    status = check_room(heap, start, size, error);
    if (status != TW_OK) {
        goto done;
    }
    if (start > range.offset) {
        heap->ranges[at].size = start - range.offset;
        insert(heap, ++at, (struct range){start, range.offset + range.size - start, 0});
    }
    range = heap->ranges[at];
    if (range.size > size) {
        insert(heap, at + 1, (struct range){start + size, range.size - size, 0});
    }
    heap->ranges[at] = (struct range){start, size, 1};
    if (start + size > heap->touched) {
        heap->touched = start + size;
    }
    *address = heap->base + start;
done:
    pthread_mutex_unlock(&heap->lock);
    return status;
}

tw_status tw__heap_take(struct tw__heap *heap, size_t bytes, void **address, tw_error *error)
{
    const tw_status status = take(heap, bytes, address, NULL);
    if (status != TW_ERROR_MEMORY) {
        return status == TW_OK ? status : take(heap, bytes, address, error);
    }
    tw__spare_relieve(); /* what is kept, here or elsewhere, may be what is missing */
    return take(heap, bytes, address, error);
}

/* Bytes of free ranges whose pages may be there still. With the lock held. */
static size_t kept(const struct tw__heap *heap)
{
    size_t bytes = 0;
    for (size_t k = 0; k < heap->count; k++) {
        const struct range *range = &heap->ranges[k];
        if (!range->taken && range->offset < heap->touched) {
            const size_t end = range->offset + range->size;
            bytes += (end < heap->touched ? end : heap->touched) - range->offset;
        }
    }
    return bytes;
}

void tw__heap_give(struct tw__heap *heap, void *address)
{
    if (address == NULL) {
        return;
    }
    pthread_mutex_lock(&heap->lock);
    give(heap, address);
    give_later(heap);
    const size_t bytes = !heap->returns && !heap->sealed && heap->owner == tw__process_own_id() ? kept(heap) : 0;
    if (bytes >= LARGE && tw__memory_is_short(bytes)) { /* the system cannot take pages of shared memory by itself */
        trim(heap);
    }
    pthread_mutex_unlock(&heap->lock);
}

void tw__heap_give_both(struct tw__heap *heap, void *address, _Atomic uint64_t *counter)
{
    pthread_mutex_lock(&heap->lock);
    struct later *later = NULL;
    if (atomic_load(counter) == 0) {
        give(heap, address);
        give(heap, counter);
    } else { /* without memory for this it is lost to the heap, but nobody else is given what another still has */
        later = malloc(sizeof *later);
    }
    if (later != NULL) {
        *later = (struct later){.next = heap->later, .address = address, .counter = counter};
        heap->later = later;
    }
    give_later(heap);
    pthread_mutex_unlock(&heap->lock);
}

void tw__heap_return(struct tw__heap *heap)
{
    heap->returns = 1;
}

void tw__heap_seal(struct tw__heap *heap)
{
    if (heap->owner != tw__process_own_id() ||
        atomic_load_explicit(&heap->references, memory_order_acquire) == 1) { /* the release that follows unmaps all */
        return;
    }
    const size_t page = (size_t)tw__page_size();
    pthread_mutex_lock(&heap->lock);
    heap->sealed = 1;
    for (size_t k = 0; k < heap->count; k++) {
        const struct range *range = &heap->ranges[k];
        const size_t start = (range->offset + page - 1) & ~(page - 1);
        const size_t end = (range->offset + range->size) & ~(page - 1);
        if (!range->taken && end > start) {
            tw__map_discard(heap->base + start, end - start, heap->fd, start);
            tw__unmap(heap->base + start, end - start);
        }
    }
    close_file(heap);
    pthread_mutex_unlock(&heap->lock);
}

void tw__heap_need_file(struct tw__heap *heap, int change)
{
    pthread_mutex_lock(&heap->lock);
    heap->needed += change;
    close_file(heap);
    pthread_mutex_unlock(&heap->lock);
}

void tw__heap_trim(struct tw__heap *heap)
{
    pthread_mutex_lock(&heap->lock);
    trim(heap);
    pthread_mutex_unlock(&heap->lock);
}

uint64_t tw__heap_epoch(const struct tw__heap *heap)
{
    return atomic_load_explicit(&heap->epoch, memory_order_acquire);
}

int tw__heap_contains(const struct tw__heap *heap, const void *address)
{
    return (const char *)address >= heap->base && (const char *)address < heap->base + heap->size;
}

void *tw__heap_base(const struct tw__heap *heap)
{
    return heap->base;
}

size_t tw__heap_size(const struct tw__heap *heap)
{
    return heap->size;
}

int64_t tw__heap_mapped_at(const struct tw__heap *heap)
{
    return heap->mapped_at;
}

tw_status tw__heap_populate(struct tw__heap *heap, void *address, size_t bytes, tw_error *error)
{
    if (bytes < LARGE) {
        return TW_OK;
    }
    /* Large ranges begin at a huge page; the last one may be shared with a neighbour, whose contents stay. */
    const size_t whole = (bytes + TW__HUGE_PAGE - 1) & ~(TW__HUGE_PAGE - 1);
    return tw__populate_huge(address, whole, &heap->refused) == ENOMEM
               ? tw__fail_memory(error, bytes, "a copy in shared memory")
               : TW_OK;
}

int tw__heap_has_file(const struct tw__heap *heap)
{
    return heap->fd >= 0;
}

int tw__heap_descriptor(const struct tw__heap *heap)
{
    return heap->fd;
}

tw_status tw_heap_open(tw_heap **heap, int64_t bytes, tw_error *error)
{
    struct tw__heap *made;
    if (bytes < 0) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "a shared heap cannot have a negative size");
    }
    const tw_status status = tw__heap_create(&made, bytes, error);
    if (status == TW_OK) {
        tw__heap_return(made);
        *heap = made;
    }
    return status;
}

void tw_heap_close(tw_heap *heap)
{
    if (heap != NULL) {
        tw__heap_seal(heap);
        tw__heap_release(heap);
    }
}
