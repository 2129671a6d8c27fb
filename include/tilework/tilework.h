/* tilework.h - run a kernel over the tiles of n-d arrays, each tile writing its own part of the result in place.
 *
 * The whole public interface, in stages: 1 views and 2 tiles (in tile.h: all that a kernel's source needs), 3 errors,
 * 4 dtypes, 5 kernels, 6 pools, 7 arrays, 8 signatures and grids (in axes.h), 9 runs and reports, 10 journals,
 * 11 statements (in statement.h), 12 the machine.
 *
 * Words
 *   array      n-d, typed, strided memory: private (this process), shared (this process and the workers of one
 *              pool) or a mapped .npy file
 *   view       a non-owning window on an array: data pointer, dtype, shape, strides in bytes
 *   axis       one named index of a job (i, j), with a length
 *   signature  which axes each operand has: "y[i], x[j] -> r[i,j]"
 *   cut        a position where an axis is divided
 *   tile       one cell of the product of the cuts: a number, and a start and a stop on each axis
 *   grid       all tiles of a job
 *   kernel     the function run on one tile
 *   operand    an array as a job sees it: in, out or inout
 *   pool       serial, threads or processes
 *   worker     one member of a pool; the caller is worker 0 of a serial and of a thread pool
 *   job, run   kernel + operands + grid; doing a job
 *   report     what happened, tile by tile
 *   journal    which tiles of a run that writes files are done, kept beside the files, so that another run can resume
 *   statement  "r[i,j] = y[i] * x[j]": signature and kernel in one text
 *
 * Conventions
 *   Every call that can fail returns a tw_status: TW_OK (0) or a negative code. Results come through the first
 *   parameter and are untouched on failure; the last parameter is a tw_error of the caller's that may be NULL.
 *   Destroy and close functions accept NULL. Option structs filled with zeros mean the defaults. The library prints
 *   nothing, never exits, installs no signal handler and has no global state. Unless a function says otherwise, one
 *   object is to be used from one thread at a time; different objects from any number of threads.
 */
#ifndef TILEWORK_H
#define TILEWORK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tilework/tile.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(TW_BUILDING_LIBRARY)
#define TW_API __attribute__((visibility("default")))
#else
#define TW_API
#endif

#define TW_VERSION_MAJOR 0
#define TW_VERSION_MINOR 1
#define TW_VERSION_PATCH 0
#define TW_VERSION "0.1.0"

/* The version of the library that is running, as TW_VERSION. Static text; any thread. */
TW_API const char *tw_version(void);

/* ---- 3 errors ------------------------------------------------------------------------------------------------ */

typedef enum tw_status {
    TW_OK = 0,
    TW_ERROR_ARGUMENT = -1,     /* the request makes no sense: options, axes, cuts, lengths that disagree */
    TW_ERROR_SYNTAX = -2,       /* a text (signature, cuts) cannot be read; tw_error.column says where */
    TW_ERROR_COMPILE = -3,      /* a kernel's source does not compile, or no compiler was found */
    TW_ERROR_FILE = -4,         /* a file cannot be opened, read or written */
    TW_ERROR_FORMAT = -5,       /* a file is not what it says it is */
    TW_ERROR_MEMORY = -6,       /* not enough memory or address space */
    TW_ERROR_DISK = -7,         /* not enough room on the disk, or a file size limit */
    TW_ERROR_PROCESS = -8,      /* processes, threads or descriptors are not available */
    TW_ERROR_KERNEL = -9,       /* a kernel returned an error code */
    TW_ERROR_WORKER = -10,      /* a worker died, more often than may be retried */
    TW_ERROR_CHECK = -11,       /* the serial recomputation of a run differs from its result */
    TW_ERROR_INTERRUPTED = -12, /* the stop flag was raised; the report says which tiles are done */
    TW_ERROR_GUARD = -13,       /* the guard caught a kernel outside its tile, or an element that it never wrote */
    TW_ERROR_JOURNAL = -14      /* a journal is of another job, or does not belong to the files beside it */
} tw_status;

