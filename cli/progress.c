/* progress.c - one line on a terminal, redrawn: tiles done, rate, time left. Knows no run, only its numbers. */
#include "progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "units.h"

int cli_progress_possible(void)
{
    return isatty(STDERR_FILENO);
}

static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

void cli_progress_draw(void *user, const tw_progress *progress)
{
    char line[160], left[CLI_UNITS_TEXT];
    const double done = (double)progress->done, total = (double)progress->total;
    const double rate = progress->seconds > 0 ? done / progress->seconds : 0;
    (void)user;

    int length = snprintf(line, sizeof line, "%llu/%llu tiles, %.0f %%", (unsigned long long)progress->done,
                          (unsigned long long)progress->total, total > 0 ? 100 * done / total : 100);
    if (rate > 0) {
        length += snprintf(line + length, sizeof line - (size_t)length, ", %.*f tiles/s, %s left", rate < 10 ? 1 : 0,
                           rate, cli_text_clock(left, sizeof left, (total - done) / rate));
    }
    /* The last column stays free: a character there makes some terminals scroll. */
    fprintf(stderr, "\r%.*s\033[K", columns() - 1, line);
    fflush(stderr);
}

void cli_progress_end(void)
{
    fputs("\r\033[K", stderr);
    fflush(stderr);
}
