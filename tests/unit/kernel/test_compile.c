/* Kernels from C sources: what compilers say; names and flags that try to be commands. */
#include "harness.h"
#include "opening.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "kernel/compiler.h"

#include "os/program.h"

static void a_source_is_compiled_against_the_librarys_header(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "mult.c",
                  "#include <tilework/tilework.h>\n#include <math.h>\n"
                  "int mult(const tw_tile *tile)\n{\n"
                  "    TW_VIEW(const double, y, tile->operand[0]);\n"
                  "    TW_VIEW(double, r, tile->operand[1]);\n"
                  "    if (!tw_view_is(&tile->operand[1], TW_FLOAT64, 1)) {\n"
                  "        return tw_tile_fail(tile, 9, \"not %s\", \"doubles\");\n    }\n"
                  "    for (int64_t i = 0; i < r.shape[0]; i++) {\n"
                  "        TW_AT(r, i) = sqrt(TW_AT(y, i));\n    }\n    return 0;\n}\n");
    tw_kernel *kernel;
    tw_error error;
    assert_int_equal(tw_kernel_from_source(&kernel, "mult.c", "mult", NULL, &error), TW_OK);
    assert_string_equal(tw_kernel_name(kernel), "mult.c:mult");
    double y[6] = {1, -1, 4, -1, 9, -1}, r[3] = {0};
    char message[TW_TILE_MESSAGE_SIZE];
    tw_view views[2] = {{.data = y, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {3}, .strides = {16}},
                        {.data = r + 2, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {3}, .strides = {-8}}};
    tw_tile tile = {.operand = views, .noperands = 2, .message = message};
    assert_int_equal(kernel->function(&tile), 0);
    assert_true(r[0] == 3 && r[1] == 2 && r[2] == 1);
    views[1].ndim = 0;
    assert_int_equal(kernel->function(&tile), 9);
    assert_string_equal(message, "not doubles");
    tw_kernel_destroy(kernel);
}

static void compiler_errors_show_file_and_line(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    scratch_write(scratch, "sub/mult.c",
                  "#include <tilework/tilework.h>\n#warning \"not this one\"\nint mult(const tw_tile *tile)\n{\n"
                  "    return tile->indexx;\n}\n");
    refused(&error, "sub/mult.c:mult", TW_ERROR_COMPILE);
    assert_memory_equal(error.message, "sub/mult.c does not compile: sub/mult.c:5:", 42);
    assert_says(&error, "error: ");
    assert_says(&error, "indexx");
    assert_null(strstr(error.message, "not this one"));
    assert_int_equal(cached(scratch, ".so"), 0);
    assert_int_equal(cached(scratch, ".tmp"), 0);
    /* With very many errors, the message is cut at a line's end. */
    char *text = calloc(1, 60000);
    for (int k = 0; k < 1000; k++) {
        sprintf(text + strlen(text), "int f%d(void) { return missing_%d; }\n", k, k);
    }
    scratch_write(scratch, "many.c", text);
    free(text);
    refused(&error, "many.c:mult", TW_ERROR_COMPILE);
    assert_memory_equal(error.message, "many.c does not compile: many.c:1:", 34);
    assert_true(strlen(error.message) > TW_ERROR_MESSAGE_SIZE / 2);
    assert_true(strlen(error.message) < TW_ERROR_MESSAGE_SIZE);
}

static void link_and_load_errors_are_shown(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    scratch_write(scratch, "mult.c", "int nowhere(void);\nint mult(void) { return nowhere(); }\n");
    refused(&error, "mult.c:mult", TW_ERROR_COMPILE);
    assert_says(&error, "undefined symbol: nowhere");
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.flags = "-lno_such_library_here"}, TW_ERROR_COMPILE);
    assert_says(&error, "no_such_library_here");
    scratch_write(scratch, "mult.c", "static int mult(void) { return 1; }\nint other(void) { return mult(); }\n");
    refused(&error, "mult.c:mult", TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "mult.c has no function 'mult': it has 'other'");
}

