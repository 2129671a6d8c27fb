/* bandwidth.h - how fast this machine reads and writes memory: measured, and kept in the cache folder. */
#ifndef TW_PLAN_BANDWIDTH_H
#define TW_PLAN_BANDWIDTH_H

#include <tilework/tilework.h>

/* Measures now. Errors: TW_ERROR_MEMORY. */
tw_status tw__bandwidth_measure(tw_bandwidth *bandwidth, int threads, tw_error *error);

/* What was kept in the cache folder; nothing is measured. 0: there is nothing. */
int tw__bandwidth_known(tw_bandwidth *bandwidth, const char *cache);

/* The row of so many threads, made of its neighbours if there is none. */
tw_bandwidth_row tw__bandwidth_at(const tw_bandwidth *bandwidth, int threads);

#endif
