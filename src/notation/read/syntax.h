/* syntax.h - a statement list as it stands in its text: names are resolved, dtypes are not known yet. */
#ifndef TW_NOTATION_READ_SYNTAX_H
#define TW_NOTATION_READ_SYNTAX_H

#include "notation/read/complaint.h"
#include "notation/read/limits.h"
#include "notation/value/operation.h"
#include "notation/value/reducer.h"
#include "notation/value/scalar.h"

enum {
    TW__SYNTAX_TEXT = 16384,  /* characters of a text */
    TW__SYNTAX_NESTING = 100, /* brackets and signs within each other */
    TW__SYNTAX_HEIGHT = 250,  /* operators on the way from a value to a leaf: a + b + c + ... */
    TW__SYNTAX_NODES = 8192,
    TW__SYNTAX_TERMS = 4 /* of each kind in one index */
};

enum tw__syntax_kind {
    TW__SYNTAX_NUMBER,
    TW__SYNTAX_PARAMETER, /* .which: of the parameters */
    TW__SYNTAX_LENGTH,    /* .which: axis */
    TW__SYNTAX_INDEX,     /* .which: axis */
    TW__SYNTAX_READ,      /* .which: operand; .indices */
    TW__SYNTAX_OPERATION, /* .which: enum tw__operation */
    TW__SYNTAX_AND,
    TW__SYNTAX_OR,
    TW__SYNTAX_CLIP,
    TW__SYNTAX_ROUND,  /* .which: decimals */
    TW__SYNTAX_CAST,   /* .which: tw_kind */
    TW__SYNTAX_REDUCE, /* .which: enum tw__reducer; .naxes, .axes, .body, .count, .freedom, .ddof */
};

struct tw__syntax_node {
    enum tw__syntax_kind kind;
    int which;
    size_t at, from, to; /* the place to point at, and all that belongs to it */
    int is_function;     /* OPERATION: written as a function, which makes arrays of numbers */
    int child[3], nchildren;
    int height;
    struct tw__scalar number;
    int indices;    /* READ: the first of them */
    uint64_t scope; /* axes that run around this place: if one of them is empty, it is never computed */
    int uses_length;
    int naxes, axes[TW__EXPR_REDUCED];
    int body;    /* REDUCE: the nodes from here to child[0] are those of the reduced expression */
    int count;   /* REDUCE: len(k) * len(l), the number of elements; -1: it needs none */
    int ddof;    /* REDUCE: degrees of freedom that the count loses; -1: none */
    int freedom; /* REDUCE: the count without them, but not below 0 */
    /* A Python number: made of literals, parameters and lengths by operators alone. `class` is its class then; literal:
     * of literals alone, so that its value is known. */
    int is_weak, is_literal; /* literal: its value is `number` */
    enum tw__class class;
};

/* constant + sum of factor * axis + sum of factor * (the weak whole number of a node). */
struct tw__syntax_index {
    size_t at;
    int64_t constant;
    int nterms, nhosts;
    struct {
        int which; /* term: axis; host: node */
        int64_t factor;
    } term[TW__SYNTAX_TERMS], host[TW__SYNTAX_TERMS];
};

struct tw__syntax_axis {
    char name[TW__EXPR_NAME];
    size_t at;
    int is_output; /* an output has it; else it is reduced */
    tw_edge edge;
    double constant, imag; /* TW_EDGE_CONSTANT: the number */
    int has_length;        /* its length is given, whatever the arrays have */
};

struct tw__syntax_operand {
    char name[TW__EXPR_NAME];
    char dtype[TW__EXPR_NAME]; /* "": none given */
    size_t at;
    int ndim;
    tw_role role;
    int axis[TW_MAX_DIMS]; /* the axis that the dimension is cut with; -1: whole */
};

struct tw__syntax_statement {
    int target;
    int value;
    int augmented; /* `+=` and the like: the operation; -1: `=` */
    size_t at;     /* of the target */
    size_t sign;   /* of the `=` */
};

struct tw__syntax {
    struct tw__source source; /* its text is owned */
    int nparameters;
    const tw_parameter *parameters; /* of the caller's, with `class`es that stay; values come later */
    int naxes, noperands, nstatements, nnodes, nindices;
    struct tw__syntax_axis axes[TW__EXPR_AXES];
    struct tw__syntax_operand operands[TW_MAX_OPERANDS];
    struct tw__syntax_statement statements[TW__EXPR_STATEMENTS];
    struct tw__syntax_node *nodes;
    struct tw__syntax_index *indices;
    int room, index_room;
};

/* Reads a text. Call tw__syntax_fini in any case. Errors: TW_ERROR_SYNTAX, TW_ERROR_MEMORY. */
tw_status tw__parse(struct tw__syntax *syntax, const char *text, const tw_parameter *parameters, size_t nparameters,
                    tw_error *error);

/* Names that are taken for parameters, in the order in which they were found. */
struct tw__open_names {
    int count;
    tw_parameter parameters[TW_MAX_OPERANDS];
    char names[TW_MAX_OPERANDS][TW__EXPR_NAME];
    size_t at[TW_MAX_OPERANDS];
};

/* Reads a text whose parameters are not known yet: each name that is nothing else is one, a whole number. The same
 * otherwise. */
tw_status tw__parse_open(struct tw__syntax *syntax, const char *text, struct tw__open_names *open, tw_error *error);

/* Reads a text that is one expression, whose node is *node. The same otherwise. */
tw_status tw__parse_value(struct tw__syntax *syntax, const char *text, int *node, tw_error *error);
void tw__syntax_fini(struct tw__syntax *syntax);

/* A node of no text. Errors: TW_ERROR_SYNTAX (too many), TW_ERROR_MEMORY. */
tw_status tw__syntax_add(struct tw__syntax *syntax, const struct tw__syntax_node *node, int *number, tw_error *error);

tw_status tw__syntax_add_index(struct tw__syntax *syntax, const struct tw__syntax_index *index, tw_error *error);

/* Values of what is known just before a run. */
struct tw__known {
    const tw_parameter *parameters;
    const int64_t *lengths; /* [naxes] */
    struct tw__scalar
        *values;         /* [nnodes] of nodes whose `done` is set: each is computed once, however often it is used */
    unsigned char *done; /* [nnodes] */
};

/* Errors: TW_ERROR_MEMORY. Call tw__known_fini in any case. */
tw_status tw__known_init(struct tw__known *known, const struct tw__syntax *syntax, const tw_parameter *parameters,
                         const int64_t *lengths, tw_error *error);
void tw__known_fini(struct tw__known *known);

/* The value of a weak node. Errors: TW_ERROR_SYNTAX. */
tw_status tw__syntax_evaluate(const struct tw__syntax *syntax, int node, struct tw__known *known,
                              struct tw__scalar *value, tw_error *error);

/* The value of a node whose children are all literal: what tw__syntax_evaluate does with them. */
tw_status tw__syntax_fold(const struct tw__syntax *syntax, const struct tw__syntax_node *node, struct tw__scalar *value,
                          tw_error *error);

#endif