#define TW_ERROR_MESSAGE_SIZE 1024

/* What went wrong, filled by the call that failed and untouched by one that succeeds. */
typedef struct tw_error {
    tw_status status;
    int os_error;                        /* errno of the operating-system call that failed, else 0 */
    int64_t tile;                        /* the tile concerned, else -1 */
    int worker;                          /* the worker concerned, else -1 */
    int column;                          /* TW_ERROR_SYNTAX: 1-based column in the text, else 0 */
    int kernel_code;                     /* TW_ERROR_KERNEL: what the kernel returned, else 0 */
    char message[TW_ERROR_MESSAGE_SIZE]; /* one sentence: what, where and what would be right */
} tw_error;

/* A short name for a status ("bad argument"). Static text; any thread. */
TW_API const char *tw_status_name(tw_status status);

/* ---- 4 dtypes -------------------------------------------------------------------------------------------------- */

/* The dtype of a kind other than TW_OPAQUE (TW_OPAQUE gives itemsize 0). Any thread. */
TW_API tw_dtype tw_dtype_of(tw_kind kind);

/* "float64", "int8", ..., or for opaque items their descr. Lives as long as `dtype->descr`. */
TW_API const char *tw_dtype_name(const tw_dtype *dtype);

/* Reads a dtype's name ("float64", "f8", "<f8"; opaque: "S5", "U3", "V16", "M8[ns]"). `dtype->descr` of an opaque
 * one points into storage[TW_DTYPE_TEXT]. Errors: TW_ERROR_SYNTAX. */
#define TW_DTYPE_TEXT 64
TW_API tw_status tw_dtype_parse(tw_dtype *dtype, const char *name, char storage[TW_DTYPE_TEXT], tw_error *error);

/* Prints one item as NumPy would, shortest digits that read back as the same value, never locale-dependent; opaque
 * items as hex bytes (the first 16). Returns the length as snprintf does. Any thread. */
TW_API int tw_item_format(char *text, size_t size, const tw_dtype *dtype, const void *item);

/* The item as a double (complex: its real part; bool: 0 or 1). Opaque items give NaN. Any thread. */
TW_API double tw_item_to_double(const tw_dtype *dtype, const void *item);

/* ---- 5 kernels ------------------------------------------------------------------------------------------------- */

typedef struct tw_kernel tw_kernel;

/* A kernel that is a function of this program. `context` reaches the function as tile->context; where
 * `context_size` is not 0, each run copies that many bytes of it to where the pool's workers can read them, else the
 * pointer itself is passed (workers that are processes then see the memory as it was when they were forked, unless it
 * is shared). Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY. */
TW_API tw_status tw_kernel_from_function(tw_kernel **kernel, tw_function function, void *context, size_t context_size,
                                         tw_error *error);

/* A kernel that is a symbol of a shared object; a path without a slash is taken from the current folder. The object is
 * opened here, to see that it has the symbol, and again by each worker process. Errors: TW_ERROR_FILE (no such file,
 * not a shared object), TW_ERROR_ARGUMENT (no such symbol). */
TW_API tw_status tw_kernel_from_library(tw_kernel **kernel, const char *path, const char *symbol, tw_error *error);

typedef struct tw_compile_options {
    const char *compiler; /* NULL: $TILEWORK_CC, else the first of cc, gcc, clang on PATH */
    const char *flags;    /* NULL: "-O3 -march=native"; split at blanks; never seen by a shell */
    const char *cache;    /* NULL: $XDG_CACHE_HOME/tilework, else ~/.cache/tilework; if that cannot be used, the home
                           * folder on record, then $TMPDIR, then a folder of this process (see tw_kernel_note) */
} tw_compile_options;

/* A kernel compiled from C. The source file includes <tilework/tilework.h>, which the library brings along, and
 * defines `int function(const tw_tile *tile)`. Compiled objects are kept in the cache folder under a key made of
 * source, flags, compiler version and header version. `options` may be NULL. Errors: TW_ERROR_FILE,
 * TW_ERROR_COMPILE (the message holds the compiler's first error lines), TW_ERROR_ARGUMENT (no
 * such function in the source, cache folder that others could write to). */
