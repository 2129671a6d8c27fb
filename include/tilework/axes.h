/* axes.h - signatures and grids: which axes operands have, and how these are divided: stage 8 of tilework.h, which
 * includes it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_AXES_H
#define TILEWORK_AXES_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 8 signatures and grids ---------------------------------------------------------------------------------- */

typedef struct tw_signature tw_signature;

typedef enum tw_role { TW_IN = 0, TW_OUT = 1, TW_INOUT = 2 } tw_role;

#define TW_NAME_SIZE 64 /* of a name of an axis, an operand or a dtype, terminator included */

/* One operand of a signature. */
typedef struct tw_operand {
    char name[TW_NAME_SIZE];
    char dtype[TW_NAME_SIZE]; /* the text after ':'; "": none */
    tw_role role;
    int ndim;
    int given;                 /* its place among the inputs of the text, from 0; -1: it is an output alone */
    int written;               /* its place among the outputs of the text, from 0; -1: it is an input alone */
    int has_halo;              /* a kernel sees more of it than its tile: see tw_signature_halo */
    uint8_t axes[TW_MAX_DIMS]; /* axis number of each dimension */
} tw_operand;

/* Reads "y[i], x[j] -> r[i,j]": inputs, an arrow, outputs. Names and axes are C identifiers; "c[]" is a scalar; an
 * output may have a dtype, "r[i,j]:float32"; a name on both sides, with the same axes, is an inout operand; the inputs
 * may be empty ("-> r[i,j]"). An input may have a halo, "u[i-1..i+1,j]": both ends are included, each is the axis with
 * an offset, and the kernel gets the elements from start - 1 to stop + 1 of its tile along i. Without outputs, as in
 * "y[i]" or "y[i] ->", a kernel runs for its effects; "[i,j]" are axes alone, without any operand. Errors:
 * TW_ERROR_SYNTAX with the column. */
TW_API tw_status tw_signature_parse(tw_signature **signature, const char *text, tw_error *error);

/* Destroys a signature. NULL: does nothing. */
TW_API void tw_signature_destroy(tw_signature *signature);

/* The operands in the order in which a run takes them, inputs first; *noperands is how many. Valid as long as the
 * signature. Any thread. */
TW_API const tw_operand *tw_signature_operands(const tw_signature *signature, int *noperands);

/* The signature as text, "y[i], x[j] -> r[i,j]", with the operands in the order of the text that was read. An output
 * gets the dtype dtypes[k], or, if `dtypes` is NULL, that of the text, if there was one. Any thread. Returns the length
 * as snprintf does. */
TW_API int tw_signature_text(const tw_signature *signature, const tw_dtype *dtypes, char *text, size_t size);

/* One fact each. Axes and operands are numbered from 0; names are valid as long as the signature. Any thread. */
TW_API int tw_signature_naxes(const tw_signature *signature);                          /* the number of axes */
TW_API int tw_signature_noperands(const tw_signature *signature);                      /* the number of operands */
TW_API const char *tw_signature_axis(const tw_signature *signature, int axis);         /* the name of an axis */
TW_API int tw_signature_find_axis(const tw_signature *signature, const char *name);    /* an axis's number; -1: none */
TW_API int tw_signature_find_operand(const tw_signature *signature, const char *name); /* an operand's; -1: none */
TW_API const char *tw_signature_operand(const tw_signature *signature, int operand);   /* the name of an operand */
TW_API tw_role tw_signature_role(const tw_signature *signature, int operand);          /* input, output or both */
TW_API int tw_signature_ndim(const tw_signature *signature, int operand); /* how many dimensions an operand has */
TW_API int tw_signature_operand_axis(const tw_signature *signature, int operand, int dimension); /* its axis */

/* The halo of a dimension: 1, and a kernel sees [start + *low, stop + *high) of it for a tile [start, stop); 0: it has
 * none, and both are 0. Any thread. */
TW_API int tw_signature_halo(const tw_signature *signature, int operand, int dimension, int64_t *low, int64_t *high);
TW_API const char *tw_signature_dtype(const tw_signature *signature, int operand); /* the text after ':'; NULL: none */

/* Finds the lengths of all axes from the operands' shapes; operands[k] may be NULL (an output that does not exist yet).
 * lengths[naxes]: in, a length that the caller knows, or -1; out, every length. A dimension of 1 fits any length in an
 * input. Errors: TW_ERROR_ARGUMENT (naming operands, axis and lengths that disagree, or an axis that no operand gives a
 * length). */
TW_API tw_status tw_signature_lengths(const tw_signature *signature, const tw_view *const *operands, int64_t *lengths,
                                      tw_error *error);

/* What is read past the ends of an operand along an axis. Beside the name stands what is read around "a b c d", as
 * scipy.ndimage's modes of filters have it; an index may be any number of lengths outside. */
