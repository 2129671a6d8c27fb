/* Small stacks: kernels get the stack that they need, whatever the thread that runs or forks has. */
#include "opening.h"
#include "pools.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>

#include "os/stack.h"
#include "os/thread.h"

#define SMALL ((size_t)256 << 10) /* bytes */

/* Runs function(argument) on a thread with a stack of `size` bytes. */
static void run_on_thread(size_t size, void *(*function)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, size), 0);
    assert_int_equal(pthread_create(&thread, &attributes, function, argument), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attributes);
}

/* ---- what is left ---- */

static void *tell_left(void *argument)
{
    *(size_t *)argument = tw__stack_left();
    return NULL;
}

static void what_is_left_is_what_the_thread_was_given(void **state)
{
    (void)state;
    size_t left = 0;
    run_on_thread(SMALL, tell_left, &left);
    assert_true(left > SMALL / 2 && left <= SMALL);
    run_on_thread(4 * SMALL, tell_left, &left);
    assert_true(left > 3 * SMALL && left <= 4 * SMALL);
}

static void a_threads_stack_of_ours_is_large_whatever_the_limit(void **state)
{
    (void)state;
    static const rlim_t limits[] = {512 << 10, RLIM_INFINITY, 16 << 20};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
        const struct rlimit limit = {.rlim_cur = limits[k], .rlim_max = before.rlim_max};
        struct tw__thread thread;
        size_t left = 0;
        if (setrlimit(RLIMIT_STACK, &limit) != 0) {
            continue; /* more than the machine allows */
        }
        assert_int_equal(tw__thread_start(&thread, tell_left, &left), 0);
        tw__thread_join(&thread);
        assert_true(left > ((size_t)7 << 20));
        assert_true(limits[k] != 16 << 20 || left > ((size_t)15 << 20));
    }
    assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
}

static void the_limit_of_the_first_thread_is_followed(void **state)
{
    (void)state;
    struct rlimit before, less;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    less = before;
    less.rlim_cur = 1 << 20;
    assert_int_equal(setrlimit(RLIMIT_STACK, &less), 0);
    const size_t left = tw__stack_left();
    assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
    assert_true(left < 1 << 20);
    assert_true(tw__stack_left() > left || before.rlim_cur <= less.rlim_cur);
}

/* ---- calls on another stack ---- */

/* Uses `bytes` of stack, page by page. */
static __attribute__((noinline)) int use_stack(size_t bytes)
{
    volatile char page[4096];
    page[0] = page[4095] = 1;
    return bytes > sizeof page ? use_stack(bytes - sizeof page) + page[0] : page[4095];
}

static void use_much(void *argument)
{
    *(int *)argument = use_stack(4 << 20);
}

static void *call_apart(void *argument)
{
    assert_int_equal(tw__stack_run((size_t)7 << 20, use_much, argument), 0);
    return NULL;
}

static void a_call_gets_the_stack_that_it_needs(void **state)
{
    (void)state;
    int depth = 0;
    run_on_thread(SMALL, call_apart, &depth);
    assert_int_equal(depth, 4 << 20 >> 12);
}

static void tell_address(void *argument)
{
    *(uintptr_t *)argument = (uintptr_t)__builtin_frame_address(0);
}

static void a_call_stays_on_a_stack_that_is_large_enough(void **state)
{
    (void)state;
    uintptr_t there = 0;
    assert_int_equal(tw__stack_run(4096, tell_address, &there), 0);
    const uintptr_t mine = (uintptr_t)__builtin_frame_address(0);
    assert_true((mine > there ? mine - there : there - mine) < 64 << 10);
    assert_int_equal(tw__stack_run(SIZE_MAX, tell_address, &there), 0);
    assert_true((mine > there ? mine - there : there - mine) > 64 << 10);
}

/* ---- kernels ---- */

/* r[i] = i, by way of 5 MiB of the function's own. */
static const char large_text[] = "#include <tilework/tilework.h>\n"
                                 "int large(const tw_tile *tile)\n"
                                 "{\n"
                                 "    volatile char room[5 << 20];\n"
                                 "    TW_VIEW(double, r, tile->operand[0]);\n"
                                 "    for (long k = 0; k < (long)sizeof room; k += 1000) {\n"
                                 "        room[k] = (char)(k / 1000);\n"
                                 "    }\n"
                                 "    for (int64_t i = 0; i < r.shape[0]; i++) {\n"
                                 "        const long at = (tile->start[0] + i) % 127;\n"
                                 "        TW_AT(r, i) = room[at * 1000];\n"
                                 "    }\n"
                                 "    return 0;\n"
                                 "}\n";

struct job {
    tw_pool_kind kind;
    int check, replay;
};

