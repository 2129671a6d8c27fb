/* Programs that are run: what they say, how they end, and that no shell is near. */
#include "harness.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include "os/program.h"

#define LIMIT 65536

static char *run(char *const argv[], int expected)
{
    char *output = NULL;
    int code = -1;
    assert_int_equal(tw__run_program(argv, NULL, LIMIT, &output, &code), 0);
    assert_int_equal(code, expected);
    return output;
}

static void both_outputs_are_caught(void **state)
{
    (void)state;
    char *output = run((char *[]){"sh", "-c", "echo out; echo error >&2; exit 7", NULL}, 7);
    assert_string_equal(output, "out\nerror\n");
    free(output);
}

static void a_missing_program_is_said_so(void **state)
{
    (void)state;
    char *output = NULL;
    int code = -1;
    assert_int_equal(tw__run_program((char *[]){"no-such-program-here", NULL}, NULL, LIMIT, &output, &code), ENOENT);
    assert_null(output);
    assert_int_equal(code, -1);
}

static void a_killed_program_gives_128_and_the_signal(void **state)
{
    (void)state;
    free(run((char *[]){"sh", "-c", "kill -9 $$", NULL}, 128 + SIGKILL));
}

static void arguments_meet_no_shell(void **state)
{
    (void)state;
    char *output = run((char *[]){"printf", "%s|", "a b", "$(touch x)", "'\"; exit 9", "*", NULL}, 0);
    assert_string_equal(output, "a b|$(touch x)|'\"; exit 9|*|");
    free(output);
}

static void long_output_is_cut_and_drained(void **state)
{
    (void)state;
    char *output;
    int code = -1;
    /* Far more than a pipe holds: a program that nobody reads from would never end. */
    char *const argv[] = {"sh", "-c", "yes 0123456789 | head -c 3000000; exit 4", NULL};
    for (size_t limit = 0; limit <= 20000; limit += 10000) {
        assert_int_equal(tw__run_program(argv, NULL, limit, &output, &code), 0);
        assert_int_equal(code, 4);
        assert_int_equal(strlen(output), limit);
        free(output);
    }
}

static void standard_input_is_empty(void **state)
{
    (void)state;
    char *output = run((char *[]){"cat", NULL}, 0);
    assert_string_equal(output, "");
    free(output);
}

static void the_language_is_plain(void **state)
{
    (void)state;
    setenv("LC_ALL", "de_DE.UTF-8", 1);
    setenv("LANGUAGE", "de", 1);
    char *output = run((char *[]){"sh", "-c", "echo \"$LC_ALL,$LANGUAGE,${HOME:+home}\"", NULL}, 0);
    unsetenv("LC_ALL");
    unsetenv("LANGUAGE");
    assert_string_equal(output, "C,,home\n");
    free(output);
}

static void blocked_and_ignored_signals_stay_here(void **state)
{
    (void)state;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
    char *output = run((char *[]){"grep", "-E", "SigBlk|SigIgn", "/proc/self/status", NULL}, 0);
    signal(SIGPIPE, pipe_before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    assert_non_null(strstr(output, "SigBlk:\t0000000000000000"));
    unsigned long long mask = ~0ull;
    for (char *line = strtok(output, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "SigIgn:\t", 8) == 0) {
            mask = strtoull(line + 8, NULL, 16);
        }
    }
    assert_int_equal(mask & (1u << (SIGPIPE - 1)), 0);
    free(output);
    assert_int_equal(mask & (1u << (SIGPIPE - 1)), 0);
}

static void no_descriptor_is_handed_on(void **state)
{
    (void)state;
    /* 0, 1, 2 and the one that ls itself opens; this test's own may be open in its parent. */
    char *first = run((char *[]){"sh", "-c", "ls /proc/self/fd | wc -l", NULL}, 0);
    const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    char *second = run((char *[]){"sh", "-c", "ls /proc/self/fd | wc -l", NULL}, 0);
    assert_string_equal(first, second);
    close(fd);
    free(first);
    free(second);
}

