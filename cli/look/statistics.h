/* statistics.h - smallest, largest and mean item of a view. */
#ifndef CLI_LOOK_STATISTICS_H
#define CLI_LOOK_STATISTICS_H

#include <tilework/tilework.h>

struct cli_statistics {
    int64_t count;            /* items that are numbers */
    int64_t nans;             /* items that are not; they count nowhere else */
    const void *least, *most; /* items, NULL where count is 0 */
    double mean;
};

/* Of items that compute, complex ones excepted: their parts are views of their own (cli_view_part). */
void cli_statistics_of(struct cli_statistics *statistics, const tw_view *view);

/* The real (0) or imaginary (1) parts of a complex view, as a view. */
tw_view cli_view_part(const tw_view *view, int part);

#endif