TW_API tw_status tw_kernel_from_source(tw_kernel **kernel, const char *path, const char *function,
                                       const tw_compile_options *options, tw_error *error);

/* A kernel by its name on a command line: "FILE.c:FUNCTION" or "FILE.so:FUNCTION", also with a version
 * ("FILE.so.6:FUNCTION"). */
TW_API tw_status tw_kernel_open(tw_kernel **kernel, const char *name, const tw_compile_options *options,
                                tw_error *error);

/* What the kernel was made from ("mult.c:mult"; "function" for a function of the program). Lives with the kernel. */
TW_API const char *tw_kernel_name(const tw_kernel *kernel);

/* Another name, for the sentences about its tiles. Errors: TW_ERROR_ARGUMENT (no text), TW_ERROR_MEMORY. */
TW_API tw_status tw_kernel_set_name(tw_kernel *kernel, const char *name, tw_error *error);

/* Why the kernel's object is not kept where the environment says, as one sentence: "compiled kernels are kept in
 * /var/tmp/tilework-65534, since ..."; NULL: it is. Lives with the kernel. */
TW_API const char *tw_kernel_note(const tw_kernel *kernel);

TW_API void tw_kernel_destroy(tw_kernel *kernel);

/* ---- 6 pools ------------------------------------------------------------------------------------------------- */

typedef enum tw_pool_kind { TW_THREADS = 0, TW_PROCESSES = 1, TW_SERIAL = 2 } tw_pool_kind;

#define TW_MAX_WORKERS 4096

typedef struct tw_pool tw_pool;

/* What a process pool calls around each fork of a worker, for programs that have something to prepare for one, such as
 * an interpreter's locks. Each may be NULL. The thread is the one that opens the pool or is inside of tw_run. */
typedef struct tw_fork_hooks {
    void (*before)(void *user);            /* just before a fork */
    void (*parent)(void *user);            /* just after it, also where it failed */
    void (*child)(void *user, int worker); /* in the new worker, before its first tile */
    void (*end)(void *user, int worker);   /* in a worker that the pool ends, which waits 5 seconds for it; not in one
                                              that is killed; NULL: workers are ended at once */
    void *user;
} tw_fork_hooks;

typedef struct tw_pool_options {
    tw_pool_kind kind;
    int workers;        /* 0: as many as affinity and every cgroup ancestor's CPU quota allow */
    int64_t heap_bytes; /* address space reserved for shared arrays (processes); 0: twice the machine's memory */
    tw_fork_hooks hooks;
} tw_pool_options;

/* Opens a pool, to be used for any number of runs, one at a time. Threads: the caller is worker 0 and works while it
 * waits; `workers - 1` threads are created, with all signals blocked. Processes: `workers` children are forked, which
 * run nothing but kernels and end with the pool or with this process. Where the system gives fewer threads or processes
 * than asked for, the pool has that many, at least one, and tw_pool_note says so. `options` may be NULL.
 * Errors: TW_ERROR_ARGUMENT (workers < 0 or > TW_MAX_WORKERS), TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
TW_API tw_status tw_pool_open(tw_pool **pool, const tw_pool_options *options, tw_error *error);

TW_API tw_pool_kind tw_pool_get_kind(const tw_pool *pool);
TW_API int tw_pool_workers(const tw_pool *pool);

/* What the pool has to say of the machine, one sentence: fewer workers than asked for because the system gave no more,
 * shared memory of another kind because memfd is refused. NULL: nothing. Lives with the pool. */
TW_API const char *tw_pool_note(const tw_pool *pool);

/* Process id of a worker (of this process, for serial and thread pools); 0 where it died and has no successor yet. */
TW_API int tw_pool_worker_pid(const tw_pool *pool, int worker);

/* Ends the workers and waits for them. Shared arrays made for the pool stay valid until they are destroyed. */
TW_API void tw_pool_close(tw_pool *pool);

