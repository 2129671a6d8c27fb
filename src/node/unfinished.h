/* unfinished.h - the outputs of a job on nodes before they have their names: made in a new run folder, and opened. */
#ifndef TW_NODE_UNFINISHED_H
#define TW_NODE_UNFINISHED_H

#include "node/joining.h"

/* The `fill` of tw__run_folder_make: fills the open folder with the unfinished outputs, what steps leave for later
 * ones, and the kernel's object. user: the struct tw__joining. Errors: those of tw__shared_create, TW_ERROR_FILE,
 * TW_ERROR_DISK, TW_ERROR_MEMORY. */
tw_status tw__unfinished_fill(void *user, int folder, const unsigned char *tag, tw_error *error);

/* Opens what is in the member's run folder, as arrays of the outputs; an output that has its name already is opened as
 * it is. *finals: all have their names. *gone: some outputs are not there, nor have their names, and nothing is open:
 * the folder went meanwhile. Errors: those of tw__shared_open. */
tw_status tw__unfinished_open(const struct tw__joining *joining, int *finals, int *gone, tw_error *error);

/* The job is finished: opens the files, to be read. Errors: those of tw_array_open. */
tw_status tw__unfinished_open_finals(const struct tw__joining *joining, tw_error *error);

/* Closes the arrays, and removes nothing. */
void tw__unfinished_close(tw_outputs *outputs);

#endif
