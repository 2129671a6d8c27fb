/* Portable kernels: one object for every processor of a family, known by what it was made from. */
#include "harness.h"
#include "opening.h"

#include <math.h>
#include <sys/time.h>
#include <time.h>

#include "kernel/levels.h"
#include "kernel/origin.h"
#include "os/level.h"

static const tw_compile_options portable = {.portable = 1};

/* r[k] = x * y + z for three numbers, by a C kernel: 0 if the product is rounded, -2^-60 if it is fused. */
#define FUSED                                                                                                          \
    "#include <tilework/tilework.h>\nint fused(const tw_tile *tile)\n{\n    TW_VIEW(const double, x, "                 \
    "tile->operand[0]);\n    TW_VIEW(double, r, tile->operand[1]);\n    TW_AT(r, 0) = TW_AT(x, 0) * TW_AT(x, 1) + "    \
    "TW_AT(x, 2);\n    return 0;\n}\n"

static double call_fused(const tw_compile_options *options)
{
    tw_kernel *kernel = NULL;
    tw_error error;
    const double tiny = ldexp(1, -30);
    double x[3] = {1 + tiny, 1 - tiny, -1}, r[1] = {7};
    char message[TW_TILE_MESSAGE_SIZE];
    tw_view views[2] = {{.data = x, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {3}, .strides = {8}},
                        {.data = r, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {1}, .strides = {8}}};
    const tw_tile tile = {.operand = views, .noperands = 2, .message = message};
    assert_int_equal(tw_kernel_open(&kernel, "fused.c:fused", options, &error), TW_OK);
    assert_int_equal(kernel->function(&tile), 0);
    tw_kernel_destroy(kernel);
    return r[0];
}

static void a_users_kernel_fuses_nothing_unless_its_flags_say_so(void **state)
{
    scratch_write(*state, "fused.c", FUSED);
    assert_true(call_fused(&portable) == 0);
    if (TW__LEVELS > 1 && tw__cpu_level() >= 3) {
        const tw_compile_options fusing = {.portable = 1, .flags = "-O3 -march=haswell -ffp-contract=fast"};
        assert_true(call_fused(&fusing) == -ldexp(1, -60));
    }
}

/* ---- levels ---- */

/* A bound statement over x[i], whose kernel is portable. */
static tw_statement *bound(double *x, double *r, int64_t n)
{
    tw_statement *statement;
    tw_error error;
    int64_t lengths[1];
    const tw_view views[2] = {{.data = x, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {n}, .strides = {8}},
                              {.data = r, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {n}, .strides = {8}}};
    const tw_view *operands[2] = {&views[0], &views[1]};
    const tw_dtype dtypes[2] = {views[0].dtype, {.kind = TW_OPAQUE}};
    assert_int_equal(tw_statement_parse(&statement, "r[i] = exp(x[i]) * x[i] + sin(x[i])", NULL, &error), TW_OK);
    assert_int_equal(tw_statement_types(statement, dtypes, &error), TW_OK);
    assert_int_equal(tw_statement_bind(statement, operands, NULL, 0, lengths, &error), TW_OK);
    return statement;
}

static void every_level_gives_the_same_bits(void **state)
{
    enum { N = 1031 };
    double *x = calloc(N, sizeof *x), *r = calloc(N, sizeof *r), *first = calloc(N, sizeof *first);
    void *functions[TW__LEVELS] = {0};
    int levels = 0;
    (void)state;
    for (int k = 0; k < N; k++) {
        x[k] = ldexp((k - 500) * 0.37, k % 7 - 3);
    }
    for (int k = 0; k < TW__LEVELS; k++) {
        tw_statement *statement = bound(x, r, N);
        const tw_kernel *kernel;
        tw_error error;
        assert_int_equal(setenv("TILEWORK_LEVEL", tw__levels[k].name, 1), 0);
        assert_int_equal(tw_statement_kernel(&kernel, statement, &portable, &error), TW_OK);
        memcpy(&functions[k], &kernel->function, sizeof functions[k]);
        tw_view views[2] = {{.data = x, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {N}, .strides = {8}},
                            {.data = r, .dtype = tw_dtype_of(TW_FLOAT64), .ndim = 1, .shape = {N}, .strides = {8}}};
        const int64_t start[1] = {0}, stop[1] = {N};
        char message[TW_TILE_MESSAGE_SIZE];
        tw_tile tile = {.operand = views, .noperands = 2, .message = message, .naxes = 1, .context = kernel->context};
        tile.start = start;
        tile.stop = stop;
        assert_int_equal(kernel->function(&tile), 0);
        if (k == 0) {
            memcpy(first, r, N * sizeof *r);
        }
        assert_memory_equal(r, first, N * sizeof *r);
        levels += k == 0 || (tw__levels[k].needs <= tw__cpu_level() && functions[k] != functions[k - 1]);
        assert_true(levels == k + 1 || tw__levels[k].needs > tw__cpu_level());
        tw_statement_destroy(statement);
    }
    unsetenv("TILEWORK_LEVEL");
    assert_int_equal(starts(*state), TW__LEVELS > 1 ? TW__LEVELS + 2 : 2); /* --version, each level, the linker */
    free(first);
    free(r);
    free(x);
}