/* ---- 7 arrays ------------------------------------------------------------------------------------------------ */

typedef struct tw_array tw_array;

typedef enum tw_memory { TW_PRIVATE = 0, TW_SHARED = 1, TW_MAPPED = 2, TW_BORROWED = 3 } tw_memory;

/* A new array of zeros or of what an earlier array left there (`contents undefined`, as numpy.empty), C order. Its
 * memory is what suits the pool: shared for a process pool, private otherwise and for a NULL pool.
 * Errors: TW_ERROR_ARGUMENT (ndim, negative length, bytes past 2^63), TW_ERROR_MEMORY. */
TW_API tw_status tw_array_create(tw_array **array, tw_pool *pool, const tw_dtype *dtype, int ndim, const int64_t *shape,
                                 tw_error *error);

/* An array over memory of the caller's, which must outlive it. A process pool copies it in and out of shared memory in
 * each run, unless all of it lies in an array that was made for this pool. Errors: TW_ERROR_ARGUMENT, TW_ERROR_MEMORY.
 */
TW_API tw_status tw_array_wrap(tw_array **array, const tw_view *view, tw_error *error);

/* An array over a part of another one's memory, which must outlive it: any view whose items lie there, of any dtype. To
 * every pool it is what `owner` is, shared, say. Errors: TW_ERROR_ARGUMENT (items outside of the owner's memory),
 * TW_ERROR_MEMORY. */
TW_API tw_status tw_array_part(tw_array **array, const tw_array *owner, const tw_view *view, tw_error *error);

/* Opens a .npy file (version 1.0 to 3.0) for reading. The file is mapped, not read, where its bytes can be used as they
 * are; numbers in the other byte order are read into memory that suits `pool` (may be NULL) and swapped. What comes
 * through a pipe, a socket or a device is read once, as far as its header promises; a pipe without a writer is waited
 * for. Types are read however NumPy spells them. The file must not be shortened while the array lives. Errors:
 * TW_ERROR_FILE, TW_ERROR_FORMAT, TW_ERROR_MEMORY. */
TW_API tw_status tw_array_open(tw_array **array, tw_pool *pool, const char *path, tw_error *error);

/* The file that an output of this name becomes: PATH, or where PATH leads if it is a symbolic link, which need not
 * exist yet. Nothing is written. *file is freed with free(). Errors, with the cause: TW_ERROR_FILE (no such folder, a
 * folder or a device of that name, no permission, a name too long), TW_ERROR_PROCESS, TW_ERROR_MEMORY. */
TW_API tw_status tw_array_target(char **file, const char *path, tw_error *error);

/* A new .npy file to be written through the array, C order: PATH.part (PATH as tw_array_target has it) is created,
 * given all its disk space and mapped. It has mode, owner, group, access list and other attributes of a file that has
 * the name already; tw_array_note says what cannot be kept of that. tw_array_commit makes it PATH; tw_array_destroy
 * without commit removes it (tw_array_keep does not), so that nothing half-written ever has the final name. While it
 * lives no other tw_array_create_file on PATH succeeds. Errors: TW_ERROR_FILE, TW_ERROR_DISK, TW_ERROR_ARGUMENT. */
TW_API tw_status tw_array_create_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                                      const int64_t *shape, tw_error *error);

/* Opens PATH.part again, as tw_array_keep or a program that was killed left it, contents and all. It must be as
 * tw_array_create_file would make it for this dtype and shape. Where there is no PATH.part but a PATH like that, as
 * when the program was killed between the commits of two outputs, PATH is opened for reading, and tw_array_commit has
 * nothing left to do; tw_journal_open then makes sure that it is the file that it was. Errors: as tw_array_create_file,
 * TW_ERROR_JOURNAL (there is no such file, or it is of another dtype or shape). */
TW_API tw_status tw_array_reopen_file(tw_array **array, const char *path, const tw_dtype *dtype, int ndim,
                                      const int64_t *shape, tw_error *error);

/* Destroys an array of tw_array_create_file without commit but leaves PATH.part where it is, for tw_array_reopen_file.
 * Any other array is just destroyed. */
