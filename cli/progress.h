/* progress.h - one line on a terminal, redrawn: tiles done, rate, time left. */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <tilework/tilework.h>

/* Standard error is a terminal: the only place where progress is shown. */
int cli_progress_possible(void);

/* tw_run_options.progress; `user` is not used. */
void cli_progress_draw(void *user, const tw_progress *progress);

/* Wipes the line. */
void cli_progress_end(void);

#endif
