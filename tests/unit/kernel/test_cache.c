/* The cache of compiled kernels: when it is used and when not, what is done to it, and by several at once. */
#include "harness.h"
#include "opening.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "kernel/places.h"
#include "kernel/trim.h"
#include "os/private_folder.h"
#include "os/program.h"

static void a_second_opening_starts_no_compiler(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "mult.c", ANSWER("mult", "17"));
    assert_int_equal(answer("mult.c:mult"), 17);
    assert_int_equal(starts(scratch), 2); /* once for its version */
    assert_int_equal(answer("mult.c:mult"), 17);
    scratch_write(scratch, "mult.c", ANSWER("mult", "17")); /* another date, the same text */
    assert_int_equal(answer("mult.c:mult"), 17);
    assert_int_equal(starts(scratch), 2);
    assert_int_equal(cached(scratch, ".so"), 1);
    assert_int_equal(cached(scratch, ".tmp"), 0);
}

static void whatever_changes_the_code_compiles_again(void **state)
{
    const struct scratch *scratch = *state;
    tw_compile_options options = {.flags = "-O1"};
    scratch_write(scratch, "mult.c", ANSWER("mult", "NUMBER + 1"));
    options.flags = "-O1 -DNUMBER=1";
    assert_int_equal(answer_with("mult.c:mult", &options), 2);
    options.flags = "-O1 -DNUMBER=2";
    assert_int_equal(answer_with("mult.c:mult", &options), 3);
    assert_int_equal(starts(scratch), 3);
    scratch_write(scratch, "mult.c", ANSWER("mult", "NUMBER + 2"));
    assert_int_equal(answer_with("mult.c:mult", &options), 4);
    assert_int_equal(starts(scratch), 4);
    /* Another compiler: its version is asked, and all is compiled again. */
    scratch_write(scratch, "other", "#!/bin/sh\necho start >> count\nexec cc \"$@\"\n");
    assert_int_equal(chmod("other", 0755), 0);
    options.compiler = "./other";
    assert_int_equal(answer_with("mult.c:mult", &options), 4);
    assert_int_equal(starts(scratch), 6);
    /* The same name, another program. */
    scratch_write(scratch, "other", "#!/bin/sh\necho start >> count\nexec cc -DMORE \"$@\"\n");
    assert_int_equal(answer_with("mult.c:mult", &options), 4);
    assert_true(starts(scratch) > 6);
    /* Back to what is known. */
    const int before = starts(scratch);
    options.compiler = NULL;
    assert_int_equal(answer_with("mult.c:mult", &options), 4);
    assert_int_equal(starts(scratch), before);
}

static void an_included_file_counts(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "one/mult.c", "#include \"with blank#$.h\"\n" ANSWER("mult", "NUMBER"));
    scratch_write(scratch, "one/with blank#$.h", "#include \"deeper.h\"\n");
    scratch_write(scratch, "one/deeper.h", "#define NUMBER 1\n");
    scratch_write(scratch, "two/mult.c", "#include \"with blank#$.h\"\n" ANSWER("mult", "NUMBER"));
    scratch_write(scratch, "two/with blank#$.h", "#define NUMBER 2\n");
    assert_int_equal(answer("one/mult.c:mult"), 1);
    assert_int_equal(answer("two/mult.c:mult"), 2); /* the same text elsewhere */
    const int before = starts(scratch);
    assert_int_equal(answer("one/mult.c:mult"), 1);
    assert_int_equal(starts(scratch), before);
    scratch_write(scratch, "one/deeper.h", "#define NUMBER 3\n");
    assert_int_equal(answer("one/mult.c:mult"), 3);
    assert_int_equal(starts(scratch), before + 1);
    assert_int_equal(answer("two/mult.c:mult"), 2);
    assert_int_equal(starts(scratch), before + 1);
    assert_int_equal(remove("one/deeper.h"), 0);
    tw_error error;
    refused(&error, "one/mult.c:mult", TW_ERROR_COMPILE);
    assert_says(&error, "deeper.h");
}

