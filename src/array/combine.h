/* combine.h - brings the elements of one view into those of another, by one of the folds of NumPy's: sum, prod, min,
 * max, any, all. */
#ifndef TW_ARRAY_COMBINE_H
#define TW_ARRAY_COMBINE_H

#include <tilework/tilework.h>

/* "sum", "prod", ...; of a kernel's own "kernel". Static text. */
const char *tw__fold_name(tw_fold fold);

/* Refuses a fold that items of this dtype do not have, as opaque ones have none. TW_FOLD_NONE and TW_FOLD_KERNEL are
 * never refused. name: of the array. Errors: TW_ERROR_ARGUMENT. */
tw_status tw__combine_check(tw_fold fold, const tw_dtype *dtype, const char *name, tw_error *error);

/* into = fold(into, part), element by element, as NumPy's function of two arrays does it in their dtype: integers wrap,
 * a sum of bools is their `or`, float16 is computed as float32, NaN wins a min and a max, any and all give 0 or 1. Both
 * views have the same shape and a dtype that has the fold. */
void tw__combine(tw_fold fold, const tw_view *into, const tw_view *part);

/* Sets all elements to the value that changes nothing: 0, 1, or for min and max the greatest and the least; zeros for
 * TW_FOLD_KERNEL and for items that do not compute. */
void tw__combine_begin(tw_fold fold, const tw_view *view);

#endif
