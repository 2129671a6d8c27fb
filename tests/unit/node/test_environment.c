/* test_environment.c - which node a process is, in the environments that schedulers and launchers make. */
#include <stdio.h>
#include <string.h>

#include "harness.h"
#include "node/environment.h"
#include "variables.h"

struct found {
    const char *text, *environment;
    int64_t index, count;
};

static void check_found(const struct found *cases, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        tw_node node = {-7, -7};
        tw_error error = {0};
        const tw_status status =
            tw__node_find(&node, cases[k].text, look_up, (void *)(uintptr_t)cases[k].environment, &error);
        if (status != TW_OK || node.index != cases[k].index || node.count != cases[k].count) {
            fail_msg("%s in %s: %lld/%lld, %s", cases[k].text, cases[k].environment, (long long)node.index,
                     (long long)node.count, error.message);
        }
    }
}

struct refused {
    const char *text, *environment, *sentence;
};

static void check_refused(const struct refused *cases, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        tw_node node = {-7, -7};
        tw_error error = {0};
        const tw_status status =
            tw__node_find(&node, cases[k].text, look_up, (void *)(uintptr_t)cases[k].environment, &error);
        if (status == TW_OK || strcmp(error.message, cases[k].sentence) != 0) {
            fail_msg("%s in %s: %lld/%lld, \"%s\"", cases[k].text, cases[k].environment, (long long)node.index,
                     (long long)node.count, error.message);
        }
        assert_true(node.index == -7 && node.count == -7);
        assert_true(tw__node_find(&node, cases[k].text, look_up, (void *)(uintptr_t)cases[k].environment, NULL) ==
                    status);
    }
}

#define FOUND(cases) check_found(cases, sizeof(cases) / sizeof(cases)[0])
#define REFUSED(cases) check_refused(cases, sizeof(cases) / sizeof(cases)[0])

static void a_pair_is_what_it_says(void **state)
{
    (void)state;
    static const struct found cases[] = {
        {"3/8", "", 3, 8},
        {"0/1", "SLURM_ARRAY_TASK_ID=5", 0, 1},
        {"999999999/1000000000", "", 999999999, 1000000000},
    };
    FOUND(cases);
}

#define NO_TEXT(quoted)                                                                                                \
    "node: " quoted                                                                                                    \
    " is not a node: give 'K/N' (node K of N, from 0 on), 'auto', or 'auto/N' where the scheduler does not "           \
    "say how many nodes there are"

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"", "", NO_TEXT("''")},
        {"3", "", NO_TEXT("'3'")},
        {"3/", "", NO_TEXT("'3/'")},
        {"/8", "", NO_TEXT("'/8'")},
        {" 3/8", "", NO_TEXT("' 3/8'")},
        {"3/8 ", "", NO_TEXT("'3/8 '")},
        {"3 of 8", "", NO_TEXT("'3 of 8'")},
        {"-1/8", "", NO_TEXT("'-1/8'")},
        {"0/0", "", NO_TEXT("'0/0'")},
        {"0/1000000001", "", "node: '0/1000000001' has too many nodes: 1000000000 at most"},
        {"0/99999999999999999999", "", "node: '0/99999999999999999999' has too many nodes: 1000000000 at most"},
        {"auto/0000000000", "", NO_TEXT("'auto/0000000000'")},
        {"automatic", "", NO_TEXT("'automatic'")},
        {"auto/", "", NO_TEXT("'auto/'")},
        {"auto/0", "", NO_TEXT("'auto/0'")},
        {"auto/8x", "", NO_TEXT("'auto/8x'")},
        {"8/8", "", "node: '8/8' does not exist: nodes are counted from 0, so the last one is '7/8'"},
    };
    REFUSED(cases);
}

