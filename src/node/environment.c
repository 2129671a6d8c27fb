/* environment.c - which node of how many this process is: read from a text, or from the variables that schedulers and
 * launchers set. Knows their names, and no job. A wrong answer costs time and never bytes: any process may be any node.
 *
 * Two things number processes. A scheduler numbers the tasks of an array; a launcher (mpirun, srun) numbers the
 * processes that it starts, also inside one task. If both did, the node is task * processes + process. */
#include "node/environment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"

#define MOST_DIGITS 10 /* of TW__MAX_NODES */

/* ---- texts ---- */

static tw_status fail_text(const char *text, tw_error *error)
{
    char quoted[80];
    struct tw__text shown;
    tw__text_init(&shown, quoted, sizeof quoted);
    tw__text_add_quoted(&shown, text, strlen(text) < 60 ? strlen(text) : 60, 0);
    const char *slash = strchr(text, '/');
    if (slash != NULL && slash[1] != '0' && strlen(slash + 1) >= MOST_DIGITS &&
        strspn(slash + 1, "0123456789") == strlen(slash + 1)) {
        return tw__fail(error, TW_ERROR_SYNTAX, "node: %s has too many nodes: %d at most", quoted, TW__MAX_NODES);
    }
    return tw__fail(
        error, TW_ERROR_SYNTAX,
        "node: %s is not a node: give 'K/N' (node K of N, from 0 on), 'auto', or 'auto/N' where the scheduler does "
        "not say how many nodes there are",
        quoted);
}

/* "64": all of it is a number of nodes. */
static int read_count(const char *text, int64_t *count)
{
    const size_t length = strlen(text);
    return length > 0 && tw__parse_digits(text, length, count) == length && *count >= 1 && *count <= TW__MAX_NODES;
}

/* "3/8" */
static tw_status read_pair(tw_node *node, const char *text, tw_error *error)
{
    int64_t index, count;
    const size_t digits = tw__parse_digits(text, strlen(text), &index);
    if (digits == 0 || text[digits] != '/' || !read_count(text + digits + 1, &count)) {
        return fail_text(text, error);
    }
    if (index >= count) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "node: '%" PRId64 "/%" PRId64
                        "' does not exist: nodes are counted from 0, so the last one is '%" PRId64 "/%" PRId64 "'",
                        index, count, count - 1, count);
    }
    *node = (tw_node){index, count};
    return TW_OK;
}

/* ---- variables ---- */

struct environment {
    tw__lookup *lookup;
    void *user;
    const char *text; /* what was asked for, "auto" or "auto/64" */
    int64_t wished;   /* 64; 0: not given */
};

/* One numbering of processes. */
struct numbering {
    const char *variable; /* where the number was found; NULL: there is no such numbering */
    const char *name;     /* who numbers */
    int64_t raw;          /* as it was found */
    int64_t index, count; /* from 0 on; count 0: not known */
};

static const char *value_of(const struct environment *environment, const char *name)
{
    const char *value = name != NULL ? environment->lookup(environment->user, name) : NULL;
    return value != NULL && value[0] != '\0' ? value : NULL;
}

/* *number stays if the variable is not set; *found: it is. */
static tw_status read_number(const struct environment *environment, const char *name, int64_t *number, int *found,
                             tw_error *error)
{
    const char *value = value_of(environment, name);
    *found = value != NULL;
    if (value == NULL) {
        return TW_OK;
    }
    const size_t length = strlen(value);
    if (tw__parse_digits(value, length, number) == length && *number <= TW__MAX_NODES) {
        return TW_OK;
    }
    char quoted[80];
    struct tw__text shown;
    tw__text_init(&shown, quoted, sizeof quoted);
    tw__text_add_quoted(&shown, value, length < 60 ? length : 60, 0);
    return tw__fail(error, TW_ERROR_ARGUMENT, "node '%s': %s is %s, not a number from 0 to %d; give 'K/N'",
                    environment->text, name, quoted, TW__MAX_NODES);
}

/* ---- arrays ---- */

