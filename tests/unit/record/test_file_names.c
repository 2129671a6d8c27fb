/* test_file_names.c - the names of a run's files: each file is one output's alone; and NULL where a name, a file or an
 * object is needed is an error. */
#include <string.h>

#include <tilework/tilework.h>

#include "files.h"
#include "grids.h"

static int nothing(const tw_tile *tile)
{
    (void)tile;
    return 0;
}

struct job {
    tw_kernel *kernel;
    tw_grid *grid;
};

/* Two outputs, q and r. */
static struct job open_job(void)
{
    const int64_t length = 8;
    struct job job = {.grid = grid_of("-> q[i], r[i]", &length, &(tw_split){.axis = "i", .parts = 2}, 1)};
    assert_int_equal(tw_kernel_from_function(&job.kernel, nothing, NULL, 0, NULL), TW_OK);
    return job;
}

static void close_job(struct job *job)
{
    tw_grid_destroy(job->grid);
    tw_kernel_destroy(job->kernel);
}

static tw_status open_as(const struct job *job, const char *q, const char *r, tw_error *error)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    const tw_output files[] = {{.file = q, .dtype = dtype}, {.file = r, .dtype = dtype}};
    tw_array *const arrays[] = {NULL, NULL};
    tw_outputs *outputs = NULL;
    const tw_status status = tw_outputs_open(&outputs, job->kernel, job->grid, arrays, files, NULL, error);
    tw_outputs_destroy(outputs);
    return status;
}

static void each_file_is_one_outputs_alone(void **state)
{
    static const struct {
        const char *q, *r, *says;
    } cases[] = {
        {"a.npy", "a.npy", "outputs 'q' and 'r' have the same file, a.npy: each needs its own"},
        {"a.npy", "./a.npy", "outputs 'q' and 'r' have the same file, ./a.npy: each needs its own"},
        {"a.npy", "link.npy", "outputs 'q' and 'r' have the same file, a.npy: each needs its own"},
        {"a.npy", "a.npy.part",
         "the file of output 'r', a.npy.part, is where output 'q' is written until it is whole: give it another name"},
        {"./a.npy.part", "a.npy",
         "the file of output 'q', ./a.npy.part, is where output 'r' is written until it is whole: give it another "
         "name"},
        {"a.npy", "a.npy.journal",
         "the file of output 'r', a.npy.journal, is where output 'q' has its journal: give it another name"},
        {"a.npy", "a.npy.partials",
         "the file of output 'r', a.npy.partials, is where output 'q' has its partial results: give it another name"}};
    struct job job = open_job();
    tw_error error;
    (void)state;
    assert_int_equal(symlink("a.npy", "link.npy"), 0);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        assert_int_equal(open_as(&job, cases[k].q, cases[k].r, &error), TW_ERROR_ARGUMENT);
        assert_string_equal(error.message, cases[k].says);
    }
    assert_int_equal(mkdir("folder", 0777), 0);
    assert_int_equal(count_entries("."), 2); /* and nothing was made */
    assert_int_equal(open_as(&job, "a.npy", "folder/a.npy", &error), TW_OK);
    assert_int_equal(open_as(&job, "a.npy", "b.npy.journal", &error), TW_OK);
    close_job(&job);
}

#define REFUSED(call)                                                                                                  \
    do {                                                                                                               \
        assert_int_equal((call), TW_ERROR_ARGUMENT);                                                                   \
        assert_non_null(strstr(error.message, "is NULL, but it is needed"));                                           \
    } while (0)

static void null_is_refused_where_something_is_needed(void **state)
{
    const tw_dtype dtype = tw_dtype_of(TW_FLOAT64);
    const int64_t shape = 8;
    struct job job = open_job();
    const tw_signature *signature = tw_grid_signature(job.grid);
    tw_array *arrays[2] = {NULL}, *array = NULL;
    const tw_output files[2] = {{.file = NULL}};
    tw_outputs *outputs = NULL;
    tw_unfinished found;
    tw_file *file = NULL;
    tw_error error;
    char *name = NULL;
    uint64_t sum = 0;
    (void)state;
    REFUSED(tw_array_open(&array, NULL, NULL, &error));
    REFUSED(tw_array_open(NULL, NULL, "a.npy", &error));
    REFUSED(tw_array_target(&name, NULL, &error));
    REFUSED(tw_array_create_file(&array, NULL, &dtype, 1, &shape, &error));
    REFUSED(tw_array_create_file(&array, "a.npy", NULL, 1, &shape, &error));
    REFUSED(tw_array_create_file(&array, "a.npy", &dtype, 1, NULL, &error));
    REFUSED(tw_array_save(NULL, "a.npy", &error));
    REFUSED(tw_array_commit(NULL, &error));
    REFUSED(tw_array_checksum(&sum, NULL, &error));
    REFUSED(tw_file_create(&file, NULL, &error));
    REFUSED(tw_file_create(NULL, "a.json", &error));
    REFUSED(tw_outputs_open(NULL, job.kernel, job.grid, arrays, files, NULL, &error));
    REFUSED(tw_outputs_open(&outputs, NULL, job.grid, arrays, files, NULL, &error));
    REFUSED(tw_outputs_open(&outputs, job.kernel, NULL, arrays, files, NULL, &error));
    REFUSED(tw_outputs_open(&outputs, job.kernel, job.grid, NULL, files, NULL, &error));
    REFUSED(tw_outputs_open(&outputs, job.kernel, job.grid, arrays, NULL, NULL, &error));
    REFUSED(tw_outputs_look(&found, NULL, files, &error));
    REFUSED(tw_outputs_look(&found, signature, NULL, &error));
    REFUSED(tw_outputs_beside(&name, NULL, NULL, NULL, &error));
    REFUSED(tw_outputs_commit(NULL, &error));
    REFUSED(tw_report_write_trace(NULL, stdout, &error));
    REFUSED(tw_report_write_picture(NULL, stdout, &error));
    REFUSED(tw_report_write_html(NULL, stdout, &error));
    REFUSED(tw_report_write_json(NULL, stdout, &error));
    REFUSED(tw_plan_write_json(NULL, stdout, &error));
    assert_int_equal(tw_array_open(&array, NULL, NULL, NULL), TW_ERROR_ARGUMENT); /* nor is an error needed */
    assert_int_equal(count_entries("."), 0);
    close_job(&job);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        IN_FOLDER(each_file_is_one_outputs_alone),
        IN_FOLDER(null_is_refused_where_something_is_needed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
