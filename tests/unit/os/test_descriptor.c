/* test_descriptor.c - what the library opens stays off the standard streams, also where these are closed. */
#include <errno.h>
#include <sys/resource.h>

#include "array/array.h"
#include "files.h"
#include "os/descriptor.h"
#include "os/file.h"
#include "os/map.h"
#include "os/process.h"

static int standard_streams_are_closed(void)
{
    return fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0;
}

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

/* In a child: the number of the first thing that is wrong, 0: none. */
static int open_all_kinds(void)
{
    close(0);
    close(1);
    close(2);
    int fd = -1, ends[2];
    struct tw__event event;
    if (tw__file_create(&fd, "x", 0600) != 0 || fd < 3 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) {
        return 1;
    }
    const char *name;
    int folder = -1;
    if (tw__folder_open(&folder, "x", &name) != 0 || folder < 3) {
        return 2;
    }
    void *memory;
    if (tw__map_shared(&memory, 4096, &fd) != 0 || (fd >= 0 && fd < 3)) {
        return 3;
    }
    if (tw__event_open(&event) != 0 || event.fd < 3) {
        return 4;
    }
    if (tw__pipe(ends) != 0 || ends[0] < 3 || ends[1] < 3 || (fcntl(ends[1], F_GETFD) & FD_CLOEXEC) == 0) {
        return 5;
    }
    struct tw__lifeline lifeline;
    struct tw__process process;
    if (tw__lifeline_open(&lifeline) != 0 || lifeline.read_end < 3 || lifeline.write_end < 3) {
        return 6;
    }
    if (tw__fork(&process, &lifeline, nothing, NULL) != 0 || (process.pidfd >= 0 && process.pidfd < 3)) {
        return 7;
    }
    tw__kill(&process);
    tw_array *array = NULL;
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    const int64_t length = 10;
    if (tw_array_create_file(&array, "r.npy", &dtype, 1, &length, NULL) != TW_OK || !standard_streams_are_closed()) {
        return 8;
    }
    if (tw_array_commit(array, NULL) != TW_OK) {
        return 9;
    }
    tw_array_destroy(array);
    if (tw_array_open(&array, NULL, "r.npy", NULL) != TW_OK) {
        return 10;
    }
    tw_array_destroy(array);
    return standard_streams_are_closed() ? 0 : 11;
}

static void no_descriptor_of_ours_is_a_standard_stream(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(open_all_kinds());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* Room for the three standard streams alone, which are closed. */
static int lift_without_room(void)
{
    const struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    close(0);
    close(1);
    close(2);
    for (int fd = 3; fd < 100; fd++) {
        close(fd);
    }
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1;
    }
    const int fd = open("/dev/null", O_RDONLY);
    int ends[2];
    if (fd != 0 || tw__descriptor_lift(fd) != -1 || !standard_streams_are_closed()) {
        return 2;
    }
    return tw__pipe(ends) != 0 && standard_streams_are_closed() ? 0 : 3;
}

static void without_room_nothing_stays_open(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(lift_without_room());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(no_descriptor_of_ours_is_a_standard_stream),
        IN_FOLDER(without_room_nothing_stays_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