static void an_object_once_named_never_changes(void **state)
{
    const struct scratch *scratch = *state;
    tw_kernel *kernel;
    scratch_write(scratch, "mult.c", "#include \"number.h\"\n" ANSWER("mult", "NUMBER"));
    scratch_write(scratch, "number.h", "#define NUMBER 1\n");
    assert_int_equal(tw_kernel_open(&kernel, "mult.c:mult", NULL, NULL), TW_OK);
    scratch_write(scratch, "number.h", "#define NUMBER 2\n");
    assert_int_equal(answer("mult.c:mult"), 2);
    /* A worker that opens the first kernel only now gets the first kernel. */
    struct tw__library library;
    tw_error why;
    const tw_tile tile = {0};
    const tw_function function = tw__kernel_resolve(kernel->path, kernel->symbol, &library, &why);
    assert_non_null(function);
    assert_int_equal(function(&tile), 1);
    tw__library_close(&library);
    tw_kernel_destroy(kernel);
}

/* Does something to each file of the cache whose name ends so. */
static void spoil(const struct scratch *scratch, const char *suffix, void (*how)(const char *path))
{
    char *path = scratch_path(scratch, "cache/tilework"), *name = NULL;
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        const size_t length = strlen(entry->d_name), n = strlen(suffix);
        if (length >= n && strcmp(entry->d_name + length - n, suffix) == 0) {
            assert_true(asprintf(&name, "%s/%s", path, entry->d_name) > 0);
            how(name);
            free(name);
        }
    }
    closedir(folder);
    free(path);
}

static void halve(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(truncate(path, info.st_size / 2), 0);
}

static void empty(const char *path)
{
    assert_int_equal(truncate(path, 0), 0);
}

static void flip(const char *path)
{
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    fseek(file, 70, SEEK_SET);
    const int c = fgetc(file);
    fseek(file, 70, SEEK_SET);
    fputc(c ^ 1, file);
    fclose(file);
}

static void drop(const char *path)
{
    assert_int_equal(remove(path), 0);
}

static void a_damaged_cache_is_compiled_again(void **state)
{
    const struct scratch *scratch = *state;
    void (*const ways[])(const char *) = {halve, empty, flip, drop};
    scratch_write(scratch, "mult.c", ANSWER("mult", "8"));
    assert_int_equal(answer("mult.c:mult"), 8);
    for (size_t k = 0; k < sizeof ways / sizeof ways[0]; k++) {
        int before = starts(scratch);
        spoil(scratch, ".so", ways[k]);
        assert_int_equal(answer("mult.c:mult"), 8);
        assert_int_equal(starts(scratch), before + 1);
        spoil(scratch, ".entry", ways[k]);
        assert_int_equal(answer("mult.c:mult"), 8);
        assert_int_equal(starts(scratch), before + 2);
        assert_int_equal(answer("mult.c:mult"), 8);
        assert_int_equal(starts(scratch), before + 2);
    }
}

static void a_spoilt_header_is_written_again(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "mult.c", ANSWER("mult", "8"));
    assert_int_equal(answer("mult.c:mult"), 8);
    char *command = NULL, *output;
    int code;
    assert_true(asprintf(&command,
                         "for f in %s/cache/tilework/include-*/tilework/tilework.h; do echo '#error' > \"$f\"; done",
                         scratch->path) > 0);
    assert_int_equal(tw__run_program((char *[]){"sh", "-c", command, NULL}, NULL, 100, &output, &code), 0);
    assert_int_equal(code, 0);
    free(output);
    free(command);
    scratch_write(scratch, "mult.c", ANSWER("mult", "9"));
    assert_int_equal(answer("mult.c:mult"), 9);
}

static void a_file_saved_just_now_is_not_trusted(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "mult.c", "#include \"new.h\"\n" ANSWER("mult", "NUMBER"));
    scratch_write(scratch, "new.h", "#define NUMBER 4\n");
    const struct timespec later[2] = {{.tv_sec = time(NULL) + 600}, {.tv_sec = time(NULL) + 600}};
    assert_int_equal(utimensat(AT_FDCWD, "new.h", later, 0), 0);
    assert_int_equal(answer("mult.c:mult"), 4);
    assert_int_equal(answer("mult.c:mult"), 4);
    assert_int_equal(starts(scratch), 3); /* the version once, the compilation twice */
    assert_int_equal(cached(scratch, ".entry"), 0);
}

/* The kernel gives its answer from another folder than the environment's, and its note says why. */
static void assert_noted(const char *name, int answer, const char *reason)
{
    tw_kernel *kernel = NULL;
    const tw_tile tile = {0};
    assert_int_equal(tw_kernel_open(&kernel, name, NULL, NULL), TW_OK);
    assert_int_equal(kernel->function(&tile), answer);
    const char *note = tw_kernel_note(kernel);
    assert_non_null(note);
    if (strncmp(note, "compiled kernels are kept in /", 30) != 0 || strstr(note, reason) == NULL) {
        print_error("'%s' is not the reason of: %s\n", reason, note);
        fail();
    }
    tw_kernel_destroy(kernel);
}

