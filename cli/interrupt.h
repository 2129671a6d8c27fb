/* interrupt.h - ends that come from outside: Ctrl-C, of which the first asks the run to stop after the tiles
 * being run and the second ends at once, and a kernel that calls exit. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

#define CLI_INTERRUPTED_BEFORE "interrupted before the first tile"

/* Handles SIGINT, SIGTERM and SIGHUP, if they are not ignored. Returns the stop flag for tw_run_options. With
 * `announce`, the first signal is answered with a line on standard error. */
const int *cli_interrupt_install(int announce);

/* Handles in the same way what schedulers send some time before they end a job: SIGUSR1 and SIGUSR2 (sbatch --signal,
 * qsub -notify, LSF's run limit) and SIGXCPU (a limit of processor time). */
void cli_interrupt_warnings(void);

/* A signal has come. */
int cli_interrupted(void);

/* While `yes`, nothing exists that a signal could leave half done, and what is waited for may never come (the other end
 * of a pipe): the first signal ends the program. */
void cli_interrupt_at_once(int yes);

/* From here to cli_exit_unwatch, exit in this process is the kernel's: the guarded files are removed, a sentence is
 * said and the exit code is CLI_FAILED. 0: the system does not allow it. */
int cli_exit_watch(void);
void cli_exit_unwatch(void);

/* What such an end leaves, a sentence; the text lives until the next call. NULL: nothing. */
void cli_interrupt_kept(const char *text);

/* A file to remove at such an end; `path` lives until cli_interrupt_release. */
void cli_interrupt_guard(const char *path);
void cli_interrupt_release(const char *path);

#endif
