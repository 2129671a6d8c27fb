/* outputs.h - the files that a run writes, as one thing: created or found again, finished together or kept for a later
 * run: stage 10 of tilework.h, which includes it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_OUTPUTS_H
#define TILEWORK_OUTPUTS_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 10 outputs ------------------------------------------------------------------------------------------------ */

/* A program that writes its outputs through this stage may be killed, or the machine may lose its power, at any moment.
 * Run again, it computes only what is missing:
 *
 *     const tw_output files[] = {{0}, {0}, {.file = "r.npy", .dtype = tw_dtype_of(TW_FLOAT64)}};
 *     tw_array *const arrays[] = {y, x, NULL};
 *     const tw_outputs_options how = {.resume = 1};
 *     tw_outputs *outputs = NULL;
 *
 *     status = tw_outputs_open(&outputs, kernel, grid, arrays, files, &how, &error);
 *     if (status == TW_OK) {
 *         const tw_run_options options = {.outputs = outputs};
 *         status = tw_run(pool, kernel, grid, tw_outputs_operands(outputs), &options, &report, &error);
 *     }
 *     if (status == TW_OK) status = tw_outputs_commit(outputs, &error);
 *     if (status != TW_OK) tw_outputs_keep(outputs, NULL);
 *     tw_outputs_destroy(outputs);
 *
 * While it is written, an output is called FILE.part. A journal beside the first output, FILE.journal, says which tiles
 * are done, with a checksum (XXH3, 64 bits) of the elements of each, and has a fingerprint of the job. During a run a
 * thread of its own syncs the outputs, then writes and syncs the records of the tiles that were done before the sync: a
 * tile that is recorded is on the disk. The fingerprint is made of the kernel (its identity, if it has
 * been given one, else its shared object's bytes, or those of the program whose function it is, symbol and context),
 * signature, lengths, cuts, the operands' dtypes and shapes, of input files their size and time of change, of arrays in
 * memory their contents (tw_array_checksum), the steps of a job that has several, with their folds, the mask, and
 * the library's version. The first values of an inout operand count in the same way.
 *
 * A job with a reduction over an axis that is cut has several steps. What one leaves for later ones lies in
 * FILE.partials beside the journal: it is synced with the outputs, so that recorded partials are not computed again,
 * and goes with the journal. If it is missing, or of another run, its tiles run again as far as later steps need them.
 * A step that overwrites what an earlier one has read (u[i] /= sum(k: u[k])) begins once all tiles before it are
 * recorded; if FILE.partials is missing after that, the job cannot be resumed. Without a journal there is no such file.
 */

/* The file of one operand. */
typedef struct tw_output {
    const char *file; /* NULL: the operand is an input */
    tw_dtype dtype;
} tw_output;

/* What to do about an unfinished run of these outputs. Without resume or restart such a run is an error, so that its
 * work is not lost by mistake. */
typedef struct tw_outputs_options {
    int resume;  /* continue it; begin anew if there is none */
    int restart; /* throw it away and begin anew. With node: a finished result of this job too, and once for all
                    processes of one job of a scheduler */
    int verify; /* resume: read all recorded tiles first, and run those again whose checksum is wrong. With node: before
                   the outputs get their names, as is always done on file systems that are not known to be coherent */
    int no_journal;                                   /* record nothing: a run that is not finished leaves nothing */
    void (*made)(void *user, const char *unfinished); /* called with the name of each new file once it is there, for a
                                                         program that removes it if it is ended at once; the text lives
                                                         for the call */
    void *made_user;
    const tw_array
        *where; /* as in tw_run_options, whose own is not used then: the mask of all runs of these outputs. It
                   counts in the fingerprint, as an input does, and must outlive the outputs. New files have
                   zeros where it leaves tiles out, inout operands their first values. NULL: all tiles */
    const char *where_axes;
    const struct tw_node *node; /* stage 15: the outputs are written together with other processes; resume is implied,
                                   no_journal is refused. NULL: by this process alone */
    const char *join;     /* stage 15: the run folder of another process, which gives work to this one: nothing is made,
                             recorded or committed. Excludes node, resume, restart and verify. NULL: none */
    const char *describe; /* with node: the job in words (a statement, a kernel's call), for tw_job_status_read; NULL:
                             none */
} tw_outputs_options;

