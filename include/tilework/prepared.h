/* prepared.h - a run of one tile that is done again and again with other memory: stage 14 of tilework.h, which includes
 * it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_PREPARED_H
#define TILEWORK_PREPARED_H

#ifdef __cplusplus
extern "C" {
#endif

/* tw_run looks at its operands, its grid and its pool anew each time, which takes some microseconds: a lot for an array
 * of 20 elements. A prepared run has done so once:
 *
 *     tw_prepared_create(&prepared, kernel, grid, views, &error);     once
 *     tw_prepared_run(prepared, data, &error);                        as often as needed, some tens of nanoseconds
 *
 * It runs on the calling thread. Larger jobs have several tiles, and tw_run does these on all cores. */
typedef struct tw_prepared tw_prepared;

/* Prepares a kernel for a grid of one tile. views[noperands] say which dtype, shape and strides the operands of every
 * run have; their memory is not touched. What is needed of kernel, context and grid is copied: all may be destroyed,
 * but a function of the program must stay. Errors: TW_ERROR_ARGUMENT (the grid has no tile, several, steps or halos; a
 * view that does not fit the grid), TW_ERROR_COMPILE (the kernel's object cannot be opened again), TW_ERROR_MEMORY. */
TW_API tw_status tw_prepared_create(tw_prepared **prepared, const tw_kernel *kernel, const tw_grid *grid,
                                    const tw_view *const *views, tw_error *error);

/* The same run with the context that `kernel` has now: that of a statement which was bound again, since a parameter has
 * another value. `prepared` stays as it is. Any thread. Errors: TW_ERROR_ARGUMENT (another kernel: the value has made
 * other code of the statement), TW_ERROR_MEMORY. */
TW_API tw_status tw_prepared_renew(tw_prepared **renewed, const tw_prepared *prepared, const tw_kernel *kernel,
                                   tw_error *error);

/* Equals a serial tw_run of the prepared kernel without options, with operands whose memory begins at data[noperands]:
 * aligned for their dtypes, outputs apart from all else. The caller sees to both. Any thread, several at the same time.
 * Errors: TW_ERROR_KERNEL, TW_ERROR_MEMORY (a stack, if the thread's own is too small). */
TW_API tw_status tw_prepared_run(const tw_prepared *prepared, void *const *data, tw_error *error);

/* Destroys a prepared run. NULL: does nothing. */
TW_API void tw_prepared_destroy(tw_prepared *prepared);

#ifdef __cplusplus
}
#endif
#endif