static void slurm_arrays_are_counted_from_zero(void **state)
{
    (void)state;
    static const struct found cases[] = {
        /* --array=0-63, 1-64, 5-13:4, 0-15:4, 7 */
        {"auto",
         "SLURM_ARRAY_TASK_ID=63 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=63 SLURM_ARRAY_TASK_STEP=1 "
         "SLURM_ARRAY_TASK_COUNT=64 SLURM_PROCID=0 SLURM_JOB_ID=9 SLURM_JOB_NUM_NODES=1",
         63, 64},
        {"auto",
         "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=64 SLURM_ARRAY_TASK_STEP=1 "
         "SLURM_ARRAY_TASK_COUNT=64",
         0, 64},
        {"auto",
         "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=5 SLURM_ARRAY_TASK_MAX=13 SLURM_ARRAY_TASK_STEP=4 "
         "SLURM_ARRAY_TASK_COUNT=3",
         1, 3},
        {"auto",
         "SLURM_ARRAY_TASK_ID=12 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=12 SLURM_ARRAY_TASK_STEP=4 "
         "SLURM_ARRAY_TASK_COUNT=4",
         3, 4},
        {"auto",
         "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=7 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=1 "
         "SLURM_ARRAY_TASK_COUNT=1",
         0, 1},
        /* before COUNT and STEP were there */
        {"auto", "SLURM_ARRAY_TASK_ID=4 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=8", 3, 8},
        /* --array=1,3,7: the last of seven, two of which are helped with */
        {"auto",
         "SLURM_ARRAY_TASK_ID=7 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=2 "
         "SLURM_ARRAY_TASK_COUNT=3",
         6, 7},
        {"auto",
         "SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_STEP=1 "
         "SLURM_ARRAY_TASK_COUNT=3",
         2, 7},
    };
    FOUND(cases);
}

#define STEP_3_OF_8                                                                                                    \
    "SLURM_PROCID=3 SLURM_STEP_NUM_TASKS=8 SLURM_STEP_ID=0 SLURM_JOB_ID=9 SLURM_JOB_NUM_NODES=2 SLURM_NTASKS=8"
#define ARRAY_5_OF_10                                                                                                  \
    "SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=9 SLURM_ARRAY_TASK_STEP=1 "                     \
    "SLURM_ARRAY_TASK_COUNT=10"

static void processes_inside_tasks_are_counted_through(void **state)
{
    (void)state;
    static const struct found cases[] = {
        {"auto", STEP_3_OF_8, 3, 8},
        {"auto", STEP_3_OF_8 " " ARRAY_5_OF_10, 43, 80},
        {"auto", "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4 " ARRAY_5_OF_10, 21, 40},
        {"auto", "PMI_RANK=1 PMI_SIZE=4 SGE_TASK_ID=2 SGE_TASK_FIRST=1 SGE_TASK_LAST=3 SGE_TASK_STEPSIZE=1", 5, 12},
        {"auto/12", "PMI_RANK=1 PMI_SIZE=4 PBS_ARRAY_INDEX=2", 9, 12},
        {"auto/80", STEP_3_OF_8 " " ARRAY_5_OF_10, 43, 80},
    };
    FOUND(cases);
}