TW_API void tw_array_keep(tw_array *array);

/* What an output cannot keep of the file that it replaces, one sentence: its owner, say, or further names of that file
 * (hard links), which keep the old one. NULL: nothing. Lives with the array. */
TW_API const char *tw_array_note(const tw_array *array);

/* Gives the open file fd, which will be renamed to PATH, what the file PATH has: mode, owner, group, access list, other
 * attributes; nothing if there is no PATH. For outputs the library does it. *note: as above, freed with free(). */
TW_API tw_status tw_file_take_after(int fd, const char *path, char **note, tw_error *error);

/* Syncs the data and gives the file its final name, replacing what had it. The array stays readable. */
TW_API tw_status tw_array_commit(tw_array *array, tw_error *error);

/* Writes any array as a .npy file, C order, by way of PATH.part as above. */
TW_API tw_status tw_array_save(const tw_array *array, const char *path, tw_error *error);

/* Copies all items; same shape and dtype. Errors: TW_ERROR_ARGUMENT. */
TW_API tw_status tw_array_copy(tw_array *destination, const tw_array *source, tw_error *error);

TW_API const tw_view *tw_array_view(const tw_array *array); /* lives with the array */
TW_API void *tw_array_data(const tw_array *array);
TW_API tw_memory tw_array_memory(const tw_array *array);

TW_API void tw_array_destroy(tw_array *array);

#include <tilework/shared.h> /* arrays in shared memory of no pool, handles */

#include <tilework/axes.h> /* stage 8 */

/* ---- 9 runs and reports -------------------------------------------------------------------------------------- */

typedef struct tw_report tw_report;

typedef struct tw_progress {
    uint64_t done, total; /* tiles */
    double seconds;       /* since the run began */
} tw_progress;

/* A worker process that died in a run. */
typedef struct tw_death {
    int worker, pid;
    int signal;         /* that killed it; 0: it exited; -1: unknown */
    int code;           /* its exit code, where it exited */
    int timed_out;      /* it was killed because its tile took longer than tw_run_options.timeout */
    int by_itself;      /* 1: it sent itself the signal (SIGTERM, SIGINT, SIGHUP, SIGQUIT), as libraries do that refuse
                           to work after a fork; from others a worker ignores these */
    int has_address;    /* 1: the signal is about an address, `address` */
    uint64_t address;   /* the memory that the kernel could not read or write, or the instruction that was illegal */
    int64_t tile;       /* that it had in hand; -1: none */
    int deaths;         /* of workers on this tile, with this one */
    int given_up;       /* 1: the tile has cost too many workers and is failed; 0: it is run again */
    const char *reason; /* "was killed by signal 11 (Segmentation fault) at address 0x7f..."; lives for the call */
} tw_death;

/* A run that stands still: for so many seconds no tile has ended and no worker process, nor a program that it has
 * started, has used the processor. A tile that sleeps looks the same as one that waits for a lock which nobody will
 * give back; tw_run_options.timeout ends both. */
typedef struct tw_stall {
    double seconds;
    uint64_t done, total; /* tiles */
    int workers;          /* that have a tile in hand */
    int64_t tile;         /* the lowest of those, -1: none; who has it: */
    int worker, pid;
} tw_stall;

typedef struct tw_journal tw_journal; /* stage 10 */

