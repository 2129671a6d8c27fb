/* options.h - what is asked of a run, and cannot be. */
#ifndef TW_RUN_OPTIONS_H
#define TW_RUN_OPTIONS_H

#include <tilework/tilework.h>

/* Refuses before the first tile options that exclude each other, or that this kind of pool cannot do. apart: its
 * workers are processes. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__run_check_options(const tw_run_options *options, const tw_signature *signature, int apart,
                                tw_error *error);

#endif
