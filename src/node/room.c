/* room.c - how much of its machine a scheduler or launcher leaves to this process. Affinity says it where processes are
 * bound to processors; where they are not, variables do. Knows their names, and no pool. */
#include "node/room.h"

#include <string.h>

#include "base/text.h"

struct surroundings {
    tw__lookup *lookup;
    void *user;
};

/* The number that a variable has; 0: it is not set, or is no number above 0. */
static int64_t number(const struct surroundings *surroundings, const char *name)
{
    const char *value = surroundings->lookup(surroundings->user, name);
    int64_t found = 0;
    return value != NULL && value[0] != '\0' && tw__parse_digits(value, strlen(value), &found) == strlen(value) ? found
                                                                                                                : 0;
}

/* How many tasks "4(x2),1" says that the machine with this number has: 4 0 and 1, 1 machine 2. 0: it does not say. */
static int64_t tasks_on(const char *list, int64_t machine)
{
    int64_t behind = 0;
    while (list != NULL && *list != '\0') {
        int64_t tasks, times = 1;
        size_t digits = tw__parse_digits(list, strlen(list), &tasks);
        if (digits == 0) {
            return 0;
        }
        list += digits;
        if (strncmp(list, "(x", 2) == 0) {
            digits = tw__parse_digits(list + 2, strlen(list + 2), &times);
            if (digits == 0 || list[2 + digits] != ')' || times > TW__MAX_NODES) {
                return 0;
            }
            list += digits + 3;
        }
        behind += times;
        if (machine < behind) {
            return tasks;
        }
        list += *list == ',';
    }
    return 0;
}

/* How many processes the launcher has started on this machine, this one included. */
static int64_t processes_here(const struct surroundings *surroundings)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS"};
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        if (number(surroundings, names[k]) > 0) {
            return number(surroundings, names[k]);
        }
    }
    if (number(surroundings, "SLURM_STEP_NUM_TASKS") > 0) {
        const char *list = surroundings->lookup(surroundings->user, "SLURM_STEP_TASKS_PER_NODE");
        const int64_t tasks = tasks_on(list, number(surroundings, "SLURM_NODEID"));
        return tasks > 0 ? tasks : 1;
    }
    return 1;
}

/* Processors that the scheduler has given the job on this machine; 0: it does not say. */
static int64_t processors_here(const struct surroundings *surroundings)
{
    static const struct {
        const char *job, *processors, *machines;
    } rows[] = {{"SLURM_JOB_ID", "SLURM_CPUS_ON_NODE", NULL},
                {"PBS_JOBID", "NCPUS", NULL},
                {"SGE_TASK_ID", "NSLOTS", "NHOSTS"},
                {"LSB_JOBID", "LSB_DJOB_NUMPROC", NULL}};
    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        const int64_t machines = rows[k].machines != NULL ? number(surroundings, rows[k].machines) : 1;
        if (surroundings->lookup(surroundings->user, rows[k].job) != NULL && machines <= 1 &&
            number(surroundings, rows[k].processors) > 0) {
            return number(surroundings, rows[k].processors);
        }
    }
    return 0;
}

int tw__node_workers(tw__lookup *lookup, void *user, int allowed, int is_bound)
{
    const struct surroundings surroundings = {lookup, user};
    int64_t workers = number(&surroundings, "SLURM_CPUS_PER_TASK");
    if (workers == 0) {
        const int64_t given = processors_here(&surroundings), processes = processes_here(&surroundings);
        workers = given > 0 ? given / processes : is_bound ? allowed : allowed / processes;
    }
    return workers < 1 ? 1 : workers < allowed ? (int)workers : allowed;
}

int tw_node_workers(void)
{
    tw_machine machine;
    tw_machine_describe(&machine);
    return tw__node_workers(tw__lookup_own, NULL, machine.workers, machine.cpus_affinity < machine.cpus_online);
}
