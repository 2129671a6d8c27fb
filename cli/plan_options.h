/* plan_options.h - the options that `tilework plan` has beside those of `tilework run`. */
#ifndef CLI_PLAN_OPTIONS_H
#define CLI_PLAN_OPTIONS_H

#include <argp.h>
#include <stdint.h>

/* The input of cli_plan_argp. All zeros: none given. */
struct cli_plan_choice {
    int json, measure, no_run;
    int64_t nodes; /* 0: not given */
};
extern const struct argp cli_plan_argp;

#endif