static void a_level_that_is_none_is_refused(void **state)
{
    tw_error error;
    scratch_write(*state, "six.c", ANSWER("six", "6"));
    setenv("TILEWORK_LEVEL", "v9", 1);
    refused_with(&error, "six.c:six", &portable, TW_ERROR_ARGUMENT);
    assert_says(&error, "TILEWORK_LEVEL is 'v9'; the levels of this processor's family are: baseline");
    unsetenv("TILEWORK_LEVEL");
}

/* A user may have functions whose names look like a level's. */
static void names_of_a_users_functions_are_no_levels(void **state)
{
    scratch_write(*state, "two.c", ANSWER("two", "2") "int two_v3(const tw_tile *tile) { (void)tile; return 3; }\n");
    assert_int_equal(answer_with("two.c:two", &portable), 2);
    assert_int_equal(answer("two.c:two"), 2);
}

/* ---- what it is known by ---- */

static tw_kernel *opened(const char *name, const tw_compile_options *options)
{
    tw_kernel *kernel = NULL;
    tw_error error;
    if (tw_kernel_open(&kernel, name, options, &error) != TW_OK) {
        print_error("%s\n", error.message);
        fail();
    }
    return kernel;
}

static void unlike_compilers_make_the_same_kernel(void **state)
{
    scratch_write(*state, "fused.c", FUSED);
    tw_kernel *one = opened("fused.c:fused", &portable);
    tw_kernel *other = opened("fused.c:fused", &(tw_compile_options){.portable = 1, .compiler = "cc -g"});
    tw_kernel *flags = opened("fused.c:fused", &(tw_compile_options){.portable = 1, .flags = "-O2"});
    tw_kernel *native = opened("fused.c:fused", NULL);
    assert_string_not_equal(one->path, other->path);
    assert_string_equal(one->origin, other->origin);
    assert_string_not_equal(one->origin, "");
    assert_string_not_equal(one->origin, flags->origin);
    assert_string_equal(native->origin, "");
    tw_kernel_destroy(native);
    tw_kernel_destroy(flags);
    tw_kernel_destroy(other);
    tw_kernel_destroy(one);
}

static void an_object_in_the_cache_needs_no_compiler(void **state)
{
    scratch_write(*state, "six.c", ANSWER("six", "6"));
    assert_int_equal(answer_with("six.c:six", &portable), 6);
    const int before = starts(*state);
    assert_int_equal(answer_with("six.c:six", &portable), 6);
    assert_int_equal(starts(*state), before);
}

/* Moves the only object of the cache into a folder. */
static void carry(const struct scratch *scratch, const char *name, const char *folder)
{
    tw_kernel *kernel = opened(name, &portable);
    char *command = NULL;
    assert_true(asprintf(&command, "mkdir -p '%s/%s' && cp '%s' '%s/%s/kernel.so' && chmod 644 '%s/%s/kernel.so'",
                         scratch->path, folder, kernel->path, scratch->path, folder, scratch->path, folder) > 0);
    assert_int_equal(system(command), 0);
    free(command);
    tw_kernel_destroy(kernel);
}

