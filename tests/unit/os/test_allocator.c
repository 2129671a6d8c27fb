/* What malloc does in a worker process: memory that one tile frees serves the next, unless the user has set malloc up
 * otherwise. Each case is a process of its own, as the settings are for good. */
#include "harness.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/allocator.h"

enum { BLOCK = 1 << 20, BLOCKS = 8, TILES = 20 };

/* A kernel's temporaries: all of a tile's are freed at its end. volatile: else a compiler may leave them out. */
static void compute_a_tile(void)
{
    char *volatile blocks[BLOCKS];
    for (int k = 0; k < BLOCKS; k++) {
        blocks[k] = malloc(BLOCK);
        if (blocks[k] == NULL) {
            _exit(2);
        }
        memset(blocks[k], k, BLOCK);
    }
    for (int k = BLOCKS - 1; k >= 0; k--) {
        free(blocks[k]);
    }
}

static long new_pages(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt;
}

/* The pages that all tiles after the first take, in tiles' worth of pages. */
static int tiles_of_new_pages(const char *variable, const char *value)
{
    int status;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        unsetenv("GLIBC_TUNABLES");
        if (variable != NULL) {
            setenv(variable, value, 1);
        }
        mallopt(M_MMAP_THRESHOLD,
                BLOCK / 2); /* what the parent has freed may have changed it: each block is a mapping */
        tw__allocator_keep();
        compute_a_tile();
        const long before = new_pages();
        for (int tile = 1; tile < TILES; tile++) {
            compute_a_tile();
        }
        _exit((int)((new_pages() - before) * getpagesize() / (BLOCK * BLOCKS)));
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void memory_that_a_tile_frees_serves_the_next(void **state)
{
    (void)state;
#ifdef SANITIZED
    skip(); /* a sanitizer brings its own malloc */
#endif
    assert_int_equal(tiles_of_new_pages(NULL, NULL), 0);
}

static void what_the_user_has_set_stands(void **state)
{
    (void)state;
#ifdef SANITIZED
    skip(); /* a sanitizer brings its own malloc */
#endif
    assert_true(tiles_of_new_pages("MALLOC_TRIM_THRESHOLD_", "131072") >= TILES - 2);
    assert_true(tiles_of_new_pages("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=131072") >= TILES - 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_a_tile_frees_serves_the_next),
        cmocka_unit_test(what_the_user_has_set_stands),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
