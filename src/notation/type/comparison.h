/* comparison.h - the dtypes of comparisons: with numbers that an integer dtype does not have, and of int64 with uint64.
 */
#ifndef TW_NOTATION_TYPE_COMPARISON_H
#define TW_NOTATION_TYPE_COMPARISON_H

#include "notation/type/typer.h"

tw_status tw__type_comparison(struct tw__typer *typer, const struct tw__syntax_node *node,
                              const struct tw__argument *types, struct tw__argument *result);

#endif