typedef enum tw_edge {
    TW_EDGE_ERROR = 0,   /* nothing: a read outside is refused before the run */
    TW_EDGE_CLAMP = 1,   /* a a a a | a b c d | d d d d   the nearest element inside */
    TW_EDGE_WRAP = 2,    /* a b c d | a b c d | a b c d   the element at the index modulo the length */
    TW_EDGE_ZERO = 3,    /* 0 0 0 0 | a b c d | 0 0 0 0 */
    TW_EDGE_REFLECT = 4, /* d c b a | a b c d | d c b a   mirrored between the end and what is outside */
    TW_EDGE_MIRROR = 5,  /* c d c b | a b c d | c b a b   mirrored at the middle of the last element */
    TW_EDGE_CONSTANT = 6 /* x x x x | a b c d | x x x x   a number */
} tw_edge;

typedef struct tw_axis_edge {
    const char *axis; /* NULL: every axis that has no entry of its own */
    tw_edge edge;
    int has_length; /* statements: tw_statement_bind is given the axis's length: an operand that the axis indexes alone,
                     * u[i], may then have another length and is read with the edge too. 0: such a u is cut with the
                     * tile. Kernels ignore it */
    double constant; /* TW_EDGE_CONSTANT: the number, which the dtypes of all operands that are read outside must hold;
                      * it is rounded to a float as Python's numbers are */
    double imag;     /* the same: the imaginary part, for complex operands */
} tw_axis_edge;

/* Reads the name of an edge into edge->edge, ->constant and ->imag; the other members stay. Names: error, clamp, wrap,
 * zero, reflect, mirror, constant (of 0), constant=x with a number as Python writes it (-1, 0.5, 1e-9, inf, nan, True,
 * 2j, 1+2j); also those of scipy.ndimage: nearest (clamp), grid-wrap (wrap), grid-mirror (reflect), grid-constant
 * (constant). NumPy's pad has its own names for two of them: its "symmetric" is reflect, and its "reflect" is mirror.
 * Any thread. Errors: TW_ERROR_SYNTAX. */
TW_API tw_status tw_edge_parse(const char *text, tw_axis_edge *edge, tw_error *error);

/* How one axis is divided; exactly one of tile, parts, cuts. */
typedef struct tw_split {
    const char *axis;
    int64_t tile;        /* tiles of this length; the last may be shorter */
    int64_t parts;       /* this many tiles, lengths differ by at most 1, the longer ones first */
    const int64_t *cuts; /* [ncuts] positions, strictly increasing inside (0, length) */
    size_t ncuts;        /* with cuts == NULL and tile == parts == 0: the axis stays whole */
} tw_split;

/* What is known of a kernel's cost; automatic tiles depend on it. */
typedef enum tw_cost {
    TW_COST_UNKNOWN = 0,  /* any kernel: one element may take a nanosecond or a minute */
    TW_COST_STATEMENT = 1 /* the kernel of a tw_statement, or another that costs what `work` says, or, if that is 0,
                             what its memory does */
} tw_cost;

/* How the partials of an output become its value: by which function of NumPy's, element by element. */
typedef enum tw_fold {
    TW_FOLD_NONE = 0, /* the output is no reduction */
    TW_FOLD_SUM,
    TW_FOLD_PROD,
    TW_FOLD_MIN, /* NaN if one is NaN, as numpy.minimum */
    TW_FOLD_MAX,
    TW_FOLD_ANY,
    TW_FOLD_ALL,
    TW_FOLD_KERNEL /* a kernel of two operands, "part, into -> into": brings one more partial into the result */
} tw_fold;

typedef struct tw_grid_options {
    const tw_split *splits; /* [nsplits]; axes not named here stay whole; no splits at all: automatic tiles */
    size_t nsplits;
    int64_t tile_bytes;       /* automatic tiles: the most bytes of a tile; 0: 4 MiB, with known work 2 MiB */
    const int64_t *itemsizes; /* [noperands] bytes of one item of each operand, for automatic tiles; NULL: 8 each */
    const int64_t *units;     /* [naxes] automatic tiles begin at multiples of these, as an output needs that is written
                                 in units of more than one element; NULL: 1 each */
    tw_cost cost;             /* for automatic tiles */
    int input_axes_only;      /* automatic tiles: an axis that no input has stays whole, for kernels that cannot know
                                 which part of it they should compute */
    double work;              /* automatic tiles: nanoseconds, about, to compute one element of the first output, as
                                 tw_statement_work estimates them; 0: unknown */
    const tw_fold *folds;     /* [noperands] outputs that are reductions over axes which they lack, and how their
                                 partials are folded; NULL: none is, so an axis that is cut must be in every output */
    const tw_kernel *const *fold_kernels; /* [noperands] for TW_FOLD_KERNEL; they must outlive the grid; else NULL */
    const tw_axis_edge *edges; /* [nedges] what halos read past the ends of each axis; axes not named: TW_EDGE_ERROR,
                                  which refuses every halo. The names are not kept */
    size_t nedges;
} tw_grid_options;

typedef struct tw_grid tw_grid;

