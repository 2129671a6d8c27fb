/* scratch.h - a folder for one test's files, gone afterwards. */
#ifndef TW_TESTS_SCRATCH_H
#define TW_TESTS_SCRATCH_H

#include "harness.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct scratch {
    char path[4096]; /* full, without links */
};

static inline int scratch_remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info;
    (void)type;
    (void)place;
    return remove(path);
}

/* cmocka set-up and tear-down: *state is the folder. */
static inline int scratch_open(void **state)
{
    struct scratch *made = calloc(1, sizeof *made);
    const char *base = getenv("TMPDIR");
    char name[2048];
    assert_non_null(made);
    snprintf(name, sizeof name, "%s/tilework-test-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(name));
    assert_non_null(realpath(name, made->path));
    *state = made;
    return 0;
}

static inline int scratch_close(void **state)
{
    struct scratch *made = *state;
    nftw(made->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(made);
    return 0;
}

/* The full path of a name in the folder; free it. */
static inline char *scratch_path(const struct scratch *scratch, const char *name)
{
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", scratch->path, name) >= 0);
    return path;
}

/* Writes a text file, folders as needed, dated an hour back as if it had not been saved just now. */
static inline void scratch_write(const struct scratch *scratch, const char *name, const char *text)
{
    char *path = scratch_path(scratch, name);
    for (char *slash = path + strlen(scratch->path) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 3600}, {.tv_sec = time(NULL) - 3600}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

/* Number of lines in a file; 0 where there is none. */
static inline int scratch_count_lines(const struct scratch *scratch, const char *name)
{
    char *path = scratch_path(scratch, name);
    FILE *file = fopen(path, "r");
    int lines = 0;
    for (int c = 0; file != NULL && (c = fgetc(file)) != EOF;) {
        lines += c == '\n';
    }
    if (file != NULL) {
        fclose(file);
    }
    free(path);
    return lines;
}

static inline int scratch_has(const struct scratch *scratch, const char *name)
{
    char *path = scratch_path(scratch, name);
    const int there = access(path, F_OK) == 0;
    free(path);
    return there;
}

#endif