/* Servers ignore SIGCHLD, or wait for any child: they learn how a program ended, and we do not. */
static void ignored_ends_of_children_are_seen(void **state)
{
    (void)state;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    char *output = run((char *[]){"sh", "-c", "cat; echo out; echo error >&2; exit 7", NULL}, 7);
    assert_string_equal(output, "out\nerror\n");
    free(output);
    free(run((char *[]){"sh", "-c", "kill -9 $$", NULL}, 128 + SIGKILL));
    int code = -1;
    assert_int_equal(tw__run_program((char *[]){"no-such-program-here", NULL}, NULL, LIMIT, &output, &code), ENOENT);
    assert_int_equal(tw__run_program((char *[]){"/dev/null", NULL}, NULL, LIMIT, &output, &code), ENOENT);
    output = run((char *[]){"sh", "-c", "ls /proc/self/fd | wc -l", NULL}, 0);
    signal(SIGCHLD, before);
    assert_string_equal(output, "4\n"); /* 0, 1, 2 and the one that ls itself opens */
    free(output);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void *wait_for_any_child(void *ends)
{
    while (!__atomic_load_n((int *)ends, __ATOMIC_ACQUIRE)) {
        if (waitpid(-1, NULL, 0) < 0) {
            sched_yield();
        }
    }
    return NULL;
}

static void stolen_ends_of_children_are_seen(void **state)
{
    (void)state;
    int ends = 0;
    pthread_t thief;
    assert_int_equal(pthread_create(&thief, NULL, wait_for_any_child, &ends), 0);
    for (int k = 0; k < 20; k++) {
        char *output = run((char *[]){"sh", "-c", "echo out; exit 5", NULL}, 5);
        assert_string_equal(output, "out\n");
        free(output);
    }
    __atomic_store_n(&ends, 1, __ATOMIC_RELEASE);
    pthread_join(thief, NULL);
}

static void *run_often(void *argument)
{
    (void)argument;
    for (int k = 0; k < 20; k++) {
        char *output;
        int code = -1;
        if (tw__run_program((char *[]){"echo", "hello", NULL}, NULL, LIMIT, &output, &code) != 0) {
            return "not run";
        }
        const int right = code == 0 && strcmp(output, "hello\n") == 0;
        free(output);
        if (!right) {
            return "wrong";
        }
    }
    return NULL;
}

static void threads_may_run_programs_together(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (int k = 0; k < 4; k++) {
        assert_int_equal(pthread_create(&threads[k], NULL, run_often, NULL), 0);
    }
    for (int k = 0; k < 4; k++) {
        void *wrong;
        pthread_join(threads[k], &wrong);
        assert_null(wrong);
    }
}

/* The child has neither input nor outputs open, as a daemon may. */
static void closed_standard_descriptors_do_no_harm(void **state)
{
    (void)state;
    const pid_t pid = fork();
    if (pid == 0) {
        close(0);
        close(1);
        close(2);
        char *output;
        int code = -1;
        const int failed =
            tw__run_program((char *[]){"sh", "-c", "cat; echo out; echo error >&2", NULL}, NULL, LIMIT, &output, &code);
        _exit(failed != 0 || code != 0 || strcmp(output, "out\nerror\n") != 0);
    }
    int ended;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_int_equal(ended, 0);
}

static void programs_are_found_on_the_path(void **state)
{
    const struct scratch *scratch = *state;
    char *kept = strdup(getenv("PATH")), *path = NULL, *program = scratch_path(scratch, "two/tool");
    scratch_write(scratch, "one/tool", "not to be executed");
    scratch_write(scratch, "two/tool", "#!/bin/sh\n");
    assert_int_equal(chmod(program, 0755), 0);
    assert_true(asprintf(&path, "%s/one:%s/two", scratch->path, scratch->path) > 0);
    setenv("PATH", path, 1);
    char *found = tw__find_program("tool"), *whole = tw__find_program(program);
    assert_non_null(found);
    assert_non_null(whole);
    assert_string_equal(found, program);
    assert_string_equal(whole, program);
    assert_null(tw__find_program("tools"));
    assert_null(tw__find_program(""));
    assert_null(tw__find_program("/no/such/program"));
    setenv("PATH", kept, 1);
    char *before = tw__program_identity(program), *again = tw__program_identity(program);
    assert_string_equal(before, again);
    scratch_write(scratch, "two/tool", "#!/bin/sh\ntrue\n");
    char *after = tw__program_identity(program);
    assert_string_not_equal(before, after);
    assert_null(tw__program_identity("/no/such/program"));
    free(found);
    free(whole);
    free(before);
    free(again);
    free(after);
    free(program);
    free(path);
    free(kept);
}

static void more_variables_are_given(void **state)
{
    (void)state;
    char *output = NULL;
    int code = -1;
    char *const more[] = {"TILEWORK_TEST_ONE=1", "TILEWORK_TEST_TWO=b c", NULL};
    char *const argv[] = {"sh", "-c", "printf '%s|%s|%s' \"$TILEWORK_TEST_ONE\" \"$TILEWORK_TEST_TWO\" \"$LC_ALL\"",
                          NULL};
    assert_int_equal(tw__run_program(argv, more, LIMIT, &output, &code), 0);
    assert_string_equal(output, "1|b c|C");
    assert_null(getenv("TILEWORK_TEST_ONE"));
    free(output);
}

static void programs_are_found_beside_this_one(void **state)
{
    (void)state;
    char *self = realpath("/proc/self/exe", NULL), *found = tw__find_program_beside("test_progra?");
    assert_string_equal(found, self);
    free(found);
    found = tw__find_program_beside("../t*/test_program");
    assert_string_equal(found, self);
    assert_null(tw__find_program_beside("../t*/no-such-program"));
    assert_null(tw__find_program_beside("../tests")); /* a folder is no program */
    free(found);
    free(self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_outputs_are_caught),
        cmocka_unit_test(a_missing_program_is_said_so),
        cmocka_unit_test(a_killed_program_gives_128_and_the_signal),
        cmocka_unit_test(arguments_meet_no_shell),
        cmocka_unit_test(long_output_is_cut_and_drained),
        cmocka_unit_test(standard_input_is_empty),
        cmocka_unit_test(the_language_is_plain),
        cmocka_unit_test(more_variables_are_given),
        cmocka_unit_test(programs_are_found_beside_this_one),
        cmocka_unit_test(blocked_and_ignored_signals_stay_here),
        cmocka_unit_test(no_descriptor_is_handed_on),
        cmocka_unit_test(ignored_ends_of_children_are_seen),
        cmocka_unit_test(stolen_ends_of_children_are_seen),
        cmocka_unit_test(threads_may_run_programs_together),
        cmocka_unit_test(closed_standard_descriptors_do_no_harm),
        cmocka_unit_test_setup_teardown(programs_are_found_on_the_path, scratch_open, scratch_close),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
