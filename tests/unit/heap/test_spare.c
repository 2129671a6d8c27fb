/* Private memory that results have left: taken again by what fits, bounded, given back when memory is short, and none
 * of a fork's business. */
#include "harness.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/heap.h"
#include "heap/spare.h"

#define MIB ((size_t)1 << 20)

static void *taken(size_t bytes, size_t *length, int *zero)
{
    void *address = NULL;
    assert_int_equal(tw__spare_take(&address, bytes, length, zero), 0);
    assert_true(*length >= bytes);
    return address;
}

static size_t kept(void)
{
    size_t hot;
    return tw__spare_kept(&hot);
}

static void freed_memory_is_the_next_result_of_its_size(void **state)
{
    (void)state;
    size_t length;
    int zero;
    tw__spare_trim();
    char *first = taken(2 * MIB, &length, &zero);
    assert_int_equal(zero, 1);
    first[5] = 1;
    tw__spare_give(first, length);
    assert_int_equal(kept(), 2 * MIB);
    assert_ptr_equal(taken(2 * MIB - 100, &length, &zero), first); /* nearly as long */
    assert_int_equal(zero, 0);
    assert_int_equal(length, 2 * MIB);
    assert_int_equal(kept(), 0);
    tw__spare_give(first, length);
    char *other = taken(MIB, &length, &zero); /* half as long: the rest would lie there unused */
    assert_ptr_not_equal(other, first);
    assert_int_equal(zero, 1);
    tw__spare_give(other, length);
    assert_int_equal(kept(), 3 * MIB);
    tw__spare_trim();
    assert_int_equal(kept(), 0);
}

static void small_memory_is_not_kept(void **state)
{
    (void)state;
    size_t length;
    int zero;
    tw__spare_trim();
    void *memory = taken(TW__SPARE_LEAST - 1, &length, &zero);
    tw__spare_give(memory, length);
    assert_int_equal(kept(), 0);
}

static void the_number_of_blocks_and_what_is_hot_have_bounds(void **state)
{
    (void)state;
    enum { BLOCKS = 200 };
    void *memory[BLOCKS];
    size_t length, hot;
    int zero;
    tw__spare_trim();
    for (int k = 0; k < BLOCKS; k++) {
        memory[k] = taken(MIB, &length, &zero);
        memset(memory[k], 1, MIB);
    }
    for (int k = 0; k < BLOCKS; k++) {
        tw__spare_give(memory[k], MIB);
    }
    assert_true(tw__spare_kept(&hot) <= 64 * MIB);
    assert_true(hot <= TW__SPARE_HOT);
    assert_true(hot > 0);
    tw__spare_trim();
    assert_int_equal(tw__spare_kept(&hot), 0);
    assert_int_equal(hot, 0);
}

static size_t address_space(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* With so little address space the second allocation, for which the first is too short, fails unless the first, which
 * is kept, is given back. */
static void what_is_kept_goes_when_an_allocation_would_fail(void **state)
{
    (void)state;
    size_t length, hot;
    int zero;
    void *memory;
    struct rlimit before, limit;
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(tw__spare_take(&memory, 256 * MIB, &length, &zero), 0);
    tw__spare_give(memory, length);
    assert_int_equal(tw__spare_kept(&hot), 256 * MIB);
    limit = before;
    limit.rlim_cur = address_space() + 64 * MIB;
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    const int failed = tw__spare_take(&memory, 300 * MIB, &length, &zero);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_int_equal(failed, 0);
    assert_true(zero);
    assert_int_equal(tw__spare_kept(&hot), 0);
    tw__spare_give(memory, length);
    tw__spare_trim();
}

/* Its parent's threads may have held the lock. */
static void a_fork_keeps_nothing(void **state)
{
    (void)state;
    size_t length, hot;
    int zero, status;
    void *memory;
    assert_int_equal(tw__spare_take(&memory, MIB, &length, &zero), 0);
    tw__spare_give(memory, length);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int failed = tw__spare_kept(&hot) != 0;
        failed |= tw__spare_take(&memory, MIB, &length, &zero) != 0 || !zero;
        tw__spare_give(memory, length);
        _exit(failed || tw__spare_kept(&hot) != 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    tw__spare_trim();
}

static int relieved;

static void note(struct tw__keeper *keeper)
{
    (void)keeper;
    relieved++;
}

static void all_keepers_are_asked_and_none_that_has_left(void **state)
{
    (void)state;
    struct tw__keeper one = {.relieve = note}, other = {.relieve = note};
    tw__keeper_add(&one);
    tw__keeper_add(&other);
    tw__spare_relieve();
    assert_int_equal(relieved, 2);
    tw__keeper_remove(&one);
    tw__spare_relieve();
    assert_int_equal(relieved, 3);
    tw__keeper_remove(&other);
    tw__spare_relieve();
    assert_int_equal(relieved, 3);
}

static void pages_of_freed_ranges_of_a_heap_go_when_all_is_relieved(void **state)
{
    (void)state;
    struct tw__heap *heap;
    void *range;
    unsigned char present[1];
    assert_int_equal(tw__heap_create(&heap, 1 << 26, NULL), TW_OK);
    assert_int_equal(tw__heap_take(heap, 4 * MIB, &range, NULL), TW_OK);
    memset(range, 1, 4 * MIB);
    tw__heap_give(heap, range);
    assert_int_equal(mincore((char *)range + 4096, 4096, present), 0);
    assert_int_equal(present[0] & 1, 1); /* kept warm */
    tw__spare_relieve();
    assert_int_equal(mincore((char *)range + 4096, 4096, present), 0);
    assert_int_equal(present[0] & 1, 0);
    tw__heap_release(heap);
    tw__spare_relieve(); /* it is no keeper any more */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(freed_memory_is_the_next_result_of_its_size),
        cmocka_unit_test(small_memory_is_not_kept),
        cmocka_unit_test(the_number_of_blocks_and_what_is_hot_have_bounds),
        cmocka_unit_test(what_is_kept_goes_when_an_allocation_would_fail),
        cmocka_unit_test(a_fork_keeps_nothing),
        cmocka_unit_test(all_keepers_are_asked_and_none_that_has_left),
        cmocka_unit_test(pages_of_freed_ranges_of_a_heap_go_when_all_is_relieved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