static void launchers_number_processes(void **state)
{
    (void)state;
    static const struct found cases[] = {
        {"auto", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4", 3, 4},
        {"auto", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 PMIX_RANK=3 OMPI_UNIVERSE_SIZE=16", 3, 4},
        {"auto", "PMI_RANK=0 PMI_SIZE=2", 0, 2},
        {"auto", "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1", 0, 1},
        {"auto/16", "PMIX_RANK=11 PMIX_NAMESPACE=x", 11, 16},
        /* srun with the plug-ins for PMI-2 and PMIx */
        {"auto", STEP_3_OF_8 " PMI_RANK=3 PMI_SIZE=8", 3, 8},
        {"auto", STEP_3_OF_8 " PMIX_RANK=3", 3, 8},
        /* mpirun starts a daemon on each machine through srun, and that one the processes */
        {"auto", "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_ID=9 OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8",
         5, 8},
        {"auto", "SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 SLURM_JOB_ID=9 PMI_RANK=5 PMI_SIZE=8", 5, 8},
        /* from a shell that was itself started as one process */
        {"auto", "PMI_RANK=0 PMI_SIZE=1 OMPI_COMM_WORLD_RANK=5 OMPI_COMM_WORLD_SIZE=8", 5, 8},
        {"auto", "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=1 " STEP_3_OF_8, 3, 8},
        {"auto", "SLURM_PROCID=0 SLURM_STEP_NUM_TASKS=1 SLURM_JOB_ID=9 PMI_RANK=5 PMI_SIZE=8", 5, 8},
    };
    FOUND(cases);
}

static void other_arrays_are_counted_from_zero(void **state)
{
    (void)state;
    static const struct found cases[] = {
        {"auto", "SGE_TASK_ID=1 SGE_TASK_FIRST=1 SGE_TASK_LAST=64 SGE_TASK_STEPSIZE=1", 0, 64},
        {"auto", "SGE_TASK_ID=7 SGE_TASK_FIRST=1 SGE_TASK_LAST=10 SGE_TASK_STEPSIZE=3", 2, 4},
        {"auto", "SGE_TASK_ID=7 SGE_TASK_FIRST=1 SGE_TASK_LAST=9 SGE_TASK_STEPSIZE=3", 2, 3},
        {"auto", "LSB_JOBINDEX=3 LSB_JOBINDEX_END=8 LSB_JOBINDEX_STEP=1", 2, 8},
        {"auto", "LSB_JOBINDEX=5 LSB_JOBINDEX_END=9 LSB_JOBINDEX_STEP=2", 2, 5},
        {"auto", "LSB_JOBINDEX=11 LSB_JOBINDEX_END=20", 10, 20},
        {"auto/8", "PBS_ARRAY_INDEX=3 PBS_JOBID=17[3].host", 3, 8},
        {"auto/8", "PBS_ARRAYID=3", 3, 8},
        {"auto/8", "JOB_COMPLETION_INDEX=7", 7, 8},
        /* Slurm's qsub sets the variables of both */
        {"auto", ARRAY_5_OF_10 " PBS_ARRAY_INDEX=5", 5, 10},
    };
    FOUND(cases);
}

static void a_number_of_nodes_that_is_given_holds(void **state)
{
    (void)state;
    static const struct found cases[] = {
        /* as the scheduler says */
        {"auto/64",
         "SLURM_ARRAY_TASK_ID=64 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=64 SLURM_ARRAY_TASK_STEP=1 "
         "SLURM_ARRAY_TASK_COUNT=64",
         63, 64},
        /* one task again: sbatch --array=17 */
        {"auto/64",
         "SLURM_ARRAY_TASK_ID=17 SLURM_ARRAY_TASK_MIN=17 SLURM_ARRAY_TASK_MAX=17 SLURM_ARRAY_TASK_STEP=1 "
         "SLURM_ARRAY_TASK_COUNT=1",
         17, 64},
        /* PBS does not say whether an array begins with 0 or 1: both give 64 different nodes */
        {"auto/64", "PBS_ARRAY_INDEX=0", 0, 64},
        {"auto/64", "PBS_ARRAY_INDEX=63", 63, 64},
        {"auto/64", "PBS_ARRAY_INDEX=64", 0, 64},
        /* fewer processes than nodes: others help */
        {"auto/8", "OMPI_COMM_WORLD_RANK=1 OMPI_COMM_WORLD_SIZE=4", 1, 8},
        {"auto/1", "SLURM_JOB_ID=9 SLURM_PROCID=0", 0, 1},
    };
    FOUND(cases);
}

static void a_job_without_array_is_one_node(void **state)
{
    (void)state;
    static const struct found cases[] = {
        {"auto", "SLURM_JOB_ID=9 SLURM_PROCID=0 SLURM_JOB_NUM_NODES=1 SLURM_NTASKS=8", 0, 1},
        {"auto", "PBS_JOBID=17.host PBS_NUM_NODES=1", 0, 1},
        {"auto", "SGE_TASK_ID=undefined NHOSTS=1", 0, 1},
        {"auto", "LSB_JOBINDEX=0 LSB_JOBINDEX_END=0", 0, 1},
    };
    FOUND(cases);
}

#define NOBODY                                                                                                         \
    "this process was started by no scheduler or launcher that is known (Slurm, Open MPI, MPICH, PMIx, PBS, SGE, "     \
    "LSF, "                                                                                                            \
    "Kubernetes); give 'K/N', for example "

static void missing_variables_are_named(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"auto", "", "node 'auto': " NOBODY "'0/8'"},
        {"auto/64", "HOME=/root", "node 'auto/64': " NOBODY "'0/64'"},
        {"auto", "SLURM_ARRAY_TASK_ID=", "node 'auto': " NOBODY "'0/8'"},
        {"auto", "PBS_ARRAY_INDEX=3",
         "node 'auto': PBS_ARRAY_INDEX is 3, but PBS does not say of how many; give 'auto/N' with their number"},
        {"auto", "JOB_COMPLETION_INDEX=0",
         "node 'auto': JOB_COMPLETION_INDEX is 0, but Kubernetes does not say of how many; give 'auto/N' with their "
         "number"},
        {"auto", "SLURM_ARRAY_TASK_ID=3",
         "node 'auto': SLURM_ARRAY_TASK_ID is 3, but Slurm does not say of how many; give 'auto/N' with their number"},
        {"auto", "PMIX_RANK=3",
         "node 'auto': PMIX_RANK is 3, but PMIx does not say of how many; give 'auto/N' with their number"},
        {"auto", "OMPI_COMM_WORLD_RANK=3",
         "node 'auto': OMPI_COMM_WORLD_RANK is 3, but Open MPI does not say of how many; give 'auto/N' with their "
         "number"},
        {"auto/8", "PMIX_RANK=3 PBS_ARRAY_INDEX=1",
         "node 'auto/8': PMIX_RANK is 3, but PMIx does not say of how many, so it does not tell the tasks of an array "
         "apart; "
         "give 'K/N'"},
        {"auto/8", "SLURM_JOB_ID=9 SLURM_PROCID=0",
         "node 'auto/8': the Slurm job is no array, and no launcher has numbered this process; give 'K/8' with a "
         "different K for each process"},
        {"auto", "SLURM_JOB_ID=9 SLURM_NTASKS=8 SLURM_JOB_NUM_NODES=1",
         "node 'auto': this shell has a Slurm job, but is not a part of it; start the command with srun, or give "
         "'K/N'"},
        {"auto", "SLURM_JOB_ID=9 SLURM_PROCID=0 SLURM_JOB_NUM_NODES=4",
         "node 'auto': the Slurm job has 4 machines, and this process was started on one of them alone; start it with "
         "srun, or give 'K/N'"},
        {"auto", "SGE_TASK_ID=undefined NHOSTS=2",
         "node 'auto': the SGE job has 2 machines, and this process was started on one of them alone; start it with "
         "mpirun, or give 'K/N'"},
    };
    REFUSED(cases);
}