typedef struct tw_run_options {
    size_t scratch_size; /* bytes of tile->scratch for each worker */
    const int *stop;     /* run ends after the tiles in hand once *stop is not 0; may be set by a signal handler */
    int retries;         /* deaths of a worker on one tile that are survived; 0: the default, 2; -1: none */
    int check;           /* compute all again as one serial tile in separate memory and compare bit by bit */
    void (*progress)(void *user,
                     const tw_progress *progress); /* called by the calling thread, about 30 times a second */
    void *progress_user;
    int keep_going;            /* a kernel's error ends only its tile: all others are computed before the run fails */
    double timeout;            /* seconds that one tile may take, else its worker is killed as if it had died; process
                                  pools only; 0: no limit */
    uint64_t tiles_per_worker; /* a worker process is replaced by a new one after so many tiles; 0: never */
    int guard;                 /* each tile runs twice on copies of its operands that end, then begin, at memory that
                                  nobody may touch, with canaries between rows: a kernel that reaches outside its tile
                                  or leaves an element unwritten is caught and named. Process pools and tw_replay */
    tw_journal *journal;       /* made for this kernel, grid and operands: tiles that it has are not run, those that
                                  the run does are recorded; NULL: none */
    void (*died)(void *user, const tw_death *death); /* called by the calling thread for each worker that died */
    void *died_user;
    double stall_seconds; /* process pools: seconds after which a run stands still; 0: 30 */
    void (*stalled)(void *user, const tw_stall *stall); /* called by the calling thread, once a run */
    void *stalled_user;
    const tw_dtype *expected; /* [noperands] dtypes that kernels will probably choose, TW_OPAQUE: none is; NULL: none.
                                 Worker processes then need not wait for memory of theirs */
    struct tw_choices **choices; /* filled, also when the run fails: what tw_tile_choose made; NULL: it is refused */
} tw_run_options;

/* Arrays that kernels have chosen the dtypes of, numbered from 0 on in the order in which they were made: that order is
 * no property of the job. The caller destroys the whole, and the arrays that it has taken out of it. */
typedef struct tw_choices tw_choices;
TW_API int tw_choices_count(const tw_choices *choices);
TW_API const tw_array *tw_choices_array(const tw_choices *choices, int number); /* NULL: none, or it was taken */
TW_API tw_array *tw_choices_take(tw_choices *choices, int number);
TW_API int tw_choices_of(const tw_choices *choices, int operand, uint64_t tile); /* the array's number; -1: none */
TW_API void tw_choices_destroy(tw_choices *choices);

/* Runs the kernel once on every tile of the grid. operands[noperands] in the signature's order. Equals
 *     for (tile = 0; tile < tw_grid_count(grid); tile++) kernel(tile);
 * on any pool; a NULL pool is serial. Returns TW_OK when all tiles are done. A kernel's error ends the run (but see
 * keep_going): of all tiles that fail, the one with the lowest number is reported, whatever the order. A worker process
 * that dies costs only the time of its tile, which is run again; a tile on which workers die more often than `retries`
 * is given up, all others are still computed, and the run fails. Tiles of inout operands are as safe to run again: a
 * worker process computes them on a copy. `report` may be NULL; else it gets a report that the caller destroys, also
 * when the run fails after it began. `options` may be NULL.
 * Errors: TW_ERROR_ARGUMENT (shapes that do not fit the grid, outputs that overlap another operand, options that do not
 * fit the pool), TW_ERROR_KERNEL, TW_ERROR_WORKER, TW_ERROR_GUARD, TW_ERROR_INTERRUPTED, TW_ERROR_CHECK,
 * TW_ERROR_MEMORY, TW_ERROR_PROCESS; with a journal TW_ERROR_FILE and TW_ERROR_DISK (the disk refused what was
 * written), TW_ERROR_JOURNAL. */
TW_API tw_status tw_run(tw_pool *pool, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                        const tw_run_options *options, tw_report **report, tw_error *error);

/* Runs one tile alone, on the calling thread and in this process, as tw_run would (views, scratch, floating-point mode;
 * with options->guard also its copies, the signal of a wrong access then being this process's): for debuggers. Only
 * scratch_size and guard of the options are looked at; `options` may be NULL. Errors: TW_ERROR_ARGUMENT,
 * TW_ERROR_KERNEL, TW_ERROR_GUARD, TW_ERROR_MEMORY. */
TW_API tw_status tw_replay(const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands, uint64_t tile,
                           const tw_run_options *options, tw_error *error);

typedef enum tw_tile_state {
    TW_TILE_FREE = 0,
    TW_TILE_RUNNING = 1,
    TW_TILE_DONE = 2,
    TW_TILE_FAILED = 3
} tw_tile_state;

