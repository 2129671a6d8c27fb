/* test_launch.c - which processes were started by one command, by the variables of schedulers and launchers. */
#include "harness.h"
#include "node/launch.h"
#include "variables.h"

static void processes_of_one_command_are_one_launch(void **state)
{
    (void)state;
    static const struct {
        const char *environment, *launch;
    } cases[] = {
        {"", ""},
        {"SLURM_ARRAY_JOB_ID=71 SLURM_JOB_ID=73 SLURM_ARRAY_TASK_ID=2", "Slurm 71"},
        {"SLURM_ARRAY_JOB_ID=71 SLURM_JOB_ID=73 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_ID=0", "Slurm 71.0"},
        {"SLURM_JOB_ID=73 SLURM_STEP_NUM_TASKS=8 SLURM_STEP_ID=1", "Slurm 73.1"},
        {"SLURM_JOB_ID=73 PMIX_NAMESPACE=prterun-9", "Slurm 73"},
        {"PBS_JOBID=17[3].host", "PBS 17"},
        {"PBS_JOBID=17.host", "PBS 17.host"},
        {"JOB_ID=5 SGE_TASK_ID=3", "SGE 5"},
        {"JOB_ID=5", ""},
        {"LSB_JOBID=6 LSB_JOBINDEX=2", "LSF 6"},
        {"PMIX_NAMESPACE=prterun-vm-9@1", "PMIx prterun-vm-9@1"},
        {"OMPI_MCA_ess_base_jobid=1234", "Open MPI 1234"},
        {"SLURM_JOB_ID=", ""},
        {"PBS_JOBID=0123456789012345678901234567890123456789012345678901234567890123456789",
         "PBS 01234567890123456789012345678901234567890123456789012345678"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char launch[TW__LAUNCH_SIZE];
        tw__launch_find(launch, look_up, (void *)(uintptr_t)cases[k].environment);
        assert_string_equal(launch, cases[k].launch);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes_of_one_command_are_one_launch),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
