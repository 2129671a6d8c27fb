/* statement.h - statements such as "r[i,j] = y[i] * x[j]": stage 11 of tilework.h, which includes it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_STATEMENT_H
#define TILEWORK_STATEMENT_H

#ifdef __cplusplus
extern "C" {
#endif

/* A statement, "r[i,j] = y[i] * x[j]", is signature and kernel in one text, in the notation of docs/notation.md. It is
 * translated to C for one tile, compiled as by tw_kernel_from_source, and run like any kernel:
 *
 *     tw_statement_parse(&statement, "r[i,j] = c * y[i] * x[j]", &options, &error);
 *     signature = tw_statement_signature(statement);              "y[i], x[j] -> r[i,j]"
 *     tw_statement_types(statement, dtypes, &error);              dtypes of the inputs; r's follows
 *     tw_statement_bind(statement, views, NULL, 0, lengths, &error);   lengths; proves that no read goes outside
 *     tw_statement_grid(&grid, statement, lengths, NULL, 0, NULL, &error);             divided by its work
 *     tw_statement_kernel(&kernel, statement, NULL, &error);      compiled, or found in the cache
 *     tw_run(pool, kernel, grid, operands, NULL, NULL, &error);
 *
 * Other values of parameters, other lengths and strides need no new compilation. */
typedef struct tw_statement tw_statement;

typedef struct tw_axis_length {
    const char *axis;
    int64_t length;
} tw_axis_length;

/* A named parameter of a statement. It is a Python number, which takes the dtype of the arrays beside it, or, with
 * is_typed, a number of the dtype `kind`, which keeps its dtype as NumPy's scalars do: float32 times a typed float64 is
 * float64. */
typedef struct tw_parameter {
    const char *name;
    tw_kind kind; /* TW_BOOL, TW_INT64, TW_UINT64, TW_FLOAT64 or TW_COMPLEX128; typed: any but TW_OPAQUE */
    int is_typed;
    int64_t integer;   /* bool, integers; unsigned ones: the same bits */
    int64_t high;      /* TW_INT64 that is not typed: the upper half of 128 bits; 0 and `integer` alone: int64 */
    double real, imag; /* float, complex */
} tw_parameter;

/* Fills in all but the name from a text as Python reads it: "3", "-0.5", "1e-9", "2j", "1+2j", "True", "inf", "nan"; a
 * typed one from "float32(0.5)". Any thread. Errors: TW_ERROR_SYNTAX. */
TW_API tw_status tw_parameter_parse(tw_parameter *parameter, const char *text, tw_error *error);

typedef struct tw_statement_options {
    const tw_parameter *parameters; /* [nparameters] */
    size_t nparameters;
    const tw_axis_edge *edges; /* [nedges]; axes not named: TW_EDGE_ERROR */
    size_t nedges;
    int same_kind; /* not 0: a dtype that tw_statement_types gives to an output is that of an existing array, which
                      accepts what NumPy's same_kind casting allows; 0: the caller asked for it, it may lose digits */
} tw_statement_options;

/* Reads a text. `options` may be NULL; nothing that it points to is kept. Errors: TW_ERROR_SYNTAX (the message contains
 * the line and a caret below the place), TW_ERROR_ARGUMENT (parameters or axes that the text does not contain),
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_parse(tw_statement **statement, const char *text, const tw_statement_options *options,
                                    tw_error *error);

/* Destroys a statement, with its signature and its kernel. NULL: does nothing. */
TW_API void tw_statement_destroy(tw_statement *statement);

/* How a text uses a name. */
typedef enum tw_mention {
    TW_MENTION_NONE = 0,   /* not at all */
    TW_MENTION_ALONE = 1,  /* without brackets, as parameters, axes and functions are */
    TW_MENTION_OPERAND = 2 /* with brackets behind it, if only c[] */
} tw_mention;

/* How a text uses a name: as an operand, or without brackets. Before there is a statement, a caller with values by name
 * learns so which are operands and which are parameters. Text behind something that cannot be read is ignored. Any
 * thread. */
TW_API tw_mention tw_statement_mention(const char *text, const char *name);

/* The names that a caller gives values for, in the order in which the text mentions them first, separated by blanks:
 * operands that are read, and names that are no axis, function or constant, which are parameters. For callers that take
 * values in order. The caller frees *names. Any thread. Errors: TW_ERROR_SYNTAX, TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_names(char **names, const char *text, tw_error *error);

/* The signature that follows from the text. An input that is read elsewhere than at its axes has dimensions that are
 * not cut, with axes of their own (u_0, u_1), so every tile gets them whole. Valid as long as the statement. */
TW_API const tw_signature *tw_statement_signature(const tw_statement *statement);

