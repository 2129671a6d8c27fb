/* calls.c - the k-th call of the C library fails, k = 1, 2, ... until a job passes without having met the failure, once
 * and forever after: `calls BUILD-FOLDER NEW-FOLDER [JOB [KIND [NUMBER]]]`; `calls --jobs` names the jobs. Calls in
 * worker processes count too. Of the calls of a series beyond the first MANY only one in EVERY is tried, another one in
 * each job and series, unless a kind is given or TILEWORK_TEST_LONG=1.
 *
 * After each case: success with the right bytes, or an error with a status that fits and a sentence; then the same job
 * again, in the same pool, with nothing refused, which must succeed, resuming from the journal where there is one; then
 * what is left is looked for: children, threads, descriptors, mappings, memory, files. Writes TAP, a test for each job
 * and series, and how many cases there were. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "held.h"
#include "jobs.h"
#include "refuse.h"

#define PATIENCE 20      /* seconds for a case, after which it is said to hang */
#define MOST_CALLS 20000 /* of one kind in a job: more, and the series would never end */
#define MANY 40
#define EVERY 6
#define MOST_SHOWN 5 /* different faults of a series that are shown in full */

static const struct series {
    enum refuse_kind kind;
    int forever, error;
    const char *what;
    tw_status right[4]; /* statuses that fit; TW_OK always does, where `must_fail` is 0 */
    int must_pass;      /* the library has to go on as if nothing had happened */
} all_series[] = {
    {REFUSE_MALLOC, 0, ENOMEM, "out of memory", {TW_ERROR_MEMORY}, 0},
    {REFUSE_MALLOC, 1, ENOMEM, "out of memory", {TW_ERROR_MEMORY}, 0},
    {REFUSE_MMAP, 0, ENOMEM, "out of memory", {TW_ERROR_MEMORY}, 0},
    {REFUSE_MMAP, 1, ENOMEM, "out of memory", {TW_ERROR_MEMORY}, 0},
    {REFUSE_FORK, 0, EAGAIN, "no process", {TW_ERROR_PROCESS}, 0},
    {REFUSE_FORK, 1, EAGAIN, "no process", {TW_ERROR_PROCESS}, 0},
    {REFUSE_THREAD, 0, EAGAIN, "no thread", {TW_ERROR_PROCESS}, 0},
    {REFUSE_THREAD, 1, EAGAIN, "no thread", {TW_ERROR_PROCESS}, 0},
    {REFUSE_OPEN, 0, EMFILE, "no descriptor", {TW_ERROR_PROCESS}, 0},
    {REFUSE_OPEN, 1, EMFILE, "no descriptor", {TW_ERROR_PROCESS}, 0},
    {REFUSE_OPEN, 0, EINTR, "interrupted", {TW_OK}, 1},
    {REFUSE_WRITE, 0, ENOSPC, "disk full", {TW_ERROR_DISK}, 0},
    {REFUSE_WRITE, 1, ENOSPC, "disk full", {TW_ERROR_DISK}, 0},
    {REFUSE_WRITE, 0, EFBIG, "file too large", {TW_ERROR_DISK}, 0},
    {REFUSE_WRITE, 0, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_WRITE, 1, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_WRITE, 0, REFUSE_HALF, "half written", {TW_OK}, 1},
    {REFUSE_WRITE, 1, REFUSE_HALF, "half written", {TW_OK}, 1},
    {REFUSE_WRITE, 0, EINTR, "interrupted", {TW_OK}, 1},
    {REFUSE_SYNC, 0, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_SYNC, 1, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_SYNC, 0, ENOSPC, "disk full", {TW_ERROR_DISK}, 0},
    {REFUSE_SYNC, 0, EINTR, "interrupted", {TW_OK}, 1},
    {REFUSE_SYNC, 1, EINVAL, "folders cannot be synced", {TW_OK}, 1},
    {REFUSE_RENAME, 0, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_RENAME, 1, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_READ, 0, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_READ, 1, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_READ, 0, EINTR, "interrupted", {TW_OK}, 1},
    {REFUSE_REMOVE, 0, EIO, "disk error", {TW_ERROR_FILE}, 0},
    {REFUSE_REMOVE, 1, EIO, "disk error", {TW_ERROR_FILE}, 0},
};
#define NSERIES (sizeof all_series / sizeof all_series[0])

/* ---- what this process has ---- */

struct holdings {
    long descriptors, threads, files; /* files: mappings of them */
    long pieces, mapped;
};

static struct holdings holdings(int threads_wanted)
{
    struct holdings held = {.threads = threads_now(threads_wanted), .descriptors = entries("/proc/self/fd")};
    char line[512];
    unsigned long inode;
    FILE *maps = fopen("/proc/self/maps", "re");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        held.files += sscanf(line, "%*s %*s %*s %*s %lu", &inode) == 1 && inode != 0;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    held.pieces = refuse_pieces();
    held.mapped = refuse_mapped();
    return held;
}

/* ---- one case ---- */

static char case_text[200];

