/* Shared memory of a pool: ranges never overlap, freed ones are taken again, children see what is taken later. */
#include "harness.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/heap.h"

static void ranges_never_overlap(void **state)
{
    (void)state;
    struct tw__heap *heap;
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    enum { N = 64 };
    unsigned char *held[N] = {0};
    size_t sizes[N];
    uint64_t random = 7;
    for (int step = 0; step < 4000; step++) {
        const int k = (int)random_below(&random, N);
        if (held[k] != NULL) {
            for (size_t b = 0; b < sizes[k]; b += 997) {
                assert_int_equal(held[k][b], k + 1); /* nobody else wrote here */
            }
            assert_int_equal(held[k][sizes[k] - 1], k + 1);
            tw__heap_give(heap, held[k]);
            held[k] = NULL;
        } else {
            sizes[k] = (size_t)random_below(&random, step % 5 == 0 ? 3 << 20 : 5000) + 1;
            void *address;
            assert_int_equal(tw__heap_take(heap, sizes[k], &address, NULL), TW_OK);
            assert_int_equal((uintptr_t)address % (sizes[k] >= 1 << 20 ? 2 << 20 : 64), 0);
            held[k] = address;
            memset(held[k], k + 1, sizes[k]);
        }
    }
    for (int k = 0; k < N; k++) {
        tw__heap_give(heap, held[k]);
    }
    /* everything was given back: the whole is one free range again */
    void *whole;
    assert_int_equal(tw__heap_take(heap, tw__heap_size(heap), &whole, NULL), TW_OK);
    tw__heap_give(heap, whole);
    tw__heap_release(heap);
}

static void freed_range_is_taken_again(void **state)
{
    (void)state;
    struct tw__heap *heap;
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    void *first, *second, *again;
    assert_int_equal(tw__heap_take(heap, 4 << 20, &first, NULL), TW_OK);
    assert_int_equal(tw__heap_take(heap, 100, &second, NULL), TW_OK);
    tw__heap_give(heap, first);
    assert_int_equal(tw__heap_take(heap, 3 << 20, &again, NULL), TW_OK);
    assert_ptr_equal(again, first);
    tw__heap_give(heap, again);
    tw__heap_give(heap, second);
    tw__heap_release(heap);
}

static void child_sees_memory_taken_after_the_fork(void **state)
{
    (void)state;
    struct tw__heap *heap;
    int ends[2];
    char c = 0;
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    assert_int_equal(pipe(ends), 0);
    void **where;
    assert_int_equal(tw__heap_take(heap, sizeof *where, (void **)&where, NULL), TW_OK);
    const pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        if (read(ends[0], &c, 1) == 1) {
            memset(*where, 42, 1 << 20);
        }
        _exit(0);
    }
    void *later;
    assert_int_equal(tw__heap_take(heap, 1 << 20, &later, NULL), TW_OK);
    *where = later;
    assert_int_equal(write(ends[1], "x", 1), 1);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(((char *)later)[0], 42);
    assert_int_equal(((char *)later)[(1 << 20) - 1], 42);
    close(ends[0]);
    close(ends[1]);
    tw__heap_give(heap, later);
    tw__heap_give(heap, where);
    tw__heap_release(heap);
}

static void trim_returns_pages_of_free_ranges_alone(void **state)
{
    (void)state;
    struct tw__heap *heap;
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    char *kept, *given, *again;
    assert_int_equal(tw__heap_take(heap, 2 << 20, (void **)&kept, NULL), TW_OK);
    assert_int_equal(tw__heap_take(heap, 2 << 20, (void **)&given, NULL), TW_OK);
    memset(kept, 1, 2 << 20);
    memset(given, 2, 2 << 20);
    const uint64_t epoch = tw__heap_epoch(heap);
    tw__heap_give(heap, given);
    tw__heap_trim(heap);
    assert_true(tw__heap_epoch(heap) != epoch);
    assert_int_equal(kept[(2 << 20) - 1], 1);
    assert_int_equal(tw__heap_take(heap, 2 << 20, (void **)&again, NULL), TW_OK);
    assert_ptr_equal(again, given);
    assert_int_equal(again[12345], 0);
    tw__heap_give(heap, kept);
    tw__heap_give(heap, again);
    tw__heap_release(heap);
}

static void more_than_the_reserve_is_refused(void **state)
{
    (void)state;
    struct tw__heap *heap;
    tw_error error = {0};
    void *address = (void *)&heap;
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    assert_int_equal(tw__heap_take(heap, (size_t)1 << 40, &address, &error), TW_ERROR_MEMORY);
    assert_ptr_equal(address, &heap); /* untouched */
    assert_non_null(strstr(error.message, "shared memory"));
    assert_int_equal(tw__heap_take(heap, SIZE_MAX, &address, &error), TW_ERROR_MEMORY);
    tw__heap_release(heap);
}