/* Sets every dtype. dtypes[noperands], in the signature's order: for inputs and inout operands, their dtype; for
 * outputs, the dtype wanted, or zeros to use the text's, else the expression's. An operand whose dtype was not asked
 * for accepts only results of its kind. Errors: TW_ERROR_SYNTAX (with the place: NumPy has no such operation for these
 * dtypes, a number that does not fit the dtype, a result that the operand would cut off),
 * TW_ERROR_ARGUMENT (opaque items), TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_types(tw_statement *statement, const tw_dtype *dtypes, tw_error *error);

/* The dtype of an operand, once tw_statement_types has set it. */
TW_API tw_dtype tw_statement_dtype(const tw_statement *statement, int operand);

/* Gives a parameter another value of the same kind, typed or not as before. Call it before tw_statement_bind. Errors:
 * TW_ERROR_ARGUMENT. */
TW_API tw_status tw_statement_set(tw_statement *statement, const tw_parameter *parameter, tw_error *error);

/* Finds the length of every axis from shapes and from given[ngiven], proves that no read goes outside of its operand,
 * and makes the kernel's context. operands[noperands]: views with the dtypes of tw_statement_types; outputs that do
 * not exist yet may be NULL. lengths[naxes] of the signature are filled in. An axis that indexes no dimension alone, as
 * i in u[2*i + 1] and in u[i + k], gets the largest length that stays inside, or with an edge the dimension's.
 * Errors: TW_ERROR_ARGUMENT (lengths that disagree), TW_ERROR_SYNTAX (with the place: how far outside a read would go,
 * an axis without a length, a number that does not fit its dtype), TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_bind(tw_statement *statement, const tw_view *const *operands, const tw_axis_length *given,
                                   size_t ngiven, int64_t *lengths, tw_error *error);

/* What a statement does in all, for every element of its outputs. */
typedef struct tw_work {
    double elements;      /* of the first output */
    double operations;    /* machine operations; a function such as exp counts as one */
    double bytes_read;    /* of the operands that are read, each once */
    double bytes_written; /* of the outputs */
    double nanoseconds;   /* about, on one core, with operands in its cache: the same number on every machine */
    double work;          /* the same for one element of the first output: tw_grid_options.work. 0: no elements */
} tw_work;

/* Counts what a bound statement reads, writes and computes with these lengths[naxes], as tw_statement_bind found them,
 * and estimates how long that takes. What does not change along an axis is counted once. Any thread. Errors:
 * TW_ERROR_ARGUMENT (the statement is not bound), TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_work(const tw_statement *statement, const int64_t *lengths, tw_work *work,
                                   tw_error *error);

/* The grid of a run of a bound statement, with the lengths[naxes] that tw_statement_bind found. Without splits it is
 * divided by its work, as every run without options is; what is asked for otherwise is in *more (NULL: nothing; its
 * splits, cost, work and folds are ignored). Splits name axes of the signature and axes that are reduced. A reduction
 * may be cut along its axis: its cuts move to nodes of the tree in which its elements are combined, so the results have
 * the same bits for any cuts. Of a reduction over several axes only the outermost is cut; cuts of the others are
 * dropped. A reduction that is cut, and one that many tiles need, is computed by steps of its own before those that
 * read it, all in one grid for tw_run: its tiles are counted through the steps. Such a grid is for the statement as it
 * is bound now: bind it again, and make another grid. Errors: TW_ERROR_ARGUMENT (the statement is not bound, splits
 * that make no sense, naming the axis), TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_grid(tw_grid **grid, tw_statement *statement, const int64_t *lengths,
                                   const tw_split *splits, size_t nsplits, const tw_grid_options *more,
                                   tw_error *error);

/* The kernel of a bound statement. It is valid as long as the statement and changes with the next tw_statement_bind; it
 * is compiled the first time it is asked for with these dtypes. `options` may be NULL; options->flags NULL: the flags
 * that give the same results as NumPy. Errors: as tw_kernel_from_source. */
TW_API tw_status tw_statement_kernel(const tw_kernel **kernel, tw_statement *statement,
                                     const tw_compile_options *options, tw_error *error);

/* The kernel of a bound statement from a shared object that tw_statement_compile made elsewhere; needs no compiler.
 * Errors: TW_ERROR_FILE, TW_ERROR_ARGUMENT (it was made from another statement, other dtypes or by another version). */
TW_API tw_status tw_statement_load(const tw_kernel **kernel, tw_statement *statement, const char *path,
                                   tw_error *error);

/* Compiles a statement whose dtypes are set into a shared object at `path`, with the function `name`; the file is
 * written under another name and renamed. Kernels that need lengths or parameters get them from tw_statement_load;
 * others may also be used with tw_kernel_from_library.
 * Errors: as tw_kernel_from_source, TW_ERROR_FILE, TW_ERROR_DISK. */
TW_API tw_status tw_statement_compile(tw_statement *statement, const char *path, const char *name,
                                      const tw_compile_options *options, tw_error *error);

/* The C of a statement whose dtypes are set. The caller frees *text. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY.
 */
TW_API tw_status tw_statement_source(tw_statement *statement, char **text, tw_error *error);

/* Writes a description of a statement whose dtypes are set: signature, the dtype of each part, reads, writes and
 * operations per element. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_MEMORY. */
TW_API tw_status tw_statement_explain(const tw_statement *statement, FILE *file, tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
