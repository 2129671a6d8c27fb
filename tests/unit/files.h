/* files.h - what the tests that use files share: a folder of their own, whole files, another user. */
#ifndef TW_TESTS_FILES_H
#define TW_TESTS_FILES_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

/* A new folder that any user may write to, in which the test then runs. Setup and teardown of each test. */
static inline int enter_folder(void **state)
{
    char *path = strdup("/tmp/tilework-test-XXXXXX");
    if (path == NULL || mkdtemp(path) == NULL || chmod(path, 0777) != 0 || chdir(path) != 0) {
        return -1;
    }
    *state = path;
    return 0;
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

/* Zeros in memory that this process and all that it forks share. */
static inline void *shared_zeros(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

static inline int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    assert_non_null(folder);
    int count = 0;
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(folder);
    return count;
}

static inline int leave_folder(void **state)
{
    char *path = *state;
    DIR *folder = opendir(path);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 && remove(entry->d_name) != 0) {
            fprintf(stderr, "%s/%s is left behind\n", path, entry->d_name);
        }
    }
    closedir(folder);
    const int failed = chdir("/") != 0 || rmdir(path) != 0;
    free(path);
    return failed ? -1 : 0;
}

static inline void write_file(const char *path, const void *data, size_t length)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    struct stat status;
    assert_int_equal(fstat(fileno(file), &status), 0);
    char *data = malloc((size_t)status.st_size + 1);
    assert_non_null(data);
    *length = fread(data, 1, (size_t)status.st_size, file);
    assert_int_equal(*length, status.st_size);
    fclose(file);
    return data;
}

static inline int is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

/* Runs check() in a child, as a user without privileges where this one has them; what it returns must be 0. A child
 * makes no assertions: it would run the other tests a second time. */
static inline void as_another_user(int (*check)(void))
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(100);
        }
        _exit(check());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#endif