static const struct array_names {
    const char *name, *index;
    const char *none; /* the index of a job that is no array */
    const char *first, *last, *step, *count;
    int64_t usual_first; /* if no variable says so */
} arrays[] = {
    {"Slurm", "SLURM_ARRAY_TASK_ID", NULL, "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP",
     "SLURM_ARRAY_TASK_COUNT", 0},
    {"PBS", "PBS_ARRAY_INDEX", NULL, NULL, NULL, NULL, NULL, 0},
    {"PBS", "PBS_ARRAYID", NULL, NULL, NULL, NULL, NULL, 0}, /* Torque */
    {"SGE", "SGE_TASK_ID", "undefined", "SGE_TASK_FIRST", "SGE_TASK_LAST", "SGE_TASK_STEPSIZE", NULL, 1},
    {"LSF", "LSB_JOBINDEX", "0", NULL, "LSB_JOBINDEX_END", "LSB_JOBINDEX_STEP", NULL, 1},
    {"Kubernetes", "JOB_COMPLETION_INDEX", NULL, NULL, NULL, NULL, NULL, 0},
};

/* 4 of 5 to 13 in steps of 4 and the like. Indices with gaps, --array=1,3,7, count as if all between the first and the
 * last were there: others help with the shares of those that are not. */
static tw_status place_in_array(const struct environment *environment, const struct array_names *names,
                                struct numbering *numbering, tw_error *error)
{
    int64_t first = names->usual_first, last = 0, step = 1, count = 0;
    int has_first, has_last, has_step, has_count;
    if (read_number(environment, names->first, &first, &has_first, error) != TW_OK ||
        read_number(environment, names->last, &last, &has_last, error) != TW_OK ||
        read_number(environment, names->step, &step, &has_step, error) != TW_OK ||
        read_number(environment, names->count, &count, &has_count, error) != TW_OK) {
        return error != NULL ? error->status : TW_ERROR_ARGUMENT;
    }
    if (!has_last || (names->first != NULL && !has_first)) {
        return TW_OK; /* where the array ends is not known */
    }
    if (numbering->raw < first || numbering->raw > last) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "node '%s': %s is %" PRId64 ", but the array is from %" PRId64 " to %" PRId64
                        " (%s); give 'K/N'",
                        environment->text, names->index, numbering->raw, first, last, names->last);
    }
    const int is_even =
        step > 0 && (numbering->raw - first) % step == 0 && (!has_count || (last - first) / step + 1 == count);
    numbering->index = (numbering->raw - first) / (is_even ? step : 1);
    numbering->count = (last - first) / (is_even ? step : 1) + 1;
    return TW_OK;
}

static tw_status find_array(const struct environment *environment, struct numbering *array, tw_error *error)
{
    for (size_t k = 0; k < sizeof arrays / sizeof arrays[0]; k++) {
        const char *value = value_of(environment, arrays[k].index);
        struct numbering found = {.variable = arrays[k].index, .name = arrays[k].name};
        int is_set;
        if (value == NULL || (arrays[k].none != NULL && strcmp(value, arrays[k].none) == 0)) {
            continue;
        }
        tw_status status = read_number(environment, arrays[k].index, &found.raw, &is_set, error);
        found.index = found.raw;
        if (status == TW_OK) {
            status = place_in_array(environment, &arrays[k], &found, error);
        }
        if (status != TW_OK) {
            return status;
        }
        /* Schedulers that set the variables of another one as well give the same index. */
        if (array->variable != NULL && array->raw != found.raw) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "node '%s': %s is %" PRId64 ", but %s is %" PRId64 "; give 'K/N' to say which one is meant",
                            environment->text, array->variable, array->raw, found.variable, found.raw);
        }
        if (array->variable == NULL) {
            *array = found;
        }
    }
    return TW_OK;
}

/* ---- launchers ---- */

/* The innermost first: mpirun starts its processes through srun, which has numbered mpirun's own. SLURM_PROCID is also
 * set in a batch script, which is no step. */