static void an_object_that_lies_in_the_folder_needs_no_compiler(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "six.c", ANSWER("six", "6"));
    scratch_write(scratch, "five.c", ANSWER("five", "5"));
    carry(scratch, "six.c:six", "run");
    const tw_compile_options there = {.portable = 1, .look_in = "run", .cache = "other", .compiler = "/no/cc"};
    assert_int_equal(answer_with("six.c:six", &there), 6);
    tw_error error;
    refused_with(&error, "five.c:five", &there, TW_ERROR_COMPILE);
    assert_says(&error, "/no/cc");
    /* Flags, a change of the source, rights of others: not that object. */
    tw_compile_options flags = there;
    flags.flags = "-O1";
    refused_with(&error, "six.c:six", &flags, TW_ERROR_COMPILE);
    assert_int_equal(chmod("run/kernel.so", 0666), 0);
    refused_with(&error, "six.c:six", &there, TW_ERROR_COMPILE);
    assert_int_equal(chmod("run/kernel.so", 0600), 0);
    assert_int_equal(answer_with("six.c:six", &there), 6);
    scratch_write(scratch, "six.c", ANSWER("six", "7"));
    refused_with(&error, "six.c:six", &there, TW_ERROR_COMPILE);
    /* A file cut short, and one that ends as if it said something, say nothing. */
    scratch_write(scratch, "six.c", ANSWER("six", "6"));
    assert_int_equal(answer_with("six.c:six", &there), 6);
    assert_int_equal(truncate("run/kernel.so", 4000), 0);
    refused_with(&error, "six.c:six", &there, TW_ERROR_COMPILE);
    scratch_write(scratch, "run/kernel.so", "tilework object 1\nkey 0\nend 00000037\n");
    refused_with(&error, "six.c:six", &there, TW_ERROR_COMPILE);
}

/* Changes one byte of the folder's object, at a place as far from its end as is said. */
static void flip_byte(long from_end)
{
    FILE *file = fopen("run/kernel.so", "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, -from_end, SEEK_END), 0);
    const int byte = fgetc(file);
    assert_true(byte != EOF && fseek(file, -from_end, SEEK_END) == 0);
    assert_int_equal(fputc(byte ^ 1, file), byte ^ 1);
    assert_int_equal(fclose(file), 0);
}

static void an_object_whose_code_was_changed_is_not_used(void **state)
{
    static const long places[] = {1000, 4000, 8000};
    const tw_compile_options no_compiler = {.portable = 1, .look_in = "run", .cache = "other", .compiler = "/no/cc"};
    tw_error error;
    scratch_write(*state, "six.c", ANSWER("six", "6"));
    for (size_t k = 0; k < sizeof places / sizeof places[0]; k++) {
        carry(*state, "six.c:six", "run");
        assert_int_equal(answer_with("six.c:six", &no_compiler), 6);
        flip_byte(places[k]);
        refused_with(&error, "six.c:six", &no_compiler, TW_ERROR_COMPILE);
        assert_says(&error, "/no/cc");
        assert_says(&error, "the object in run is damaged, and was not used");
    }
    /* With a compiler it is made again, elsewhere. */
    const int before = starts(*state);
    assert_int_equal(answer_with("six.c:six", &(tw_compile_options){.portable = 1, .look_in = "run", .cache = "third"}),
                     6);
    assert_true(starts(*state) > before);
    /* One that is another kernel's is not damaged. */
    scratch_write(*state, "five.c", ANSWER("five", "5"));
    carry(*state, "six.c:six", "run");
    refused_with(&error, "five.c:five", &no_compiler, TW_ERROR_COMPILE);
    assert_null(strstr(error.message, "damaged"));
}

static void a_folder_to_look_in_is_for_portable_kernels(void **state)
{
    tw_error error;
    scratch_write(*state, "six.c", ANSWER("six", "6"));
    refused_with(&error, "six.c:six", &(tw_compile_options){.look_in = "run"}, TW_ERROR_ARGUMENT);
    assert_says(&error, "portable");
}

static void what_a_source_includes_is_part_of_it(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "six.c", "#include \"number.h\"\n" ANSWER("six", "NUMBER"));
    scratch_write(scratch, "number.h", "#define NUMBER 6\n");
    assert_int_equal(utimes("number.h", (const struct timeval[2]){{1, 0}, {1, 0}}), 0);
    assert_int_equal(utimes("six.c", (const struct timeval[2]){{1, 0}, {1, 0}}), 0);
    carry(scratch, "six.c:six", "run");
    const tw_compile_options there = {.portable = 1, .look_in = "run", .cache = "other", .compiler = "/no/cc"};
    assert_int_equal(answer_with("six.c:six", &there), 6);
    tw_kernel *six = opened("six.c:six", &portable);
    scratch_write(scratch, "number.h", "#define NUMBER 7\n");
    assert_int_equal(utimes("number.h", (const struct timeval[2]){{1, 0}, {1, 0}}), 0);
    tw_error error;
    refused_with(&error, "six.c:six", &there, TW_ERROR_COMPILE);
    tw_kernel *seven = opened("six.c:six", &portable);
    assert_string_not_equal(seven->origin, "");
    assert_string_not_equal(seven->origin, six->origin);
    tw_kernel_destroy(seven);
    tw_kernel_destroy(six);
}