static void contradictions_are_named(void **state)
{
    (void)state;
    static const struct refused cases[] = {
        {"auto", "SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3",
         "node 'auto': SLURM_ARRAY_TASK_ID is 'x', not a number from 0 to 1000000000; give 'K/N'"},
        {"auto", "SLURM_ARRAY_TASK_ID=1 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=-3",
         "node 'auto': SLURM_ARRAY_TASK_MAX is '-3', not a number from 0 to 1000000000; give 'K/N'"},
        {"auto", "SLURM_ARRAY_TASK_ID=9 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=3 SLURM_ARRAY_TASK_COUNT=4",
         "node 'auto': SLURM_ARRAY_TASK_ID is 9, but the array is from 0 to 3 (SLURM_ARRAY_TASK_MAX); give 'K/N'"},
        {"auto", "OMPI_COMM_WORLD_RANK=4 OMPI_COMM_WORLD_SIZE=4",
         "node 'auto': OMPI_COMM_WORLD_RANK is 4, but OMPI_COMM_WORLD_SIZE is 4, and processes are counted from 0; "
         "give 'K/N'"},
        {"auto", "OMPI_COMM_WORLD_RANK=0 OMPI_COMM_WORLD_SIZE=99999999999",
         "node 'auto': OMPI_COMM_WORLD_SIZE is '99999999999', not a number from 0 to 1000000000; give 'K/N'"},
        {"auto", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=4 PMI_RANK=1 PMI_SIZE=2",
         "node 'auto': this is process 3 of 4 by OMPI_COMM_WORLD_RANK, but 1 of 2 by PMI_RANK; give 'K/N' to say which "
         "one is meant"},
        {"auto", ARRAY_5_OF_10 " SGE_TASK_ID=2 SGE_TASK_FIRST=1 SGE_TASK_LAST=3",
         "node 'auto': SLURM_ARRAY_TASK_ID is 5, but SGE_TASK_ID is 2; give 'K/N' to say which one is meant"},
        {"auto/4", "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=8",
         "node 'auto/4': Open MPI says that there are 8 nodes, more than 4; give 'auto'"},
        {"auto",
         "OMPI_COMM_WORLD_RANK=3 OMPI_COMM_WORLD_SIZE=1000000000 SGE_TASK_ID=2 SGE_TASK_FIRST=1 SGE_TASK_LAST=3",
         "node 'auto': 3000000000 nodes are too many: 1000000000 at most"},
    };
    REFUSED(cases);
}

