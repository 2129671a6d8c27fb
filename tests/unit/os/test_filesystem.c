/* test_filesystem.c - which file systems are known to be coherent (os/filesystem.h). */
#include "harness.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "os/filesystem.h"

static void what_is_not_known_is_not_trusted(void **state)
{
    (void)state;
    static const struct {
        uint32_t type;
        const char *name;
        int is_coherent;
    } cases[] = {
        {0xef53, "ext4", 1},    {0x01021994, "tmpfs", 1}, {0x0bd00bd0, "lustre", 1}, {0x6969, "nfs", 0},
        {0xfe534d42, "smb", 0}, {0x65735546, "fuse", 0},  {0x01021997, "9p", 0},     {0x12345678, "unknown", 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        struct tw__filesystem found;
        tw__filesystem_known(&found, cases[k].type);
        assert_string_equal(found.name, cases[k].name);
        assert_int_equal(found.is_coherent, cases[k].is_coherent);
        assert_int_equal(found.type, cases[k].type);
    }
}

static void an_open_folder_says_what_it_is_on(void **state)
{
    (void)state;
    struct tw__filesystem found;
    const int fd = open("/proc", O_RDONLY | O_DIRECTORY);
    assert_int_equal(tw__filesystem_of(&found, fd), 0);
    assert_string_equal(found.name, "unknown"); /* not one for results */
    assert_int_equal(found.type, 0x9fa0);
    close(fd);
    assert_int_not_equal(tw__filesystem_of(&found, fd), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_not_trusted),
        cmocka_unit_test(an_open_folder_says_what_it_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