static void more_than_the_machine_has_is_refused(void **state)
{
    (void)state;
    struct tw__heap *heap;
    tw_error error = {0};
    void *address;
    tw_machine machine;
    tw_machine_describe(&machine);
    assert_int_equal(tw__heap_create(&heap, 4 * machine.memory_total, NULL), TW_OK);
    assert_int_equal(tw__heap_take(heap, (size_t)(3 * machine.memory_total), &address, &error), TW_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "available"));
    assert_int_equal(tw__heap_take(heap, 1 << 22, &address, &error), TW_OK);
    tw__heap_give(heap, address);
    tw__heap_release(heap);
}

/* Mappings of this process that begin in the range. */
static int mappings_in(const char *base, size_t size)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int count = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        const char *start = (const char *)strtoull(line, NULL, 16);
        count += start >= base && start < base + size;
    }
    fclose(maps);
    return count;
}

static void a_sealed_heap_keeps_what_is_taken_and_nothing_else(void **state)
{
    (void)state;
    struct tw__heap *heap;
    char *held[3];
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    for (int k = 0; k < 3; k++) {
        void *address;
        assert_int_equal(tw__heap_take(heap, 3 << 20, &address, NULL), TW_OK);
        held[k] = address;
        memset(held[k], k + 1, 3 << 20);
    }
    char *const base = tw__heap_base(heap);
    tw__heap_give(heap, held[1]);
    tw__heap_retain(heap); /* an array's */
    tw__heap_seal(heap);
    assert_int_equal(tw__heap_descriptor(heap), -1);
    assert_int_equal(mappings_in(base, 1 << 28), 2);
    tw__heap_release(heap); /* the pool's */
    for (int k = 0; k < 3; k += 2) {
        assert_true(held[k][0] == k + 1 && held[k][(3 << 20) - 1] == k + 1);
    }
    tw__heap_give(heap, held[0]);
    assert_int_equal(mappings_in(base, 1 << 28), 1);
    /* what lies there by now is not the heap's to unmap */
    char *other = mmap(held[1], 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    assert_ptr_equal(other, held[1]);
    other[5] = 9;
    tw__heap_give(heap, held[2]);
    tw__heap_release(heap);
    assert_int_equal(other[5], 9);
    assert_int_equal(mappings_in(base, 1 << 28), 1);
    munmap(other, 1 << 20);
}

static void what_others_have_is_given_once_they_have_it_no_more(void **state)
{
    (void)state;
    struct tw__heap *heap;
    void *array, *counter, *again;
    assert_int_equal(tw__heap_create(&heap, 1 << 28, NULL), TW_OK);
    tw__heap_return(heap);
    assert_int_equal(tw__heap_take(heap, 1 << 20, &array, NULL), TW_OK);
    assert_int_equal(tw__heap_take(heap, 64, &counter, NULL), TW_OK);
    memset(array, 7, 1 << 20);
    atomic_store((_Atomic uint64_t *)counter, 1);
    tw__heap_give_both(heap, array, counter);
    assert_int_equal(tw__heap_take(heap, 1 << 20, &again, NULL), TW_OK);
    assert_ptr_not_equal(again, array);
    assert_int_equal(((char *)array)[12345], 7);
    tw__heap_give(heap, again);
    atomic_store((_Atomic uint64_t *)counter, 0);
    assert_int_equal(tw__heap_take(heap, 1 << 20, &again, NULL), TW_OK);
    assert_ptr_equal(again, array);
    assert_int_equal(((char *)array)[12345], 0); /* its pages had gone back */
    tw__heap_give(heap, again);
    tw__heap_release(heap);
}

#ifndef SANITIZED
static void little_address_space_gives_a_smaller_heap(void **state)
{
    (void)state;
    const pid_t child = fork();
    if (child == 0) {
        const struct rlimit limit = {.rlim_cur = 100 << 20, .rlim_max = 100 << 20};
        struct tw__heap *heap;
        void *address;
        const int good = setrlimit(RLIMIT_AS, &limit) == 0 && tw__heap_create(&heap, 0, NULL) == TW_OK &&
                         tw__heap_size(heap) >= 8 << 20 && tw__heap_take(heap, 4 << 20, &address, NULL) == TW_OK;
        _exit(good ? 0 : 1);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_never_overlap),
        cmocka_unit_test(freed_range_is_taken_again),
        cmocka_unit_test(child_sees_memory_taken_after_the_fork),
        cmocka_unit_test(trim_returns_pages_of_free_ranges_alone),
        cmocka_unit_test(a_sealed_heap_keeps_what_is_taken_and_nothing_else),
        cmocka_unit_test(what_others_have_is_given_once_they_have_it_no_more),
        cmocka_unit_test(more_than_the_reserve_is_refused),
        cmocka_unit_test(more_than_the_machine_has_is_refused),
#ifndef SANITIZED
        cmocka_unit_test(little_address_space_gives_a_smaller_heap),
#endif
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