typedef struct tw_tile_record {
    tw_tile_state state;
    int worker; /* who had it last; -1: nobody in this run */
    int pid;
    int attempts;    /* 1: at the first go; 0: never taken, or done by an earlier run that the journal knows */
    double start;    /* seconds since the run began, 24 significant bits */
    double duration; /* seconds */
} tw_tile_record;

typedef struct tw_report_totals {
    tw_pool_kind pool;
    int workers;
    uint64_t tiles, done;    /* done: with those of earlier runs */
    uint64_t resumed;        /* tiles that an earlier run had done */
    uint64_t failed;         /* tiles that failed */
    double seconds;          /* the whole run */
    int64_t bytes_copied;    /* private operands copied to and from shared memory */
    int64_t bytes_populated; /* pages of outputs that workers populated before the first write */
    int reforks;             /* times that all workers were forked again, to know a new kernel or file */
    int deaths;              /* workers that died and were replaced */
    int timeouts;            /* how many of them because their tile took too long */
    int recycled;            /* workers that were replaced after tiles_per_worker tiles */
    int checked;             /* 1: compared with the serial recomputation */
    int identical;           /* bit by bit */
    double max_difference;   /* max. abs. diff. over numeric outputs */
    int differing_operand;   /* where the first difference is: operand, flat C index, tile; else -1 */
    int64_t differing_index;
    int64_t differing_tile;
} tw_report_totals;

TW_API void tw_report_get_totals(const tw_report *report, tw_report_totals *totals);
TW_API tw_status tw_report_get_tile(const tw_report *report, uint64_t tile, tw_tile_record *record, tw_error *error);

/* "pid 18234 did y[333:666], x[1000:2000] -> r[333:666,1000:2000] (333 x 1000) in 0.8 ms", without a line end.
 * Returns the length as snprintf does. */
TW_API int tw_report_line(const tw_report *report, uint64_t tile, char *text, size_t size);

/* The whole report as JSON. `file` stays open. Errors: TW_ERROR_FILE, TW_ERROR_MEMORY. */
TW_API tw_status tw_report_write_json(const tw_report *report, FILE *file, tw_error *error);
TW_API void tw_report_destroy(tw_report *report);

/* ---- 10 journals ----------------------------------------------------------------------------------------------- */

/* A journal is a file beside the outputs of a run: which tiles are done, with a checksum (XXH3, 64 bits) of the
 * elements of each, and a fingerprint of the job. During a run a thread of its own syncs the outputs, then writes and
 * syncs the records of the tiles that were done before the sync: a tile that is recorded is on the disk. So the program
 * may be killed, or the machine lose its power, at any moment; the same job resumes from there:
 *
 *     tw_journal_forget("r.npy.journal", ...);            not if one was found and is resumed
 *     tw_array_create_file(&r, ...);                      or tw_array_reopen_file where one was found
 *     tw_journal_create(&journal, "r.npy.journal", ...);  or tw_journal_open
 *     options.journal = journal;
 *     status = tw_run(pool, kernel, grid, operands, &options, &report, &error);
 *     if (status == TW_OK && tw_array_commit(r, &error) == TW_OK) tw_journal_remove(journal);
 *     else { tw_journal_close(journal); tw_array_keep(r); }
 *
 * Every output of the job must be an array of tw_array_create_file or tw_array_reopen_file. The fingerprint is made of
 * the kernel (its shared object's bytes, or those of the program whose function it is, symbol and context), signature,
 * lengths, cuts, the operands' dtypes and shapes, of input files their size and time of change, of other inputs their
 * contents, and the library's version. */

/* Begins a journal, replacing what PATH had. */
TW_API tw_status tw_journal_create(tw_journal **journal, const char *path, const tw_kernel *kernel, const tw_grid *grid,
                                   tw_array *const *operands, tw_error *error);

/* Opens the journal that an interrupted run left, to resume it. Errors: TW_ERROR_JOURNAL (there is none, it is of
 * another job: the sentence says what differs), TW_ERROR_FILE, TW_ERROR_FORMAT (damaged), TW_ERROR_MEMORY. */