/* All tiles of a job. Tiles are computed when they are asked for: a grid of 10^12 tiles costs only its cuts. An axis
 * that is cut must appear in every output that is not a reduction (`folds`). If an output lacks it, the job has several
 * steps: in the first one each tile computes a partial of the output, which begins as the value that changes nothing in
 * the fold (0 for a sum; for a kernel's fold zeros), then a step for each such output folds its partials, in the order
 * of the grid. So the same cuts give the same bits on every pool. Tiles of all steps are numbered together. Automatic
 * tiles depend on lengths, item sizes, `cost` and `work` alone, never on the machine or the workers. For kernels the
 * first axis is cut into 256 parts, or into single indices if it is shorter; later axes stay whole unless there are
 * fewer than 32 tiles so far or a tile has more than `tile_bytes` of outputs and cut inputs. If the work is known,
 * there is one tile below 60 us; else tiles of 30 us or more, at most 256, or as many as keep each to about
 * `tile_bytes`. Tiles that would share an input of more than `tile_bytes`, as those of a product of matrices do, are
 * nearly square; tiles of a kernel whose inputs have halos are so large that they read at most a tenth more, if there
 * are 16 of them. docs/signature.md has tables. `options` may be NULL. Errors: TW_ERROR_ARGUMENT (naming the axis; a
 * halo without an edge, naming operand and axis too).
 */
TW_API tw_status tw_grid_create(tw_grid **grid, const tw_signature *signature, const int64_t *lengths,
                                const tw_grid_options *options, tw_error *error);

/* The same for a kernel, with lengths and item sizes taken from the operands: all of them, in the signature's order.
 * Inputs with halos need edges, which tw_grid_create takes. Errors: as tw_grid_create and tw_signature_lengths. */
TW_API tw_status tw_grid_for(tw_grid **grid, const tw_signature *signature, tw_array *const *operands,
                             const tw_split *splits, size_t nsplits, tw_error *error);

/* Destroys a grid. NULL: does nothing. */
TW_API void tw_grid_destroy(tw_grid *grid);

/* One fact each. Any thread. */
TW_API uint64_t tw_grid_count(const tw_grid *grid);           /* the number of tiles */
TW_API int64_t tw_grid_length(const tw_grid *grid, int axis); /* the length of an axis */
TW_API int64_t tw_grid_axis_tiles(const tw_grid *grid,
                                  int axis); /* how many tiles an axis of the job is divided into */

/* Why automatic tiles left the job whole, in one sentence that names the axis which would have to be cut, and how that
 * is asked for, or says that there is too little work for several tiles; NULL: they did not leave it whole, or the
 * caller said how to divide. Valid as long as the grid. Any thread. */
TW_API const char *tw_grid_why(const tw_grid *grid);

/* Finds start[naxes] and stop[naxes] of a tile: on each axis its first index, and one past its last. An axis that the
 * tile's step does not have is whole. Any thread. */
TW_API void tw_grid_tile(const tw_grid *grid, uint64_t tile, int64_t *start, int64_t *stop);

/* Finds start[ndim] and stop[ndim] of the part of an operand that a tile has, along the operand's own dimensions and
 * without a halo. Returns TW_IN, TW_OUT or TW_INOUT: what the tile does with it; -1: its step does not have the
 * operand, but perhaps a partial result of it, and nothing is filled in. Any thread. */
TW_API int tw_grid_part(const tw_grid *grid, uint64_t tile, int operand, int64_t *start, int64_t *stop);

/* The number of the tile of the last step that contains the element with these indices[naxes]. Any thread. */
TW_API uint64_t tw_grid_owner(const tw_grid *grid, const int64_t *indices);

/* The ranges of a tile as text: "y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000)", halos included, which
 * may reach outside of the array: "u[-1:334] -> v[0:333] (333)"; of a reduction "a[0:9] -> s[] (part 1 of 8)" and "8
 * parts of s[] -> s[] (1)". Any thread. Returns the length as snprintf does. */
TW_API int tw_grid_tile_text(const tw_grid *grid, uint64_t tile, char *text, size_t size);

/* The number of steps of a job: 1, or more if a reduction is cut. Any thread. */
TW_API int tw_grid_steps(const tw_grid *grid);

/* The number of the first tile of a step. Tile numbers run through the steps, so the step ends where the next one
 * begins; behind the last one it is tw_grid_count(grid). Any thread. */
TW_API uint64_t tw_grid_step_first(const tw_grid *grid, int step);

/* A step as text: "a[i,j] -> 40 parts of s[j] (40 tiles: i in 40)". Any thread. Returns the length as snprintf does. */
TW_API int tw_grid_step_text(const tw_grid *grid, int step, char *text, size_t size);

TW_API const tw_signature *tw_grid_signature(const tw_grid *grid); /* its signature; valid as long as it; any thread */

/* Reads "333,666" (digits and commas) into cuts[*ncuts], which the caller frees. Any thread. Errors: TW_ERROR_SYNTAX.
 */
TW_API tw_status tw_cuts_parse(int64_t **cuts, size_t *ncuts, const char *text, tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
