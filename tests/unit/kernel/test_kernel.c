/* Kernels from functions and from shared objects, and what is refused in their place. */
#include "harness.h"
#include "opening.h"

#include <errno.h>
#include <sys/wait.h>

#include "os/clock.h"
#include "os/program.h"

static int five(const tw_tile *tile)
{
    (void)tile;
    return 5;
}

static void a_function_keeps_its_context(void **state)
{
    (void)state;
    int context = 3;
    tw_kernel *kernel;
    const int64_t before = tw__now();
    assert_int_equal(tw_kernel_from_function(&kernel, five, &context, sizeof context, NULL), TW_OK);
    assert_string_equal(tw_kernel_name(kernel), "function");
    assert_ptr_equal(kernel->context, &context);
    assert_int_equal(kernel->context_size, sizeof context);
    assert_null(kernel->path);
    assert_true(kernel->created_at >= before);
    assert_int_equal(kernel->function(NULL), 5);
    tw_kernel_destroy(kernel);
    tw_kernel_destroy(NULL);
}

static void a_function_without_sense_is_refused(void **state)
{
    (void)state;
    tw_kernel *kernel;
    tw_error error;
    assert_int_equal(tw_kernel_from_function(&kernel, NULL, NULL, 0, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "the kernel's function is NULL");
    assert_int_equal(tw_kernel_from_function(&kernel, five, NULL, 8, &error), TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "the kernel's context is NULL, but its size is 8 bytes");
}

/* Makes a shared object from C text. */
static void make_library(const struct scratch *scratch, const char *file, const char *text)
{
    scratch_write(scratch, "made.c", text);
    char *output;
    int code;
    char *const argv[] = {"cc", "-shared", "-fPIC", "-o", (char *)file, "made.c", NULL};
    assert_int_equal(tw__run_program(argv, NULL, 4096, &output, &code), 0);
    assert_int_equal(code, 0);
    free(output);
}

/* GCC links what -ffast-math needs into the object: code that turns subnormal numbers off as it is opened. */
static void an_object_that_is_opened_leaves_the_floating_point_mode(void **state)
{
    tw_kernel *kernel;
    scratch_write(*state, "fast.c", ANSWER("five", "5"));
    const tw_compile_options options = {.flags = "-O2 -ffast-math"};
    volatile double small = 0x1p-1060;
    assert_int_equal(tw_kernel_from_source(&kernel, "fast.c", "five", &options, NULL), TW_OK);
    assert_true(small * 0.5 != 0);
    tw_kernel_destroy(kernel);
}

static const char library_text[] = "int printf(const char *, ...);\n"
                                   "int table[4] = {1};\n"
                                   "static int hidden(void) { return 1; }\n"
                                   "int mult(const void *tile) { return tile == 0 ? printf(\"\") : 42; }\n"
                                   "int add(const void *tile) { return tile == 0 ? 0 : 43 + 0 * hidden(); }\n";

static void a_library_is_taken_from_the_current_folder(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    make_library(scratch, "mult.so", library_text);
    assert_int_equal(answer("mult.so:mult"), 42);
    assert_int_equal(answer("./mult.so:add"), 43);
    /* The dynamic linker knows this name; a kernel's file it is not. */
    tw_kernel *kernel;
    assert_int_equal(tw_kernel_from_library(&kernel, "libm.so.6", "sin", &error), TW_ERROR_FILE);
    assert_string_equal(error.message, "libm.so.6: cannot be opened: No such file or directory");
}

static void a_worker_elsewhere_finds_the_same_function(void **state)
{
    const struct scratch *scratch = *state;
    tw_kernel *kernel;
    make_library(scratch, "mult.so", library_text);
    assert_int_equal(tw_kernel_from_library(&kernel, "mult.so", "mult", NULL), TW_OK);
    assert_string_equal(tw_kernel_name(kernel), "mult.so:mult");
    assert_int_equal(kernel->path[0], '/');
    assert_string_equal(kernel->symbol, "mult");
    const pid_t pid = fork();
    if (pid == 0) {
        struct tw__library library;
        tw_error why;
        const tw_tile tile = {0};
        if (chdir("/") != 0) {
            _exit(1);
        }
        const tw_function function = tw__kernel_resolve(kernel->path, kernel->symbol, &library, &why);
        _exit(function != NULL && function(&tile) == 42 ? 0 : 2);
    }
    int ended;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_int_equal(ended, 0);
    struct tw__library library;
    tw_error why;
    assert_null(tw__kernel_resolve(kernel->path, "none", &library, &why));
    assert_non_null(strstr(why.message, "mult.so: has no function 'none'"));
    assert_int_equal(why.status, TW_ERROR_FILE);
    assert_null(tw__kernel_resolve("/no/such.so", "none", &library, &why));
    assert_int_equal(why.status, TW_ERROR_FILE);
    assert_int_equal(why.os_error, ENOENT);
    tw_kernel_destroy(kernel);
}

static void a_missing_function_is_named_with_those_there(void **state)
{
    tw_error error;
    make_library(*state, "mult.so", library_text);
    refused(&error, "mult.so:mul", TW_ERROR_ARGUMENT);
    assert_says(&error, "mult.so has no function 'mul': it has ");
    assert_says(&error, "'mult'");
    assert_says(&error, "'add'");
    assert_null(strstr(error.message, "hidden"));
    make_library(*state, "data.so", "int table[4] = {1};\n");
    refused(&error, "data.so:table", TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "data.so has no function 'table': it has no function that can be called from "
                                       "outside (is it static or hidden?)");
}

static void only_the_objects_own_functions_are_kernels(void **state)
{
    tw_error error;
    make_library(*state, "mult.so", library_text);
    refused(&error, "mult.so:printf", TW_ERROR_ARGUMENT); /* of the C library */
    refused(&error, "mult.so:table", TW_ERROR_ARGUMENT);  /* not a function */
    refused(&error, "mult.so:hidden", TW_ERROR_ARGUMENT); /* static */
    make_library(*state, "sysv.so", library_text);
    /* The older kind of symbol table is read as well. */
    char *output;
    int code;
    char *const argv[] = {"cc", "-shared", "-fPIC", "-Wl,--hash-style=sysv", "-o", "sysv.so", "made.c", NULL};
    assert_int_equal(tw__run_program(argv, NULL, 4096, &output, &code), 0);
    free(output);
    assert_int_equal(answer("sysv.so:add"), 43);
    refused(&error, "sysv.so:printf", TW_ERROR_ARGUMENT);
}

static void what_is_no_library_is_said_plainly(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    refused(&error, "none.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "none.so: cannot be opened: No such file or directory");
    assert_int_equal(error.os_error, 2);
    scratch_write(scratch, "empty.so", "");
    refused(&error, "empty.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "empty.so: is an empty file");
    scratch_write(scratch, "text.so", "int f(void);\n");
    refused(&error, "text.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "text.so: is a text file, not a shared object");
    scratch_write(scratch, "archive.so", "!<arch>\nrest");
    refused(&error, "archive.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "archive.so: is a static library, not a shared object");
    scratch_write(scratch, "bytes.so", "\x01\x02\x03");
    refused(&error, "bytes.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "bytes.so: is not a shared object");
    scratch_write(scratch, "folder.so/x", "");
    refused(&error, "folder.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "folder.so: is a folder, not a shared object");
    assert_int_equal(symlink("/proc/self/exe", "program.so"), 0);
    refused(&error, "program.so:main", TW_ERROR_FILE);
    assert_string_equal(error.message, "program.so: is a program, not a shared object");
    scratch_write(scratch, "made.c", library_text);
    char *output;
    int code;
    char *const argv[] = {"cc", "-c", "-o", "object.so", "made.c", NULL};
    assert_int_equal(tw__run_program(argv, NULL, 4096, &output, &code), 0);
    free(output);
    refused(&error, "object.so:mult", TW_ERROR_FILE);
    assert_says(&error, "object.so: is an object file, not yet linked");
    make_library(scratch, "needs.so", "int nowhere(void);\nint f(void) { return nowhere(); }\n");
    refused(&error, "needs.so:f", TW_ERROR_FILE);
    assert_string_equal(error.message, "needs.so: cannot be opened as a shared object: undefined symbol: nowhere");
}

static void a_library_cut_short_never_kills(void **state)
{
    const struct scratch *scratch = *state;
    make_library(scratch, "whole.so", library_text);
    FILE *file = fopen("whole.so", "rb");
    static char bytes[1 << 20];
    const size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    assert_in_range(length, 1000, sizeof bytes - 1);
    int refusals = 0;
    for (size_t cut = 0; cut < length; cut += cut < 1200 ? 7 : 331) {
        file = fopen("cut.so", "wb");
        assert_int_equal(fwrite(bytes, 1, cut, file), cut);
        fclose(file);
        tw_kernel *kernel = NULL;
        tw_error error;
        const tw_status status = tw_kernel_open(&kernel, "cut.so:mult", NULL, &error);
        /* The end of the file is for debuggers; without it the object works. */
        assert_true(status == TW_ERROR_FILE || (status == TW_OK && cut > length / 2));
        refusals += status != TW_OK;
        tw_kernel_destroy(kernel);
        remove("cut.so");
    }
    assert_true(refusals > 100);
}

static void names_without_sense_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    tw_error error;
    scratch_write(scratch, "mult.c", ANSWER("mult", "1"));
    refused(&error, "mult.c", TW_ERROR_ARGUMENT);
    assert_string_equal(error.message, "kernel 'mult.c' names no function: write FILE.c:FUNCTION or FILE.so:FUNCTION");
    refused(&error, "a:b/mult.c", TW_ERROR_ARGUMENT);
    assert_says(&error, "names no function");
    refused(&error, "mult.cpp:mult", TW_ERROR_ARGUMENT);
    assert_says(&error, "neither a C source nor a shared object");
    static const char *const names[] = {"mult.c:", "mult.c:2f", "mult.c:a b", "mult.c:f()", "mult.c:m\xc3\xa4h"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        refused(&error, names[k], TW_ERROR_ARGUMENT);
        assert_says(&error, "cannot be the name of a C function");
    }
    refused(&error, ":mult", TW_ERROR_ARGUMENT);
    refused(&error, ".c:mult", TW_ERROR_ARGUMENT);
    refused(&error, "", TW_ERROR_ARGUMENT);
    assert_int_equal(starts(scratch), 0);
}

static void libraries_may_have_versions_in_their_names(void **state)
{
    (void)state;
    static const char *const libraries[] = {"./libfoo.so.6:f", "./libfoo.so.1.22.333:f", "./a.so.0:f"};
    static const char *const others[] = {"./libfoo.so.:f",   "./libfoo.so.6a:f", "./libfoo.6:f",
                                         "./libfoo.so..6:f", "./libfoo.so6:f",   "6:f"};
    tw_error error;
    for (size_t k = 0; k < sizeof libraries / sizeof libraries[0]; k++) {
        refused(&error, libraries[k], TW_ERROR_FILE);
        assert_says(&error, "cannot be opened: No such file");
    }
    for (size_t k = 0; k < sizeof others / sizeof others[0]; k++) {
        refused(&error, others[k], TW_ERROR_ARGUMENT);
        assert_says(&error, "neither a C source nor a shared object");
    }
    const int built =
        system("printf 'int f(const void *t) { (void)t; return 9; }' | cc -shared -fPIC -x c - -o l.so.6.1");
    assert_int_equal(built, 0);
    assert_int_equal(answer("l.so.6.1:f"), 9);
}

#define WITH_COMPILER(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_keeps_its_context),
        cmocka_unit_test(a_function_without_sense_is_refused),
        WITH_COMPILER(an_object_that_is_opened_leaves_the_floating_point_mode),
        WITH_COMPILER(a_library_is_taken_from_the_current_folder),
        WITH_COMPILER(a_worker_elsewhere_finds_the_same_function),
        WITH_COMPILER(a_missing_function_is_named_with_those_there),
        WITH_COMPILER(only_the_objects_own_functions_are_kernels),
        WITH_COMPILER(what_is_no_library_is_said_plainly),
        WITH_COMPILER(a_library_cut_short_never_kills),
        WITH_COMPILER(names_without_sense_are_refused),
        WITH_COMPILER(libraries_may_have_versions_in_their_names),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
