/* jobs.h - the jobs of calls.c: each calls the library as a program would, and looks at the bytes. */
#ifndef JOBS_H
#define JOBS_H

#include <tilework/tilework.h>

#define JOB_ROWS 12
#define JOB_COLUMNS 16
#define JOB_TEXT 2048

enum job_memory { JOB_POOLS, JOB_WRAPPED, JOB_FILES, JOB_SAVED };

struct job {
    const char *name;
    enum job_memory memory;
    tw_pool_kind kind;
    int workers;
    int check, guard;
    int from_source; /* the kernel is compiled, then found in the cache */
    int dies;        /* at one tile a worker dies, once */
    int reduces;     /* a third output, t[j], is the sum of s[i,j] over i: it has partials and a fold */
    int halo;        /* 0, or 1: x is read with a halo */
    int each;        /* tiles that a worker process does before another takes its place; 0: all */
};

extern const struct job jobs[];
extern const int njobs;

/* A job under way. The pool is opened once and kept, so that a run that failed is followed by one in the same pool. */
struct work {
    const struct job *job;
    tw_pool *pool;
    tw_error error;
    char report[16384];   /* the last report, all numbers but a `#` */
    char wrong[JOB_TEXT]; /* what the library did that it should not do; empty: nothing */
};

/* Before the first job. `folder` has the programs and objects that were built; "" or NULL: none wrong. */
const char *jobs_init(const char *build_folder);

/* Makes the current folder what the job begins with. */
void job_files(const struct job *job);

/* The job; where it writes files, a run that a failing tile cuts short: TW_ERROR_KERNEL. */
tw_status job_run(struct work *work);

/* The job again, after whatever became of the call before: continues with what is there. */
tw_status job_again(struct work *work);

/* The bytes of the files that a job that has succeeded has written; not while anything is refused. */
void job_check_files(struct work *work);

void job_end(struct work *work);

/* Names of files in the folder that the job may leave: where it failed, and where it has succeeded. */
void job_check_folder(struct work *work, tw_status status, int removals_failed);

__attribute__((format(printf, 2, 3))) void job_wrong(struct work *work, const char *format, ...);

#endif