static void hangs(int number)
{
    static const char text[] = "not ok - calls: it hangs: ";
    (void)number;
    ssize_t written = write(STDOUT_FILENO, text, sizeof text - 1);
    written += write(STDOUT_FILENO, case_text, strlen(case_text));
    written += write(STDOUT_FILENO, "\n", 1);
    refuse_where(STDOUT_FILENO);
    _exit(written < 0 ? 3 : 2);
}

static void check_status(struct work *work, const struct series *series, tw_status status)
{
    int fits = status == TW_OK;
    for (int k = 0; k < 4 && !series->must_pass; k++) {
        fits |= series->right[k] == status;
    }
    /* The C library takes a thread's memory itself, and says EAGAIN. */
    fits |= status == TW_ERROR_PROCESS && series->error == ENOMEM;
    if (!fits) {
        job_wrong(work, "it ended with '%s': %s", tw_status_name(status), work->error.message);
    }
    const size_t length = strlen(work->error.message);
    if (status != TW_OK && (work->error.status != status || length < 10 || strchr(work->error.message, '\n') != NULL ||
                            work->error.message[length - 1] == '.')) {
        job_wrong(work, "'%s' with the status '%s' and the sentence '%s'", tw_status_name(status),
                  tw_status_name(work->error.status), work->error.message);
    }
}

static void check_held(struct work *work, const struct holdings *before, int *leaks)
{
    const struct holdings after = holdings((int)before->threads);
    *leaks = after.descriptors > before->descriptors || after.threads > before->threads ||
             after.files > before->files || after.pieces > before->pieces || after.mapped != before->mapped;
    if (*leaks) {
        job_wrong(work,
                  "left: %ld descriptors, %ld threads, %ld mapped files, %ld pieces of memory, %ld bytes of mappings",
                  after.descriptors - before->descriptors, after.threads - before->threads, after.files - before->files,
                  after.pieces - before->pieces, after.mapped - before->mapped);
    }
    if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD) {
        job_wrong(work, "a child is left");
    }
}

/* The report of the job's first case, in which nothing was refused: any other has all that it has. A run that resumes
 * from a journal has tiles that nobody ran. */
static char whole_report[sizeof((struct work *)0)->report];

static void check_report(struct work *work)
{
    if (whole_report[0] == '\0') {
        memcpy(whole_report, work->report, sizeof whole_report);
    } else if (work->job->memory != JOB_FILES && strcmp(work->report, whole_report) != 0) {
        job_wrong(work, "the report is not whole: %.600s", work->report);
    }
}

struct outcome {
    uint64_t met; /* calls that were refused */
    int leaks;    /* something of the process is left */
    tw_status status;
};

static struct outcome try_case(struct work *work, const struct series *series, uint64_t number)
{
    struct outcome outcome = {0};
    alarm(PATIENCE);
    job_files(work->job);
    const struct holdings before = holdings(0);
    refuse_begin(series->kind, number, series->forever, series->error);
    outcome.status = job_run(work);
    uint64_t met_before = 0;
    if (work->job->memory == JOB_FILES && (outcome.status == TW_ERROR_KERNEL || outcome.status == TW_OK)) {
        refuse_forget_syncs(); /* what was not recorded is computed and written again */
        met_before = refuse_met();
        outcome.status = job_again(work);
    }
    refuse_end();
    outcome.met = refuse_met();
    check_status(work, series, outcome.status);
    if (work->job->memory >= JOB_FILES && refuse_resynced() > 0) {
        job_wrong(work, "a file was synced again after a sync of it had failed");
    }
    if (work->job->memory >= JOB_FILES && refuse_written() > 0) {
        job_wrong(work, "files were written to after a sync had failed");
    }
    if (work->job->memory >= JOB_FILES && series->kind == REFUSE_SYNC && !series->must_pass &&
        outcome.status == TW_OK && outcome.met > met_before) {
        job_wrong(work, "success after a sync that failed");
    }
    if (outcome.status == TW_OK) {
        job_check_files(work);
        check_report(work);
    }
    if (outcome.met == 0 && outcome.status != TW_OK) {
        job_wrong(work, "it fails with nothing refused");
    }
    const int removals = series->kind == REFUSE_REMOVE && outcome.met > 0;
    job_check_folder(work, outcome.status, removals);
    const tw_status again = job_again(work);
    if (again != TW_OK) {
        job_wrong(work, "then, with nothing refused: %s: %s", tw_status_name(again), work->error.message);
    } else {
        job_check_files(work);
        check_report(work);
    }
    job_check_folder(work, again, removals);
    job_end(work);
    check_held(work, &before, &outcome.leaks);
    alarm(0);
    return outcome;
}

/* What the C library keeps for good (a thread's memory, the words of a failed dlopen) is there after the first time:
 * only what is left by a second case like the first is lost. */
