/* operands.h - a run's operands and the files they come from and go to: NAME=FILE, lengths, dtypes. */
#ifndef CLI_OPERANDS_H
#define CLI_OPERANDS_H

#include <tilework/tilework.h>

#include "bindings.h"
#include "paths.h"

struct cli_operand {
    const char *source; /* file it is read from: in, inout */
    const char *target; /* file it is written to: out, inout; from cli_operands_paths on `file` */
    char *file;         /* the target with its symbolic links followed, owned */
    char *unfinished;   /* the name of the target while it is written, owned; from cli_operands_paths on */
    char *journal;      /* the journal of a run whose first output it is, owned; likewise */
    char *partials;     /* the partial results of such a run, owned; likewise */
    tw_dtype dtype;
    int by_default;                 /* the dtype was not given */
    char dtype_text[TW_DTYPE_TEXT]; /* what dtype.descr of an opaque one points to */
    tw_array *input;                /* opened source */
};

struct cli_operands {
    const tw_signature *signature;
    int count;
    struct cli_operand operand[TW_MAX_OPERANDS];
};

/* Gives every operand of the signature its files. Errors: TW_ERROR_ARGUMENT (a name that the signature has not, that
 * comes twice or is missing). */
tw_status cli_operands_bind(struct cli_operands *operands, const tw_signature *signature,
                            const struct cli_bindings *inputs, const struct cli_bindings *outputs, tw_error *error);

/* The same, but outputs need no files: those that are not given one have no target. */
tw_status cli_operands_bind_some(struct cli_operands *operands, const tw_signature *signature,
                                 const struct cli_bindings *inputs, const struct cli_bindings *outputs,
                                 tw_error *error);

/* Follows the targets' symbolic links, makes sure that they can be written as far as can be known, and adds all files.
 * Errors: those of tw_array_target, TW_ERROR_MEMORY. */
tw_status cli_operands_paths(struct cli_operands *operands, struct cli_paths *paths, tw_error *error);

/* Opens every source. */
tw_status cli_operands_open(struct cli_operands *operands, tw_error *error);

/* lengths[naxes] of all axes, from the sources and from `given` (AXIS=N). */
tw_status cli_operands_lengths(const struct cli_operands *operands, const struct cli_bindings *given, int64_t *lengths,
                               tw_error *error);

/* Settles the dtype of every operand: of inputs that of their file, of outputs what --dtype (`given`) or the signature
 * says, else the one that all sources have; float64 if they differ or if there are none. Opaque sources must
 * agree. itemsizes[noperands]. */
tw_status cli_operands_dtypes(struct cli_operands *operands, const struct cli_bindings *given, int64_t *itemsizes,
                              tw_error *error);

/* Which outputs have a dtype that was not given: "r, s are float64 by default"; empty: none. */
void cli_operands_defaults_text(const struct cli_operands *operands, char *text, size_t size);

/* The same as cli_operands_dtypes of a statement's operands, which says itself what an output has: dtypes[noperands] of
 * sources, and of outputs what --dtype says, else all zeros. */
tw_status cli_operands_wishes(struct cli_operands *operands, const struct cli_bindings *given, tw_dtype *dtypes,
                              tw_error *error);

/* No target would have more bytes than can be counted. Errors: TW_ERROR_ARGUMENT. */
tw_status cli_operands_sizes(const struct cli_operands *operands, const int64_t *lengths, tw_error *error);

/* The outputs' files, as the library takes them: files[noperands]. */
void cli_operands_files(const struct cli_operands *operands, tw_output *files);

/* The first output; NULL: the signature has none. */
const struct cli_operand *cli_operands_first_output(const struct cli_operands *operands);

/* The shape of operand k: its number of dimensions. */
int cli_operands_shape(const struct cli_operands *operands, int k, const int64_t *lengths, int64_t *shape);

/* Closes the inputs and forgets all files. */
void cli_operands_fini(struct cli_operands *operands);

#endif
