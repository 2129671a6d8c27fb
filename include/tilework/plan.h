/* plan.h - what a run will cost, said before it, and what the machine's memory can do: stage 13 of tilework.h, which
 * includes it. */
#include <tilework/tilework.h> /* comes back here once it has what this stage needs */

#ifndef TILEWORK_PLAN_H
#define TILEWORK_PLAN_H

#ifdef __cplusplus
extern "C" {
#endif

#define TW_BANDWIDTH_ROWS 16

/* Bytes a second that so many threads together move between memory and their caches. */
typedef struct tw_bandwidth_row {
    int threads;
    double read;  /* loads alone */
    double write; /* stores alone, to pages that are there */
    double copy;  /* loads and stores of a copy, both counted */
    double fresh; /* stores to new private memory, whose pages come at the first store */
} tw_bandwidth_row;

typedef struct tw_bandwidth {
    int count;
    tw_bandwidth_row
        row[TW_BANDWIDTH_ROWS]; /* with 1, 2, 4, ... threads, the last with as many as a pool has workers */
    double shared;              /* bytes a second at which one process makes new shared memory present */
    int64_t measured_at;        /* nanoseconds since 1970 */
    int is_kept;                /* 1: it was measured before, and kept in the cache folder */
} tw_bandwidth;

typedef struct tw_bandwidth_options {
    int again;         /* measure now, also if it is known */
    const char *cache; /* as in tw_compile_options */
} tw_bandwidth_options;

/* How fast this machine reads and writes memory. It is measured once, in less than half a second, on buffers that no
 * cache holds, and kept in the cache folder for this processor, kernel, number of CPUs and version; if no folder can be
 * used, it is measured at each call. Other programs that run meanwhile make it less. `options` may be NULL. Any thread.
 * Errors: TW_ERROR_MEMORY. */
TW_API tw_status tw_machine_bandwidth(tw_bandwidth *bandwidth, const tw_bandwidth_options *options, tw_error *error);

/* What keeps a run from being faster. */
typedef enum tw_limit {
    TW_LIMIT_COMPUTE = 0,  /* the kernel's own work: more cores help */
    TW_LIMIT_MEMORY = 1,   /* the memory delivers no more */
    TW_LIMIT_DISPATCH = 2, /* handing out the tiles */
    TW_LIMIT_COPIES = 3,   /* private operands that worker processes do not see */
    TW_LIMIT_DISK = 4,     /* the outputs' files */
    TW_LIMIT_OPENING = 5,  /* opening the pool */
    TW_LIMIT_TILES = 6,    /* too few tiles, or one that takes much longer than others */
    TW_LIMIT_LOCK = 7      /* threads that wait for each other's lock, as Python's */
} tw_limit;

/* "compute", "memory", ... Static text; any thread. */
TW_API const char *tw_limit_name(tw_limit limit);

/* What a run costs in one kind of pool: `seconds` is the sum of the parts below it. */
typedef struct tw_forecast {
    tw_pool_kind pool;
    int workers;
    double seconds;
    double tiles;            /* seconds from the first tile's begin to the last one's end */
    double fresh;            /* new pages of the results */
    double copies;           /* of private operands to the workers' memory and back */
    double opening;          /* of the pool, and its end */
    double disk;             /* of the outputs' files */
    double bytes_per_second; /* read and written, in all these seconds */
    tw_limit limit;
} tw_forecast;

#define TW_FORECASTS 32
#define TW_PLAN_TEXT 512

/* What a job takes on several nodes: stage 15. Bytes are those of operands and of what steps leave for later ones. A
 * statement's operand that is given whole counts whole, though less of a mapped file may be read. */
typedef struct tw_node_plan {
    int64_t nodes;                    /* as asked for; 0: not asked for, and nothing else is filled in */
    uint64_t tiles;                   /* of the node with the largest share */
    double bytes_read, bytes_written; /* by all nodes together */
    double node_read, node_written;   /* by the node that reads, and the one that writes most */
    int workers;                      /* of each node: as many as on this machine */
    double node_memory;               /* bytes in use on a node: the tiles of its workers, and inputs that are whole */
    double seconds;                   /* forecast, if each node is a machine like this one and all begin together */
    char file_system[32];             /* of the folder: "ext4", "nfs", "unknown" */
    int is_coherent;                  /* as Tilework knows it: what one machine writes harms no byte beside it */
    int fits;                         /* 0: a run would be refused there, as `cuts` says */
    char whole[TW_PLAN_TEXT];         /* which inputs and dimensions every tile needs whole; "": none */
    char cuts[TW_PLAN_TEXT];          /* in what pieces tiles are written, and whether borders of nodes share blocks */
    char rules[TW_PLAN_TEXT];         /* what holds on the file system */
    char advice[TW_PLAN_TEXT];        /* one sentence */
    char sbatch[TW_PLAN_TEXT];        /* the submission, to which --wrap "COMMAND --node auto" or a script is added */
} tw_node_plan;

/* What is known of a job before it is run. */
typedef struct tw_plan {
    uint64_t tiles;
    char why[TW_PLAN_TEXT];           /* how the job is divided, and why so */
    double bytes_read, bytes_written; /* between memory and the caches, in all */
    double operations;                /* of a statement; 0: unknown */
    uint64_t timed;                   /* tiles that were timed; 0: none, the forecast is from counts alone */
    double shortest, mean, longest;   /* seconds of a tile that was timed, on one worker with its pages present */
    double set_up;                    /* seconds that a tile takes however small it is, as far as can be seen */
    double together;                  /* how many times as long a tile takes if all workers run tiles; 0: unknown */
    int at_least;                     /* 1: a tile took longer than there was time: all seconds are at least so many */
    char note[TW_PLAN_TEXT];          /* why no tile was timed; "": nothing went wrong */
    tw_bandwidth bandwidth;
    int count;
    tw_forecast forecast[TW_FORECASTS]; /* serial, then threads and processes with 1, 2, 4, ... workers */
    int best;                           /* of these; as good within 5 %: the first */
    char advice[TW_PLAN_TEXT];          /* one sentence */
    tw_node_plan on_nodes;              /* with tw_plan_options.nodes */
} tw_plan;

/* Times of some tiles that the caller has measured. */
typedef struct tw_plan_sample {
    size_t count;
    const uint64_t *tiles; /* [count] ascending */
    const double *seconds; /* [count] of each on one worker, with its pages present */
    double together;       /* as in tw_plan; 0: unknown */
    double set_up;         /* as in tw_plan */
    double opening_one,
        opening_all; /* seconds that opening and closing a pool of one and of all worker processes takes */
    double locked;   /* the part of a tile's time in which no other thread can run one: 0 .. 1 */
    double tile_serial, tile_threads,
        tile_processes; /* seconds that handing out a tile takes; 0: as for native kernels */
    int at_least;       /* as in tw_plan */
    const char *note;   /* as in tw_plan; NULL: "" */
} tw_plan_sample;

typedef struct tw_plan_options {
    int workers;         /* the most that are looked at; 0: as many as the machine allows */
    int no_run;          /* no tile is run: from counts alone */
    double seconds;      /* the most that timing tiles may take; 0: 0.3 */
    size_t scratch_size; /* as in tw_run_options */
    const tw_work *work; /* of a statement: what it reads, writes and computes; NULL: as much as its operands have */
    int files;           /* the outputs are files: their disk counts */
    const char *folder;  /* files: where they will be; NULL: the current folder */
    double opening_one,
        opening_all; /* as in tw_plan_sample, for a caller that makes pools in another way; 0: as found */
    double
        call_seconds[3]; /* by tw_pool_kind: that each run takes beside all this, in a caller that is an interpreter */
    int pool_is_open;    /* 1: opening a pool costs nothing, since it is kept */
    int outputs_are_there;        /* 1: outputs are given memory that was written before */
    const tw_plan_sample *sample; /* NULL: tiles are timed here */
    tw_bandwidth_options bandwidth;
    tw_fork_hooks hooks; /* as in tw_pool_options */
    int64_t nodes;       /* with files: the plan has a part for so many nodes; 0: it has not */
} tw_plan_options;

/* Says what tw_run would cost, serially, on threads and on processes, and what limits it. Some tiles are run for that,
 * in worker processes of its own: the kernel is called, on the operands' memory as these processes see it; what it
 * writes is discarded, and if it crashes or does not end, that is a sentence in `note`. operands[noperands] as for
 * tw_run; outputs may be NULL and are not created. `options` may be NULL. Errors: TW_ERROR_ARGUMENT (as tw_run),
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_plan_make(tw_plan *plan, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                              const tw_dtype *dtypes, const tw_plan_options *options, tw_error *error);

/* Writes a plan as JSON. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_MEMORY. */
TW_API tw_status tw_plan_write_json(const tw_plan *plan, FILE *file, tw_error *error);

#ifdef __cplusplus
}
#endif
#endif
