/* Which mapping an address lies in: shared or not, writable or not, one or several. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/mapping.h"

#define LENGTH ((size_t)4 << 20)

static void shared_memory_of_a_file_is_found(void **state)
{
    (void)state;
    struct tw__mapping mapping, again;
    struct stat info;
    FILE *file = tmpfile();
    assert_int_equal(ftruncate(fileno(file), (off_t)LENGTH), 0);
    assert_int_equal(fstat(fileno(file), &info), 0);
    char *memory = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    assert_int_equal(tw__mapping_find(&mapping, memory + 5, LENGTH - 5), 0);
    assert_true(mapping.is_shared && mapping.is_writable);
    assert_true(mapping.inode == info.st_ino);
    assert_true(mapping.start <= (uintptr_t)memory && mapping.end >= (uintptr_t)memory + LENGTH);
    assert_int_equal(tw__mapping_find(&again, memory, 1), 0);
    assert_true(tw__mapping_is_same(&mapping, &again));
    assert_int_equal(mprotect(memory, LENGTH / 2, PROT_READ), 0); /* two mappings now, of two kinds */
    assert_int_equal(tw__mapping_find(&mapping, memory, LENGTH / 2), 0);
    assert_true(mapping.is_shared && !mapping.is_writable);
    assert_int_equal(tw__mapping_find(&mapping, memory, LENGTH), ENOENT);
    munmap(memory, LENGTH);
    memory = mmap(NULL, LENGTH, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    assert_int_equal(tw__mapping_find(&mapping, memory, LENGTH), 0);
    assert_false(mapping.is_shared);
    munmap(memory, LENGTH);
    assert_int_equal(tw__mapping_find(&mapping, memory, LENGTH), ENOENT);
    fclose(file);
}

/* Snapshots of one file have its number, and may have its device. */
static void a_mapping_of_a_file_with_another_name_is_another_one(void **state)
{
    (void)state;
    struct tw__mapping mapping, again;
    char path[] = "mapping-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(ftruncate(file, (off_t)LENGTH), 0);
    char *memory = mmap(NULL, LENGTH, PROT_READ, MAP_SHARED, file, 0);
    assert_int_equal(tw__mapping_find(&mapping, memory, LENGTH), 0);
    assert_int_equal(rename(path, "mapping-renamed"), 0);
    assert_int_equal(tw__mapping_find(&again, memory, LENGTH), 0);
    assert_true(again.start == mapping.start && again.inode == mapping.inode);
    assert_false(tw__mapping_is_same(&mapping, &again));
    munmap(memory, LENGTH);
    close(file);
    assert_int_equal(unlink("mapping-renamed"), 0);
}

static void memory_without_a_name_is_found(void **state)
{
    (void)state;
    struct tw__mapping mapping;
    char *shared = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    char *own = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_int_equal(tw__mapping_find(&mapping, shared, LENGTH), 0);
    assert_true(mapping.is_shared);
    assert_int_equal(tw__mapping_find(&mapping, own, LENGTH), 0);
    assert_false(mapping.is_shared);
    munmap(shared, LENGTH);
    munmap(own, LENGTH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_memory_of_a_file_is_found),
        cmocka_unit_test(a_mapping_of_a_file_with_another_name_is_another_one),
        cmocka_unit_test(memory_without_a_name_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