static void *run_large(void *argument)
{
    const struct job *job = argument;
    const tw_split split = {.axis = "i", .tile = 10};
    const int64_t length = 100;
    const tw_dtype float64 = tw_dtype_of(TW_FLOAT64);
    tw_kernel *kernel;
    tw_signature *signature;
    tw_array *array;
    tw_grid *grid;
    tw_error error = {0};
    tw_pool *pool = open_pool(job->kind, job->kind == TW_SERIAL ? 1 : 2);
    assert_int_equal(tw_kernel_open(&kernel, "large.c:large", NULL, &error), TW_OK);
    assert_int_equal(tw_signature_parse(&signature, "-> r[i]", NULL), TW_OK);
    assert_int_equal(tw_array_create(&array, pool, &float64, 1, &length, NULL), TW_OK);
    assert_int_equal(tw_grid_for(&grid, signature, &array, &split, 1, NULL), TW_OK);
    for (int again = 0; again < 2; again++) {
        const tw_run_options options = {.check = job->check};
        memset(tw_array_data(array), 0xff, sizeof(double) * (size_t)length);
        if (tw_run(pool, kernel, grid, &array, &options, NULL, &error) != TW_OK) {
            print_error("%s\n", error.message);
            fail();
        }
        for (int64_t i = 0; i < length; i++) {
            assert_true(((double *)tw_array_data(array))[i] == (double)i);
        }
    }
    if (job->replay) {
        memset(tw_array_data(array), 0xff, sizeof(double) * (size_t)length);
        assert_int_equal(tw_replay(kernel, grid, &array, 3, NULL, &error), TW_OK);
        assert_true(((double *)tw_array_data(array))[30] == 30);
    }
    tw_grid_destroy(grid);
    tw_array_destroy(array);
    tw_signature_destroy(signature);
    tw_kernel_destroy(kernel);
    tw_pool_close(pool);
    return NULL;
}

static void kernels_run_where_the_callers_stack_is_small(void **state)
{
    scratch_write(*state, "large.c", large_text);
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job = {.kind = kinds[kind], .replay = 1};
        run_on_thread(SMALL, run_large, &job);
        job.check = 1;
        run_on_thread(SMALL, run_large, &job);
    }
}

static void kernels_run_under_a_small_limit(void **state)
{
    scratch_write(*state, "large.c", large_text);
    struct rlimit before, less;
    assert_int_equal(getrlimit(RLIMIT_STACK, &before), 0);
    less = before;
    less.rlim_cur = 512 << 10;
    for (int kind = 0; kind < pool_kinds(); kind++) {
        struct job job = {.kind = kinds[kind]};
        assert_int_equal(setrlimit(RLIMIT_STACK, &less), 0);
        run_large(&job);
        assert_int_equal(setrlimit(RLIMIT_STACK, &before), 0);
    }
}

/* ---- statements ---- */

static void *read_deep_text(void *argument)
{
    const char *text = argument;
    const tw_dtype dtypes[] = {tw_dtype_of(TW_FLOAT64), {.kind = TW_OPAQUE}};
    tw_statement *statement;
    tw_error error = {0};
    char *source;
    if (tw_statement_parse(&statement, text, NULL, &error) != TW_OK) {
        print_error("%s\n", error.message);
        fail();
    }
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_OK);
    assert_int_equal(tw_statement_source(statement, &source, &error), TW_OK);
    free(source);
    tw_statement_destroy(statement);
    return NULL;
}

static void deep_texts_are_read_where_the_callers_stack_is_small(void **state)
{
    (void)state;
    static const char *const opens[] = {"(", "abs("};
    for (size_t k = 0; k < sizeof opens / sizeof opens[0]; k++) {
        char text[2048] = "r[i] = ";
        for (int depth = 0; depth < 99; depth++) {
            strcat(text, opens[k]);
        }
        strcat(text, "u[i]");
        for (int depth = 0; depth < 99; depth++) {
            strcat(text, k == 0 ? "+1)" : ")");
        }
        run_on_thread(SMALL / 2, read_deep_text, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_is_what_the_thread_was_given),
        cmocka_unit_test(a_threads_stack_of_ours_is_large_whatever_the_limit),
        cmocka_unit_test(the_limit_of_the_first_thread_is_followed),
        cmocka_unit_test(a_call_gets_the_stack_that_it_needs),
        cmocka_unit_test(a_call_stays_on_a_stack_that_is_large_enough),
        cmocka_unit_test_setup_teardown(kernels_run_where_the_callers_stack_is_small, open_all, close_all),
        cmocka_unit_test_setup_teardown(kernels_run_under_a_small_limit, open_all, close_all),
        cmocka_unit_test(deep_texts_are_read_where_the_callers_stack_is_small),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
