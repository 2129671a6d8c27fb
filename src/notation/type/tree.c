/* tree.c - questions about a typed tree that several of its readers have. */
#include "notation/type/tree.h"

static int is_same_index(const struct tw__index *x, const struct tw__index *y)
{
    if (x->edge != y->edge || x->tiled != y->tiled || x->nterms != y->nterms || x->constant != y->constant ||
        x->offset != y->offset || (x->edge == TW_EDGE_CONSTANT && x->outside != y->outside)) {
        return 0;
    }
    for (int t = 0; t < x->nterms; t++) {
        if (x->term[t].axis != y->term[t].axis || x->term[t].factor != y->term[t].factor) {
            return 0;
        }
    }
    return 1;
}

int tw__tree_same_element(const struct tw__program *program, const struct tw__node *x, const struct tw__node *y)
{
    if (x->u.read.operand != y->u.read.operand) {
        return 0;
    }
    for (int d = 0; d < program->operands[x->u.read.operand].ndim; d++) {
        if (!is_same_index(&program->indices[x->u.read.indices + d], &program->indices[y->u.read.indices + d])) {
            return 0;
        }
    }
    return 1;
}
