/* stalls.h - a line for a run that stands still. */
#ifndef CLI_STALLS_H
#define CLI_STALLS_H

#include <tilework/tilework.h>

/* The callback tw_run_options.stalled; `user` is a const int *: whether there is a line that shows progress. */
void cli_stalls_report(void *user, const tw_stall *stall);

#endif