static struct outcome run_case(const struct job *job, const struct series *series, uint64_t number, char *wrong)
{
    struct work work = {.job = job};
    snprintf(case_text, sizeof case_text, "%s, %s: %s, call %llu%s", job->name, refuse_names[series->kind],
             series->what, (unsigned long long)number, series->forever ? " and all after it" : "");
    struct outcome outcome = try_case(&work, series, number);
    for (int k = 0; k < 2 && outcome.leaks; k++) {
        work.wrong[0] = '\0';
        outcome = try_case(&work, series, number);
    }
    memcpy(wrong, work.wrong, sizeof work.wrong);
    return outcome;
}

static void trace_case(const struct job *job, const struct series *series, uint64_t number)
{
    struct work work = {.job = job};
    refuse_trace();
    (void)try_case(&work, series, number);
    refuse_where(STDOUT_FILENO);
    refuse_leaks(STDOUT_FILENO);
}

/* ---- all of them ---- */

static uint64_t total_cases, total_failed_runs;
static int number_of_test, failed_tests;
static int tries_all; /* every call of a series, however many there are */

/* The call that is tried after this one: the next, or one some calls later. */
static uint64_t next_number(uint64_t number, const struct job *job, const struct series *series)
{
    const uint64_t shift = (uint64_t)(job - jobs) + (uint64_t)(series - all_series);
    return number < MANY || tries_all ? number + 1 : number == MANY ? number + 1 + shift % EVERY : number + EVERY;
}

static void run_series(const struct job *job, const struct series *series)
{
    static char told[MOST_SHOWN * (JOB_TEXT + 256)], wrong[JOB_TEXT];
    uint64_t number = 0, cases = 0, bad = 0, failed_runs = 0, shown = 0;
    struct outcome outcome;
    told[0] = '\0';
    do {
        number = next_number(number, job, series);
        outcome = run_case(job, series, number, wrong);
        cases++;
        failed_runs += outcome.status != TW_OK;
        if (wrong[0] != '\0' && bad++ < MOST_CALLS && strstr(told, wrong) == NULL && shown++ < MOST_SHOWN) {
            snprintf(told + strlen(told), sizeof told - strlen(told), "  %s:\n  %s", case_text, wrong);
        }
    } while (outcome.met > 0 && number < MOST_CALLS);
    if (outcome.met > 0) {
        bad++;
    }
    cases--; /* the last one met nothing */
    if (cases == 0 && bad == 0) {
        return; /* the job makes no such call */
    }
    printf("%sok %d - calls: %s, %s: %s, %s: %llu cases, %llu ended with an error\n", bad == 0 ? "" : "not ",
           ++number_of_test, job->name, refuse_names[series->kind], series->what, series->forever ? "forever" : "once",
           (unsigned long long)cases, (unsigned long long)failed_runs);
    if (bad > 0) {
        printf("  %llu of the cases are wrong\n%s", (unsigned long long)bad, told);
        failed_tests++;
    }
    fflush(stdout);
    total_cases += cases;
    total_failed_runs += failed_runs;
}

int main(int argc, char **argv)
{
    char build[4096];
    const char *flaw;
    if (argc == 2 && strcmp(argv[1], "--jobs") == 0) {
        for (int j = 0; j < njobs; j++) {
            puts(jobs[j].name);
        }
        return 0;
    }
    if (argc < 3 || realpath(argv[1], build) == NULL || mkdir(argv[2], 0700) != 0 || chdir(argv[2]) != 0) {
        fprintf(stderr, "calls BUILD-FOLDER NEW-FOLDER [JOB [KIND [NUMBER]]]\n");
        return 2;
    }
    if ((flaw = jobs_init(build)) != NULL) {
        fprintf(stderr, "calls: %s\n", flaw);
        return 2;
    }
    signal(SIGALRM, hangs);
    const char *is_long = getenv("TILEWORK_TEST_LONG");
    tries_all = argc > 4 || (is_long != NULL && strcmp(is_long, "1") == 0);
    for (int j = 0; j < njobs; j++) {
        if (argc > 3 && strcmp(argv[3], jobs[j].name) != 0) {
            continue;
        }
        char wrong[JOB_TEXT];
        whole_report[0] = '\0';
        (void)run_case(&jobs[j], &all_series[0], MOST_CALLS, wrong); /* what is kept for good is there by now */
        for (size_t k = 0; k < NSERIES; k++) {
            if (argc > 4 && strcmp(argv[4], refuse_names[all_series[k].kind]) != 0) {
                continue;
            }
            if (argc > 5) {
                const uint64_t number = strtoull(argv[5], NULL, 10);
                const struct outcome outcome = run_case(&jobs[j], &all_series[k], number, wrong);
                printf("# %s: %s%s\n", case_text, outcome.met > 0 ? "" : "not met; ", wrong);
                fflush(stdout);
                trace_case(&jobs[j], &all_series[k], number);
            } else {
                run_series(&jobs[j], &all_series[k]);
            }
        }
    }
    printf("1..%d\n# calls %llu cases, %llu of which ended with an error\n", number_of_test,
           (unsigned long long)total_cases, (unsigned long long)total_failed_runs);
    return failed_tests != 0;
}