static const struct launcher_names {
    const char *name, *index, *count;
    int needs_count; /* without it the index says nothing */
} launchers[] = {
    {"Open MPI", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", 0},
    {"MPI", "PMI_RANK", "PMI_SIZE", 0},
    {"Slurm", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", 1},
    {"PMIx", "PMIX_RANK", NULL, 0},
};
enum { STEP = 2 }; /* the row of Slurm */

static tw_status read_launcher(const struct environment *environment, const struct launcher_names *names,
                               struct numbering *found, tw_error *error)
{
    int has_index, has_count;
    *found = (struct numbering){0};
    if (read_number(environment, names->index, &found->raw, &has_index, error) != TW_OK ||
        read_number(environment, names->count, &found->count, &has_count, error) != TW_OK) {
        return error != NULL ? error->status : TW_ERROR_ARGUMENT;
    }
    if (!has_index || (names->needs_count && !has_count)) {
        return TW_OK;
    }
    found->variable = names->index;
    found->name = names->name;
    found->index = found->raw;
    return !has_count || found->raw < found->count
               ? TW_OK
               : tw__fail(error, TW_ERROR_ARGUMENT,
                          "node '%s': %s is %" PRId64 ", but %s is %" PRId64 ", and processes are counted from 0; give "
                          "'K/N'",
                          environment->text, names->index, found->raw, names->count, found->count);
}

/* "1 process alone" is what is left over from a shell that a launcher has started: any other one knows more. */
static int says_more(const struct numbering *than, const struct numbering *found)
{
    return than->variable == NULL || (than->count == 1 && found->count > 1) || (than->count == 0 && found->count > 0);
}

static tw_status find_launcher(const struct environment *environment, struct numbering *launcher, tw_error *error)
{
    for (size_t k = 0; k < sizeof launchers / sizeof launchers[0]; k++) {
        struct numbering found;
        const tw_status status = read_launcher(environment, &launchers[k], &found, error);
        if (status != TW_OK) {
            return status;
        }
        if (found.variable == NULL) {
            continue;
        }
        if (says_more(launcher, &found)) {
            *launcher = found;
        } else if (k != STEP && found.count > 1 && (launcher->index != found.index || launcher->count != found.count)) {
            return tw__fail(error, TW_ERROR_ARGUMENT,
                            "node '%s': this is process %" PRId64 " of %" PRId64 " by %s, but %" PRId64 " of %" PRId64
                            " by %s; give 'K/N' to say which one is meant",
                            environment->text, launcher->index, launcher->count, launcher->variable, found.index,
                            found.count, found.variable);
        }
    }
    return TW_OK;
}

/* ---- jobs that are one process ---- */

static const struct job_names {
    const char *name, *job, *value; /* the value that the variable has then; NULL: any */
    const char *machines, *how;     /* how many machines the job has; what starts a process on each */
} jobs[] = {
    {"Slurm", "SLURM_JOB_ID", NULL, "SLURM_JOB_NUM_NODES", "srun"},
    {"PBS", "PBS_JOBID", NULL, "PBS_NUM_NODES", "mpirun"},
    {"SGE", "SGE_TASK_ID", "undefined", "NHOSTS", "mpirun"},
    {"LSF", "LSB_JOBINDEX", "0", NULL, NULL},
};

static const struct job_names *find_job(const struct environment *environment)
{
    for (size_t k = 0; k < sizeof jobs / sizeof jobs[0]; k++) {
        const char *value = value_of(environment, jobs[k].job);
        if (value != NULL && (jobs[k].value == NULL || strcmp(value, jobs[k].value) == 0)) {
            return &jobs[k];
        }
    }
    return NULL;
}

/* A job of several machines in which nothing has started a process on each would leave all but one idle, and a shell
 * that salloc has opened is on none of them. */
static tw_status check_started(const struct environment *environment, const struct job_names *job, int is_task,
                               tw_error *error)
{
    int64_t machines = 1;
    int found;
    if (read_number(environment, job->machines, &machines, &found, error) != TW_OK) {
        return error != NULL ? error->status : TW_ERROR_ARGUMENT;
    }
    if (machines > 1) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "node '%s': the %s job has %" PRId64 " machines, and this process was started on one of them "
                        "alone; start it with %s, or give 'K/N'",
                        environment->text, job->name, machines, job->how);
    }
    if (!is_task && strcmp(job->job, "SLURM_JOB_ID") == 0 && value_of(environment, "SLURM_PROCID") == NULL) {
        return tw__fail(
            error, TW_ERROR_ARGUMENT,
            "node '%s': this shell has a Slurm job, but is not a part of it; start the command with srun, or "
            "give 'K/N'",
            environment->text);
    }
    return TW_OK;
}

/* ---- together ---- */

static tw_status fail_nothing(const struct environment *environment, tw_error *error)
{
    return tw__fail(error, TW_ERROR_ARGUMENT,
                    "node '%s': this process was started by no scheduler or launcher that is known (Slurm, Open MPI, "
                    "MPICH, PMIx, PBS, SGE, LSF, Kubernetes); give 'K/N', for example '0/%" PRId64 "'",
                    environment->text, environment->wished > 0 ? environment->wished : 8);
}

