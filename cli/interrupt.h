/* interrupt.h - Ctrl-C: the first one asks the run to stop after the tiles in hand, the second one ends at once. */
#ifndef CLI_INTERRUPT_H
#define CLI_INTERRUPT_H

/* Handles SIGINT, SIGTERM and SIGHUP, where they are not ignored. Returns the stop flag for tw_run_options. With
 * `announce`, the first signal is answered with a line on standard error. */
const int *cli_interrupt_install(int announce);

/* A signal has come. */
int cli_interrupted(void);

/* A file to remove when the second signal comes; `path` lives until cli_interrupt_release. */
void cli_interrupt_guard(const char *path);
void cli_interrupt_release(const char *path);

#endif
