/* deaths.h - a line for each worker that dies. */
#ifndef CLI_DEATHS_H
#define CLI_DEATHS_H

#include <tilework/tilework.h>

struct cli_deaths {
    int progress; /* there is a line that shows progress */
    int reported;
};

/* The callback tw_run_options.died; `user` is a struct cli_deaths. */
void cli_deaths_report(void *user, const tw_death *death);

#endif