static void the_cache_folder_is_this_users_alone(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    struct stat info;
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    assert_int_equal(answer("mult.c:mult"), 6);
    assert_int_equal(stat("cache", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(stat("cache/tilework", &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);

    assert_int_equal(chmod("cache/tilework", 0777), 0);
    refused(&error, "mult.c:mult", TW_ERROR_ARGUMENT);
    assert_says(&error, "cache/tilework can be written to by others (mode 777)");
    assert_int_equal(chmod("cache/tilework", 0700), 0);
    assert_int_equal(symlink("tilework", "cache/link"), 0);
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.cache = "cache/link"}, TW_ERROR_ARGUMENT);
    assert_says(&error, "cache/link is a symbolic link");
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.cache = "cache/link/"}, TW_ERROR_ARGUMENT);
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.cache = "mult.c"}, TW_ERROR_ARGUMENT);
    assert_says(&error, "mult.c is not a folder");
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.cache = "mult.c/x"}, TW_ERROR_FILE);
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.cache = ""}, TW_ERROR_ARGUMENT);
    if (geteuid() == 0) {
        assert_int_equal(chown("cache/tilework", 4321, 0), 0);
        refused_with(&error, "mult.c:mult", &(tw_compile_options){.cache = "cache/tilework"}, TW_ERROR_ARGUMENT);
        assert_says(&error, "belongs to user 4321");
        assert_noted("mult.c:mult", 6, "cache/tilework belongs to user 4321");
        assert_int_equal(chown("cache/tilework", 0, 0), 0);
    }
    assert_int_equal(answer_with("mult.c:mult", &(tw_compile_options){.cache = "elsewhere/deep"}), 6);
    assert_true(scratch_has(scratch, "elsewhere/deep"));
}

static void the_cache_folder_follows_the_environment(void **state)
{
    const struct scratch *scratch = *state;
    char *home = strdup(getenv("HOME") != NULL ? getenv("HOME") : "/");
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    setenv("XDG_CACHE_HOME", "relative", 1); /* the specification has it ignored */
    setenv("HOME", scratch->path, 1);
    assert_int_equal(answer("mult.c:mult"), 6);
    assert_true(scratch_has(scratch, ".cache/tilework"));
    assert_false(scratch_has(scratch, "relative"));
    unsetenv("XDG_CACHE_HOME");
    setenv("HOME", home, 1);
    free(home);
}

static void a_folder_stands_in_for_one_that_cannot_be_used(void **state)
{
    const struct scratch *scratch = *state;
    char *file = scratch_path(scratch, "mult.c"), *temporary = scratch_path(scratch, "tmp"), kept[64];
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    setenv("XDG_CACHE_HOME", file, 1); /* what is below a file can be made by nobody, root included */
    assert_noted("mult.c:mult", 6, "mult.c/tilework cannot be used: Not a directory");
    assert_int_equal(mkdir(temporary, 0700), 0);
    setenv("TMPDIR", temporary, 1);
    struct tw__places places;
    assert_int_equal(tw__places_init(&places, NULL, NULL), TW_OK);
    snprintf(kept, sizeof kept, "/tmp/tilework-%ld", (long)geteuid());
    assert_string_equal(places.folder[0] + strlen(scratch->path), "/mult.c/tilework");
    assert_string_equal(places.folder[places.count - 1] + strlen(scratch->path), kept);
    tw__places_fini(&places);
    assert_int_equal(chmod(temporary, 0777), 0); /* others could put a folder of theirs in its place */
    assert_int_equal(tw__places_init(&places, NULL, NULL), TW_OK);
    assert_null(strstr(places.folder[places.count - 1], "/tmp/tilework-"));
    tw__places_fini(&places);
    unsetenv("TMPDIR");
    free(temporary);
    free(file);
}

/* Makes the private folder and says where; dies by signal if it is to. */
static void make_private(int to, int dies)
{
    char *path = NULL;
    if (tw__private_folder(&path) == 0) {
        (void)!write(to, path, strlen(path) + 1);
    }
    if (dies) {
        raise(SIGKILL);
    }
    exit(0); /* as programs end: with what they have left to do at their end */
}