/* Opens the outputs of a job. `arrays[noperands]`, in the order of the signature: the array of each input, the first
 * values of each inout operand, NULL for an output. `files[noperands]`: the file of each output and inout operand.
 * Outputs have the shape that the grid's lengths give them. Links are followed (tw_array_target). Kernel, grid and
 * arrays must outlive the outputs.
 * New files are made as tw_array_create_file makes them. If a run is resumed, its files are opened again, and tiles of
 * inout operands that are missing get their first values back; what cannot be resumed stays as it is.
 * Errors: TW_ERROR_ARGUMENT (an output without a file, two outputs with one
 * file, an output where another one is written or has its journal, options that exclude each other, an unfinished run
 * without resume or restart, or a job on nodes that is not finished, a kernel that lies in no file and has no
 * identity), TW_ERROR_JOURNAL (the journal is of another job, and the message says what differs; it belongs to other
 * files; verify finds a changed tile in outputs that were finished), TW_ERROR_FORMAT (a damaged journal; FILE.partials
 * is missing, or a tile has changed, and a later step has overwritten what it was computed from), TW_ERROR_FILE (also
 * if another run is writing these files; the message names its process), TW_ERROR_DISK, TW_ERROR_MEMORY,
 * TW_ERROR_PROCESS. With node (node.h): joins the run folder or makes it, or finds the job finished
 * (tw_outputs_totals.finished). Errors are then also TW_ERROR_ARGUMENT (a file of that name that this job has not made,
 * outputs on several file systems, an output that is an input, a step that overwrites what another step wrote) and
 * TW_ERROR_JOURNAL (the run folder is of another job). */
TW_API tw_status tw_outputs_open(tw_outputs **outputs, const tw_kernel *kernel, const tw_grid *grid,
                                 tw_array *const *arrays, const tw_output *files, const tw_outputs_options *options,
                                 tw_error *error);

/* *sum: the checksum of all elements of an array, whatever its strides: equal elements in the same shape have the same
 * one on any machine with this byte order. All processors that the process may use read the array, on threads which
 * have ended when it returns; two cores read about 30 GB a second. Any thread. Errors: TW_ERROR_FILE, TW_ERROR_DISK,
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_array_checksum(uint64_t *sum, const tw_array *array, tw_error *error);

/* What an unfinished run has left at the files of outputs. */
typedef struct tw_unfinished {
    uint64_t done, tiles; /* recorded, of all; done is 0 if there is nothing to lose */
} tw_unfinished;

/* Looks for an unfinished run and changes nothing. Any thread. Errors: TW_ERROR_FILE (also if another run, which
 * has recorded tiles, is writing these files; the message names its process), TW_ERROR_FORMAT (a damaged journal),
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_outputs_look(tw_unfinished *found, const tw_signature *signature, const tw_output *files,
                                 tw_error *error);

/* The names of the files that lie beside an output FILE (as tw_array_target finds it) while it is written: the
 * unfinished output and, if FILE is the first output of its job, the journal and the partial results. All are freed
 * with free(); `journal` and `partials` may be NULL. Any thread. Errors: TW_ERROR_MEMORY. */
TW_API tw_status tw_outputs_beside(char **unfinished, char **journal, char **partials, const char *file,
                                   tw_error *error);

/* [noperands] the operands as tw_run takes them: the inputs as they were given, and the arrays of the outputs. These
 * belong to the outputs: commit and destroy the outputs, not their arrays. Valid as long as the outputs. */
TW_API tw_array *const *tw_outputs_operands(const tw_outputs *outputs);

typedef struct tw_outputs_totals {
    uint64_t tiles;     /* of the job */
    uint64_t done;      /* tiles that need not be run: of earlier runs, and of this one as far as they are recorded */
    uint64_t dropped;   /* tiles that verify has found changed, to be run again */
    uint64_t lost;      /* recorded tiles that are run again, since FILE.partials is missing or of another run */
    uint64_t kept;      /* tiles that tw_outputs_keep has left to a later run */
    uint64_t skipped;   /* tiles that the mask leaves out; they are not among those that are done */
    int finished;       /* with node: the job was finished when the outputs were opened, and nothing is run */
    uint64_t elsewhere; /* with node: tiles that other nodes have done */
    uint64_t twice;     /* with node: tiles that this node and another one have done */
    uint64_t nodes;     /* with node: starts of nodes that have worked on the job, this one included */
} tw_outputs_totals;

/* Fills in the totals. */
TW_API void tw_outputs_get_totals(const tw_outputs *outputs, tw_outputs_totals *totals);

/* Renames every output to its final name, replacing a file of that name, and removes the journal. All outputs are
 * checked before any is renamed; after that only a disk error can leave some renamed and others not, and a resume then
 * renames the others. The arrays stay readable. With node: all tiles must be recorded, by whichever nodes; finding that
 * another node has done this is success; TW_ERROR_JOURNAL says that two nodes computed different bytes. Errors:
 * TW_ERROR_ARGUMENT (the last tw_run of these outputs has not succeeded, or they were committed or kept before),
 * TW_ERROR_FILE, TW_ERROR_DISK. */
TW_API tw_status tw_outputs_commit(tw_outputs *outputs, tw_error *error);

/* Ends a run that has failed: records what is done and closes the files, so that a later run can resume. If no tile is
 * recorded, nothing is left. The arrays of the outputs are destroyed. NULL, or committed before: does nothing. If it
 * fails, what was
 * recorded before is kept. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
TW_API tw_status tw_outputs_keep(tw_outputs *outputs, tw_error *error);

/* Destroys the outputs and their arrays. Files and journal are removed unless they were committed or kept; with node or
 * join nothing is. NULL: does nothing. */
TW_API void tw_outputs_destroy(tw_outputs *outputs);

#ifdef __cplusplus
}
#endif
#endif
