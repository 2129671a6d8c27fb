/* Memory that is reserved again and again: kept while it is large enough, replaced when it is not, private or in a
 * heap. */
#include "harness.h"

#include <string.h>

#include "heap/memory.h"

static void what_is_large_enough_is_kept(void **state)
{
    (void)state;
    struct tw__memory memory = {0};
    assert_int_equal(tw__memory_reserve(&memory, NULL, 1000, "a test", NULL), TW_OK);
    void *data = memory.data;
    memset(data, 1, 1000);
    assert_int_equal(tw__memory_reserve(&memory, NULL, 10, "a test", NULL), TW_OK);
    assert_ptr_equal(memory.data, data);
    assert_int_equal(tw__memory_reserve(&memory, NULL, (size_t)1 << 24, "a test", NULL), TW_OK);
    assert_true(memory.size >= (size_t)1 << 24);
    memset(memory.data, 2, (size_t)1 << 24);
    tw__memory_release(&memory);
    assert_null(memory.data);
    assert_int_equal(memory.size, 0);
    tw__memory_release(&memory); /* nothing is left to release */
}

static void memory_of_a_heap_lies_in_it_and_outlives_its_owner(void **state)
{
    (void)state;
    struct tw__heap *heap;
    struct tw__memory memory = {0};
    assert_int_equal(tw__heap_create(&heap, 1 << 26, NULL), TW_OK);
    assert_int_equal(tw__memory_reserve(&memory, heap, 1 << 20, "a test", NULL), TW_OK);
    assert_true(tw__heap_contains(heap, memory.data));
    tw__heap_release(heap); /* the memory holds a reference of its own */
    memset(memory.data, 3, 1 << 20);
    tw__memory_release(&memory);
}

static void memory_that_is_refused_leaves_what_was_there(void **state)
{
    (void)state;
    tw_error error = {0};
    struct tw__heap *heap;
    struct tw__memory memory = {0};
    assert_int_equal(tw__heap_create(&heap, 1 << 22, NULL), TW_OK);
    assert_int_equal(tw__memory_reserve(&memory, heap, 100, "a test", NULL), TW_OK);
    void *data = memory.data;
    assert_int_equal(tw__memory_reserve(&memory, heap, (size_t)1 << 40, "a test", &error), TW_ERROR_MEMORY);
    assert_ptr_equal(memory.data, data);
    tw__memory_release(&memory);
    tw__heap_release(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_large_enough_is_kept),
        cmocka_unit_test(memory_of_a_heap_lies_in_it_and_outlives_its_owner),
        cmocka_unit_test(memory_that_is_refused_leaves_what_was_there),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