static void a_machine_without_compiler_is_told_what_to_install(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    char *path = strdup(getenv("PATH")), text[512] = "untouched";
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    unsetenv("TILEWORK_CC");
    setenv("PATH", scratch->path, 1);
    refused(&error, "mult.c:mult", TW_ERROR_COMPILE);
    assert_says(&error, "none of cc, gcc and clang is on PATH; install one");
    assert_int_equal(tw_compiler_describe(text, sizeof text, text, sizeof text, text, sizeof text, &error),
                     TW_ERROR_COMPILE);
    assert_string_equal(text, "untouched");
    setenv("TILEWORK_CC", "no-such-cc -O2", 1);
    refused(&error, "mult.c:mult", TW_ERROR_COMPILE);
    assert_string_equal(error.message, "there is no compiler 'no-such-cc' (from TILEWORK_CC): it is not on PATH");
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.compiler = "/no/cc"}, TW_ERROR_COMPILE);
    assert_string_equal(error.message, "there is no compiler '/no/cc': no such program");
    setenv("PATH", path, 1);
    setenv("TILEWORK_CC", " \t", 1); /* as if it were not set */
    assert_int_equal(answer("mult.c:mult"), 6);
    free(path);
}

static void the_compiler_may_have_arguments_and_blanks(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "mult.c", ANSWER("mult", "FROM_CC"));
    setenv("TILEWORK_CC", "  env A=b\tcc -DFROM_CC=31 ", 1);
    assert_int_equal(answer("mult.c:mult"), 31);
    scratch_write(scratch, "my tools/c c", "#!/bin/sh\nexec cc -DFROM_CC=32 \"$@\"\n");
    assert_int_equal(chmod("my tools/c c", 0755), 0);
    assert_int_equal(answer_with("mult.c:mult", &(tw_compile_options){.compiler = "./my tools/c c"}), 32);
    char path[4200], version[256], cache[4200];
    setenv("TILEWORK_CC", "cc -DFROM_CC=31", 1);
    assert_int_equal(tw_compiler_describe(path, sizeof path, version, sizeof version, cache, sizeof cache, NULL),
                     TW_OK);
    assert_int_equal(path[0], '/');
    assert_non_null(strstr(path, "/cc -DFROM_CC=31"));
    assert_true(strlen(version) > 0 && strchr(version, '\n') == NULL);
    char *expected = scratch_path(scratch, "cache/tilework");
    assert_string_equal(cache, expected);
    free(expected);
}

static void names_and_flags_are_never_commands(void **state)
{
    const struct scratch *scratch = *state;
    static const char *const names[] = {"a b.c",       "$(touch x).c", "`touch x`.c",  "it's \"quoted\".c",
                                        ";touch x;.c", "-x.c",         "-o.c",         "--version.c",
                                        "@x.c",        "#.c",          "a:b.c",        "new\nline.c",
                                        "%s%n.c",      "*.c",          "\\.c",         "$HOME.c",
                                        "|touch x|.c", "&touch x&.c",  "-include x.c", "\xff\xfe.c"};
    tw_error error;
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        char *name = NULL;
        scratch_write(scratch, names[k], ANSWER("f", "21"));
        assert_true(asprintf(&name, "%s:f", names[k]) > 0);
        assert_int_equal(answer(name), 21);
        const int before = starts(scratch);
        assert_int_equal(answer(name), 21);
        /* A line end cannot be written into a make rule: such a source is compiled each time. */
        assert_int_equal(starts(scratch), before + (strchr(names[k], '\n') != NULL));
        free(name);
    }
    static const char *const flags[] = {"$(touch x)",     "`touch x`", ";touch x",
                                        "-O1 && touch x", "| touch x", "\"-O1\" > x"};
    for (size_t k = 0; k < sizeof flags / sizeof flags[0]; k++) {
        refused_with(&error, "a b.c:f", &(tw_compile_options){.flags = flags[k]}, TW_ERROR_COMPILE);
    }
    refused_with(&error, "a b.c:f", &(tw_compile_options){.compiler = "cc;touch x"}, TW_ERROR_COMPILE);
    assert_false(scratch_has(scratch, "x"));
    assert_int_equal(answer_with("a b.c:f", &(tw_compile_options){.flags = ""}), 21);
}

