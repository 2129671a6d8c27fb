/* operands.h - a run's operands and the files they come from and go to: NAME=FILE, dtypes, creation, commit. */
#ifndef CLI_OPERANDS_H
#define CLI_OPERANDS_H

#include <sys/stat.h>

#include <tilework/tilework.h>

#include "bindings.h"
#include "paths.h"

struct cli_operand {
    const char *source; /* file it is read from: in, inout */
    const char *target; /* file it is written to: out, inout; from cli_operands_paths on `file` */
    char *file;         /* the target with its symbolic links followed, owned */
    int noted;          /* what it cannot keep of the file that it replaces has been said */
    char *part;         /* TARGET.part, owned, while it is guarded */
    int finished;       /* reopened: it has its final name already */
    struct stat made;   /* what TARGET.part was when it was created */
    tw_dtype dtype;
    int by_default;                 /* nobody has given the dtype */
    char dtype_text[TW_DTYPE_TEXT]; /* what dtype.descr of an opaque one points to */
    tw_array *input;                /* opened source */
    tw_array *output;               /* created target */
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

/* The same where outputs need no files: those that are not given any have no target. */
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

/* The dtype of every operand, where those that are read have theirs: of outputs what --dtype (`given`) or the signature
 * says, else the one that all sources have; float64 where they differ or where there are none. Opaque sources must
 * agree. itemsizes[noperands]. */
tw_status cli_operands_dtypes(struct cli_operands *operands, const struct cli_bindings *given, int64_t *itemsizes,
                              tw_error *error);

/* Which outputs have a dtype that nobody has given: "r, s are float64 by default"; empty: none. */
void cli_operands_defaults_text(const struct cli_operands *operands, char *text, size_t size);

/* The same as cli_operands_dtypes of a statement's operands, which says itself what an output has: dtypes[noperands] of
 * sources, and of outputs what --dtype says, else all zeros. */
tw_status cli_operands_wishes(struct cli_operands *operands, const struct cli_bindings *given, tw_dtype *dtypes,
                              tw_error *error);

/* No target would have more bytes than can be counted. Errors: TW_ERROR_ARGUMENT. */
tw_status cli_operands_sizes(const struct cli_operands *operands, const int64_t *lengths, tw_error *error);

/* Creates every target; those of inout operands start with what their source has. `kept`: an end at once leaves them, a
 * journal being kept beside them. */
tw_status cli_operands_create(struct cli_operands *operands, const int64_t *lengths, int kept, tw_error *error);

/* Opens every target again as an unfinished run left it. */
tw_status cli_operands_reopen(struct cli_operands *operands, const int64_t *lengths, tw_error *error);

/* Closes the targets and leaves them as they are. */
void cli_operands_keep(struct cli_operands *operands);

/* The first output's file. */
const char *cli_operands_first_target(const struct cli_operands *operands);

/* Whether an output's TARGET.part is there. */
int cli_operands_part_is_there(const struct cli_operands *operands);

/* The shape of operand k: its number of dimensions. */
int cli_operands_shape(const struct cli_operands *operands, int k, const int64_t *lengths, int64_t *shape);

/* arrays[noperands] as tw_run wants them. */
void cli_operands_arrays(const struct cli_operands *operands, tw_array **arrays);

/* Gives all targets their final names, once all of them can have it as far as can be known before. Errors:
 * TW_ERROR_FILE, TW_ERROR_DISK. */
tw_status cli_operands_commit(struct cli_operands *operands, tw_error *error);

/* Closes everything; targets that were neither committed nor kept leave nothing behind. */
void cli_operands_close(struct cli_operands *operands);

/* The same, and forgets the files' names. */
void cli_operands_fini(struct cli_operands *operands);

#endif