/* Whatever the array, its tasks are different nodes, and N neighbours are the nodes of N. */
static void tasks_of_an_array_are_different_nodes(void **state)
{
    (void)state;
    for (int first = 0; first < 4; first++) {
        for (int step = 1; step < 5; step++) {
            char seen[64] = {0};
            for (int k = 0; k < 9; k++) {
                char environment[256];
                tw_node node;
                snprintf(
                    environment, sizeof environment,
                    "SLURM_ARRAY_TASK_ID=%d SLURM_ARRAY_TASK_MIN=%d SLURM_ARRAY_TASK_MAX=%d SLURM_ARRAY_TASK_STEP=%d "
                    "SLURM_ARRAY_TASK_COUNT=9",
                    first + k * step, first, first + 8 * step, step);
                assert_int_equal(tw__node_find(&node, "auto", look_up, environment, NULL), TW_OK);
                assert_true(node.count == 9 && node.index == k);
                snprintf(environment, sizeof environment, "PBS_ARRAY_INDEX=%d", first + k);
                assert_int_equal(tw__node_find(&node, "auto/9", look_up, environment, NULL), TW_OK);
                assert_true(node.count == 9 && node.index < 9);
                seen[node.index]++;
            }
            for (int k = 0; k < 9; k++) {
                assert_int_equal(seen[k], 1);
            }
        }
    }
}

static void null_is_refused(void **state)
{
    (void)state;
    tw_node node;
    tw_error error;
    assert_int_equal(tw_node_find(NULL, "auto", &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_node_find(&node, NULL, &error), TW_ERROR_ARGUMENT);
    assert_int_equal(tw_node_find(&node, "1/2", &error), TW_OK);
    assert_true(node.index == 1 && node.count == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pair_is_what_it_says),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(slurm_arrays_are_counted_from_zero),
        cmocka_unit_test(processes_inside_tasks_are_counted_through),
        cmocka_unit_test(launchers_number_processes),
        cmocka_unit_test(other_arrays_are_counted_from_zero),
        cmocka_unit_test(a_number_of_nodes_that_is_given_holds),
        cmocka_unit_test(a_job_without_array_is_one_node),
        cmocka_unit_test(missing_variables_are_named),
        cmocka_unit_test(contradictions_are_named),
        cmocka_unit_test(tasks_of_an_array_are_different_nodes),
        cmocka_unit_test(null_is_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