static void private_folder_of(struct scratch *found, int dies)
{
    int ends[2], ended;
    memset(found, 0, sizeof *found);
    assert_int_equal(pipe(ends), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        make_private(ends[1], dies);
    }
    close(ends[1]);
    assert_true(read(ends[0], found->path, sizeof found->path) > 0);
    close(ends[0]);
    assert_int_equal(waitpid(pid, &ended, 0), pid);
}

static void a_private_folder_goes_with_its_process_or_the_next_one(void **state)
{
    const struct scratch *scratch = *state;
    struct scratch found;
    setenv("TMPDIR", scratch->path, 1);
    private_folder_of(&found, 0);
    assert_memory_equal(found.path, scratch->path, strlen(scratch->path));
    assert_int_equal(access(found.path, F_OK), -1);
    private_folder_of(&found, 1);
    assert_int_equal(access(found.path, F_OK), 0);
    const struct scratch left = found;
    private_folder_of(&found, 0);
    assert_int_equal(access(left.path, F_OK), -1);
    unsetenv("TMPDIR");
}

/* Every process sweeps before it makes its own; none may take one that was made a moment ago. */
static void private_folders_made_at_once_all_stay(void **state)
{
    enum { ROUNDS = 10, PROCESSES = 8 };
    const struct scratch *scratch = *state;
    setenv("TMPDIR", scratch->path, 1);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t pids[PROCESSES];
        int begin[2], made[2], end[2], kept = 0;
        char byte[PROCESSES] = {0};
        assert_true(pipe(begin) == 0 && pipe(made) == 0 && pipe(end) == 0);
        for (int k = 0; k < PROCESSES; k++) {
            pids[k] = fork();
            if (pids[k] == 0) {
                char *path = NULL;
                close(end[1]);
                (void)!read(begin[0], byte, 1);
                const int failed = tw__private_folder(&path);
                (void)!write(made[1], "", 1);
                (void)!read(end[0], byte, 1); /* until all have theirs */
                exit(failed == 0 && access(path, F_OK) == 0 ? 0 : 1);
            }
        }
        assert_int_equal(write(begin[1], byte, PROCESSES), PROCESSES);
        for (int k = 0; k < PROCESSES; k++) {
            assert_int_equal(read(made[0], byte, 1), 1);
        }
        for (int k = 0; k < 2; k++) {
            close(begin[k]);
            close(made[k]);
            close(end[1 - k]);
        }
        for (int k = 0; k < PROCESSES; k++) {
            int ended;
            assert_int_equal(waitpid(pids[k], &ended, 0), pids[k]);
            kept += WIFEXITED(ended) && WEXITSTATUS(ended) == 0;
        }
        assert_int_equal(kept, PROCESSES);
    }
    unsetenv("TMPDIR");
}

/* Dates a file of the folder some hours back. */
static void make_old(const struct scratch *scratch, const char *name, int hours)
{
    char *path = scratch_path(scratch, name);
    const struct timespec times[2] = {{.tv_sec = time(NULL) - 3600 * hours}, {.tv_sec = time(NULL) - 3600 * hours}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    free(path);
}

static void what_was_used_longest_ago_is_removed_first(void **state)
{
    const struct scratch *scratch = *state;
    char name[32];
    for (int k = 0; k < 12; k++) {
        snprintf(name, sizeof name, "full/%d.so", k);
        scratch_write(scratch, name, "0123456789");
        make_old(scratch, name, k + 2);
    }
    scratch_write(scratch, "full/compiler-x", "");
    make_old(scratch, "full/compiler-x", 1000);
    char *folder = scratch_path(scratch, "full");
    tw__trim(folder, 12, 120);
    assert_true(scratch_has(scratch, "full/11.so"));
    tw__trim(folder, 8, 1000); /* six are left */
    assert_true(scratch_has(scratch, "full/5.so") && !scratch_has(scratch, "full/6.so"));
    tw__trim(folder, 100, 40); /* three are left */
    assert_true(scratch_has(scratch, "full/2.so") && !scratch_has(scratch, "full/3.so"));
    make_old(scratch, "full/0.so", 0);
    tw__trim(folder, 0, 0); /* what was used in the last hour stays */
    assert_true(scratch_has(scratch, "full/0.so") && !scratch_has(scratch, "full/1.so"));
    assert_true(scratch_has(scratch, "full/compiler-x"));
    free(folder);
}

static void what_is_found_is_in_use(void **state)
{
    const struct scratch *scratch = *state;
    struct stat info;
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    assert_int_equal(answer("mult.c:mult"), 6);
    char *folder = scratch_path(scratch, "cache/tilework");
    DIR *files = opendir(folder);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        char name[512];
        snprintf(name, sizeof name, "cache/tilework/%s", entry->d_name);
        make_old(scratch, name, 5);
    }
    assert_int_equal(answer("mult.c:mult"), 6);
    tw__trim(folder, 0, 0);
    rewinddir(files);
    int objects = 0;
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        assert_int_equal(fstatat(dirfd(files), entry->d_name, &info, 0), 0);
        objects += strstr(entry->d_name, ".so") != NULL;
    }
    assert_int_equal(objects, 1);
    closedir(files);
    const int before = starts(scratch);
    assert_int_equal(answer("mult.c:mult"), 6);
    assert_int_equal(starts(scratch), before);
    free(folder);
}