/* As on a file server whose clock is ahead, and as an editor saves it a moment before the command. */
static void a_source_of_any_age_is_known_by_its_text(void **state)
{
    const time_t hours_ahead = time(NULL) + 7 * 3600;
    scratch_write(*state, "six.c", ANSWER("six", "6"));
    tw_kernel *now = opened("six.c:six", &portable);
    assert_int_equal(utimes("six.c", (const struct timeval[2]){{hours_ahead, 0}, {hours_ahead, 0}}), 0);
    tw_kernel *ahead = opened("six.c:six", &(tw_compile_options){.portable = 1, .cache = "other"});
    assert_string_not_equal(now->origin, "");
    assert_string_equal(ahead->origin, now->origin);
    tw_kernel_destroy(ahead);
    tw_kernel_destroy(now);
}

static void a_kernel_is_opened_again_from_another_file(void **state)
{
    const struct scratch *scratch = *state;
    scratch_write(scratch, "six.c", ANSWER("six", "6"));
    scratch_write(scratch, "five.c", ANSWER("six", "5"));
    carry(scratch, "six.c:six", "run");
    carry(scratch, "five.c:six", "five");
    tw_kernel *kernel = opened("six.c:six", &portable), *again = NULL;
    tw_error error;
    assert_int_equal(tw__kernel_reopen(kernel, "run/kernel.so", &again, &error), TW_OK);
    char *path = scratch_path(scratch, "run/kernel.so");
    assert_string_equal(again->path, path);
    assert_string_equal(again->name, "six.c:six");
    assert_string_equal(again->origin, kernel->origin);
    assert_int_equal(again->function(&(tw_tile){0}), 6);
    free(path);
    tw_kernel_destroy(again);
    assert_int_equal(tw__kernel_reopen(kernel, "five/kernel.so", &again, &error), TW_ERROR_ARGUMENT);
    assert_says(&error, "was not made from the source of kernel six.c:six");
    assert_int_equal(tw__kernel_reopen(kernel, "none/kernel.so", &again, &error), TW_ERROR_FILE);
    assert_int_equal(chmod("run/kernel.so", 0664), 0);
    assert_int_equal(tw__kernel_reopen(kernel, "run/kernel.so", &again, &error), TW_ERROR_FILE);
    assert_says(&error, "can be written to by others, so its code is not safe to run");
    tw_kernel_destroy(kernel);
}

#define WITH_COMPILER(test) cmocka_unit_test_setup_teardown(test, open_all, close_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_COMPILER(a_users_kernel_fuses_nothing_unless_its_flags_say_so),
        WITH_COMPILER(every_level_gives_the_same_bits),
        WITH_COMPILER(a_level_that_is_none_is_refused),
        WITH_COMPILER(names_of_a_users_functions_are_no_levels),
        WITH_COMPILER(unlike_compilers_make_the_same_kernel),
        WITH_COMPILER(an_object_in_the_cache_needs_no_compiler),
        WITH_COMPILER(an_object_that_lies_in_the_folder_needs_no_compiler),
        WITH_COMPILER(an_object_whose_code_was_changed_is_not_used),
        WITH_COMPILER(a_folder_to_look_in_is_for_portable_kernels),
        WITH_COMPILER(what_a_source_includes_is_part_of_it),
        WITH_COMPILER(a_source_of_any_age_is_known_by_its_text),
        WITH_COMPILER(a_kernel_is_opened_again_from_another_file),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
