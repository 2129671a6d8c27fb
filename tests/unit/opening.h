/* opening.h - opening kernels in a folder of the test's own, with a compiler that counts its starts. */
#ifndef TW_TESTS_OPENING_H
#define TW_TESTS_OPENING_H

#include "scratch.h"

#include <dirent.h>

#include "kernel/kernel.h"

#define ANSWER(name, number)                                                                                           \
    "#include <tilework/tilework.h>\nint " name "(const tw_tile *tile) { (void)tile; return " number "; }\n"

/* Opens what a test needs: an own cache folder, and a compiler that counts how often it is started. */
static inline int open_all(void **state)
{
    scratch_open(state);
    const struct scratch *scratch = *state;
    char *cache = scratch_path(scratch, "cache"), *wrapper = scratch_path(scratch, "wrapper"), *script = NULL;
    assert_true(asprintf(&script, "#!/bin/sh\necho start >> '%s/count'\nexec cc \"$@\"\n", scratch->path) > 0);
    scratch_write(scratch, "wrapper", script);
    assert_int_equal(chmod(wrapper, 0755), 0);
    setenv("TILEWORK_CC", wrapper, 1);
    setenv("XDG_CACHE_HOME", cache, 1);
    free(script);
    free(wrapper);
    free(cache);
    assert_int_equal(chdir(scratch->path), 0);
    return 0;
}

static inline int close_all(void **state)
{
    assert_int_equal(chdir("/"), 0);
    return scratch_close(state);
}

/* Runs a kernel that looks at no tile; ends the test where it cannot be opened. */
static inline int answer_with(const char *name, const tw_compile_options *options)
{
    tw_kernel *kernel = NULL;
    tw_error error = {0};
    if (tw_kernel_open(&kernel, name, options, &error) != TW_OK) {
        print_error("%s\n", error.message);
        fail();
    }
    const tw_tile tile = {0};
    const int result = kernel->function(&tile);
    tw_kernel_destroy(kernel);
    return result;
}

static inline int answer(const char *name)
{
    return answer_with(name, NULL);
}

/* Opens a kernel that must be refused; its message is in *error. */
static inline void refused_with(tw_error *error, const char *name, const tw_compile_options *options,
                                tw_status expected)
{
    tw_kernel *kernel = (tw_kernel *)error;
    memset(error, 0, sizeof *error);
    assert_int_equal(tw_kernel_open(&kernel, name, options, error), expected);
    assert_int_equal(error->status, expected);
    assert_ptr_equal(kernel, error); /* untouched */
}

static inline void refused(tw_error *error, const char *name, tw_status expected)
{
    refused_with(error, name, NULL, expected);
}

static inline void assert_says(const tw_error *error, const char *part)
{
    if (strstr(error->message, part) == NULL) {
        print_error("'%s' is not in: %s\n", part, error->message);
        fail();
    }
}

static inline int starts(const struct scratch *scratch)
{
    return scratch_count_lines(scratch, "count");
}

/* Number of files in the cache folder whose names end so. */
static inline int cached(const struct scratch *scratch, const char *suffix)
{
    char *path = scratch_path(scratch, "cache/tilework");
    DIR *folder = opendir(path);
    int count = 0;
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const size_t length = strlen(entry->d_name), n = strlen(suffix);
        count += length >= n && strcmp(entry->d_name + length - n, suffix) == 0;
    }
    closedir(folder);
    free(path);
    return count;
}

#endif