static void processes_may_compile_together(void **state)
{
    const struct scratch *scratch = *state;
    enum { PROCESSES = 6 };
    pid_t pids[PROCESSES];
    scratch_write(scratch, "one.c", ANSWER("f", "51"));
    scratch_write(scratch, "two.c", ANSWER("f", "52"));
    for (int k = 0; k < PROCESSES; k++) {
        pids[k] = fork();
        if (pids[k] == 0) {
            int right = 1;
            for (int round = 0; round < 4; round++) {
                tw_kernel *kernel = NULL;
                const char *name = (round + k) % 2 == 0 ? "one.c:f" : "two.c:f";
                const tw_tile tile = {0};
                right = right && tw_kernel_open(&kernel, name, NULL, NULL) == TW_OK &&
                        kernel->function(&tile) == 51 + (round + k) % 2;
                tw_kernel_destroy(kernel);
            }
            _exit(!right);
        }
    }
    for (int k = 0; k < PROCESSES; k++) {
        int ended;
        assert_int_equal(waitpid(pids[k], &ended, 0), pids[k]);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(cached(scratch, ".tmp"), 0);
    assert_int_equal(cached(scratch, ".entry"), 2);
    const int before = starts(scratch);
    assert_int_equal(answer("one.c:f"), 51);
    assert_int_equal(answer("two.c:f"), 52);
    assert_int_equal(starts(scratch), before);
}

static void *open_in_thread(void *argument)
{
    const char *name = argument;
    tw_kernel *kernel = NULL;
    const tw_tile tile = {0};
    const int right = tw_kernel_open(&kernel, name, NULL, NULL) == TW_OK && kernel->function(&tile) == 61;
    tw_kernel_destroy(kernel);
    return right ? NULL : argument;
}

static void threads_may_compile_together(void **state)
{
    const struct scratch *scratch = *state;
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    scratch_write(scratch, "one.c", ANSWER("f", "61"));
    for (int k = 0; k < THREADS; k++) {
        assert_int_equal(pthread_create(&threads[k], NULL, open_in_thread, "one.c:f"), 0);
    }
    for (int k = 0; k < THREADS; k++) {
        void *wrong;
        pthread_join(threads[k], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(cached(scratch, ".tmp"), 0);
}

#define WITH_COMPILER(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_COMPILER(a_second_opening_starts_no_compiler),
        WITH_COMPILER(whatever_changes_the_code_compiles_again),
        WITH_COMPILER(an_included_file_counts),
        WITH_COMPILER(an_object_once_named_never_changes),
        WITH_COMPILER(a_damaged_cache_is_compiled_again),
        WITH_COMPILER(a_spoilt_header_is_written_again),
        WITH_COMPILER(a_file_saved_just_now_is_not_trusted),
        WITH_COMPILER(the_cache_folder_is_this_users_alone),
        WITH_COMPILER(the_cache_folder_follows_the_environment),
        WITH_COMPILER(what_was_used_longest_ago_is_removed_first),
        WITH_COMPILER(what_is_found_is_in_use),
        WITH_COMPILER(a_folder_stands_in_for_one_that_cannot_be_used),
        WITH_COMPILER(a_private_folder_goes_with_its_process_or_the_next_one),
        WITH_COMPILER(private_folders_made_at_once_all_stay),
        WITH_COMPILER(processes_may_compile_together),
        WITH_COMPILER(threads_may_compile_together),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
