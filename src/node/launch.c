/* launch.c - which start of a command a process belongs to, from the variables that schedulers and launchers set. With
 * `restart`, all processes of one launch were given the same command: the first begins anew, and the others, and those
 * that the scheduler starts again, must not. */
#include "node/launch.h"

#include <stdio.h>
#include <string.h>

/* The innermost last that stays the same if the scheduler starts the job again: of mpirun inside of a job that is the
 * job. An index in brackets, as PBS has it, is left out. */
static const struct {
    const char *name;
    const char *is_set; /* it counts only with this one; NULL: always */
    const char *variable;
} launches[] = {
    {"Slurm", NULL, "SLURM_ARRAY_JOB_ID"},
    {"Slurm", NULL, "SLURM_JOB_ID"},
    {"PBS", NULL, "PBS_JOBID"},
    {"SGE", "SGE_TASK_ID", "JOB_ID"},
    {"LSF", NULL, "LSB_JOBID"},
    {"PMIx", NULL, "PMIX_NAMESPACE"},
    {"Open MPI", NULL, "OMPI_MCA_ess_base_jobid"},
};

void tw__launch_find(char text[TW__LAUNCH_SIZE], tw__lookup *lookup, void *user)
{
    tw__lookup *const look = lookup != NULL ? lookup : tw__lookup_own;
    text[0] = '\0';
    for (size_t k = 0; k < sizeof launches / sizeof launches[0]; k++) {
        const char *value = look(user, launches[k].variable);
        if (value == NULL || value[0] == '\0' ||
            (launches[k].is_set != NULL && look(user, launches[k].is_set) == NULL)) {
            continue;
        }
        const int used = snprintf(text, TW__LAUNCH_SIZE, "%s %.*s", launches[k].name, (int)strcspn(value, "["), value);
        for (char *c = text; *c != '\0'; c++) {
            *c = *c >= ' ' && *c < 0x7f ? *c : '?';
        }
        const char *step = strncmp(text, "Slurm", 5) == 0 && look(user, "SLURM_STEP_NUM_TASKS") != NULL
                               ? look(user, "SLURM_STEP_ID")
                               : NULL;
        if (step != NULL && used > 0 && used < TW__LAUNCH_SIZE) {
            snprintf(text + used, (size_t)(TW__LAUNCH_SIZE - used), ".%.16s", step);
        }
        return;
    }
}
