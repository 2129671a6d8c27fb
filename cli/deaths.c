/* deaths.c - a line for each worker that dies, until it is enough. Knows the death, not the run. */
#include "deaths.h"

#include <stdio.h>

#include "exit.h"
#include "progress.h"

#define MOST_TOLD 20

void cli_deaths_tell(void *user, const tw_death *death)
{
    struct cli_deaths *deaths = user;
    if (deaths->told >= MOST_TOLD) {
        if (deaths->told++ == MOST_TOLD) {
            cli_say("more workers die; they are no longer reported one by one");
        }
        return;
    }
    deaths->told++;
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