TW_API tw_status tw_journal_open(tw_journal **journal, const char *path, const tw_kernel *kernel, const tw_grid *grid,
                                 tw_array *const *operands, tw_error *error);

/* What a journal file has, whatever its job: the number of tiles recorded, and of all. Errors: as tw_journal_open;
 * TW_ERROR_JOURNAL where there is no such file. */
TW_API tw_status tw_journal_look(uint64_t *done, uint64_t *tiles, const char *path, tw_error *error);

/* Throws an earlier run's journal away, whatever is in it; there may be none. To be done before that run's files are
 * given away to tw_array_create_file: what is left when the machine goes down in between is then a job that was never
 * begun, and no journal beside files that are not its own. Errors: TW_ERROR_FILE, also where a run has it. */
TW_API tw_status tw_journal_forget(const char *path, tw_error *error);

TW_API uint64_t tw_journal_done(const tw_journal *journal); /* tiles that need not be run */
TW_API int tw_journal_has(const tw_journal *journal, uint64_t tile);

/* Reads every recorded tile again; those whose elements do not have their checksum any more are dropped from the
 * journal, to be run again, and counted in *dropped. Errors: TW_ERROR_FILE; TW_ERROR_JOURNAL (such a tile is in outputs
 * that were finished: a run was ended between their names and the end of its journal). */
TW_API tw_status tw_journal_verify(tw_journal *journal, uint64_t *dropped, tw_error *error);

/* For an inout operand: gives all tiles that the journal does not have the values that `source` has there, since the
 * run that was interrupted may have left others. Errors: TW_ERROR_ARGUMENT (shape, dtype). */
TW_API tw_status tw_journal_restore(tw_journal *journal, int operand, const tw_array *source, tw_error *error);

/* Records what is not recorded yet (syncing the outputs first, so it comes before their end) and closes the file.
 * NULL: nothing. tw_journal_remove removes the file instead: its tiles are in files that have their final names, or are
 * not wanted any more. */
TW_API tw_status tw_journal_close(tw_journal *journal, tw_error *error);
TW_API void tw_journal_remove(tw_journal *journal);

/* ---- 12 the machine ------------------------------------------------------------------------------------------- */

typedef struct tw_machine {
    int cpus_online;
    int cpus_affinity;        /* CPUs this thread may run on */
    double cpus_quota;        /* smallest CPU quota of all cgroup ancestors, in CPUs; 0: none */
    int workers;              /* default number of workers: what the above allow, at least 1 */
    char workers_reason[160]; /* in words */
    int64_t memory_total;     /* bytes */
    int64_t memory_available; /* bytes, the least of MemAvailable and every cgroup ancestor's room */
    char memory_reason[160];  /* what limits it */
    int64_t page_size;        /* bytes */
    int64_t huge_page_size;   /* bytes, 0: none */
    char huge_private[32];    /* setting of transparent huge pages: "always", "madvise", "never", "" unknown */
    char huge_shared[32];     /* the same for shared memory */
    int populate;             /* MADV_POPULATE_WRITE is there (Linux 5.14) */
    int64_t heap_bytes;       /* address space that a process pool gets for shared arrays */
    char heap_reason[160];    /* in words, where it had to be smaller than wished */
    char cpu[96];             /* model name */
    char system[96];          /* kernel and release */
} tw_machine;

/* Describes the machine. Never fails: what cannot be found is 0 or "". Any thread. */
TW_API void tw_machine_describe(tw_machine *machine);

/* The compiler and cache folder that tw_kernel_from_source would use, as text: path[path_size],
 * version[version_size] (first line of --version), cache[cache_size] ("": none that lasts). Errors: TW_ERROR_COMPILE
 * (no compiler). */
TW_API tw_status tw_compiler_describe(char *path, size_t path_size, char *version, size_t version_size, char *cache,
                                      size_t cache_size, tw_error *error);

#ifdef __cplusplus
}
#endif

#include <tilework/statement.h> /* stage 11 */

#endif