static void a_compiler_that_makes_nothing_is_named(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.compiler = "true"}, TW_ERROR_COMPILE);
    assert_says(&error, "mult.c: what the compiler /");
    assert_says(&error, "/true made of it is an empty file");
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.compiler = "false"}, TW_ERROR_COMPILE);
    assert_says(&error, "/false ended with code 1 and printed nothing");
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.flags = "-c"}, TW_ERROR_COMPILE);
    assert_says(&error, "is an object file, not yet linked");
    assert_int_equal(cached(scratch, ".so"), 0);
    assert_int_equal(cached(scratch, ".tmp"), 0);
}

static void flags_have_an_end(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    char flags[2048] = "";
    for (int k = 0; k < 300; k++) {
        strcat(flags, "-O1 ");
    }
    scratch_write(scratch, "mult.c", ANSWER("mult", "6"));
    refused_with(&error, "mult.c:mult", &(tw_compile_options){.flags = flags}, TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "the compiler's flags: more than 256 words");
    flags[4 * 256] = '\0';
    assert_int_equal(answer_with("mult.c:mult", &(tw_compile_options){.flags = flags}), 6);
}

static void sources_that_cannot_be_read_are_named(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    refused(&error, "none.c:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "none.c: cannot be read: No such file or directory");
    scratch_write(scratch, "folder.c/x", "");
    refused(&error, "folder.c:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "folder.c: is a folder, not a C source");
    assert_int_equal(mkfifo("pipe.c", 0600), 0);
    refused(&error, "pipe.c:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "pipe.c: is not a regular file, not a C source");
    assert_int_equal(starts(scratch), 0);
}

/* In a child: no descriptor is left for the compiler's words. */
static int compile_without_descriptors(const struct scratch *scratch)
{
    struct tw__compiler compiler;
    struct rlimit limit = {.rlim_cur = 3, .rlim_max = 3};
    const char *const arguments[] = {"--version"};
    char *output;
    int code;
    tw_error error;
    (void)scratch;
    if (tw__compiler_init(&compiler, "cc", NULL) != TW_OK || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return 1;
    }
    if (tw__compiler_run(&compiler, arguments, 1, &output, &code, &error) != TW_ERROR_PROCESS) {
        return 2;
    }
    return strstr(error.message, "cannot be run: Too many open files") != NULL ? 0 : 3;
}

/* In a child: this user may have no more processes. */
static int compile_without_processes(const struct scratch *scratch)
{
    struct tw__compiler compiler;
    struct rlimit limit = {.rlim_cur = 0, .rlim_max = 0};
    const char *const arguments[] = {"--version"};
    char *output;
    int code;
    tw_error error;
    (void)scratch;
    if (tw__compiler_init(&compiler, "cc", NULL) != TW_OK || setrlimit(RLIMIT_NPROC, &limit) != 0 ||
        (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))) {
        return 1;
    }
    return tw__compiler_run(&compiler, arguments, 1, &output, &code, &error) == TW_ERROR_PROCESS ? 0 : 2;
}

static void a_machine_without_room_for_a_compiler_is_no_compile_error(void **state)
{
    int (*const children[])(const struct scratch *) = {compile_without_descriptors, compile_without_processes};
    for (size_t k = 0; k < 2; k++) {
        const pid_t pid = fork();
        if (pid == 0) {
            _exit(children[k](*state));
        }
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

#define WITH_COMPILER(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_COMPILER(a_source_is_compiled_against_the_librarys_header),
        WITH_COMPILER(compiler_errors_show_file_and_line),
        WITH_COMPILER(link_and_load_errors_are_shown),
        WITH_COMPILER(a_machine_without_compiler_is_told_what_to_install),
        WITH_COMPILER(the_compiler_may_have_arguments_and_blanks),
        WITH_COMPILER(names_and_flags_are_never_commands),
        WITH_COMPILER(a_compiler_that_makes_nothing_is_named),
        WITH_COMPILER(flags_have_an_end),
        WITH_COMPILER(sources_that_cannot_be_read_are_named),
        WITH_COMPILER(a_machine_without_room_for_a_compiler_is_no_compile_error),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
