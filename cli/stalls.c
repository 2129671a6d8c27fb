/* stalls.c - a line for a run that stands still. Knows what was seen, not why. */
#include "stalls.h"

#include <stdio.h>

#include "exit.h"
#include "progress.h"
#include "units.h"

void cli_stalls_report(void *user, const tw_stall *stall)
{
    const int *progress = user;
    char workers[CLI_UNITS_TEXT], seconds[CLI_UNITS_TEXT], where[96] = "";
    if (*progress) {
        cli_progress_end();
    }
    if (stall->tile >= 0) {
        snprintf(where, sizeof where, "; worker %d (pid %d) has tile %lld", stall->worker, stall->pid,
                 (long long)stall->tile);
    }
    cli_say("for %s no tile has ended and no worker has used the processor: %s for something%s; --timeout SECONDS "
            "ends tiles that take too long",
            cli_text_seconds(seconds, sizeof seconds, stall->seconds),
            cli_text_count(workers, sizeof workers, (uint64_t)stall->workers, "worker waits", "workers wait"), where);
}