static tw_status fail_count(const struct environment *environment, const struct numbering *numbering, tw_error *error)
{
    return environment->wished > 0
               ? tw__fail(error, TW_ERROR_ARGUMENT,
                          "node '%s': %s is %" PRId64
                          ", but %s does not say of how many, so it does not tell the tasks of "
                          "an array apart; give 'K/N'",
                          environment->text, numbering->variable, numbering->raw, numbering->name)
               : tw__fail(error, TW_ERROR_ARGUMENT,
                          "node 'auto': %s is %" PRId64 ", but %s does not say of how many; give 'auto/N' with their "
                          "number",
                          numbering->variable, numbering->raw, numbering->name);
}

/* With 'auto/N': where the scheduler knows of N as well, as with 'auto'; else its own number modulo N, which tells N
 * neighbours apart wherever the array begins, and gives a task that is submitted again, alone, the node that it was. */
static tw_status settle_wished(tw_node *node, const struct environment *environment, const struct numbering *array,
                               const struct numbering *launcher, tw_error *error)
{
    const int64_t inner = launcher->variable != NULL ? launcher->count : 1;
    const int64_t outer = array->variable != NULL ? array->count : 1;
    if (array->variable != NULL && inner == 0) {
        return fail_count(environment, launcher, error);
    }
    const int64_t total = outer * inner, wished = environment->wished;
    if (total > wished) {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "node '%s': %s says that there are %" PRId64 " nodes, more than %" PRId64 "; give 'auto'",
                        environment->text, (launcher->variable != NULL ? launcher : array)->name, total, wished);
    }
    if (total == wished) {
        *node = (tw_node){array->index * inner + launcher->index, wished};
    } else {
        *node = (tw_node){(array->raw * (inner > 0 ? inner : 1) + launcher->index) % wished, wished};
    }
    return TW_OK;
}

static tw_status settle(tw_node *node, const struct environment *environment, const struct numbering *array,
                        const struct numbering *launcher, tw_error *error)
{
    if (environment->wished > 0) {
        return settle_wished(node, environment, array, launcher, error);
    }
    const struct numbering *both[] = {array, launcher};
    int64_t index = 0, count = 1;
    for (int k = 0; k < 2; k++) {
        if (both[k]->variable == NULL) {
            continue;
        }
        if (both[k]->count == 0) {
            return fail_count(environment, both[k], error);
        }
        index = index * both[k]->count + both[k]->index;
        count *= both[k]->count;
    }
    if (count > TW__MAX_NODES) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "node 'auto': %" PRId64 " nodes are too many: %d at most", count,
                        TW__MAX_NODES);
    }
    *node = (tw_node){index, count};
    return TW_OK;
}

static tw_status find_in(tw_node *node, const struct environment *environment, tw_error *error)
{
    struct numbering array = {0}, launcher = {0};
    tw_status status = find_array(environment, &array, error);
    if (status == TW_OK) {
        status = find_launcher(environment, &launcher, error);
    }
    if (status != TW_OK) {
        return status;
    }
    if (launcher.variable == NULL) {
        const struct job_names *job = find_job(environment);
        if (array.variable == NULL && job == NULL) {
            return fail_nothing(environment, error);
        }
        if (array.variable == NULL && environment->wished > 1) {
            return tw__fail(
                error, TW_ERROR_ARGUMENT,
                "node '%s': the %s job is no array, and no launcher has numbered this process; give 'K/%" PRId64
                "' with a different K for each process",
                environment->text, job->name, environment->wished);
        }
        status = job != NULL ? check_started(environment, job, array.variable != NULL, error) : TW_OK;
    }
    return status == TW_OK ? settle(node, environment, &array, &launcher, error) : status;
}

tw_status tw__node_find(tw_node *node, const char *text, tw__lookup *lookup, void *user, tw_error *error)
{
    struct environment environment = {.lookup = lookup, .user = user, .text = text};
    if (strncmp(text, "auto", 4) != 0) {
        return read_pair(node, text, error);
    }
    if (text[4] != '\0' && (text[4] != '/' || !read_count(text + 5, &environment.wished))) {
        return fail_text(text, error);
    }
    return find_in(node, &environment, error);
}

const char *tw__lookup_own(void *user, const char *name)
{
    (void)user;
    return getenv(name);
}

tw_status tw_node_find(tw_node *node, const char *text, tw_error *error)
{
    if (node == NULL || text == NULL) {
        return tw__fail_null(error, "tw_node_find", node == NULL ? "node" : "text");
    }
    return tw__node_find(node, text, tw__lookup_own, NULL, error);
}
