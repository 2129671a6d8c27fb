/* habits.h - options that other tools have: refused with what to write instead. */
#ifndef CLI_HABITS_H
#define CLI_HABITS_H

#include <argp.h>

/* For commands that have --tile, --workers and --length. Needs no input. */
extern const struct argp cli_habits_argp;

#endif
