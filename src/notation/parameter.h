/* parameter.h - the numbers that a statement knows by names: copied, checked, given other values. */
#ifndef TW_NOTATION_PARAMETER_H
#define TW_NOTATION_PARAMETER_H

#include <tilework/tilework.h>

/* Copies parameters, their names included. Call tw__parameters_free in any case, with what came out. Errors:
 * TW_ERROR_ARGUMENT (too many, no name, no kind for a number, a name twice), TW_ERROR_MEMORY. */
tw_status tw__parameters_copy(tw_parameter **copies, int *count, const tw_parameter *from, size_t number,
                              tw_error *error);
void tw__parameters_free(tw_parameter *copies, int count);

/* Gives a copy another value of the same kind. Errors: TW_ERROR_ARGUMENT (another kind). */
tw_status tw__parameter_assign(tw_parameter *own, const tw_parameter *parameter, tw_error *error);

#endif
