/* node.h - several processes, on one machine or on many, that work on one job: stage 15 of tilework.h, which includes
 * it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_NODE_H
#define TILEWORK_NODE_H

#ifdef __cplusplus
extern "C" {
#endif

/* ---- 15 nodes -------------------------------------------------------------------------------------------------- */

/* A node is one process, with a pool of its own, of several that compute the same outputs. Each calls tw_outputs_open
 * with `node` set, tw_run and tw_outputs_commit, as a program alone does; the file system is all that they share:
 *
 *     tw_node node;
 *     status = tw_node_find(&node, "auto", &error);
 *     const tw_outputs_options how = {.node = &node};
 *     ... as in stage 10
 *
 * Everything of the job lies in the run folder, FILE.run beside the first output FILE: the job, the unfinished outputs
 * and a journal for each start of a node. Node K of N begins with its share of the tiles, one N-th, and then helps the
 * others, from the far ends of their shares. No node waits for another one while there are tiles that nobody does, and
 * none holds a lock: a tile may be computed twice. That is harmless, because a tile is computed in memory of the worker
 * and then written whole. tw_run returns once all tiles are recorded by somebody; whoever comes to tw_outputs_commit
 * first gives the outputs their names. So any node may be killed, stopped or started again at any time, also twice at
 * once, and N may change from start to start. */
typedef struct tw_node {
    int64_t index, count; /* node `index`, from 0 on, of `count` */
} tw_node;

/* Reads which node this process is: "3/8" (node 3, from 0 on, of 8); "auto", from the environment that Slurm (array
 * jobs, steps, and steps inside an array), Open MPI, MPICH, PMI, PMIx, PBS, SGE, LSF or Kubernetes gives it; "auto/64"
 * where that does not say how many there are (PBS, Kubernetes). Indices of arrays may begin anywhere and have a stride:
 * the first task is node 0. Where the scheduler does not say where they begin, and where it counts fewer than N,
 * "auto/N" is node index modulo N. A process inside a task of an array is node task * processes + process. A job of a
 * scheduler that is no array is node 0 of 1. Any thread, as long as none changes the environment. Errors:
 * TW_ERROR_SYNTAX (another text), TW_ERROR_ARGUMENT (K is not below N; nothing in the environment says which node this
 * is, or of how many, or it contradicts itself; the message names the variables and what to give instead). */
TW_API tw_status tw_node_find(tw_node *node, const char *text, tw_error *error);

/* How many workers a pool of this process should have where a scheduler or launcher has started it, perhaps with others
 * on one machine: SLURM_CPUS_PER_TASK, else the processors that the job has on this machine (SLURM_CPUS_ON_NODE, NCPUS
 * of PBS, NSLOTS of SGE, LSB_DJOB_NUMPROC of LSF) divided by the processes that were started on it; never more than
 * tw_machine_describe allows, and as many where nothing was found. Any thread, as tw_node_find. */
TW_API int tw_node_workers(void);

/* ---- for programs that give out the tiles themselves ------------------------------------------------------------ */

/* A caller that has workers elsewhere opens the outputs with node {0, 1} and runs no tiles itself. It asks for tiles
 * that are missing, gives them to workers and records what they report. A worker opens the same outputs with `join`,
 * the run folder, and calls tw_run with options.first and options.count, then tw_outputs_sync, then tw_outputs_sums,
 * and returns the checksums. Results never travel: they are in the outputs' files. */

/* The next tiles from `from` on that are not done: *count neighbours from *first on, of the first step that is not
 * complete; tiles of a later step may begin once those before it are noted. *count 0: there are none from `from` on.
 * Errors: TW_ERROR_ARGUMENT (the outputs were opened without node). */
TW_API tw_status tw_outputs_missing(const tw_outputs *outputs, uint64_t from, uint64_t *first, uint64_t *count);

/* A worker has computed these tiles and synced them: they are recorded when this returns. sums[count]: what
 * tw_outputs_sums gave there. A tile that was noted before is not recorded again, unless its checksum is another
 * one: then both are kept, and tw_outputs_commit fails, also after a later start. Errors: TW_ERROR_ARGUMENT,
 * TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
TW_API tw_status tw_outputs_note(tw_outputs *outputs, uint64_t first, uint64_t count, const uint64_t *sums,
                                 tw_error *error);

/* The absolute path of the run folder, valid as long as the outputs; NULL: they were opened without node. */
TW_API const char *tw_outputs_folder(const tw_outputs *outputs);

/* Worker: sums[count]: checksums of tiles that the last tw_run of these outputs had; 0: the tile was not computed.
 * Errors: TW_ERROR_ARGUMENT (that run did not have them all; the outputs were opened without join). */
TW_API tw_status tw_outputs_sums(const tw_outputs *outputs, uint64_t first, uint64_t count, uint64_t *sums,
                                 tw_error *error);

/* Worker: returns when all that the last tw_run has written is on the disk. Errors: TW_ERROR_ARGUMENT (the outputs were
 * opened without join), TW_ERROR_FILE, TW_ERROR_DISK. */
TW_API tw_status tw_outputs_sync(tw_outputs *outputs, tw_error *error);

/* ---- what is going on ------------------------------------------------------------------------------------------- */

/* One start of a node. */
typedef struct tw_node_state {
    int64_t node, count; /* as it was started */
    int member;          /* how many starts of this node came before */
    char host[64];
    int64_t pid;
    uint64_t done;     /* tiles that it has recorded */
    uint64_t twice;    /* ... of which another one has a record too */
    double at_work;    /* seconds that its pool has worked */
    double silent;     /* seconds since its last record, by the clocks of both machines; < 0: it has none */
    uint64_t intended; /* tiles that it says it is working on */
    int failed;        /* a tile has failed: */
    uint64_t failed_tile;
    char failure[TW_TILE_MESSAGE_SIZE];
} tw_node_state;

/* A tile for which two nodes have recorded different checksums: memory, processor or kernel of one is not to be
 * trusted. */
typedef struct tw_disagreement {
    uint64_t tile;
    int64_t node[2];
} tw_disagreement;

typedef struct tw_job_status {
    int finished;      /* the output has its name; what follows is then that of the end, as far as it is known */
    char *description; /* what was given to tw_outputs_open as `describe`; NULL: nothing */
    uint64_t tiles, done;
    double rate;         /* tiles a second, of all nodes that are at work */
    double seconds_left; /* < 0: not known */
    size_t nnodes;
    tw_node_state *nodes; /* [nnodes], by node and member */
    size_t ndisagreements;
    tw_disagreement *disagreements; /* [ndisagreements] */
} tw_job_status;

/* Reads how far a job on nodes is. `file`: its first output, or the run folder. Changes nothing. Any thread. Errors:
 * TW_ERROR_FILE (nothing of such a job is there), TW_ERROR_FORMAT (a damaged run folder), TW_ERROR_MEMORY. */
TW_API tw_status tw_job_status_read(tw_job_status *status, const char *file, tw_error *error);

/* Writes a status as JSON. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_MEMORY. */
TW_API tw_status tw_job_status_write_json(const tw_job_status *status, FILE *file, tw_error *error);

/* Frees what tw_job_status_read has filled in. NULL: does nothing. */
TW_API void tw_job_status_free(tw_job_status *status);

#ifdef __cplusplus
}
#endif
#endif
