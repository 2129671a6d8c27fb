/* deaths.c - a line for each worker that dies, until it is enough. Knows the death, not the run. */
#include "deaths.h"

#include <stdio.h>

#include "exit.h"
#include "progress.h"

#define MOST_REPORTED 20

void cli_deaths_report(void *user, const tw_death *death)
{
    struct cli_deaths *deaths = user;
    if (deaths->reported >= MOST_REPORTED) {
        if (deaths->reported++ == MOST_REPORTED) {
            cli_say("more workers died; further deaths are not listed");
        }
        return;
    }
    deaths->reported++;
    if (deaths->progress) {
        cli_progress_end();
    }
    if (death->tile < 0) {
        cli_say("worker %d (pid %d) %s between tiles; another takes its place", death->worker, death->pid,
                death->reason);
    } else {
        cli_say("worker %d (pid %d) %s at tile %lld; the tile is %s", death->worker, death->pid, death->reason,
                (long long)death->tile, death->given_up ? "given up" : "run again");
    }
}
