/* test_room.c - how many workers a process has where a scheduler or launcher has started several on one machine. */
#include "harness.h"
#include "node/room.h"
#include "variables.h"

static void workers_are_those_that_the_scheduler_leaves(void **state)
{
    (void)state;
    static const struct {
        const char *environment;
        int allowed, is_bound, workers;
    } cases[] = {
        {"", 16, 0, 16},
        {"SLURM_JOB_ID=1 SLURM_CPUS_PER_TASK=4 SLURM_CPUS_ON_NODE=16", 16, 0, 4},
        {"SLURM_JOB_ID=1 SLURM_CPUS_PER_TASK=4", 2, 1, 2},
        {"SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=8", 16, 0, 8},
        /* a step of 9 tasks on three machines, this one the last */
        {"SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=8 SLURM_STEP_NUM_TASKS=9 SLURM_STEP_TASKS_PER_NODE=4(x2),1 SLURM_NODEID=2",
         16, 0, 8},
        {"SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=8 SLURM_STEP_NUM_TASKS=9 SLURM_STEP_TASKS_PER_NODE=4(x2),1 SLURM_NODEID=1",
         16, 0, 2},
        {"SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=2 SLURM_STEP_NUM_TASKS=4 SLURM_STEP_TASKS_PER_NODE=4 SLURM_NODEID=0", 16, 0,
         1},
        {"SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=8 SLURM_STEP_NUM_TASKS=4 SLURM_STEP_TASKS_PER_NODE=x SLURM_NODEID=0", 16, 0,
         8},
        {"SLURM_JOB_ID=1 SLURM_CPUS_ON_NODE=8 OMPI_COMM_WORLD_LOCAL_SIZE=2", 16, 0, 4},
        {"PBS_JOBID=1.host NCPUS=4", 16, 0, 4},
        {"NCPUS=4", 16, 0, 16},
        {"SGE_TASK_ID=undefined NSLOTS=4 NHOSTS=1", 16, 0, 4},
        {"SGE_TASK_ID=3 NSLOTS=32 NHOSTS=4", 16, 0, 16},
        {"LSB_JOBID=7 LSB_DJOB_NUMPROC=4", 16, 0, 4},
        /* mpirun on one machine: processes that it has not bound share the processors */
        {"OMPI_COMM_WORLD_LOCAL_SIZE=4", 16, 0, 4},
        {"OMPI_COMM_WORLD_LOCAL_SIZE=4", 3, 1, 3},
        {"MPI_LOCALNRANKS=8", 2, 0, 1},
        {"SLURM_CPUS_PER_TASK=none", 16, 0, 16},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const int workers =
            tw__node_workers(look_up, (void *)(uintptr_t)cases[k].environment, cases[k].allowed, cases[k].is_bound);
        if (workers != cases[k].workers) {
            fail_msg("%s: %d workers, not %d", cases[k].environment, workers, cases[k].workers);
        }
    }
    assert_in_range(tw_node_workers(), 1, TW_MAX_WORKERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_are_those_that_the_scheduler_leaves),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
